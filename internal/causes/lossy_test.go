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

// TestSlowOnce lets the first connection wait and the second, with small
// packets, work: without time to ask again only the kernel tells a server that
// was slow from a path that is narrow.
func TestSlowOnce(t *testing.T) {
	t.Parallel()
	hello, who, err := client.Build(client.Reference(), client.Options{SNI: "shop.example.com", ALPN: client.HTTPProtocols})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		tcp  *facts.TCPInfo
		want bool
	}{
		{"nothing known of the packets", nil, false},
		{"the hello arrived", &facts.TCPInfo{SndMSS: 1448}, false},
		{"the hello did not", &facts.TCPInfo{SndMSS: 1448, Retransmits: 4, Unacked: 2}, true},
		{"the answer has a hole", &facts.TCPInfo{SndMSS: 1448, OutOfOrder: 1}, true},
	} {
		small := usual().answer(facts.Experiment{Address: addr, Changes: facts.Changes{MSS: "700"}}, hello)
		small.N = 2
		found, _ := causes.Judge(&facts.Case{At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Lookup: facts.Lookup{Addresses: []string{addr}}, Spent: true,
			Want: facts.Want{Name: "shop.example.com", Port: 443, Protocol: "https", Hello: hello, Client: who, CanClamp: true},
			Attempts: []*facts.Attempt{{N: 1, Of: facts.Experiment{Address: addr}, Address: addr, Sent: hello, TCP: x.tcp,
				End: facts.End{Kind: facts.EndTimeout, Stage: diag.StageClientHello}}, small}})
		if got := slices.Contains(failures(found), "pmtu-blackhole"); got != x.want {
			t.Errorf("%s: got %v", x.name, failures(found))
		}
	}
}
