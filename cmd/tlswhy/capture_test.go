package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
)

const captures = "../../internal/capture/testdata/"

// runProgram runs a command line and returns what it printed.
func runProgram(t *testing.T, stdin []byte, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := newProgram()
	p.stdin, p.stdout, p.stderr = bytes.NewReader(stdin), &stdout, &stderr
	p.environ, p.outTerminal, p.errTerminal = []string{"LANG=C.UTF-8"}, false, false
	code = p.run(t.Context(), args)
	return code, stdout.String(), stderr.String()
}

// realCapture is what tcpdump saw of curl, OpenSSL, GnuTLS, wget, Python and
// Java at servers that were broken on purpose: the causes by the server's port.
// Two causes of one port are two clients, or two attempts.
var realCapture = map[int][]string{
	44301: {"unknown-ca", "unexplained", "unexplained"}, // the certificate is encrypted; GnuTLS and Java do not say why
	44302: {"unknown-ca", "unexplained", "unexplained", "protocol-version"},
	44303: {"cert-expired"},
	44304: {"cert-expired", "cert-expired"},
	44305: {"self-signed"},
	44306: {"hostname-mismatch"},
	44307: {"client-cert-required", "client-cert-untrusted"},
	44308: {"client-cert-required", "client-cert-untrusted"}, // TLS 1.3: by the sizes of the records
	44309: {"cipher-mismatch"},
	44311: {"protocol-version"},
	44312: {"sni-unrecognized"},
	44314: {"server-speaks-plaintext"},
	44315: {"connection-reset"},
	44316: {"handshake-timeout"},
	44317: {"self-signed"},
	44318: {"starttls-missing"},
	44319: {"client-speaks-plaintext", "client-cert-required"}, // the second from HTTP 400, by the key log
}

func TestCaptureOfRealPeers(t *testing.T) {
	t.Parallel()
	code, out, errs := runProgram(t, nil, "capture", captures+"real.pcap.gz", "--ca", captures+"real.ca.pem", "--keylog", captures+"real.keylog", "-o", "json")
	if code != exitFailure || errs != "" {
		t.Errorf("exit code %d, %q", code, errs)
	}
	got := map[int]map[string]int{}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, l := range lines[:len(lines)-1] {
		var d diag.Diagnosis
		if err := json.Unmarshal([]byte(l), &d); err != nil {
			t.Fatal(err)
		}
		c := d.FirstFailure()
		if d.Schema != diag.Schema || c == nil || d.Observed == nil || len(d.Observed.Packets) == 0 || len(c.Evidence) == 0 || len(c.Fixes) == 0 {
			t.Fatalf("incomplete: %s", l)
		}
		for _, e := range c.Evidence {
			if strings.Contains(e.Where, "attempt") {
				t.Errorf("%s: evidence at %q", c.ID, e.Where)
			}
		}
		if got[d.Target.Port] == nil {
			got[d.Target.Port] = map[string]int{}
		}
		got[d.Target.Port][c.ID]++
	}
	want := map[int]map[string]int{}
	for port, ids := range realCapture {
		want[port] = map[string]int{}
		for _, id := range ids {
			want[port][id]++
		}
	}
	for port := range 65536 {
		if fmt.Sprint(got[port]) != fmt.Sprint(want[port]) {
			t.Errorf("port %d: got %v, want %v", port, got[port], want[port])
		}
	}
	var sum captureSummary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil || sum.Schema != "tlswhy.capture/1" || sum.Failed == 0 || sum.Complete == 0 ||
		sum.Clients["127.0.0.1"] != sum.Failed || sum.Servers["localhost:44303"] != 1 {
		t.Errorf("summary %+v, %v", sum, err)
	}
}

func TestCaptureText(t *testing.T) {
	t.Parallel()
	file := captures + "real.pcap.gz"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	junk := filepath.Join(t.TempDir(), "junk")
	cut := filepath.Join(t.TempDir(), "cut.pcap.gz")
	if os.WriteFile(junk, []byte("not a capture"), 0o600) != nil || os.WriteFile(cut, data[:len(data)/2], 0o600) != nil {
		t.Fatal("writing the files")
	}
	folder := t.TempDir()
	for name, data := range map[string][]byte{"a.pcap.gz": data, "b.pcap0": data, "notes.txt": []byte("not a capture")} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		stdin []byte
		args  []string
		code  int
		out   []string // in standard output
		errs  []string
	}{
		"first line":     {args: []string{file}, code: exitFailure, out: []string{"✗ ", "TLS handshakes failed", "packet ", "Verify    tlswhy"}},
		"standard input": {stdin: data, args: []string{"-"}, code: exitFailure, out: []string{"certificate_expired (45)", "TLS handshakes failed"}},
		"one port":       {args: []string{file, "--port", "44303", "-q"}, code: exitFailure, out: []string{"1 of 1 TLS handshake"}},
		"healthy port":   {args: []string{file, "--port", "44310"}, code: exitHealthy, out: []string{"✓ 1 TLS handshake, none failed"}},
		"other network":  {args: []string{file, "--host", "10.0.0.0/8"}, code: exitHealthy, out: []string{"no TLS handshake"}},
		"by name":        {args: []string{file, "--host", "localhost", "--all", "-q"}, code: exitFailure, out: []string{"✓ 127.0.0.1"}},
		"by other name":  {args: []string{file, "--host", "example.net"}, code: exitHealthy},
		"redacted":       {args: []string{file, "--redact"}, code: exitFailure},
		"junk":           {args: []string{junk}, code: exitUsage, errs: []string{"no capture", "tcpdump"}},
		"junk and good":  {args: []string{junk, file, "-q"}, code: exitFailure, out: []string{"failed"}, errs: []string{"no capture"}},
		"cut":            {args: []string{cut}, code: exitFailure, errs: []string{"breaks off"}},
		"empty":          {args: []string{"-"}, code: exitUsage, errs: []string{"empty"}},
		"missing":        {args: []string{"nowhere.pcap"}, code: exitUsage, errs: []string{"nowhere.pcap"}},
		"folder":         {args: []string{folder, "-q"}, code: exitFailure, out: []string{"54 of 80 TLS handshakes failed"}},
		"empty folder":   {args: []string{t.TempDir()}, code: exitUsage, errs: []string{"no file in the folder"}},
		"none":           {code: exitUsage, errs: []string{"no capture"}},
		"key log":        {args: []string{file, "--keylog", junk}, code: exitUsage, errs: []string{"holds no secret"}},
		"host":           {args: []string{file, "--host", "10.0.0.0/99"}, code: exitUsage, errs: []string{"--host"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runProgram(t, tc.stdin, append([]string{"capture"}, tc.args...)...)
			if code != tc.code {
				t.Errorf("exit code %d, want %d; %s", code, tc.code, errs)
			}
			for _, w := range tc.out {
				if !strings.Contains(out, w) {
					t.Errorf("%q is not in the output:\n%.600s", w, out)
				}
			}
			for _, w := range tc.errs {
				if !strings.Contains(errs, w) {
					t.Errorf("%q is not in %q", w, errs)
				}
			}
			if name == "redacted" && strings.Contains(out, "other.example") {
				t.Error("a name is shown")
			}
			if strings.Contains(out, "attempt 1") || strings.Contains(out, "your own hello") {
				t.Error("the words of a live diagnosis are shown")
			}
		})
	}
}

// TestCaptureInterrupted: Ctrl-C gives the report so far, though the stream says
// nothing more and never ends.
func TestCaptureInterrupted(t *testing.T) {
	t.Parallel()
	f, err := os.Open(captures + "real.pcap.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := gzip.NewReader(f) // its end would be waited for
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	out := &onWrite{do: interrupt}
	var stderr bytes.Buffer
	p := newProgram()
	p.stdin, p.stdout, p.stderr = io.MultiReader(data, silence{}), out, &stderr
	p.environ, p.outTerminal, p.errTerminal = []string{"LANG=C.UTF-8"}, false, false
	if code := p.run(ctx, []string{"capture", "-", "-q"}); code != exitFailure || !strings.Contains(out.String(), "TLS handshakes failed") {
		t.Errorf("exit code %d, %q\n%s", code, stderr.String(), out.String())
	}
}

// onWrite does something when it is first written to.
type onWrite struct {
	bytes.Buffer
	do func()
}

// Write implements io.Writer.
func (w *onWrite) Write(b []byte) (int, error) {
	w.do()
	return w.Buffer.Write(b)
}

// silence is a stream that says nothing and does not end.
type silence struct{}

// Read implements io.Reader.
func (silence) Read([]byte) (int, error) { select {} }

// TestCaptureDocs holds docs/capture.md to what the program prints.
func TestCaptureDocs(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/capture.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, block := range strings.Split(string(doc), "\n    $ tlswhy capture real.pcap.gz ")[1:] {
		lines := strings.Split(block, "\n")
		_, out, _ := runProgram(t, nil, append([]string{"capture", captures + "real.pcap.gz"}, strings.Fields(lines[0])...)...)
		examples++
		got := strings.Split(out, "\n")
		for i, l := range lines[1:] {
			want, inBlock := strings.CutPrefix(l, "    ")
			if l != "" && !inBlock || strings.TrimSpace(want) == "..." {
				break
			}
			if l == "" && (i+2 >= len(lines) || !strings.HasPrefix(lines[i+2], "    ")) {
				break
			}
			if i >= len(got) || strings.TrimRight(got[i], " ") != want {
				t.Fatalf("%s, line %d: docs say %q, the program %q", lines[0], i+1, want, got[min(i, len(got)-1)])
			}
		}
	}
	if examples < 2 {
		t.Errorf("found %d examples", examples)
	}
}
