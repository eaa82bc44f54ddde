package diagnose

import (
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// Version is the program's version; the build sets it.
var Version = "devel"

// Tool says what makes the diagnoses and how old its knowledge is.
func Tool() diag.Tool {
	t := diag.Tool{Version: Version, Profiles: "2026-11", Rules: len(causes.IDs())}
	if d := truststore.MozillaDate(); !d.IsZero() {
		t.Roots = d.Format(time.DateOnly)
	}
	return t
}
