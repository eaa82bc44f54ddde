package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/csv"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/report"
)

// TestClientsFormats prints the clients of a server in every format.
func TestClientsFormats(t *testing.T) {
	t.Parallel()
	const address = "127.0.0.1:1" // where nothing listens: the answer is the same for every client
	run := func(args ...string) (string, string, int) {
		var out, errs bytes.Buffer
		p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environ: []string{"COLUMNS=100"}}
		code := p.run(context.Background(), append([]string{"clients", "--connect", address, "--family", "Go,Java"}, args...))
		return out.String(), errs.String(), code
	}
	for format, want := range map[string]string{"text": "tcp-refused", "markdown": "| Go 1.26 |", "junit": "<testcase", "sarif": "tcp-refused", "nagios": "CRITICAL", "html": "<html"} {
		out, errs, code := run("-o", format, "shop.lab.test", "shop.lab.test:8443")
		if !strings.Contains(out, want) || code != exitFailure && format != "nagios" {
			t.Errorf("%s: got %d, %.300s, %s", format, code, out, errs)
		}
		if err := wellFormed(report.Format(format), out); err != nil {
			t.Errorf("%s of two targets: %v", format, err)
		}
		if err := pluginAgrees(report.Format(format), out, code); err != nil {
			t.Error(err)
		}
	}
	out, _, _ := run("-o", "json", "shop.lab.test", "shop.lab.test:8443")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines {
		var d diag.Clients
		if err := json.Unmarshal([]byte(line), &d); err != nil || d.Schema != diag.ClientsSchema || len(d.Clients) < 10 || len(d.Older) == 0 {
			t.Errorf("got %v, %.300s", err, line)
		}
	}
	if len(lines) != 2 {
		t.Errorf("got %d lines of JSON, want one per target", len(lines))
	}
	out, _, _ = run("-o", "csv", "--all", "shop.lab.test", "shop.lab.test:8443")
	if rows, err := csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil || len(rows) < 20 || rows[0][0] != "target" {
		t.Errorf("got %v, %d rows", err, len(rows))
	}
}

// TestClientsCapture captures a client of this machine and knows it afterwards.
func TestClientsCapture(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	dir := filepath.Join(t.TempDir(), "mine")
	var out, errs bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environ: []string{"COLUMNS=100"}}
	if code := p.run(context.Background(), []string{"clients", "--capture-installed", dir, "--family", "openssl"}); code != exitHealthy || !strings.Contains(out.String(), ".hello") {
		t.Fatalf("got %d, %s, %s", code, &out, &errs)
	}
	of, err := loadProfiles(dir)
	if err != nil || len(of) != 1 || of[0].Family != "OpenSSL" || of[0].Captured == "" {
		t.Fatalf("got %v, %+v", err, of)
	}
	if of[0].Offer().MaxVersion() < tls.VersionTLS12 {
		t.Errorf("got %v", of[0].Offer())
	}
}

// TestClientsPage holds docs/clients.md to what the program prints.
func TestClientsPage(t *testing.T) {
	t.Parallel()
	holdPage(t, "../../docs/clients.md", 1)
}
