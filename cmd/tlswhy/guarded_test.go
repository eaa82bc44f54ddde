package main

import (
	"errors"
	"net"
	"testing"

	"github.com/tlswhy/tlswhy/internal/guard"
)

// TestForbiddenIsUntested has a server that answers and may not be asked: that
// is no failure of the server.
func TestForbiddenIsUntested(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := newProgram()
	for _, target := range []string{ln.Addr().String(), "[::ffff:127.0.0.1]:1", "169.254.169.254", "0.0.0.0:1"} {
		d, err := p.diagnose(withGuard(t.Context(), &guard.Policy{Private: true}), target, &options{MaxConnections: 1})
		var forbidden *forbiddenError
		if !errors.As(err, &forbidden) || !errors.Is(err, guard.ErrForbidden) {
			t.Errorf("%s: got %+v, %v", target, d, err)
		}
	}
}
