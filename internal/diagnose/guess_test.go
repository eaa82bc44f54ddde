package diagnose

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// TestGuessedProtocol leaves the protocol to the port and to what it says.
func TestGuessedProtocol(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, scenario, target string // PORT is the server's
		verdict                diag.Verdict
		cause, note            string
	}{
		{"greeting leads to TLS", "smtp", "HOST:PORT", diag.OK, "", "--starttls smtp"},
		{"a fault behind the greeting", "pop3-expired", "HOST:PORT", diag.Failure, "cert-expired", "--starttls pop3"},
		{"a database's greeting", "mysql", "HOST:PORT", diag.OK, "", "--starttls mysql"},
		{"no STARTTLS behind it", "starttls-missing", "HOST:PORT", diag.Failure, "server-speaks-plaintext", ""},
		{"the scheme is no guess", "smtp", "https://HOST:PORT", diag.Failure, "server-speaks-plaintext", ""},
		{"TLS at once on a mail port", "healthy", "HOST:25", diag.OK, "", "tls://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, ok := lab.Lookup(c.scenario)
			if !ok {
				t.Fatalf("no scenario %q", c.scenario)
			}
			r, err := lab.Start(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close() })
			_, port, err := net.SplitHostPort(r.Addr)
			if err != nil {
				t.Fatal(err)
			}
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, r.CA, 0o600); err != nil {
				t.Fatal(err)
			}
			target := strings.NewReplacer("HOST", r.Name, "PORT", port).Replace(c.target)
			d, err := Run(t.Context(), target, Options{Connect: []string{r.Addr}, CAFile: ca}, Env{})
			if err != nil {
				t.Fatal(err)
			}
			cause := ""
			if d.Verdict == diag.Failure && len(d.Causes) > 0 {
				cause = d.Causes[0].ID
			}
			notes := strings.Join(d.Notes, "\n")
			if d.Verdict != c.verdict || cause != c.cause || !strings.Contains(notes, c.note) || c.note == "" && strings.Contains(notes, "says so at once") {
				t.Errorf("got %s %q with the notes %q, want %s %q with %q", d.Verdict, cause, notes, c.verdict, c.cause, c.note)
			}
			if d.Target.Input != target {
				t.Errorf("got input %q, want %q", d.Target.Input, target)
			}
		})
	}
}
