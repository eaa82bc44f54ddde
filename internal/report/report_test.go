package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -update makes it", err)
	}
	if !bytes.Equal(got, bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
		t.Errorf("%s: output differs from the golden file; got\n%s", path, got)
	}
}

func render(t *testing.T, f Format, d *diag.Diagnosis, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f, d, o); err != nil {
		t.Fatalf("Write %s: %v", f, err)
	}
	return b.Bytes()
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, make := range fixtures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".txt", render(t, Text, make(), Options{}))
			golden(t, name+"-v.txt", render(t, Text, make(), Options{Verbose: 2, Width: 100}))
		})
	}
}

func TestTextVariants(t *testing.T) {
	t.Parallel()
	golden(t, "expired-color.txt", render(t, Text, expired(), Options{Color: true, Width: 100}))
	golden(t, "expired-ascii.txt", render(t, Text, expired(), Options{ASCII: true}))
	golden(t, "expired-narrow.txt", render(t, Text, expired(), Options{Width: 40}))
	golden(t, "expired-quiet.txt", render(t, Text, expired(), Options{Quiet: true}))
}

func TestTextFitsTheWidth(t *testing.T) {
	t.Parallel()
	for name, make := range fixtures {
		for _, width := range []int{60, 80, 120} {
			out := string(render(t, Text, make(), Options{Width: width}))
			d := make()
			for _, l := range strings.Split(out, "\n") {
				if columns(l) > width && !pasted(d, l) && name != "hostile" {
					t.Errorf("%s at %d: line of %d columns: %q", name, width, columns(l), l)
				}
			}
		}
	}
}

// pasted says whether the line is one that must not be broken.
func pasted(d *diag.Diagnosis, line string) bool {
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "Verify"))
	for _, c := range d.Causes {
		if strings.Contains(c.Verify, line) {
			return true
		}
		for _, f := range c.Fixes {
			if strings.Contains(f.Config+"\n"+f.Command, line) {
				return true
			}
		}
	}
	return false
}

// TestFixIsNeverCut checks that what is to be pasted is there, byte for byte,
// at any width.
func TestFixIsNeverCut(t *testing.T) {
	t.Parallel()
	for _, width := range []int{40, 80, 200} {
		out := string(render(t, Text, cipher(), Options{Width: width}))
		for _, f := range cipher().Causes[0].Fixes {
			if !strings.Contains(out, f.Config) {
				t.Errorf("at %d: fix is cut: %s\n%s", width, f.Config, out)
			}
		}
	}
}

// TestNothingUnsafe checks every format on a peer that tries to draw on the
// reader's terminal.
func TestNothingUnsafe(t *testing.T) {
	t.Parallel()
	for _, f := range Formats {
		for _, redact := range []bool{false, true} {
			out := render(t, f, hostile(), Options{Verbose: 2, Redact: redact})
			if !utf8.Valid(out) {
				t.Errorf("%s: not UTF-8", f)
			}
			for _, r := range string(out) {
				if r != '\n' && r != '\t' && unsafe(r) && !(f == JSON || f == SARIF) {
					t.Errorf("%s: unsafe rune %U", f, r)
					break
				}
				if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7F && r < 0xA0 || r >= 0x202A && r <= 0x202E {
					t.Errorf("%s: unsafe rune %U", f, r)
					break
				}
			}
			if bytes.Contains(out, []byte("<script>")) && (f == HTML || f == JUnit && !bytes.Contains(out, []byte("<![CDATA["))) {
				t.Errorf("%s: script survives", f)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for name, make := range fixtures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := render(t, JSON, make(), Options{})
			if bytes.Count(out, []byte("\n")) != 1 {
				t.Errorf("got %d lines, want 1", bytes.Count(out, []byte("\n")))
			}
			if bytes.Contains(out, []byte(":null")) {
				t.Errorf("null in %s", out)
			}
			var d diag.Diagnosis
			if err := json.Unmarshal(out, &d); err != nil {
				t.Fatal(err)
			}
			if d.Schema != diag.Schema {
				t.Errorf("got schema %q, want %q", d.Schema, diag.Schema)
			}
		})
	}
}

func TestWriteDoesNotChange(t *testing.T) {
	t.Parallel()
	for name, make := range fixtures {
		for _, f := range Formats {
			d := make()
			before, _ := json.Marshal(d)
			render(t, f, d, Options{Verbose: 2, Redact: true})
			if after, _ := json.Marshal(d); !bytes.Equal(before, after) {
				t.Errorf("%s: %s changed the diagnosis", name, f)
			}
		}
	}
}

func TestEmptyDiagnosis(t *testing.T) {
	t.Parallel()
	for _, f := range Formats {
		for _, v := range []diag.Verdict{"", diag.OK, diag.Warning, diag.Failure, diag.Untested} {
			render(t, f, &diag.Diagnosis{Verdict: v}, Options{Verbose: 2, Redact: true, Color: true})
		}
		render(t, f, huge(), Options{Verbose: 2})
	}
}

func TestStreamOfMany(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{Text, JSON, Nagios, JUnit} {
		var b bytes.Buffer
		s := NewStream(&b, f, Options{})
		for _, d := range []*diag.Diagnosis{expired(), healthy(), warned(), untested()} {
			if err := s.Add(d); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		golden(t, "many."+string(f), b.Bytes())
	}
}
