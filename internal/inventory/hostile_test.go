package inventory_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tlswhy/tlswhy/internal/inventory"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// offered are the suites that the servers of these tests have in TLS 1.2; they
// speak TLS 1.2 and 1.3.
var offered = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}

func config(t *testing.T) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{pair(t, false)}, MinVersion: tls.VersionTLS12, CipherSuites: offered}
}

// honest says what of a result is wrong: what is offered and denied, or listed
// and not offered. What is left open is not wrong.
func honest(t *testing.T, r *inventory.Result) {
	t.Helper()
	for _, v := range r.Versions {
		spoken := v.Version == tlswire.TLS12 || v.Version == tlswire.TLS13
		if spoken && v.Offered == inventory.No || !spoken && v.Offered == inventory.Yes {
			t.Errorf("%v is %v: %s", v.Version, v.Offered, v.How)
		}
		if v.Version == tlswire.TLS12 && v.Complete && len(v.Suites) != len(offered) {
			t.Errorf("all suites of TLS 1.2 are said to be %v", v.Suites)
		}
		if v.Version == tlswire.TLS13 && v.Complete && len(v.Suites) != 3 {
			t.Errorf("all suites of TLS 1.3 are said to be %v", v.Suites)
		}
		for _, c := range v.Suites {
			if v.Version == tlswire.TLS12 && !slices.Contains(offered, uint16(c)) {
				t.Errorf("%v is not offered", c)
			}
		}
	}
}

// TestBan meets a server that answers some connections and then none: what
// comes after that is not known.
func TestBan(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]int32{"at once": 3, "early": 9, "late": 25} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			at := serve(t, config(t), func(c net.Conn) net.Conn {
				if n.Add(1) > after {
					return nil
				}
				return c
			})
			r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost"})
			honest(t, r)
			if r.Reached && len(r.Unknown) == 0 {
				t.Error("nothing is said to be left open")
			}
		})
	}
}

// TestFlaky meets a server that cuts off every fifth connection.
func TestFlaky(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	at := serve(t, config(t), func(c net.Conn) net.Conn {
		if n.Add(1)%5 == 0 {
			return nil
		}
		return c
	})
	r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost"})
	honest(t, r)
	if len(r.Varies) == 0 {
		t.Error("that connections are cut off now and then is not said")
	}
}

// TestFarm meets an address behind which servers take turns.
func TestFarm(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	one, other := config(t), config(t)
	other.MaxVersion = tls.VersionTLS12
	at := serve(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if n.Add(1)%2 == 0 {
			return other, nil
		}
		return one, nil
	}}, nil)
	r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost"})
	for _, v := range r.Versions {
		if v.Version == tlswire.TLS12 && v.Offered != inventory.Yes || v.Version < tlswire.TLS12 && v.Offered == inventory.Yes {
			t.Errorf("%v is %v", v.Version, v.Offered)
		}
	}
	if !slices.ContainsFunc(r.Varies, func(s string) bool { return strings.Contains(s, "certificates were sent") }) {
		t.Errorf("two certificates of a kind are not noticed: %q", r.Varies)
	}
}

// peeked is a connection of which the first record was looked at.
type peeked struct {
	net.Conn
	in *bufio.Reader
}

// Read implements net.Conn.
func (p peeked) Read(b []byte) (int, error) { return p.in.Read(b) }

// TestPicky meets a server that drops hellos above a length: it is asked with
// short lists, and that is said.
func TestPicky(t *testing.T) {
	t.Parallel()
	at := serve(t, config(t), func(c net.Conn) net.Conn {
		in := bufio.NewReader(c)
		head, err := in.Peek(5)
		if err != nil || int(head[3])<<8|int(head[4]) > 400 {
			return nil
		}
		return peeked{c, in}
	})
	r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost"})
	honest(t, r)
	for _, v := range r.Versions {
		if v.Version == tlswire.TLS12 && (v.Offered != inventory.Yes || len(v.Suites) != len(offered)) {
			t.Errorf("TLS 1.2 is %v with %v", v.Offered, v.Suites)
		}
	}
	if len(r.Unknown) == 0 {
		t.Error("nothing is said to be left open")
	}
}
