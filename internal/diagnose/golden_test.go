package diagnose_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
	"github.com/tlswhy/tlswhy/internal/report"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

// TestGolden keeps the reports of some scenarios as a user sees them, so that a
// change of a rule or of a text can be read in a review. What differs from run
// to run (times, ports, keys) is made the same. To renew them:
//
//	go test ./internal/diagnose -run TestGolden -update
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"cipher-mismatch", "no-common-group", "dh-key-too-small", // cipher
		"protocol-version", "hello-too-large", // version
		"cert-expired", "hostname-mismatch", "unknown-ca", "incomplete-chain", "private-key-mismatch-server", // certificate
		"sni-missing", "wrong-vhost-cert", // sni
		"client-cert-required", "client-cert-untrusted", // client-auth
		"tcp-refused", "server-speaks-plaintext", "starttls-missing", "eof-during-handshake", // transport
		"healthy", "client-cert-optional", "default-vhost", // no failure
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s, ok := lab.Lookup(id)
			if !ok {
				t.Fatal("the lab has no such scenario")
			}
			d := steady(t, diagnoseLab(t, s))
			var b bytes.Buffer
			if err := report.Write(&b, report.Text, d, report.Options{Width: 80}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "golden", id+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v; run with -update to make it", err)
			}
			if got := b.String(); got != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("the report of %s changed (-update renews it):\n%s", id, differing(string(want), got))
			}
		})
	}
}

// differing shows the lines that two texts do not share.
func differing(want, got string) string {
	old, now := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	for side, lines := range map[string][][]string{"-": {old, now}, "+": {now, old}} {
		other := map[string]bool{}
		for _, l := range lines[1] {
			other[l] = true
		}
		for _, l := range lines[0] {
			if !other[l] {
				fmt.Fprintln(&b, side+l)
			}
		}
	}
	return b.String()
}

var (
	peerPort  = regexp.MustCompile(`(127\.0\.0\.1|\[::1\]):(\d+)`)
	tempFile  = regexp.MustCompile(`[^\s"'=]*` + regexp.QuoteMeta(filepath.Base(os.TempDir())) + `[^\s"'=]*/([\w.-]+)`)
	moment    = regexp.MustCompile(`(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d)(:\d\d(?:\.\d+)?)?( UTC|Z)`)
	day       = regexp.MustCompile(`\b20\d\d-\d\d-\d\d\b`)
	pemBlock  = regexp.MustCompile(`(-----BEGIN CERTIFICATE-----)[\w+/=\\]+(-----END CERTIFICATE-----)`)
	longHex   = regexp.MustCompile(`\b(?:[0-9a-f]{16,}|[0-9A-F]{16,})\b`)
	duration  = regexp.MustCompile(`\b\d+(\.\d+)?(µs|ms|s)\b`)
	manyBytes = regexp.MustCompile(`\b\d{3,} bytes`)
)

// steady makes equal what differs from run to run. It works on the JSON, so
// that the layout of the report does not depend on it either.
func steady(t *testing.T, d *diag.Diagnosis) *diag.Diagnosis {
	t.Helper()
	epoch := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	ports := map[string]string{}
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	s := string(data)
	for _, m := range peerPort.FindAllStringSubmatch(s, -1) {
		if ports[m[2]] == "" {
			ports[m[2]] = fmt.Sprint(4433 + len(ports))
		}
	}
	for from, to := range ports {
		s = regexp.MustCompile(`\b`+from+`\b`).ReplaceAllString(s, to)
	}
	s = tempFile.ReplaceAllString(s, "$1")
	s = moment.ReplaceAllStringFunc(s, func(text string) string {
		m := moment.FindStringSubmatch(text)
		at, err := time.Parse("2006-01-02 15:04", m[1]+" "+m[3])
		if err != nil {
			return text
		}
		days := at.Sub(d.StartedAt).Round(24 * time.Hour)
		layout := "2006-01-02 15:04 UTC"
		if m[2] == "T" {
			layout = time.RFC3339
		}
		return "@" + epoch.Add(days).Format(layout)
	})
	s = regexp.MustCompile(`([^@]|^)`+day.String()).ReplaceAllString(s, "${1}2025-12-01")
	s = strings.NewReplacer("@20", "20").Replace(s)
	s = pemBlock.ReplaceAllString(s, `$1\n...\n$2`)
	s = longHex.ReplaceAllStringFunc(s, func(h string) string { return strings.Repeat("0", len(h)) })
	s = duration.ReplaceAllString(s, "1ms")
	s = manyBytes.ReplaceAllString(s, "1500 bytes")
	var out diag.Diagnosis
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	for i := range out.Handshake.Steps {
		if step := &out.Handshake.Steps[i]; step.AtMS != nil {
			ms := float64(i)
			step.AtMS = &ms
		}
	}
	for i := range out.Addresses {
		out.Addresses[i].RTTMS = 1
	}
	for i := range out.Certificates {
		out.Certificates[i].Serial = "01"
	}
	out.DurationMS = 20
	return &out
}

// TestSteady demands that the golden reports do not depend on the run.
func TestSteady(t *testing.T) {
	t.Parallel()
	var first string
	for i := range 3 {
		r := startLab(t, "cert-expired")
		d := steady(t, run(t, "https://shop.lab.test", diagnose.Options{Connect: []string{r.Addr}, CAFile: file(t, "ca.pem", r.CA)}))
		var b bytes.Buffer
		if err := report.Write(&b, report.Text, d, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = b.String()
		} else if b.String() != first {
			t.Errorf("two runs differ:\n%s", differing(first, b.String()))
		}
	}
}
