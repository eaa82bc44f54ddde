package test

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var networks = flag.String("networks", "", "what test/netns wrote with -results, for TestScore")

// network is one bed of test/netns.
type network struct {
	Network     string  `json:"network"`
	Want        string  `json:"want"`
	Blames      bool    `json:"blames"` // the path is at fault
	Got         string  `json:"got"`
	Confidence  string  `json:"confidence"`
	Right       bool    `json:"right"`
	Connections int     `json:"connections"`
	Seconds     float64 `json:"seconds"`
}

// readNetworks reads them; there are none where nobody could make any.
func readNetworks(t *testing.T) []network {
	t.Helper()
	if *networks == "" {
		return nil
	}
	data, err := os.ReadFile(*networks)
	if err != nil {
		t.Fatal(err)
	}
	var out []network
	for line := range strings.Lines(string(data)) {
		var n network
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b network) int { return strings.Compare(a.Network, b.Network) })
	return out
}

// networksTable lists network by network what was wanted and said.
func (r *result) networksTable(say func(string, ...any)) {
	if len(r.networks) == 0 {
		return
	}
	right, blame, alarms := 0, 0, 0
	for _, n := range r.networks {
		right += bit(n.Right)
		blame += bit(n.Blames)
		alarms += bit(!n.Blames && !n.Right)
	}
	say("\n## Networks\n\n%d networks in namespaces (test/netns), %d of which must not be blamed: %d right, %d of those blamed or wrong.\n", len(r.networks), len(r.networks)-blame, right, alarms)
	say("| network | wanted | said | confidence | connections | seconds |\n|---|---|---|---|---|---|")
	for _, n := range r.networks {
		mark := ""
		if !n.Right {
			mark = " (wrong)"
		}
		want := n.Want
		if want == "" {
			want = "no failure"
		}
		if rest, ok := strings.CutPrefix(want, " or "); ok {
			want = "no failure or " + rest
		}
		say("| %s | %s | %s%s | %s | %d | %.1f |", cell(n.Network), want, orHealthy(n.Got), mark, n.Confidence, n.Connections, n.Seconds)
	}
}
