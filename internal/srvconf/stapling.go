package srvconf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// stapling reads ssl_stapling and what nginx needs for it
// (ngx_event_openssl_stapling.c): without the issuer or a responder it staples
// nothing and says so once, when it starts.
func (n *nginxReader) stapling(s *facts.Site, sc *scope) {
	on, ok := sc.one("ssl_stapling")
	if !ok {
		return
	}
	s.Lines[facts.SetStaple] = on
	if on.Value != "on" {
		return
	}
	s.Staples = true
	if file, ok := sc.one("ssl_stapling_file"); ok {
		file.Value = absolute(n.prefix, file.Value)
		if _, err := n.fileOf(file.Value, maxFile); err != nil {
			fileFault(s, file, file.Value, err, "the stapled response")
		}
		return
	}
	var trusted []*chain.Certificate
	known, verifiable := sc.one("ssl_trusted_certificate")
	if verifiable {
		trusted = n.hold(absolute(n.prefix, known.Value)).chain
	}
	responder, _ := sc.one("ssl_stapling_responder")
	asks := stapleable(s, on, responder.Value, "ssl_trusted_certificate", append(trusted, s.Authorities...))
	if verify, ok := sc.one("ssl_stapling_verify"); ok && verify.Value == "on" && !verifiable && asks != "" {
		addFault(s, facts.Fault{At: verify.Place, Remark: true, Text: "ssl_stapling_verify is on without ssl_trusted_certificate: a response that the CA lets another key sign cannot be verified, and is not stapled"})
	}
	if _, ok := sc.one("resolver"); !ok && asks != "" && strings.Trim(asks, "0123456789.:[]") != "" {
		addFault(s, facts.Fault{At: on.Place, Remark: true, Text: fmt.Sprintf("ssl_stapling is on without a resolver: nginx looks up %s only when it starts, and staples nothing if that fails", asks)})
	}
}

// stapleable tells whether OCSP responses can be had for a site's pairs, and
// says at the line that wants them why not. It returns the responder's host.
func stapleable(s *facts.Site, at facts.Line, responder, besides string, known []*chain.Certificate) string {
	host := ""
	for _, p := range s.Pairs {
		if len(p.Chain) == 0 {
			continue
		}
		leaf, url := p.Chain[0], responder
		if url == "" && len(leaf.OCSPURLs) > 0 {
			url = leaf.OCSPURLs[0]
		}
		issuer := slices.ContainsFunc(slices.Concat(p.Chain[1:], known), func(c *chain.Certificate) bool { return c.Subject.Equal(leaf.Issuer) })
		switch {
		case !issuer && !leaf.SelfIssued():
			s.Staples = false
			addFault(s, facts.Fault{At: at.Place, File: p.CertFile, Text: fmt.Sprintf("nothing is stapled for %s: its issuer, %s, is neither in that file nor in %s", p.CertFile, leaf.Issuer.CN(), besides)})
		case url == "":
			s.Staples = false
			addFault(s, facts.Fault{At: at.Place, File: p.CertFile, Remark: true, Text: fmt.Sprintf("nothing is stapled for %s: the certificate names no OCSP responder (many CAs have none any more), and %s can go", p.CertFile, at.Name)})
		default:
			_, rest, _ := strings.Cut(url, "://")
			host, _, _ = strings.Cut(rest, "/")
		}
	}
	return host
}
