package diagnose_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// TestRevocationOptions gives files and words that make no sense.
func TestRevocationOptions(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "a.crl")
	if err := os.WriteFile(text, []byte("no list at all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(o diagnose.Options) (*diag.Diagnosis, error) {
		o.Connect = []string{"127.0.0.1:1"}
		return diagnose.Run(t.Context(), "shop.lab.test", o, diagnose.Env{})
	}
	var usage *diagnose.UsageError
	if _, err := run(diagnose.Options{Revocation: "maybe"}); !errors.As(err, &usage) || !strings.Contains(usage.Hint, "hard") {
		t.Errorf("an unknown word: got %v", err)
	}
	var file *diagnose.FileError
	if _, err := run(diagnose.Options{CRLFiles: []string{text + ".gone"}}); !errors.As(err, &file) || file.Role != "revocation list" {
		t.Errorf("a missing file: got %v", err)
	}
	d, err := run(diagnose.Options{CRLFiles: []string{text}})
	if err != nil || d.FirstFailure() == nil || d.FirstFailure().ID != "file-or-config-error" {
		t.Errorf("a file without a list: got %v, %v", d, err)
	}
}

// TestRevocationTime demands that issuers who hang cost no more than the
// patience of a diagnosis, and that what was not found out is said.
func TestRevocationTime(t *testing.T) {
	t.Parallel()
	s, _ := lab.Lookup("revocation-unavailable-hangs")
	if d := diagnoseLab(t, s); d.DurationMS > 30000 {
		t.Errorf("took %.0f ms", d.DurationMS)
	}
	s, _ = lab.Lookup("list-unavailable-soft")
	d := diagnoseLab(t, s)
	if !slices.ContainsFunc(d.NotTested, func(n diag.NotTested) bool { return n.What == "revocation" && strings.Contains(n.Reason, "refused") }) {
		t.Errorf("got not tested %v", d.NotTested)
	}
}
