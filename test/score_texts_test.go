package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy"
)

// textTally says how a set of labelled error texts was explained.
type textTally struct {
	name                  string
	rows, strict, lenient int
}

// explainTexts explains every labelled set of texts that is in the repository.
func explainTexts(t *testing.T) []textTally {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", "corpus", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no labelled texts: %v", err)
	}
	var out []textTally
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := textTally{name: filepath.Base(file)}
		for line := range strings.Lines(string(data)) {
			var row struct {
				Text, Cause string
				Also        []string
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			set.rows++
			got := explained(t, row.Text)
			set.strict += bit(got == row.Cause)
			set.lenient += bit(got == row.Cause || slices.Contains(row.Also, got))
		}
		out = append(out, set)
	}
	return out
}

// explained is the first cause of the most frequent failure in a text, "" when
// there is none.
func explained(t *testing.T, text string) string {
	t.Helper()
	ds, err := tlswhy.Explain(strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(ds) == 0 || len(ds[0].Causes) == 0 {
		return ""
	}
	return ds[0].Causes[0].ID
}

// TestScorePageHasTexts: the page that make score writes names every labelled set.
func TestScorePageHasTexts(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "accuracy.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range explainTexts(t) {
		if line := fmt.Sprintf("testdata/corpus/%s, %d) | ", s.name, s.rows); !strings.Contains(string(page), line) {
			t.Errorf("docs/accuracy.md has no line %q: make score writes it", line)
		}
		if s.strict > s.lenient || s.lenient > s.rows || s.strict*10 < s.rows*8 {
			t.Errorf("%s: %d strict and %d lenient of %d", s.name, s.strict, s.lenient, s.rows)
		}
	}
}
