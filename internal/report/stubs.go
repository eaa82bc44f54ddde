package report

import (
	"io"

	"github.com/tlswhy/tlswhy/diag"
)

func writeHTML(w io.Writer, ds []*diag.Diagnosis) error { return nil }
