package monitor

import (
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// ahead tells of dated rules that the renewal of a leaf will meet: once, as an
// event, when the leaf is new; as a warning for a file whose renewal will not do
// what it is for, from a quarter of its lifetime before the renewal on.
func (a *applied) ahead(st *State, o *Outcome) *Finding {
	leaf := o.Seen.Leaf()
	if leaf == nil {
		return nil
	}
	fresh := !slices.Contains(st.Known, leaf.Fingerprint)
	var worst *Finding
	for _, x := range leaf.Ahead {
		if fresh {
			a.event(EventPolicy, o.Address, "", "at its renewal: "+x.Text)
		}
		due := renewalDue(leaf)
		if !x.Breaks || a.b.Endpoint.Kind != KindFile && x.Rule == "client-auth" || a.now.Before(due.Add(-leaf.Lifetime()/4)) {
			continue
		}
		worst = &Finding{Key: "policy-ahead", Cause: "policy-ahead", Severity: Warning, Stage: diag.StageCertificate, Certificate: leaf.Fingerprint,
			Summary:  "the renewal of the certificate, due on " + due.Format(time.DateOnly) + ", will not do what it is for: " + x.Text,
			Evidence: []diag.Evidence{{Text: x.Text, Where: "policy of " + x.From.Format(time.DateOnly)}},
			Fixes:    []diag.Fix{{Side: "server", Action: "change-ca", Text: "Get the next one from a CA that issues it: for client certificates a private CA, for a distrusted root another public one."}}}
	}
	return worst
}
