package diagnose_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// lists are anchors by the name of a list.
type lists map[string][]*chain.Certificate

func (l lists) Names() []string { return []string{"apple", "openjdk"} }

func (l lists) LoadList(name string) (*truststore.Store, error) {
	return &truststore.Store{Name: name, Date: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), Certs: l[name]}, nil
}

// TestWhoTrusts says of a chain that the user's client does not trust which
// other programs do, each list with its date.
func TestWhoTrusts(t *testing.T) {
	t.Parallel()
	r, foreign := startLab(t, "healthy"), startLab(t, "unknown-ca")
	root, _ := chain.ParsePEM(r.CA)
	d, err := diagnose.Run(t.Context(), "https://"+r.Name, diagnose.Options{Connect: []string{r.Addr}, CAFile: file(t, "other.pem", foreign.CA)},
		diagnose.Env{Sources: []truststore.Source{lists{"apple": root}}})
	if err != nil {
		t.Fatal(err)
	}
	c := d.FirstFailure()
	if c == nil || c.ID != "unknown-ca" && c.ID != "incomplete-chain" {
		t.Fatalf("got %s", describe(d))
	}
	var said string
	for _, e := range c.Evidence {
		if strings.Contains(e.Where, "lists") {
			said = e.Text
		}
	}
	if !strings.HasPrefix(said, "trusted by the list of Apple (2026-05-04), not by that of Mozilla (") || !strings.Contains(said, "OpenJDK (2026-05-04)") {
		t.Errorf("got %q", said)
	}
	if c.ID == "unknown-ca" && (!slices.Contains(c.Unaffected, "Safari and apps on Apple devices") || !slices.Contains(c.Affects, "Java with OpenJDK's list")) {
		t.Errorf("affects %q, not %q", c.Affects, c.Unaffected)
	}
}
