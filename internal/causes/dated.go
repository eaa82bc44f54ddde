package causes

import (
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

const oneDay = 24 * time.Hour

// root is the trusted end of the judged path and what the root programs say of
// it; nil when the path has no trusted end.
func (v *view) root() (*chain.Certificate, facts.Root) {
	p := v.path()
	if p == nil || !p.Complete {
		return nil, facts.Root{}
	}
	top := p.Elements[len(p.Elements)-1].Cert
	return top, v.c.Want.Demand.Roots[top.SHA256]
}

// served are the attempts at this address that were shown the judged leaf.
func (v *view) served() []*facts.Attempt {
	var out []*facts.Attempt
	for _, a := range v.tries {
		if len(a.Chain) > 0 && v.leaf() != nil && a.Chain[0].SHA256 == v.leaf().SHA256 {
			out = append(out, a)
		}
	}
	return out
}

// validityDays is a certificate's validity in days, as browsers count: notAfter
// minus notBefore, and a day that is begun is a day.
func validityDays(c *chain.Certificate) int {
	return int((c.NotAfter.Sub(c.NotBefore) + oneDay - 1) / oneDay)
}

// stapleTimes reads from when and until when a stapled OCSP response holds.
func stapleTimes(a *facts.Attempt) (from, until time.Time, ok bool) {
	if len(a.Staple) == 0 {
		return from, until, false
	}
	r, err := ocsp.ParseResponse(a.Staple, nil)
	if err != nil || r.ThisUpdate.IsZero() {
		return from, until, false
	}
	return r.ThisUpdate, r.NextUpdate, true
}
