package causes_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestUnacknowledged loses packets on the way to one server: a ClientHello that
// no kernel acknowledged was not heard by any machine, so none is to blame.
func TestUnacknowledged(t *testing.T) {
	t.Parallel()
	silent := facts.End{Kind: facts.EndTimeout, Stage: diag.StageClientHello, By: tlswire.SideServer}
	blamed := func(tcp *facts.TCPInfo) (said int, silences int) {
		for seed := range 100 {
			rnd := rand.New(rand.NewPCG(uint64(seed), 1))
			m := &machines{live: usual(), dead: silent, tcp: tcp, rnd: rnd, turn: func(int) bool { return rnd.Float64() < 0.5 }}
			found, _ := solveWith(t, client.Options{ALPN: client.HTTPProtocols}, m.make)
			for _, x := range found {
				if x.ID == "inconsistent-endpoints" {
					said++
				}
				if x.ID == "handshake-timeout" && strings.Contains(x.Summary, "packets get lost") {
					silences++
				}
			}
		}
		return said, silences
	}
	for _, x := range []struct {
		tcp    facts.TCPInfo
		blames bool
	}{
		{facts.TCPInfo{Retransmits: 4, Unacked: 1}, false},
		{facts.TCPInfo{Retransmits: 0, Unacked: 0}, true},
		{facts.TCPInfo{Retransmits: 1, Unacked: 1}, true}, // an answer that was late, perhaps
	} {
		t.Run(fmt.Sprintf("%d sent again, %d open", x.tcp.Retransmits, x.tcp.Unacked), func(t *testing.T) {
			t.Parallel()
			said, lost := blamed(&x.tcp)
			if (said > 0) != x.blames || (lost > 0) == x.blames {
				t.Errorf("inconsistent-endpoints %d times, lost packets %d times", said, lost)
			}
		})
	}
}
