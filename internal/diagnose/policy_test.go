package diagnose_test

import (
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// TestNoPolicy wants no word of a FIPS policy, not even a note, where one list
// is short for another reason.
func TestNoPolicy(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"fips-not-p256", "fips-not-aes", "fips-not-healthy", "no-common-group", "cipher-mismatch", "cipher-client-ecdsa-only", "healthy"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s, ok := lab.Lookup(id)
			if !ok {
				t.Fatal("no such scenario")
			}
			d := diagnoseLab(t, s)
			if slices.ContainsFunc(d.Causes, func(c diag.Cause) bool { return c.ID == "fips-policy" }) {
				t.Errorf("got a policy\n%s", describe(d))
			}
		})
	}
}
