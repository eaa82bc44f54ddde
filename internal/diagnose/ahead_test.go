package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

func TestAhead(t *testing.T) {
	t.Parallel()
	public := facts.Root{Programs: []string{"Mozilla"}}
	both := []string{chain.EKUServerAuth, chain.EKUClientAuth}
	for _, c := range []struct {
		name   string
		from   time.Time
		days   int
		eku    []string
		root   facts.Root
		want   string // rules
		breaks bool
	}{
		{"199 days, renewed after the cap", date(2026, 12, 1), 199, nil, public, "lifetime", false},
		{"199 days, renewed before the cap", date(2026, 8, 1), 199, nil, public, "", false},
		{"90 days", date(2026, 12, 20), 90, nil, public, "", false},
		{"398 days from before the first cap", date(2026, 3, 1), 398, nil, public, "lifetime", false},
		{"already under the cap", date(2027, 4, 1), 199, nil, public, "", false}, // too long itself, which is another finding
		{"private CA", date(2026, 11, 1), 800, both, facts.Root{}, "", false},
		{"clientAuth beside serverAuth", date(2027, 2, 1), 90, both, public, "client-auth", false},
		{"clientAuth alone", date(2027, 2, 1), 90, []string{chain.EKUClientAuth}, public, "client-auth", true},
		{"clientAuth, renewed in time", date(2026, 11, 1), 90, both, public, "", false},
		{"distrusted from a day on", date(2026, 11, 1), 90, nil, facts.Root{Programs: []string{"Mozilla"}, Distrust: []facts.Distrust{{Program: "Chrome", After: date(2026, 12, 1)}}}, "distrust", true},
		{"distrusted long ago", date(2026, 11, 1), 90, nil, facts.Root{Programs: []string{"Mozilla"}, Distrust: []facts.Distrust{{Program: "Chrome", After: date(2025, 12, 1)}}}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var rules []string
			breaks := false
			for _, a := range ahead(&chain.Certificate{NotBefore: c.from, NotAfter: c.from.AddDate(0, 0, c.days), ExtKeyUsage: c.eku}, c.root) {
				rules = append(rules, a.Rule)
				breaks = breaks || a.Breaks
			}
			if got := strings.Join(rules, " "); got != c.want || breaks != c.breaks {
				t.Errorf("got %q, breaks %v; want %q, %v", got, breaks, c.want, c.breaks)
			}
		})
	}
}
