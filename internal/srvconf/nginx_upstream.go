package srvconf

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// upstreams finds what keeps nginx from starting where it is itself a client of
// TLS (proxy_ssl_* and its kin). It is judged only where something is passed on
// by TLS, as nginx does.
func (n *nginxReader) upstreams(sc *scope) {
	for _, x := range sc.nodes {
		if x.isBlock {
			n.upstreams(&scope{nodes: x.block, outer: sc})
			continue
		}
		module, isPass := strings.CutSuffix(x.arg(0), "_pass")
		if isPass && (module == "proxy" && strings.HasPrefix(x.arg(1), "https://") || module == "grpc" && strings.HasPrefix(x.arg(1), "grpcs://")) {
			n.upstream(module, x, sc)
		}
	}
}

func (n *nginxReader) upstream(module string, pass *node, sc *scope) {
	trusted, known := sc.one(module + "_ssl_trusted_certificate")
	if verify, ok := sc.one(module + "_ssl_verify"); ok && verify.Value == "on" && !known {
		n.fault(facts.Fault{At: verify.Place, Stops: true, Text: fmt.Sprintf("%s_ssl_verify is on, but no %s_ssl_trusted_certificate says which CAs are trusted for %s: nginx does not start", module, module, pass.arg(1))})
	}
	if known && !strings.Contains(trusted.Value, "$") {
		own := &facts.Site{}
		trusted.Value = absolute(n.prefix, trusted.Value)
		n.authorities(own, trusted)
		for _, f := range own.Faults {
			f.Text = strings.Replace(f.Text, "the file of client CAs", "the file of CAs for "+pass.arg(1), 1)
			n.fault(f)
		}
	}
}
