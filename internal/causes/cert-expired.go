package causes

import (
	"fmt"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "cert-expired", rank: rankDates, match: func(v *view) *match {
	ps := v.problems(chain.KindExpired)
	if len(ps) == 0 {
		return nil
	}
	p := ps[0]
	m := &match{confidence: diag.Proven, summary: fmt.Sprintf("%s expired %s ago", v.element(p.Element), ago(v.c.At.Sub(p.Cert.NotAfter)))}
	for _, q := range ps {
		m.see(v.where(q.Element), "%s was valid %s to %s", v.element(q.Element), day(q.Cert.NotBefore), day(q.Cert.NotAfter))
	}
	if len(v.addrs) > 1 {
		m.see(attempts(v.base), "all %d addresses serve it", len(v.addrs))
	}
	due := renewalDue(p.Cert)
	if p.Element == 0 && acme(p.Cert) {
		m.see("dates", "a certificate of %d days is due for renewal from %s on: auto-renewal has failed for %s",
			int(p.Cert.Lifetime().Hours()/24), due.Format("2006-01-02"), ago(v.c.At.Sub(due)))
	}
	if p.Element > 0 {
		m.fixes = []FixRef{{"server", "replace-intermediate"}, {"server", "reload"}}
		if path := v.path(); p.Element < len(path.Elements) && path.Elements[p.Element].Source == chain.SourceAnchor {
			m.fixes = []FixRef{{"client", "add-ca-to-client"}, {"server", "trusted-certificate"}}
		}
	}
	m.affects = []string{"every client that checks certificates"}
	m.params = func(fp *FixParams) {
		fp.certificate(p.Cert)
		if p.Element > 0 {
			fp.expiredIntermediate(p.Cert, v.path().Elements[p.Element-1].Cert)
		}
		fp.DueSince = due
		fp.ACME = acme(p.Cert)
	}
	return m
}})

// expiredIntermediate says which certificate to replace, and where the one below
// it says that it can be had.
func (p *FixParams) expiredIntermediate(c, below *chain.Certificate) {
	p.MissingSubject = c.Subject.String()
	if len(below.IssuerURLs) > 0 {
		p.MissingURL = below.IssuerURLs[0]
	}
}

// renewalDue is when an ACME client renews: with a third of the lifetime left.
func renewalDue(c *chain.Certificate) time.Time { return c.NotAfter.Add(-c.Lifetime() / 3) }

// acme tells whether certificates of this issuer are usually renewed by ACME:
// a heuristic on names and on the lifetime, used for wording only.
func acme(c *chain.Certificate) bool {
	org := strings.ToLower(c.Issuer.O())
	for _, name := range []string{"let's encrypt", "zerossl", "google trust services", "buypass", "internet security research group"} {
		if strings.Contains(org, name) {
			return true
		}
	}
	return false
}
