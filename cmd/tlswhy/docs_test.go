package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var updateDocs = flag.Bool("update-docs", false, "rewrite the output in the pages of docs")

// TestExplainPage holds docs/explain.md to what the program prints.
func TestExplainPage(t *testing.T) {
	t.Parallel()
	holdPage(t, "../../docs/explain.md", 4)
}

// TestCertPage does the same for docs/cert.md, whose files are those of the
// script cert.txtar.
func TestCertPage(t *testing.T) {
	page, err := filepath.Abs("../../docs/cert.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := txtar.ParseFile("testdata/cert.txtar")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, f := range files.Files {
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	holdPage(t, page, 3)
}

// holdPage runs the commands of a page and compares what they print with what
// stands there.
func holdPage(t *testing.T, page string, least int) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```\n\\$ tlswhy ([^\n]*)\n(.*?)```")
	n := 0
	fresh := blocks.ReplaceAllStringFunc(string(b), func(block string) string {
		n++
		m := blocks.FindStringSubmatch(block)
		before, quoted, isQuoted := strings.Cut(m[1], "'")
		args := strings.Fields(before)
		if isQuoted {
			args = append(args, strings.TrimSuffix(quoted, "'"))
		}
		var out bytes.Buffer
		p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &out, environ: []string{"COLUMNS=100"}}
		p.run(context.Background(), args)
		return "```\n$ tlswhy " + m[1] + "\n" + out.String() + "```"
	})
	if n < least {
		t.Errorf("found %d commands", n)
	}
	if *updateDocs {
		if err := os.WriteFile(page, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if fresh != string(b) {
		t.Errorf("%s is not what the program prints; go test ./cmd/tlswhy -run Page -update-docs writes it anew:\n%s", page, fresh)
	}
}
