package tlswhy_test

import (
	"bytes"
	"go/ast"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// vagueNames say nothing about what is in a package.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "base", "misc", "types", "shared", "lib"}

const (
	maxGoLines     = 500
	maxReadmeLines = 150
)

func TestPackageNamesAndComments(t *testing.T) {
	t.Parallel()
	for dir, p := range packages(t) {
		if len(p.files) == 0 {
			continue
		}
		if slices.Contains(vagueNames, p.name) {
			t.Errorf("%s: package %s is named after nothing that is in it", dir, p.name)
		}
		if last := path.Base(dir); dir != "." && p.name != "main" && p.name != last {
			t.Errorf("%s: package %s is not named as its folder", dir, p.name)
		}
		var with []string
		for name, f := range p.files {
			if f.Doc != nil && !isDirective(f.Doc) {
				with = append(with, name)
			}
		}
		switch {
		case len(with) == 0:
			t.Errorf("%s has no package comment", dir)
		case len(with) > 1:
			t.Errorf("%s has package comments in %s: keep one", dir, strings.Join(with, ", "))
		}
	}
}

// isDirective says that a comment group holds only directives such as
// //go:build, which the parser hands out as the file's comment.
func isDirective(g *ast.CommentGroup) bool { return strings.TrimSpace(g.Text()) == "" }

func TestFilesAreReadInOneSitting(t *testing.T) {
	t.Parallel()
	for p, body := range textFiles(t) {
		if !strings.HasSuffix(p, ".go") || isGenerated(body) {
			continue
		}
		if n := bytes.Count(body, []byte("\n")); n > maxGoLines {
			t.Errorf("%s has %d lines, more than %d: split it by what is in it", p, n, maxGoLines)
		}
	}
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func isGenerated(body []byte) bool { return generated.Match(body) }

func TestNothingLeftToDo(t *testing.T) {
	t.Parallel()
	// Put together, so that this file does not find itself.
	words := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X:"}
	for p, body := range textFiles(t) {
		for _, w := range words {
			if bytes.Contains(body, []byte(w)) {
				t.Errorf("%s contains %s: do it, or write down as an issue what is missing", p, w)
			}
		}
	}
}

func TestNoPathsOfOneMachine(t *testing.T) {
	t.Parallel()
	paths := regexp.MustCompile(`(^|[\s"'(=:` + "`" + `])/(work|farm|root)/[a-zA-Z]`)
	for p, body := range textFiles(t) {
		if m := paths.Find(body); m != nil && !strings.Contains(p, "testdata/") {
			t.Errorf("%s contains %q, a path that means nothing elsewhere", p, m)
		}
	}
}

func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(body, []byte("\n")); n >= maxReadmeLines {
		t.Errorf("README.md has %d lines, want fewer than %d", n, maxReadmeLines)
	}
	for _, command := range []string{"make build", "make test"} {
		if !bytes.Contains(body, []byte(command)) {
			t.Errorf("README.md does not show %q", command)
		}
	}
}

// TestLinksResolve follows the relative links of every Markdown file.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for p, body := range textFiles(t) {
		if !strings.HasSuffix(p, ".md") {
			continue
		}
		for _, m := range link.FindAllSubmatch(body, -1) {
			to, _, _ := strings.Cut(string(m[1]), "#")
			if to == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(p), filepath.FromSlash(to))); err != nil {
				t.Errorf("%s links to %s, which is not there", p, to)
			}
		}
	}
}

// TestCIRunsTheReadmesTest keeps the promise that a newcomer runs what CI runs.
func TestCIRunsTheReadmesTest(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"make check", "make test", "CI=true"} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf(".ci/run does not call %q", want)
		}
	}
}

// textFiles returns the text files of the repository by path.
func textFiles(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" || p == "bin" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || d.Name() == ".git" { // a file in a linked work tree
			return nil
		}
		body, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if utf8.Valid(body) {
			out[filepath.ToSlash(p)] = body
		}
		return nil
	})
	if err != nil {
		t.Fatalf("reading the repository: %v", err)
	}
	return out
}
