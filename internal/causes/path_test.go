package causes_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestRefusedAtTimes refuses connections of which others are answered: then
// something listens.
func TestRefusedAtTimes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		refused := facts.End{Kind: facts.EndRefused, Stage: diag.StageConnect, By: tlswire.SideServer}
		m := &machines{live: usual(), dead: refused, rnd: rnd, turn: func(n int) bool { return n > 0 && rnd.IntN(3) == 0 }}
		found, c := solveWith(t, client.Options{ALPN: client.HTTPProtocols}, m.make)
		if slices.Contains(failures(found), "tcp-refused") {
			t.Errorf("seed %d: got %v\n%s", seed, failures(found), tried(c))
		}
	}
}

// TestChangedOnTheWay has hellos reach the server changed, so that it cannot read
// some of them and answers others by what cannot be decrypted: what the hello
// offers is not to blame.
func TestChangedOnTheWay(t *testing.T) {
	t.Parallel()
	unread := facts.End{Kind: facts.EndAlert, Stage: diag.StageClientHello, By: tlswire.SideServer, Alert: tlswire.Alert{Level: tlswire.LevelFatal, Description: tlswire.AlertDecodeError}}
	garbled := facts.End{Kind: facts.EndLocal, Stage: diag.StageServerHello, By: tlswire.SideClient, Alert: tlswire.Alert{Level: tlswire.LevelFatal, Description: tlswire.AlertBadRecordMAC}, Err: "record does not authenticate"}
	found, c := solveWith(t, client.Options{ALPN: client.HTTPProtocols}, func(es []facts.Experiment, hs []*tlswire.ClientHello) []*facts.Attempt {
		out := make([]*facts.Attempt, len(es))
		for i, e := range es {
			out[i] = usual().answer(e, hs[i])
			switch {
			case len(hs[i].CipherSuites) < 30:
				out[i] = &facts.Attempt{Of: e, Address: e.Address, Sent: hs[i], End: unread}
			case out[i].Version == tlswire.TLS13:
				out[i].End = garbled
			}
		}
		return out
	})
	if got := failures(found); !slices.Equal(got, []string{"decrypt-error"}) {
		t.Errorf("got %v\n%s", got, tried(c))
	}
}
