package causes_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestRefusals: a hello that got no answer in time was not refused, and the
// evidence does not say so.
func TestRefusals(t *testing.T) {
	t.Parallel()
	alert := facts.End{Kind: facts.EndAlert, Stage: diag.StageClientHello, By: tlswire.SideServer,
		Alert: tlswire.Alert{Level: tlswire.LevelFatal, Description: tlswire.AlertHandshakeFailure}}
	silence := facts.End{Kind: facts.EndTimeout, Stage: diag.StageClientHello}
	for _, c := range []struct {
		name   string
		second facts.End // of the second connection
		says   string
	}{
		{"all refused", alert, "every hello, the widest included, ends with"},
		{"one without an answer", silence, " hellos end with"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			found, _ := solveWith(t, client.Options{}, func(es []facts.Experiment, hs []*tlswire.ClientHello) []*facts.Attempt {
				out := make([]*facts.Attempt, len(es))
				for i, e := range es {
					out[i] = &facts.Attempt{Of: e, Address: e.Address, Sent: hs[i], End: alert, Alone: len(es) == 1}
					if n++; n == 2 {
						out[i].End = c.second
					}
				}
				return out
			})
			i := slices.IndexFunc(found, func(f diag.Cause) bool { return f.ID == "server-no-certificate" })
			if i < 0 {
				t.Fatalf("found %v", failures(found))
			}
			if !strings.Contains(found[i].Evidence[0].Text, c.says) {
				t.Errorf("evidence %q, want %q in it", found[i].Evidence[0].Text, c.says)
			}
		})
	}
}
