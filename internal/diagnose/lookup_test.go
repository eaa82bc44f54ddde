package diagnose_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestConnectToUnknownHost: the name of --connect is the one to blame.
func TestConnectToUnknownHost(t *testing.T) {
	t.Parallel()
	d := run(t, "localhost", diagnose.Options{Connect: []string{"no-such-host.invalid:443"}})
	first := d.FirstFailure()
	if first == nil || first.ID != "dns-failure" || !strings.Contains(first.Summary, "no-such-host.invalid") {
		t.Fatalf("got\n%s", describe(d))
	}
	for _, f := range first.Fixes {
		if text := fmt.Sprintf("%+v", f); strings.Contains(text, "localhost") {
			t.Errorf("got the fix %s for a name that resolves", text)
		}
	}
}

// TestLinkLocalWithoutInterface: no kernel knows where to send that.
func TestLinkLocalWithoutInterface(t *testing.T) {
	t.Parallel()
	_, err := diagnose.Run(t.Context(), "[fe80::1]:443", diagnose.Options{}, diagnose.Env{})
	var bad *diagnose.UsageError
	if !errors.As(err, &bad) || !strings.Contains(bad.Hint, "%INTERFACE") {
		t.Errorf("got %v, want a *UsageError that asks for the interface", err)
	}
}
