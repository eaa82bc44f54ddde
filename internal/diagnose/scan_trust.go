package diagnose

import (
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/inventory"
)

// opensslMaximum is what OpenSSL reads of a Certificate message
// (SSL_CTX_set_max_cert_list).
const opensslMaximum = 100 << 10

// judgeServed holds the chains of a target to its anchors, as the reference
// client does.
func judgeServed(inv *diag.Inventory, r *inventory.Result, w *facts.Want, now time.Time) {
	inv.Anchors = w.AnchorsFrom
	for i, c := range r.Certificates {
		served := &inv.Certificates[i]
		if c.SNI != "" || len(c.Chain) == 0 || !c.Chain[0].Readable() {
			continue
		}
		if c.Size > opensslMaximum {
			inv.Weak = append(inv.Weak, diag.Weakness{ID: "chain-too-large", Severity: diag.SeverityWarning,
				Text: fmt.Sprintf("certificate %s: its chain has %d kB; OpenSSL and all above it read 100 kB, Java 32 kB", served.Chain[0].Key, c.Size/1000)})
		}
		a := chain.Analyze(chain.Input{Sent: c.Chain, Anchors: w.Anchors, Name: w.Name, Now: now, OwnAnchors: w.AnchorsPrivate, DistrustAfter: w.DistrustAfter})
		served.Trusted = diag.Yes
		if a.Valid {
			continue
		}
		served.Trusted = diag.No
		for _, p := range a.Problems() {
			served.Problems = append(served.Problems, p.Detail)
		}
		text := "it is not trusted"
		if len(served.Problems) > 0 {
			text = served.Problems[0]
		}
		inv.Weak = append(inv.Weak, diag.Weakness{ID: "certificate", Severity: diag.SeverityWarning, Text: fmt.Sprintf("certificate %s: %s", served.Chain[0].Key, text)})
	}
}
