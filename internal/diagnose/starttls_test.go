package diagnose_test

import (
	"testing"

	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// A target without a port is sought on the port of the protocol that is asked
// for.
func TestStarttlsPort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target, protocol string
		port             int
	}{
		{"h.test", "LDAP", 389},
		{"h.test/x", "postgres", 5432},
		{"::1", "smtp", 587},
		{"h.test:443", "mysql", 443},
		{"https://h.test", "mysql", 443},
	} {
		t.Run(c.target+" "+c.protocol, func(t *testing.T) {
			t.Parallel()
			// Port 1 is not listened on.
			d, err := diagnose.Run(t.Context(), c.target, diagnose.Options{StartTLS: c.protocol, Connect: []string{"127.0.0.1:1"}}, diagnose.Env{})
			if err != nil {
				t.Fatal(err)
			}
			if d.Target.Port != c.port {
				t.Errorf("got port %d, want %d", d.Target.Port, c.port)
			}
		})
	}
}
