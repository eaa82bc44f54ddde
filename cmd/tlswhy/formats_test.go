package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/report"
)

// TestFormats reads every format of the commands that judge with a parser of
// that format, for what is in order, for what fails and for what makes no sense;
// and no name that --redact masks may be left.
func TestFormats(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := issue(t, "Secret Root", nil, nil, nil)
	leaf := serverCert(t, root)
	ca, good := file("ca.pem", inPEM("CERTIFICATE", root.der)), file("www.shop.test.pem", inPEM("CERTIFICATE", leaf.der))
	junk := file("junk.pem", []byte("<junk> & \"quotes\"\x1b[31m\n"))
	const text = "2026/11/22 10:00:00 [error] SSL_do_handshake() failed (SSL: error:0A000086:SSL routines::certificate verify failed:self-signed certificate) while SSL handshaking to upstream, host: \"shop.test\""
	conf := file("nginx.conf", []byte("events{}\nhttp{server{listen 443 ssl; server_name shop.test; ssl_certificate "+junk+"; ssl_certificate_key "+junk+";}}\n"))
	for _, tt := range []struct {
		name string
		args []string
		code []int
	}{
		{"healthy", []string{"ok.shop.test"}, []int{0}},
		{"failing", []string{"fail.shop.test"}, []int{1, 2}},
		{"several", []string{"ok.shop.test", "fail.shop.test", "http://:x", "warn.shop.test"}, []int{1, 2}},
		{"bad target", []string{"http://[shop.test"}, []int{2, 3}},
		{"bad option", []string{"--ca", "nowhere.pem", "option.shop.test"}, []int{2, 3}},
		{"file in order", []string{"cert", "--offline", "--ca", ca, good}, []int{0}},
		{"file of a stranger", []string{"cert", "--offline", "--ca", ca, "--name", "other.shop.test", good}, []int{1, 2}},
		{"folder", []string{"cert", "--offline", "--ca", ca, dir}, []int{0, 1, 2}},
		{"no certificate", []string{"cert", "--offline", "--ca", ca, junk}, []int{2, 3}},
		{"no file", []string{"cert", filepath.Join(dir, "none.pem")}, []int{2, 3}},
		{"text", []string{"explain", text}, []int{1, 2}},
		{"text about nothing", []string{"explain", "all is well"}, []int{0, 1, 2, 3}},
		{"configuration", []string{"config", conf}, []int{0, 1, 2, 3}},
		{"no configuration", []string{"config", junk}, []int{1, 2, 3}},
		{"capture of other ports", []string{"capture", captures + "real.pcap.gz", "--port", "1"}, []int{0}},
		{"capture", []string{"capture", captures + "real.pcap.gz", "--port", "44303"}, []int{1, 2}},
		{"no capture", []string{"capture", junk}, []int{2, 3}},
	} {
		for _, f := range report.Formats {
			for _, redact := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", tt.name, f, redact), func(t *testing.T) {
					t.Parallel()
					var out, talk bytes.Buffer
					p := newProgram()
					p.diagnose = fakeDiagnose
					p.stdin, p.stdout, p.stderr, p.outTerminal, p.errTerminal = strings.NewReader(""), &out, &talk, false, false
					args := append(slices.Clone(tt.args), "-o", string(f))
					if redact {
						args = append(args, "--redact")
					}
					code := p.run(t.Context(), args)
					if !slices.Contains(tt.code, code) {
						t.Errorf("got exit code %d, want one of %v; it said %s", code, tt.code, talk.String())
					}
					if err := pluginAgrees(f, out.String(), code); err != nil {
						t.Error(err)
					}
					if err := wellFormed(f, out.String()); err != nil {
						t.Errorf("%v in\n%s", err, out.String())
					}
					if strings.Contains(out.String(), "\x1b") {
						t.Error("a control character is printed")
					}
					if redact && (strings.Contains(out.String(), "shop.test") || strings.Contains(out.String(), "Secret Root")) {
						t.Errorf("a name is left in\n%s", out.String())
					}
				})
			}
		}
	}
}

// pluginAgrees holds the exit code of a plugin to the word that it prints; UNKNOWN
// may stand for what could not be read.
func pluginAgrees(f report.Format, out string, code int) error {
	words := []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}
	if f != report.Nagios || out == "" || code == 3 {
		return nil
	}
	if code >= len(words) || !strings.HasPrefix(out, "TLSWHY "+words[code]+" ") {
		return fmt.Errorf("exit code %d with %q", code, out)
	}
	return nil
}

// wellFormed reads a report as its readers do.
func wellFormed(f report.Format, s string) error {
	switch f {
	case report.JSON:
		for line := range strings.Lines(s) {
			var d struct{ Schema string }
			if err := json.Unmarshal([]byte(line), &d); err != nil || !strings.HasPrefix(d.Schema, "tlswhy.") {
				return fmt.Errorf("a line of JSON with schema %q: %w", d.Schema, err)
			}
		}
	case report.SARIF:
		return checkSARIF([]byte(s))
	case report.JUnit:
		d := xml.NewDecoder(strings.NewReader(s))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
		}
	case report.HTML:
		return checkHTML(s)
	case report.CSV:
		rows, err := csv.NewReader(strings.NewReader(s)).ReadAll()
		if err == nil && len(rows) == 0 {
			err = errors.New("no header")
		}
		return err
	case report.Nagios:
		if s != "" && (!strings.HasPrefix(s, "TLSWHY ") || strings.Count(s, "\n") != 1 || strings.Count(s, "|") > 1) {
			return errors.New("not one line of a plugin")
		}
	}
	return nil
}

// checkSARIF looks for what SARIF 2.1.0 demands of the objects that are used
// (OASIS, Sections 3.13 to 3.28).
func checkSARIF(data []byte) error {
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation *struct{ ArtifactLocation struct{ URI string } }
				}
			}
			Invocations []struct{ ExecutionSuccessful *bool }
		}
	}
	if err := json.Unmarshal(data, &log); err != nil {
		return err
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name != "tlswhy" {
		return errors.New("no SARIF 2.1.0 of one run of tlswhy")
	}
	run := log.Runs[0]
	for _, r := range run.Results {
		if r.Message.Text == "" || !slices.Contains([]string{"none", "note", "warning", "error"}, r.Level) {
			return fmt.Errorf("a result of level %q without words", r.Level)
		}
		if r.RuleIndex < 0 || r.RuleIndex >= len(run.Tool.Driver.Rules) || run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			return fmt.Errorf("the rule %s is not at %d", r.RuleID, r.RuleIndex)
		}
		for _, l := range r.Locations {
			if l.PhysicalLocation != nil && strings.ContainsAny(l.PhysicalLocation.ArtifactLocation.URI, " <>\"\\") {
				return fmt.Errorf("%q is no URI", l.PhysicalLocation.ArtifactLocation.URI)
			}
		}
	}
	for _, i := range run.Invocations {
		if i.ExecutionSuccessful == nil {
			return errors.New("an invocation that does not say how it ended")
		}
	}
	return nil
}

// checkHTML wants every element closed, in order.
func checkHTML(s string) error {
	void := []string{"meta", "link", "br", "hr", "img", "input", "wbr", "col", "source"}
	var open []string
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(open) > 0 {
				return fmt.Errorf("open at the end: %v (%w)", open, z.Err())
			}
			return nil
		case html.StartTagToken:
			if name, _ := z.TagName(); !slices.Contains(void, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				return fmt.Errorf("</%s> while open are %v", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// TestRefusedIsComplete: what stands for a target that makes no sense has the
// fields of any other.
func TestRefusedIsComplete(t *testing.T) {
	t.Parallel()
	d := refused("x", badUsage("do this", "that is wrong"))
	if d.Schema != diag.Schema || d.Verdict != diag.Untested || len(d.Causes) != 1 || d.Causes[0].Fixes[0].Text != "do this" {
		t.Errorf("got %+v", d)
	}
}
