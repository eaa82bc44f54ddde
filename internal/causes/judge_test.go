package causes_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// server is a server that only negotiates: it answers a hello in memory.
type server struct {
	min, max   tlswire.Version
	suites     []tlswire.CipherSuite // TLS 1.2 and below; nil = any of the client's
	groups     []tlswire.Group       // nil = any
	schemes    []tlswire.SignatureScheme
	needsSNI   bool
	refusesSNI bool
	alpn       string        // insists on it
	maxHello   int           // cuts larger ones
	cut        facts.EndKind // instead of an alert
}

const addr = "192.0.2.1:443"

// answer is the attempt that comes of sending the hello to s.
func (s *server) answer(e facts.Experiment, h *tlswire.ClientHello) *facts.Attempt {
	a := &facts.Attempt{Of: e, Address: e.Address, Sent: h}
	fail := func(d tlswire.AlertDescription) *facts.Attempt {
		a.End = facts.End{Kind: facts.EndAlert, Stage: diag.StageClientHello, By: tlswire.SideServer, Alert: tlswire.Alert{Level: tlswire.LevelFatal, Description: d}}
		if s.cut != 0 {
			a.End = facts.End{Kind: s.cut, Stage: diag.StageClientHello, By: tlswire.SideServer}
		}
		return a
	}
	if raw, err := h.Marshal(); s.maxHello > 0 && (err != nil || len(raw) > s.maxHello) {
		return fail(tlswire.AlertDecodeError)
	}
	if name := h.ServerName(); s.needsSNI && name == "" || s.refusesSNI && name != "" {
		return fail(tlswire.AlertUnrecognizedName)
	}
	for v := s.max; v >= s.min && a.Version == 0; v-- {
		if h.Offers(v) {
			a.Version = v
		}
	}
	if a.Version == 0 {
		return fail(tlswire.AlertProtocolVersion)
	}
	if s.alpn != "" && !slices.Contains(h.ALPN(), s.alpn) {
		return fail(tlswire.AlertNoApplicationProtocol)
	}
	sh := &tlswire.ServerHello{Version: a.Version}
	sh.CipherSuite = 0x1301
	group, ok := first(h.Groups(), s.groups)
	if !ok {
		return fail(tlswire.AlertHandshakeFailure)
	}
	if a.Version < tlswire.TLS13 {
		if sh.CipherSuite, ok = first(h.CipherSuites, s.suites); !ok {
			return fail(tlswire.AlertHandshakeFailure)
		}
		sh.Extensions = append(sh.Extensions, tlswire.Extension{Type: tlswire.ExtRenegotiationInfo, Data: []byte{0}})
		if sh.CipherSuite.Info().Kex == tlswire.KexECDHE {
			a.KeyExchange = &tlswire.ServerKeyExchange{Kex: tlswire.KexECDHE, Group: group}
		}
	} else {
		sh.Extensions = append(sh.Extensions, tlswire.Extension{Type: tlswire.ExtKeyShare, Data: []byte{byte(group >> 8), byte(group), 0, 1, 0}})
	}
	scheme, ok := first(h.SignatureSchemes(), s.schemes)
	if !ok && a.Version >= tlswire.TLS12 {
		return fail(tlswire.AlertHandshakeFailure)
	}
	a.KeyProof = facts.Proof{Result: facts.ProofValid, Scheme: scheme}
	a.ServerHello = sh
	a.End = facts.End{Kind: facts.EndCompleted, Stage: diag.StageApplication}
	return a
}

// first is the server's first choice among what the client offers.
func first[T comparable](offered, own []T) (T, bool) {
	if own == nil && len(offered) > 0 {
		return offered[len(offered)-1], true
	}
	for _, x := range own {
		if slices.Contains(offered, x) {
			return x, true
		}
	}
	var none T
	return none, false
}

// solve runs the loop in memory.
func solve(t *testing.T, s *server, o client.Options) ([]diag.Cause, *facts.Case) {
	t.Helper()
	return solveWith(t, o, func(es []facts.Experiment, hs []*tlswire.ClientHello) []*facts.Attempt {
		out := make([]*facts.Attempt, len(es))
		for i := range es {
			out[i] = s.answer(es[i], hs[i])
			out[i].Alone = len(es) == 1
		}
		return out
	})
}

// solveWith runs the loop with what makes several experiments side by side.
func solveWith(t *testing.T, o client.Options, make func([]facts.Experiment, []*tlswire.ClientHello) []*facts.Attempt) ([]diag.Cause, *facts.Case) {
	t.Helper()
	o.SNI = "shop.example.com"
	if o.ForceSNI {
		o.SNI = ""
	}
	hello, who, err := client.Build(client.Reference(), o)
	if err != nil {
		t.Fatal(err)
	}
	c := &facts.Case{At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Lookup: facts.Lookup{Addresses: []string{addr}},
		Want: facts.Want{Name: "shop.example.com", Port: 443, Protocol: "https", Hello: hello, Client: who}}
	for range 40 {
		found, ask := causes.Judge(c)
		if len(ask) == 0 {
			return found, c
		}
		var hellos []*tlswire.ClientHello
		for _, e := range ask {
			h, err := client.Apply(hello, e.Changes)
			if err != nil {
				t.Fatal(err)
			}
			hellos = append(hellos, h)
		}
		for _, a := range make(ask, hellos) {
			a.N = len(c.Attempts) + 1
			c.Attempts = append(c.Attempts, a)
			c.Spent = c.Spent || a.End.Kind == facts.EndCanceled
		}
		if c.Spent {
			found, _ := causes.Judge(c)
			return found, c
		}
	}
	t.Fatal("the judge never stops asking")
	return nil, nil
}

func failures(found []diag.Cause) []string {
	var out []string
	for _, c := range found {
		if c.Severity == diag.SeverityFailure {
			out = append(out, c.ID)
		}
	}
	slices.Sort(out)
	return out
}

// fault changes a healthy server so that one cause must be found.
type fault struct {
	cause string
	apply func(*server, *client.Options)
}

var faults = []fault{
	{"cipher-mismatch", func(s *server, _ *client.Options) {
		s.max = min(s.max, tlswire.TLS12)
		s.suites = []tlswire.CipherSuite{tlswire.TLS_RSA_WITH_CAMELLIA_128_CBC_SHA}
	}},
	{"protocol-version", func(s *server, _ *client.Options) { s.min, s.max = tlswire.TLS10, tlswire.TLS11 }},
	{"no-common-group", func(s *server, _ *client.Options) {
		s.groups = []tlswire.Group{tlswire.GroupBrainpoolP256r1}
		if s.suites == nil {
			s.suites = []tlswire.CipherSuite{tlswire.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}
		}
	}},
	{"sni-missing", func(s *server, o *client.Options) { s.needsSNI, o.ForceSNI = true, true }},
	{"sni-unrecognized", func(s *server, o *client.Options) { s.refusesSNI = !o.ForceSNI }},
	{"alpn-no-overlap", func(s *server, _ *client.Options) { s.alpn = "http/1.1" }},
}

// TestJudgeFindsEveryFault combines faults at random: each must be found, and
// nothing else.
func TestJudgeFindsEveryFault(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		s := &server{min: tlswire.TLS12, max: tlswire.TLS13}
		if i%3 == 0 {
			s.cut = facts.EndClosed
		}
		var o client.Options
		var want []string
		for _, n := range rnd.Perm(len(faults))[:1+rnd.IntN(3)] {
			f := faults[n]
			if f.cause == "sni-unrecognized" && s.needsSNI || f.cause == "sni-missing" && s.refusesSNI {
				continue // they exclude each other
			}
			if f.cause == "no-common-group" && slices.Contains(want, "cipher-mismatch") || f.cause == "cipher-mismatch" && slices.Contains(want, "no-common-group") {
				continue // a static RSA suite needs no group
			}
			f.apply(s, &o)
			want = append(want, f.cause)
		}
		slices.Sort(want)
		t.Run(fmt.Sprintf("%d %s", i, strings.Join(want, "+")), func(t *testing.T) {
			t.Parallel()
			found, c := solve(t, s, o)
			if got := failures(found); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
				for _, a := range c.Attempts {
					t.Logf("%d %s: %s", a.N, client.Describe(a.Of.Changes, c.Want.Hello), causes.EndText(a))
				}
			}
			if limit := 13 + 6*len(want); len(c.Attempts) > limit {
				t.Errorf("%d connections, want at most %d", len(c.Attempts), limit)
			}
		})
	}
}

// TestJudgeHealthy demands that servers with unusual but sufficient choices
// have no failure.
func TestJudgeHealthy(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*server{
		"any":              {min: tlswire.TLS10, max: tlswire.TLS13},
		"TLS 1.2 only":     {min: tlswire.TLS12, max: tlswire.TLS12},
		"TLS 1.3 only":     {min: tlswire.TLS13, max: tlswire.TLS13},
		"static RSA only":  {min: tlswire.TLS12, max: tlswire.TLS12, suites: []tlswire.CipherSuite{tlswire.TLS_RSA_WITH_AES_128_CBC_SHA}},
		"P-521 only":       {min: tlswire.TLS12, max: tlswire.TLS13, groups: []tlswire.Group{0x0019}},
		"one scheme":       {min: tlswire.TLS12, max: tlswire.TLS13, schemes: []tlswire.SignatureScheme{0x0804}},
		"insists on h2":    {min: tlswire.TLS12, max: tlswire.TLS13, alpn: "h2"},
		"insists on a SNI": {min: tlswire.TLS12, max: tlswire.TLS13, needsSNI: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := solve(t, s, client.Options{ALPN: client.HTTPProtocols})
			if got := failures(found); len(got) > 0 {
				t.Errorf("got %v, want nothing", got)
			}
		})
	}
}

// TestJudgeLargeHello tells a size limit from a dislike of the group.
func TestJudgeLargeHello(t *testing.T) {
	t.Parallel()
	found, c := solve(t, &server{min: tlswire.TLS12, max: tlswire.TLS13, maxHello: 1000, cut: facts.EndReset}, client.Options{})
	if got := failures(found); !slices.Equal(got, []string{"hello-too-large"}) {
		t.Errorf("got %v, want hello-too-large", got)
		for _, a := range c.Attempts {
			t.Logf("%d %s: %s", a.N, client.Describe(a.Of.Changes, c.Want.Hello), causes.EndText(a))
		}
	}
}
