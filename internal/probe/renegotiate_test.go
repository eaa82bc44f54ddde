package probe

import (
	"context"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestRenegotiation asks servers that do and that do not for a second
// handshake.
func TestRenegotiation(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		args []string
		want string
	}{
		"default": {nil, renegotiationRefused},
		"allowed": {[]string{"-client_renegotiation"}, renegotiationAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hello := template(only(tlswire.TLS12), func(h *tlswire.ClientHello) { h.SetRenegotiationInfo(true) })
			a := Attempt(context.Background(), Spec{Address: opensslServer(t, "rsa", append(x.args, "-tls1_2")...), Hello: hello, Stop: StopRenegotiation})
			if a.End.Kind != facts.EndStopped || a.Session.Renegotiation != x.want {
				t.Errorf("got %q, the end %+v, want %q", a.Session.Renegotiation, a.End, x.want)
			}
		})
	}
}
