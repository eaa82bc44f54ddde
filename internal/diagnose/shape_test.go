package diagnose_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestShapeOptions refuses values that make no sense, with a word of help.
func TestShapeOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    diagnose.Options
		want string
	}{
		"negative size":         {diagnose.Options{HelloSize: -1}, "--hello-size -1 is negative"},
		"small size":            {diagnose.Options{HelloSize: 600}, "padding makes nothing smaller"},
		"huge size":             {diagnose.Options{HelloSize: 70000}, "65000"},
		"size of SSL 2.0":       {diagnose.Options{HelloSize: 600, Client: "java 6u45", SNI: "none"}, "no extensions"},
		"negative records":      {diagnose.Options{RecordSplit: -5}, "--record-split -5 is negative"},
		"records too large":     {diagnose.Options{RecordSplit: 20000}, "16384"},
		"negative segments":     {diagnose.Options{SegmentSplit: -5}, "--segment-split -5 is negative"},
		"record version":        {diagnose.Options{RecordVersion: "3.5"}, "3.4"},
		"fallback from the top": {diagnose.Options{FallbackSCSV: true}, "--tls-max 1.2"},
		"no protocol to insist": {diagnose.Options{RequireALPN: true, ALPN: "none"}, "--alpn h2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := diagnose.Run(context.Background(), "https://127.0.0.1:1", c.o, diagnose.Env{})
			var bad *diagnose.UsageError
			if !errors.As(err, &bad) || !strings.Contains(bad.Error(), c.want) {
				t.Errorf("got %v, want a usage error with %q", err, c.want)
			}
		})
	}
}
