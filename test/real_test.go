package test

import (
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// What a diagnosis may cost. The bound of the time is above what is aimed at
// (8 s for servers that stay silent), since the race detector and a busy machine
// slow everything down; the summary shows the figures.
const (
	maxMedianConnections = 6
	max90Connections     = 8
	wholeSuite           = 500             // scenarios; fewer are a selection
	maxTime              = time.Minute     // whatever the machine is busy with
	silence              = 2 * time.Second // what takes longer waited for a silent server
)

// allScenarios makes the rows of all tables.
func allScenarios(w *world) []scenario {
	var out []scenario
	for _, table := range [][]fault{
		certificateFaults(w),
		weaknessFaults(w),
		cipherFaults(w),
		versionFaults(w),
		sniFaults(w),
		clientAuthFaults(w),
		transportFaults(w),
		twoFaults(w),
		manyFaults(w),
		clientFaults(w),
		uncommonFaults(w),
		severalFaults(w),
		policyFaults(w),
		revocationFaults(w),
		clientListFaults(w),
		shapeFaults(w),
		controls(w),
	} {
		for _, f := range table {
			out = append(out, f.scenarios(w)...)
		}
	}
	return slices.Concat(out,
		manyMail(w),
		ownServers(w),
		unusualServers(w),
		misplaced(w),
		severalScenarios(w),
		peerScenarios(w),
		clocks(w),
		boxes(w),
	)
}

func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers take a minute or two")
	}
	w := newWorld(t)
	all := allScenarios(w)
	seen := map[string]bool{}
	for i := range all {
		name := all[i].ep.Name
		if seen[name] {
			t.Fatalf("two scenarios are called %s", name)
		}
		seen[name] = true
	}
	var b board
	runServers(t, all, &b)
	t.Logf("\n%s", b.summary())
	b.check(t)
}

// runServers starts every kind of server with its endpoints, side by side, and
// diagnoses all scenarios.
func runServers(t *testing.T, all []scenario, b *board) {
	t.Run("servers", func(t *testing.T) {
		for _, k := range append(slices.Concat(server.AllKinds, server.Peers), nil) {
			name := "own"
			if k != nil {
				name = k.Name
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				runKind(t, k, all, b)
			})
		}
	})
}

// runKind starts one kind of server with all its endpoints, then diagnoses each.
func runKind(t *testing.T, k *server.Kind, all []scenario, b *board) {
	var mine []*scenario
	var eps []*server.Endpoint
	for i := range all {
		if all[i].kind == k {
			mine = append(mine, &all[i])
			eps = append(eps, &all[i].ep)
		}
	}
	if k != nil && len(eps) > 0 {
		server.Start(t, k, eps...)
	}
	for _, s := range mine {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if s.serve != nil {
				s.serve(t, &s.ep)
			}
			s.run(t, b)
		})
	}
}

// check holds the costs of all scenarios together.
func (b *board) check(t *testing.T) {
	t.Helper()
	var conns []int
	for _, o := range b.all {
		conns = append(conns, o.connections)
		if o.took > maxTime {
			t.Errorf("the diagnosis of %s took %v, more than %v", o.name, o.took.Round(time.Millisecond), maxTime)
		}
	}
	slices.Sort(conns)
	if len(conns) >= wholeSuite && (at(conns, 50) > maxMedianConnections || at(conns, 90) > max90Connections) {
		t.Errorf("a diagnosis takes %d connections in the median and %d at most in 9 of 10, want at most %d and %d",
			at(conns, 50), at(conns, 90), maxMedianConnections, max90Connections)
	}
}

// TestSeveralAddresses diagnoses a name with a good and a bad address: the bad
// one is named, and only it.
func TestSeveralAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.leaf("one-old", pki.Spec{NotAfter: weeksAgo(2)})
	good := &server.Endpoint{Name: "good", Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key}
	bad := &server.Endpoint{Name: "bad", Hosts: []string{host}, Chain: old.chain, Key: old.key}
	server.Start(t, golang, good, bad)
	s := scenario{ep: *good, want: []string{"cert-expired"}, also: []string{}, opts: tlswhy.Options{
		CAFile: w.RootFile, Connect: []string{good.Target(), bad.Target()}}}
	d, _ := s.diagnose(t)
	if wrong := s.judge(d); len(wrong) > 0 {
		t.Fatalf("%v\n%s", wrong, explain(d))
	}
	if got := d.Causes[0].Addresses; !slices.Equal(got, []string{bad.Target()}) {
		t.Errorf("got addresses %v, want only %s", got, bad.Target())
	}
}

// TestUnknownName resolves a name that cannot exist (RFC 6761, Section 6.4).
func TestUnknownName(t *testing.T) {
	t.Parallel()
	start := time.Now()
	d, err := tlswhy.Diagnose(t.Context(), "https://no-such-host.invalid", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := failures(d); len(got) != 1 || got[0] != "dns-failure" {
		t.Errorf("got %v, want dns-failure\n%s", got, explain(d))
	}
	if took := time.Since(start); took > maxTime {
		t.Errorf("took %v", took)
	}
}
