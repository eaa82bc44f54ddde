package test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/internal/lab"
	"github.com/tlswhy/tlswhy/test/server"
)

var score = flag.Bool("score", false, "run TestScore, which writes docs/accuracy.md")

// What the score must reach, in percent. Times are shown and not held: they
// are the machine's as well.
const (
	minFirst = 98
	minMacro = 97
	minFixes = 95
)

// TestScore runs all scenarios of this folder and of the lab, the fixes, and
// other programs on some of the same servers, and writes docs/accuracy.md. A
// wrong diagnosis is counted and listed; the test fails below the floors.
func TestScore(t *testing.T) {
	if !*score {
		t.Skip("make score")
	}
	w := newWorld(t)
	r := &result{real: board{counts: true}, lab: board{counts: true}, networks: readNetworks(t)}
	runServers(t, allScenarios(w), &r.real)
	runLab(t, &r.lab)
	t.Run("fixes", func(t *testing.T) { runFixes(t, w, r.fixes.add) })
	t.Run("fixes of others", func(t *testing.T) { runOtherFixes(t, w, r.fixes.add) })
	r.peers = askPeers(t, w)
	r.texts = explainTexts(t)

	for _, f := range []struct {
		what string
		got  float64
		min  float64
	}{
		{"right first causes", r.first(), minFirst},
		{"macro average", r.macro(), minMacro},
		{"fixes that turn the server green", r.fixes.percent(), minFixes},
	} {
		if f.got < f.min {
			t.Errorf("%s: got %.1f %%, want at least %.0f %%", f.what, f.got, f.min)
		}
	}
	for _, n := range r.networks {
		if !n.Right {
			t.Errorf("on the network %q got %q, want %s", n.Network, n.Got, n.Want)
		}
	}
	if n := len(r.alarms()); n > 0 {
		t.Errorf("got %d false alarms: %v", n, r.alarms())
	}
	page := filepath.Join("..", "docs", "accuracy.md")
	if err := os.WriteFile(page, []byte(r.page()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// result is what a score is made of.
type result struct {
	real, lab board
	fixes     tally
	peers     []peerRow
	texts     []textTally
	networks  []network
}

func (r *result) all() []outcome { return slices.Concat(r.real.all, r.lab.all) }

// first is the share of diagnoses whose first failure is the right one, or that
// rightly found none.
func (r *result) first() float64 {
	right, all := 0, r.all()
	for _, o := range all {
		right += bit(o.first)
	}
	return percent(right, len(all))
}

// macro is the mean of the causes' own shares, the healthy servers being one.
func (r *result) macro() float64 {
	causes := r.causes()
	sum := 0.0
	for _, c := range causes {
		sum += percent(c.right, c.real+c.lab)
	}
	return sum / float64(max(1, len(causes)))
}

// alarms names the healthy servers on which a failure was found.
func (r *result) alarms() []string {
	var out []string
	for _, o := range r.all() {
		if o.healthy && !o.first {
			out = append(out, o.name)
		}
	}
	return out
}

// perCause counts the scenarios of one cause.
type perCause struct{ real, lab, right int }

func (r *result) causes() map[string]*perCause {
	out := map[string]*perCause{}
	count := func(o outcome) *perCause {
		id := o.want
		if id == "" {
			id = "healthy"
		}
		if out[id] == nil {
			out[id] = new(perCause)
		}
		out[id].right += bit(o.first)
		return out[id]
	}
	for _, o := range r.real.all {
		count(o).real++
	}
	for _, o := range r.lab.all {
		count(o).lab++
	}
	return out
}

// tally counts what worked; it is safe for concurrent use.
type tally struct {
	mu       sync.Mutex
	all, yes int
}

func (c *tally) add(_ string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all++
	c.yes += bit(ok)
}

func (c *tally) percent() float64 { return percent(c.yes, c.all) }

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(1, of)) }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// runLab diagnoses every scenario of the lab through the front door.
func runLab(t *testing.T, b *board) {
	t.Run("lab", func(t *testing.T) {
		for _, l := range lab.Scenarios() {
			t.Run(l.ID, func(t *testing.T) {
				t.Parallel()
				s := fromLab(t, l)
				s.run(t, b)
			})
		}
	})
}

// TestHintsOfTheLab reminds of fromLab, which says them in other words.
func TestHintsOfTheLab(t *testing.T) {
	t.Parallel()
	if got, want := reflect.TypeFor[lab.ClientHint]().NumField(), 31; got != want {
		t.Errorf("lab.ClientHint has %d fields, want %d: teach fromLab the new ones", got, want)
	}
}

// fromLab starts a scenario of the lab and says it in the words of this folder.
func fromLab(t *testing.T, l lab.Scenario) scenario {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := lab.Start(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	dir := t.TempDir()
	file := func(name string, body []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, body, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	h := l.Client
	s := scenario{name: l.ID, class: "lab", ep: server.Endpoint{Name: "lab/" + l.ID}, target: h.Target(r.Addr),
		opts: tlswhy.Options{SNI: h.SNI, MinVersion: h.MinVersion, MaxVersion: h.MaxVersion, Ciphers: h.Ciphers, Groups: h.Groups,
			SigAlgs: h.SigAlgs, ALPN: h.ALPN, Client: h.Profile, StartTLS: h.StartTLS, Revocation: h.Revocation, RequireStaple: h.RequireStaple,
			HelloSize: h.HelloSize, RecordSplit: h.RecordSplit, SegmentSplit: h.SegmentSplit, RecordVersion: h.RecordVersion,
			GREASE: h.GREASE, FallbackSCSV: h.FallbackSCSV, RequireALPN: h.RequireALPN, At: h.Moment(), MinDHBits: h.MinDHBits,
			MaxValidityDays: h.MaxDays, Pins: r.Pins, TLSA: r.TLSA}}
	if s.healthy = l.Cause == ""; s.healthy {
		s.want = l.Or
	} else {
		s.want = append([]string{l.Cause}, l.Or...)
	}
	if !h.NoConnect {
		s.opts.Connect = append([]string{r.Addr}, r.Others...)
	}
	if len(r.List) > 0 {
		s.opts.CRLFiles = []string{file("ca.crl", r.List)}
	}
	s.opts.Proxy = r.Proxy
	if r.Control != "" {
		flags := r.ControlFlags()
		s.opts.Control, s.opts.Resolve = []string{flags["--control"]}, []string{flags["--resolve"]}
	}
	if h.Anchors != "none" {
		s.opts.CAFile = file("ca.pem", r.CA)
	}
	if len(r.ClientCert) > 0 {
		s.opts.CertFile, s.opts.KeyFile = file("client.pem", r.ClientCert), file("client.key", r.ClientKey)
	}
	return s
}

// thisMachine says on what the figures were measured.
func thisMachine() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the model is not said
	_, model, _ := strings.Cut(string(info), "model name\t: ")
	model, _, _ = strings.Cut(model, "\n")
	return strings.TrimSpace(fmt.Sprintf("%d × %s", strings.Count(string(info), "processor\t:"), model))
}
