package diagnose_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// TestLookRevoked looks at servers as the monitor does: the issuer's list is
// asked for within the one connection, and once.
func TestLookRevoked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ id, want string }{{"cert-revoked-list", "cert-revoked"}, {"list-good", ""}} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			s, ok := lab.Lookup(c.id)
			if !ok {
				t.Fatalf("no scenario %s", c.id)
			}
			r, err := lab.Start(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, r.CA, 0o600); err != nil {
				t.Fatal(err)
			}
			l := &diagnose.Light{Env: diagnose.Env{Answers: &diagnose.Answers{PerDay: 1}}}
			for n := range 3 {
				d := look(t, l, s.Client.Target(r.Addr), diagnose.Options{CAFile: ca, Revocation: "soft"}, r.Addr, "").Diagnosis
				got := ""
				if f := d.FirstFailure(); f != nil {
					got = f.ID
				}
				if got != c.want || c.want == "" && d.Verdict != diag.OK {
					t.Errorf("look %d: got %q, want %q: %s", n, got, c.want, describe(d))
				}
			}
		})
	}
}
