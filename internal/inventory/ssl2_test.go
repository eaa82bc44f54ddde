package inventory_test

import (
	"context"
	"net"
	"testing"

	"github.com/tlswhy/tlswhy/internal/inventory"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestSSL2 meets a server that speaks nothing newer than SSL 2.0.
func TestSSL2(t *testing.T) {
	t.Parallel()
	cert := pair(t, false).Certificate[0]
	at := serve(t, nil, func(c net.Conn) net.Conn {
		var head [3]byte
		if _, err := c.Read(head[:]); err != nil || head[0]&0x80 == 0 || head[2] != 1 {
			return nil // no CLIENT-HELLO
		}
		body := []byte{4, 0, 1, 0, 2, byte(len(cert) >> 8), byte(len(cert)), 0, 3, 0, 16}
		body = append(append(append(body, cert...), 1, 0, 0x80), make([]byte, 16)...)
		c.Write(append([]byte{0x80 | byte(len(body)>>8), byte(len(body))}, body...))
		var rest [512]byte
		c.Read(rest[:]) // until the client leaves
		return nil
	})
	r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost"})
	if !r.Reached {
		t.Fatalf("not reached: %+v", r.End)
	}
	for _, v := range r.Versions {
		if want := v.Version == tlswire.SSL2; (v.Offered == inventory.Yes) != want || want && len(v.SSL2) != 1 {
			t.Errorf("%v is %v with %v (%s)", v.Version, v.Offered, v.SSL2, v.How)
		}
	}
}
