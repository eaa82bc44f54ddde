package causes_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// machines are several servers behind one address, of which some are dead.
type machines struct {
	live *server
	dead facts.End
	tcp  *facts.TCPInfo // of connections to dead ones
	// turn says whether the machine that gets the n-th connection is dead.
	turn func(n int) bool
	rnd  *rand.Rand // the order in which connections made side by side arrive
	n    int
}

// make answers experiments that are made side by side.
func (m *machines) make(es []facts.Experiment, hs []*tlswire.ClientHello) []*facts.Attempt {
	out := make([]*facts.Attempt, len(es))
	for _, i := range m.rnd.Perm(len(es)) {
		out[i] = m.one(es[i], hs[i])
		out[i].Alone = len(es) == 1
	}
	return out
}

// one answers one connection. What is no ClientHello is closed by a live one.
func (m *machines) one(e facts.Experiment, h *tlswire.ClientHello) *facts.Attempt {
	dead := m.turn(m.n)
	m.n++
	switch {
	case dead:
		return &facts.Attempt{Of: e, Address: e.Address, Sent: h, End: m.dead, TCP: m.tcp}
	case e.Kind == facts.Plain, e.Changes.Proxy != "":
		return &facts.Attempt{Of: e, Address: e.Address, Sent: h, End: facts.End{Kind: facts.EndClosed, Stage: diag.StageClientHello, By: tlswire.SideServer}}
	}
	return m.live.answer(e, h)
}

// usual is a server as it comes with a distribution.
func usual() *server {
	return &server{min: tlswire.TLS12, max: tlswire.TLS13,
		suites:  []tlswire.CipherSuite{tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA},
		groups:  []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256},
		schemes: []tlswire.SignatureScheme{0x0804, 0x0401}}
}

// deaths are the ways in which a dead machine ends connections.
func deaths() []facts.End {
	var out []facts.End
	for _, kind := range []facts.EndKind{facts.EndReset, facts.EndClosed, facts.EndTimeout} {
		out = append(out, facts.End{Kind: kind, Stage: diag.StageClientHello, By: tlswire.SideServer})
	}
	for _, d := range []tlswire.AlertDescription{tlswire.AlertInternalError, tlswire.AlertHandshakeFailure} {
		out = append(out, facts.End{Kind: facts.EndAlert, Stage: diag.StageClientHello, By: tlswire.SideServer, Alert: tlswire.Alert{Level: tlswire.LevelFatal, Description: d}})
	}
	return out
}

// orders are the ways in which connections are spread. Where it is left to
// chance, a few in a hundred look like anything; elsewhere none may.
var orders = []struct {
	name  string
	turn  func(seed int, rnd *rand.Rand) func(n int) bool
	wrong int // of a thousand
}{
	{"in turn", func(seed int, rnd *rand.Rand) func(int) bool {
		order := make([]bool, 2+seed%5)
		for _, i := range rnd.Perm(len(order))[:1+rnd.IntN(len(order)-1)] {
			order[i] = true
		}
		return func(n int) bool { return order[n%len(order)] }
	}, 0},
	{"two at a time", func(seed int, rnd *rand.Rand) func(int) bool {
		k, phase := 2+seed%2, rnd.IntN(6)
		return func(n int) bool { return (n+phase)/2%k == 0 }
	}, 0},
	{"by chance", func(_ int, rnd *rand.Rand) func(int) bool {
		share := 0.1 + 0.8*rnd.Float64()
		return func(int) bool { return rnd.Float64() < share }
	}, 30},
}

// blameless are the causes that name no property of the hello.
var blameless = []string{"inconsistent-endpoints", "connection-reset", "eof-during-handshake", "handshake-timeout", "rate-limited",
	"internal-error", "server-no-certificate", "unexplained"}

// TestMachinesInTurn puts dead machines among live ones, in every order that
// balancers have: nothing of the hello may be blamed for it.
func TestMachinesInTurn(t *testing.T) {
	t.Parallel()
	const seeds = 100
	for _, o := range orders {
		for _, end := range deaths() {
			name := fmt.Sprintf("%s, %s", o.name, end.Kind)
			if end.Kind == facts.EndAlert {
				name += " " + end.Alert.Description.String()
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				wrong := 0
				for seed := range seeds {
					rnd := rand.New(rand.NewPCG(uint64(seed), uint64(end.Kind)))
					m := &machines{live: usual(), dead: end, rnd: rnd, turn: o.turn(seed, rnd)}
					found, c := solveWith(t, client.Options{ALPN: client.HTTPProtocols}, m.make)
					if i := slices.IndexFunc(found, func(c diag.Cause) bool { return !slices.Contains(blameless, c.ID) }); i >= 0 {
						if wrong++; wrong*1000 > o.wrong*seeds {
							t.Errorf("seed %d: got %s (%s), %d wrong so far\n%s", seed, found[i].ID, found[i].Confidence, wrong, tried(c))
						}
					}
				}
			})
		}
	}
}

// tried lists the attempts of a case, for failed tests.
func tried(c *facts.Case) string {
	var out string
	for _, a := range c.Attempts {
		out += fmt.Sprintf("%d %s: %s\n", a.N, client.Describe(a.Of.Changes, c.Want.Hello)+a.Of.What, causes.EndText(a))
	}
	return out
}

// TestCutByProperty demands that a server, or a filter before it, that cuts
// connections for something in the hello is found out all the same.
func TestCutByProperty(t *testing.T) {
	t.Parallel()
	camellia := []tlswire.CipherSuite{tlswire.TLS_RSA_WITH_CAMELLIA_128_CBC_SHA}
	for want, change := range map[string]func(*server, *client.Options){
		"sni-unrecognized": func(s *server, _ *client.Options) { s.refusesSNI = true },
		"sni-missing":      func(s *server, o *client.Options) { s.needsSNI, o.ForceSNI = true, true },
		"hello-too-large":  func(s *server, _ *client.Options) { s.maxHello = 1000 },
		"cipher-mismatch":  func(s *server, _ *client.Options) { s.max, s.suites = tlswire.TLS12, camellia },
		"no-common-group":  func(s *server, _ *client.Options) { s.groups = []tlswire.Group{tlswire.GroupBrainpoolP256r1} },
		"protocol-version": func(s *server, _ *client.Options) { s.min, s.max = tlswire.TLS10, tlswire.TLS11 },
	} {
		for _, kind := range []facts.EndKind{facts.EndReset, facts.EndClosed, facts.EndTimeout} {
			t.Run(fmt.Sprint(want, " ", kind), func(t *testing.T) {
				t.Parallel()
				m := &machines{live: usual(), rnd: rand.New(rand.NewPCG(1, 1)), turn: func(int) bool { return false }}
				m.live.cut = kind
				var o client.Options
				change(m.live, &o)
				found, c := solveWith(t, o, m.make)
				if got := failures(found); !slices.Equal(got, []string{want}) || found[0].Confidence == diag.Possible && want != "sni-unrecognized" {
					t.Errorf("got %v\n%s", got, tried(c))
				}
				if len(c.Attempts) > 22 {
					t.Errorf("%d connections\n%s", len(c.Attempts), tried(c))
				}
			})
		}
	}
}

// TestTimeUp ends our time after each connection in turn: all later ones are
// given up, and nothing may be made of those. What works is not blamed for it.
func TestTimeUp(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*server, *client.Options){
		"healthy":    func(*server, *client.Options) {},
		"name cut":   func(s *server, _ *client.Options) { s.refusesSNI, s.cut = true, facts.EndClosed },
		"large cut":  func(s *server, _ *client.Options) { s.maxHello, s.cut = 1000, facts.EndReset },
		"no suite":   func(s *server, _ *client.Options) { s.max, s.suites = tlswire.TLS12, []tlswire.CipherSuite{0xC0FF} },
		"old":        func(s *server, _ *client.Options) { s.min, s.max = tlswire.TLS10, tlswire.TLS10 },
		"other cure": func(s *server, o *client.Options) { s.needsSNI, s.cut, o.ForceSNI = true, facts.EndTimeout, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for limit := range 20 {
				m := &machines{live: usual(), rnd: rand.New(rand.NewPCG(1, 1)), turn: func(int) bool { return false }}
				var o client.Options
				change(m.live, &o)
				found, c := solveWith(t, o, func(es []facts.Experiment, hs []*tlswire.ClientHello) []*facts.Attempt {
					as := m.make(es, hs)
					for i, a := range as {
						if m.n-len(as)+i >= limit {
							as[i] = &facts.Attempt{Of: a.Of, Address: a.Address, Sent: a.Sent, Alone: a.Alone, End: facts.End{Kind: facts.EndCanceled, Stage: diag.StageClientHello}}
						}
					}
					return as
				})
				if got := failures(found); name == "healthy" && limit > 0 && len(got) > 0 {
					t.Errorf("after %d connections: got %v\n%s", limit, got, tried(c))
				}
			}
		})
	}
}
