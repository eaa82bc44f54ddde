package tlswhy

import (
	"errors"
	"io"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/errtext"
)

// Explain reads an error message or a log of any length and says what it
// means: one diagnosis for each distinct failure, the most frequent first, its
// causes being candidates, best first. The result is empty when the text says
// nothing of a TLS failure. Of the options Server and At count; nil is the zero
// value. No connection is made. Explain is safe for concurrent use.
//
// The error is the reader's, or a *UsageError; what was read before it is
// explained. What is no text, a picture for example, is an error, too.
func Explain(text io.Reader, opts *Options) ([]*diag.Diagnosis, error) {
	if opts == nil {
		opts = &Options{}
	}
	r, readErr := errtext.Read(text)
	var out []*diag.Diagnosis
	for _, m := range r.Matches {
		d, err := diagnose.Explain(m, diagnose.Options(*opts))
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	if readErr == nil && r.Binary && len(out) == 0 {
		readErr = errors.New("this is no text")
	}
	return out, readErr
}
