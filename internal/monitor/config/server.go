package config

import (
	"net/netip"
)

// Server is how the monitor itself is reached.
type Server struct {
	// Proxies may say who asks: X-Forwarded-For and -Proto.
	Proxies []netip.Prefix
	// Cert and Key are files of its own certificate; "" is plain HTTP.
	Cert, Key string
}

// serverFile is its shape.
type serverFile struct {
	At             place    `yaml:"-"`
	TrustedProxies []string `yaml:"trusted_proxies"`
	CertFile       string   `yaml:"cert_file"`
	KeyFile        string   `yaml:"key_file"`
}

func (r *reader) server(x *serverFile) {
	r.c.Server.Cert, r.c.Server.Key = r.path(x.CertFile), r.path(x.KeyFile)
	if (x.CertFile == "") != (x.KeyFile == "") {
		r.problem(x.At.node, "cert_file and key_file belong together")
	}
	r.c.Server.Proxies = r.networks(x.At, "trusted_proxies", x.TrustedProxies)
}

// networks reads addresses and networks.
func (r *reader) networks(at place, what string, words []string) (out []netip.Prefix) {
	for _, w := range words {
		p, err := netip.ParsePrefix(w)
		if a, bad := netip.ParseAddr(w); bad == nil {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil {
			r.problem(at.node, "%s: %q is neither an address nor a network such as 10.0.0.0/8", what, w)
			continue
		}
		out = append(out, p.Masked())
	}
	return out
}
