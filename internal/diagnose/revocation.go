package diagnose

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// loadRevocation reads what the options say about revocation. A list that
// cannot be read is a *FileError; a file without a list is a fact about the
// user's own files.
func (p *plan) loadRevocation(w *facts.Want) error {
	w.RequireStaple = p.opts.RequireStaple
	switch p.opts.Revocation {
	case "", "off":
	case facts.RevocationSoft, facts.RevocationHard:
		w.Revocation = p.opts.Revocation
	default:
		return usage("off, soft or hard", "--revocation %q is unknown", p.opts.Revocation)
	}
	for _, file := range p.opts.CRLFiles {
		data, err := readList(file)
		if err != nil {
			return &FileError{File: file, Role: "revocation list", Err: err}
		}
		lists, rest := chain.LoadLists(data)
		if len(lists) == 0 {
			w.Local = &facts.LocalFault{File: file, Role: "revocation list", Problem: noList(rest)}
			return nil
		}
		for _, l := range lists {
			w.Lists = append(w.Lists, facts.List{From: "--crl " + file, List: l})
		}
	}
	return nil
}

// noList says what a file without a list is or holds.
func noList(rest []string) string {
	switch {
	case len(rest) == 0:
		return "it holds no revocation list"
	case strings.HasPrefix(rest[0], "it "):
		return rest[0] + " (PEM with BEGIN X509 CRL, or DER)"
	}
	return "it holds no revocation list, but " + rest[0]
}

// unanswered lists, as not tested, the revocations about which nobody could be
// asked and which the client goes on without.
func unanswered(found []diag.Cause) []diag.NotTested {
	var out []diag.NotTested
	for _, c := range found {
		if c.ID == "revocation-unavailable" && c.Severity == diag.SeverityInfo {
			out = append(out, diag.NotTested{What: "revocation", Reason: c.Summary})
		}
	}
	return out
}

func readList(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 2 * chain.MaxListSize // PEM is a third longer
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("%s is larger than %d MB", path, most>>20)
	}
	return data, err
}
