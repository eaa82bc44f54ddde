package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var updateDocs = flag.Bool("update-docs", false, "rewrite the output in docs/explain.md")

// TestExplainPage runs the commands of docs/explain.md and compares what they
// print with what stands there.
func TestExplainPage(t *testing.T) {
	t.Parallel()
	const page = "../../docs/explain.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```\n\\$ tlswhy ([^\n]*)\n(.*?)```")
	n := 0
	fresh := blocks.ReplaceAllStringFunc(string(b), func(block string) string {
		n++
		m := blocks.FindStringSubmatch(block)
		before, quoted, _ := strings.Cut(m[1], "'")
		args := append(strings.Fields(before), strings.TrimSuffix(quoted, "'"))
		var out bytes.Buffer
		p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &out, environ: []string{"COLUMNS=100"}}
		p.run(context.Background(), args)
		return "```\n$ tlswhy " + m[1] + "\n" + out.String() + "```"
	})
	if n < 4 {
		t.Errorf("found %d commands", n)
	}
	if *updateDocs {
		if err := os.WriteFile(page, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if fresh != string(b) {
		t.Errorf("docs/explain.md is not what the program prints; go test ./cmd/tlswhy -run TestExplainPage -update-docs writes it anew:\n%s", fresh)
	}
}
