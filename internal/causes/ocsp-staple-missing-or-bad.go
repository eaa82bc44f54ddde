package causes

import (
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "ocsp-staple-missing-or-bad", rank: rankStaple, match: func(v *view) *match {
	s, ok := v.leafSubject()
	asked := v.asked()
	if !ok || len(asked) == 0 || v.wantsStaple() && !v.settled() {
		return nil
	}
	needed := v.wantsStaple()
	m := &match{severity: diag.SeverityWarning, confidence: diag.Proven}
	if v.c.Want.RequireStaple || s.cert.MustStaple && v.enforcesMustStaple() {
		m.severity = diag.SeverityFailure
	}
	var bad *statement
	have := map[string]bool{}
	for _, st := range v.staples() {
		if st.element != 0 {
			continue
		}
		have[st.where] = true
		switch {
		case st.answers() || st.revokes() || st.Flaw == chain.FlawUnchecked:
			if len(have) == len(asked) || !needed {
				return nil // good, or another cause
			}
		case bad == nil:
			bad = &st
		}
	}
	switch {
	case bad != nil:
		m.summary = "the stapled OCSP response cannot be used: " + bad.trouble()
		m.see(bad.where, "the stapled response: %s", bad.trouble())
		m.judged(flawFamilies[bad.Flaw])
	case !needed:
		return nil
	case len(have) > 0:
		m.severity, m.summary = diag.SeverityWarning, "the server staples an OCSP response only now and then"
		m.see(attempts(asked...), "%d of %d connections got one", len(have), len(asked))
		m.judged("must-staple")
	default:
		m.summary = "the server staples no OCSP response"
		if s.cert.MustStaple {
			m.summary = "the certificate demands a stapled OCSP response (must-staple), and the server sends none"
		}
		m.see(attempts(asked...), "asked for a response (status_request), got none in %s", count(len(asked), "connection"))
		m.judged("must-staple")
		if !s.cert.MustStaple {
			m.affects, m.unaffected = []string{"clients that want a staple for every certificate: curl --cert-status"}, nil
		}
	}
	if s.cert.MustStaple {
		m.see(v.where(0), "the leaf carries the TLS feature status_request (must-staple, RFC 7633)")
	}
	if needed && len(s.cert.OCSPURLs) == 0 {
		m.see(v.where(0), "the certificate names no OCSP responder, so the server has nobody to ask for a response")
	}
	m.params = func(p *FixParams) {
		p.revocation(&statement{subject: s})
		p.MustStaple = s.cert.MustStaple
	}
	switch {
	case !s.cert.MustStaple:
		m.fixes = []FixRef{{"server", "staple-ocsp"}, {"server", "check-server-log"}}
	case len(s.cert.OCSPURLs) == 0:
		m.fixes = []FixRef{{"server", "drop-must-staple"}}
	}
	return m
}, wants: func(v *view) []facts.Experiment {
	if v.analysis == nil || len(v.addrs) == 0 || v.base == nil || v.base.Of.Kind != facts.Handshake {
		return nil
	}
	e := facts.Experiment{Address: v.addrs[0], Changes: v.deep.Of.Changes}
	if len(v.base.Chain) > 0 {
		e.Changes = facts.Changes{}
	}
	e.Changes.Shape = strings.TrimPrefix(e.Changes.Shape+",staple", ",")
	leaf := v.leaf()
	switch asked := v.asked(); {
	case v.wantsStaple():
		if len(asked) > 0 { // servers such as nginx fetch the response after the first connection
			e.What = facts.Later
		}
		if v.settled() || len(v.repeated(e)) > 0 {
			return nil
		}
		return []facts.Experiment{e}
	case len(asked) == 0 && leaf != nil && len(leaf.OCSPURLs) > 0 && !v.analysis.Valid && len(v.repeated(e)) == 0:
		return []facts.Experiment{e} // a healthy server is asked with a browser's hello anyway
	}
	return nil
}})

// flawFamilies maps what is wrong with a staple to how clients were measured.
var flawFamilies = map[chain.Flaw]string{chain.FlawStale: "staple-stale", chain.FlawFuture: "staple-future", chain.FlawOther: "staple-other",
	chain.FlawSignature: "staple-signature", chain.FlawSigner: "staple-signer", chain.FlawError: "staple-error", chain.FlawUnreadable: "staple-garbage",
	chain.FlawCritical: "staple-signature", "": "staple-unknown"}

// leafSubject is the leaf; false when there is none or it is an anchor itself.
func (v *view) leafSubject() (subject, bool) {
	if ss := v.subjects(); len(ss) > 0 {
		return ss[0], true
	}
	return subject{}, false
}

// wantsStaple tells whether somebody insists on a staple.
func (v *view) wantsStaple() bool {
	l := v.leaf()
	return l != nil && (v.c.Want.RequireStaple || l.MustStaple)
}

// settled tells whether a staple came, or that none came is no accident: it was
// asked for again some time after the first connections.
func (v *view) settled() bool {
	asked := v.asked()
	return v.c.Spent && len(asked) > 0 || slices.ContainsFunc(asked, func(a *facts.Attempt) bool { return a.Staple != nil || a.Of.What == facts.Later })
}

// repeated are the attempts at an experiment.
func (v *view) repeated(e facts.Experiment) []*facts.Attempt {
	var out []*facts.Attempt
	for _, a := range v.tries {
		if a.Of == e {
			out = append(out, a)
		}
	}
	return out
}

// enforcesMustStaple tells whether the wanted client refuses a certificate with
// must-staple that comes without a response: the reference client and Firefox.
func (v *view) enforcesMustStaple() bool {
	c := &v.c.Want.Client
	return c.Reference || strings.HasPrefix(c.Name, "Firefox") || strings.HasPrefix(c.Name, "GnuTLS")
}
