package monitor

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// Window is when a CA wants a certificate to be renewed (ACME Renewal
// Information, RFC 9773).
type Window struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Explanation is a page of the CA that says why, "" for the usual reason.
	Explanation string `json:"explanation,omitempty"`
}

// Renewal is what was known of the window of one leaf: at first, and now.
type Renewal struct {
	Leaf  string `json:"leaf"` // fingerprint
	First Window `json:"first"`
	Now   Window `json:"now"`
}

// Waits after a window, before somebody hears of it.
const (
	// lateShare is the share of the lifetime that a client may be late.
	lateShare = 20
	// urgent is how long after an early window's end the CA may act on it: public
	// CAs revoke within a day, or five (Baseline Requirements, Section 4.9.1.1).
	urgent = day
)

// window takes what the CA says of a leaf into the state.
func (a *applied) window(st *State, o *Outcome) {
	leaf := o.Seen.Leaf()
	if leaf == nil {
		return
	}
	w, known := a.Windows[leaf.Fingerprint]
	switch {
	case st.Renewal != nil && st.Renewal.Leaf != leaf.Fingerprint:
		st.Renewal = nil
		if !known {
			return
		}
		fallthrough
	case known && st.Renewal == nil:
		st.Renewal = &Renewal{Leaf: leaf.Fingerprint, First: w, Now: w}
	case known && st.Renewal.Now != w:
		st.Renewal = &Renewal{Leaf: leaf.Fingerprint, First: st.Renewal.First, Now: w}
		a.event(EventDrift, o.Address, "", fmt.Sprintf("the CA now wants the renewal between %s and %s", w.From.Format(time.RFC3339), w.Until.Format(time.RFC3339)))
	}
}

// moved tells whether the window lies earlier than the CA would put it for a
// certificate that is in order: its own first one, or the middle of the
// lifetime, before which no CA is known to ask.
func (r *Renewal) moved(leaf *Element) bool {
	slack := leaf.Lifetime() / lateShare
	return r.Now.Until.Before(r.First.From.Add(-slack)) || r.Now.Until.Before(leaf.NotBefore.Add(leaf.Lifetime()*2/5))
}

// overdue judges a leaf by its window: a warning when it has passed and the
// client is late, and at once when it was moved early, which is how a CA
// announces that it will revoke.
func overdue(now time.Time, e *Endpoint, o *Outcome, r *Renewal) *Finding {
	leaf := o.Seen.Leaf()
	if leaf == nil || r == nil || r.Leaf != leaf.Fingerprint || leaf.Lifetime() <= 0 {
		return nil
	}
	if slices.ContainsFunc(o.Findings, func(f Finding) bool { return f.Cause == "cert-expired" }) {
		return nil
	}
	w := r.Now
	f := Finding{Key: KeyExpiry, Cause: "renewal-overdue", Severity: Warning, Stage: diag.StageCertificate, Certificate: leaf.Fingerprint, Verify: "tlswhy " + e.Target,
		Evidence: []diag.Evidence{{Text: fmt.Sprintf("the CA suggests a renewal between %s and %s", w.From.Format(time.RFC3339), w.Until.Format(time.RFC3339)), Where: "renewal information of the CA (RFC 9773)"}},
		Fixes: []diag.Fix{{Side: "server", Action: "renew-certificate",
			Text: "Renew the certificate now, install it and reload the service. Then see why the ACME client did not: its timer, its log, its account."}}}
	if w.Explanation != "" {
		f.Evidence = append(f.Evidence, diag.Evidence{Text: "the CA explains: " + w.Explanation, Where: "renewal information of the CA (RFC 9773)"})
	}
	switch {
	case r.moved(leaf):
		f.Summary = "the CA asks for an early renewal, by " + w.Until.Format("2006-01-02 15:04 UTC") + ": it is likely to revoke the certificate"
		if !now.Before(w.Until.Add(urgent)) {
			f.Severity = Critical
		}
	case now.After(w.Until.Add(leaf.Lifetime() / lateShare)):
		f.Summary = fmt.Sprintf("the renewal is overdue: the CA's window ended %s ago, and the certificate expires in %s", Span(now.Sub(w.Until)), Span(leaf.NotAfter.Sub(now)))
	default:
		return nil
	}
	return &f
}
