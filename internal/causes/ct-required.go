package causes

import (
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/ct"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// ctSince is from when on Chrome demands SCTs of every public certificate.
var ctSince = time.Date(2018, time.May, 1, 0, 0, 0, 0, time.UTC)

var _ = register(rule{id: "ct-required", rank: rankStrength, match: func(v *view) *match {
	r, untold := v.transparency()
	if r == nil || r.Enough || untold != "" || !v.askedForSCTs() {
		return nil
	}
	c := v.leaf()
	m := &match{severity: diag.SeverityWarning, confidence: diag.Proven}
	m.params = func(fp *FixParams) { fp.certificate(c) }
	if v.c.Want.Client.Rules.CT {
		m.severity = diag.SeverityFailure
	}
	m.affects = []string{"Chrome and Edge", "Safari and apps on Apple devices", "Firefox from 135 on, on desktops", "Android apps that demand it (from 16 on), all that are made for 17"}
	m.summary = fmt.Sprintf("the certificate has %d of the %d timestamps of CT logs that browsers want", r.Have, r.Need)
	switch {
	case len(r.Found) == 0:
		m.summary = "the certificate comes without any timestamp of a Certificate Transparency log"
		m.see(v.where(0), "no SCT in the certificate, in the handshake or in an OCSP staple")
	case r.Have >= r.Need && r.HaveOperators < r.Operators:
		m.summary = "all timestamps of the certificate are of logs of one operator, browsers want two"
	case r.Have >= r.Need:
		m.summary = "all CT logs that signed the certificate are retired"
	}
	for _, f := range r.Found {
		m.see(string(f.Source), "%s", sctText(f))
	}
	top, root := v.root()
	m.see(v.where(len(v.path().Elements)-1), "%s is publicly trusted (%s), so that CT is demanded", top.Title(), join(root.Programs))
	return m.see("logs known on "+v.c.Want.Demand.Logs.Date.Format(time.DateOnly), "%d days of validity need %d logs of %d operators", validityDays(c), r.Need, r.Operators)
}, wants: func(v *view) []facts.Experiment {
	if r, untold := v.transparency(); r == nil || r.Enough || untold != "" || v.askedForSCTs() {
		return nil
	}
	return []facts.Experiment{{Address: v.addrs[0], Changes: facts.Changes{Shape: "browser"}}}
}})

// sctText says what came of one SCT.
func sctText(f ct.Found) string {
	if f.SCT == nil {
		return "an SCT that does not count: " + f.Problem
	}
	name := fmt.Sprintf("of an unknown log (id %x...)", f.SCT.LogID[:6])
	if f.Log != nil {
		name = fmt.Sprintf("of %s (%s)", f.Log.Name, f.Log.Operator)
	}
	text := fmt.Sprintf("SCT %s, %s", name, day(f.SCT.Time))
	if f.Problem != "" {
		return text + ": does not count, " + f.Problem
	}
	return text + ": counts"
}

// askedForSCTs tells whether the handshake could have carried SCTs: some hello
// that was answered with this certificate asked for them.
func (v *view) askedForSCTs() bool {
	for _, a := range v.served() {
		if offered(a).SCT() {
			return true
		}
	}
	return false
}

// transparency checks the SCTs of a publicly trusted leaf. The result is nil
// where CT is not demanded; untold says why no verdict is possible.
func (v *view) transparency() (result *ct.Result, untold string) {
	c, logs := v.leaf(), v.c.Want.Demand.Logs
	top, root := v.root()
	if c == nil || top == nil || logs == nil || len(root.Programs) == 0 || len(v.path().Elements) < 2 || c.NotBefore.Before(ctSince) || v.c.At.After(c.NotAfter) {
		return nil, ""
	}
	switch {
	case v.c.At.Sub(logs.Date) > ct.Fresh:
		return &ct.Result{}, fmt.Sprintf("the list of logs is of %s; browsers stop to demand SCTs when theirs is older than 70 days", logs.Date.Format(time.DateOnly))
	case c.NotAfter.Before(logs.Date):
		return &ct.Result{}, fmt.Sprintf("the logs for certificates that ended before %s are not in the list", logs.Date.Format(time.DateOnly))
	}
	in := ct.Input{DER: c.DER, TBS: c.TBS, IssuerKey: v.path().Elements[1].Cert.SPKISHA256, Lifetime: c.NotAfter.Sub(c.NotBefore), Now: v.c.At, Embedded: c.SCTs}
	for _, a := range v.served() {
		if in.TLS == nil {
			in.TLS = handshakeSCTs(a)
		}
		if in.Staple == nil {
			in.Staple = a.Staple
		}
	}
	r := ct.Check(logs, in)
	for _, f := range r.Found {
		if !r.Enough && f.SCT != nil && f.Log == nil && f.SCT.Time.After(logs.Date) {
			return &r, fmt.Sprintf("an SCT is of a log that is not in the list of %s and may be newer", logs.Date.Format(time.DateOnly))
		}
	}
	return &r, ""
}

// SentSCTs counts those that the server sent beside its certificate.
func SentSCTs(a *facts.Attempt) int { return len(handshakeSCTs(a)) }

// handshakeSCTs are those of the extension signed_certificate_timestamp.
func handshakeSCTs(a *facts.Attempt) [][]byte {
	if a.Certificate != nil && len(a.Certificate.Entries) > 0 {
		if scts := a.Certificate.Entries[0].SCTs(); len(scts) > 0 {
			return scts
		}
	}
	if a.ServerHello != nil {
		for _, e := range a.ServerHello.Extensions {
			if e.Type == tlswire.ExtSCT {
				return tlswire.ParseSCTList(e.Data)
			}
		}
	}
	return nil
}
