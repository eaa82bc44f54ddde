package causes

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// clockSlack is the difference that clocks may have without being called wrong.
const clockSlack = 2 * time.Minute

var _ = register(rule{id: "clock-skew", rank: rankDates, match: func(v *view) *match {
	ps := v.problems(chain.KindExpired, chain.KindNotYetValid)
	if len(ps) == 0 || v.c.AtGiven {
		return nil
	}
	t, ok := v.serverTime(v.deep)
	// A server that lives in a time before this program was made has itself a
	// wrong clock; if we do, it is ours.
	if ok && !v.c.Built.IsZero() && t.at.Before(v.c.Built) {
		ok = false
	}
	ours := v.c.At
	behind := !v.c.Built.IsZero() && ours.Before(v.c.Built)
	if !ok && !behind {
		return nil
	}
	m := &match{confidence: diag.Likely, stage: diag.StageCertificate, hides: []string{"cert-expired", "cert-not-yet-valid"}}
	m.affects = []string{"every program on this machine that checks certificates"}
	if behind {
		m.confidence = diag.Strong
		m.see("clock", "this machine's clock says %s, but this program knows roots of %s", day(ours), day(v.c.Built))
		m.summary = "this machine's clock is far behind"
	}
	if !ok {
		for _, p := range ps {
			if v.c.Built.Before(p.Cert.NotBefore) || v.c.Built.After(p.Cert.NotAfter) {
				return nil
			}
		}
		return m.see(v.where(ps[0].Element), "%s is valid from %s to %s", v.element(ps[0].Element), day(ps[0].Cert.NotBefore), day(ps[0].Cert.NotAfter))
	}
	for _, p := range ps {
		if t.at.Before(p.Cert.NotBefore) || t.at.After(p.Cert.NotAfter) {
			return nil
		}
	}
	off := t.at.Sub(t.ours)
	if off.Abs() < clockSlack {
		return nil
	}
	m.summary = fmt.Sprintf("this machine's clock is %s behind", ago(off))
	if off < 0 {
		m.summary = fmt.Sprintf("this machine's clock is %s ahead", ago(off))
	}
	m.see(attempts(v.deep)+", Date", "the server says that it is %s, this machine %s", day(t.at), day(t.ours))
	for _, p := range ps {
		m.see(v.where(p.Element), "%s is valid from %s to %s: by the server's clock, not by ours", v.element(p.Element), day(p.Cert.NotBefore), day(p.Cert.NotAfter))
	}
	if text := v.witness(t); text != "" {
		m.confidence = diag.Strong
		m.see(attempts(v.deep), "%s", text)
	}
	if m.confidence == diag.Likely {
		m.not = []string{"the server's clock is the wrong one, and the dates of its certificate are the fault"}
	}
	return m
}})

// moment is the time that a server gave, and this machine's at that instant.
type moment struct {
	at, ours time.Time
	host     string
}

// serverTime reads the Date field of an answer (RFC 9110, Section 6.6.1).
func (v *view) serverTime(a *facts.Attempt) (moment, bool) {
	if a == nil || a.HTTP == nil {
		return moment{}, false
	}
	at, err := http.ParseTime(a.HTTP.Header.Get("Date"))
	if err != nil {
		return moment{}, false
	}
	t := moment{at: at.UTC(), ours: v.c.At}
	if !a.Started.IsZero() {
		t.ours = a.Started.Add(a.Connect + a.End.After).UTC()
	}
	if ap, err := netip.ParseAddrPort(a.Address); err == nil {
		t.host = ap.Addr().String()
	}
	return t, true
}

// witness looks for a second clock that agrees with the server's: another
// address's, or the CA's in a stapled OCSP response.
func (v *view) witness(t moment) string {
	if from, until, ok := stapleTimes(v.deep); ok && !t.at.Before(from) && (until.IsZero() || !t.at.After(until)) &&
		(t.ours.Before(from) || !until.IsZero() && t.ours.After(until)) {
		return fmt.Sprintf("the CA agrees: the stapled OCSP response holds from %s to %s", day(from), day(until))
	}
	for _, a := range v.c.Attempts {
		other, ok := v.serverTime(a)
		if ok && other.host != t.host && other.at.Sub(other.ours).Abs() > clockSlack && (other.at.Sub(other.ours)-t.at.Sub(t.ours)).Abs() < clockSlack {
			return fmt.Sprintf("%s agrees with the server: it says %s", a.Address, day(other.at))
		}
	}
	return ""
}
