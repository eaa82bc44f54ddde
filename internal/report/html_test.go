package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"expired", "middlebox", "vhost", "hostile"} {
		for _, f := range []Format{HTML, Markdown, SARIF} {
			golden(t, name+"."+string(f), render(t, f, fixtures[name](), Options{}))
		}
	}
}

// TestHTMLIsClosed checks that no page loads anything, runs anything or leaves
// a tag open.
func TestHTMLIsClosed(t *testing.T) {
	t.Parallel()
	for name, make := range fixtures {
		out := render(t, HTML, make(), Options{})
		for _, bad := range []string{"<script", "src=", "@import", "url(", "onload", "http://", "ZgotmplZ"} {
			if i := bytes.Index(out, []byte(bad)); i >= 0 && name != "hostile" && name != "version" {
				t.Errorf("%s: page contains %q: %s", name, bad, out[i:min(len(out), i+80)])
			}
		}
		dec := xml.NewDecoder(strings.NewReader(strings.ReplaceAll(string(out), "<!DOCTYPE html>", "")))
		dec.Strict = false
		dec.AutoClose = []string{"meta", "br"}
		dec.Entity = xml.HTMLEntity
		depth := 0
		for {
			tok, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch tok.(type) {
			case xml.StartElement:
				depth++
			case xml.EndElement:
				depth--
			}
		}
		if depth != 0 {
			t.Errorf("%s: %d tags stay open", name, depth)
		}
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		levels []int
	}{{"expired", []int{1, 1, 1}}, {"vhost", []int{1, 1}}, {"mtls", nil}, {"healthy", []int{1, 1}}}
	for _, tt := range tests {
		got, _ := chainLevels(fixtures[tt.name]())
		if len(got) != len(tt.levels) {
			t.Errorf("%s: got %d levels, want %d", tt.name, len(got), len(tt.levels))
			continue
		}
		for i := range got {
			if len(got[i]) != tt.levels[i] {
				t.Errorf("%s: level %d has %d certificates, want %d", tt.name, i, len(got[i]), tt.levels[i])
			}
		}
	}
}
