package srvconf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Apply returns the files with the edits made, by name; those of Options.Instead
// are changed further.
func Apply(edits []Edit, o Options) (map[string][]byte, error) {
	out := maps.Clone(o.Instead)
	if out == nil {
		out = map[string][]byte{}
	}
	for _, e := range edits {
		data, ok := out[e.File]
		if !ok {
			var err error
			if data, err = readBounded((&reader{o: o}).real(e.File), maxFile); err != nil {
				return nil, fmt.Errorf("changing %s: %w", e.File, err)
			}
		}
		lines := strings.Split(string(data), "\n")
		if e.Line < 1 || e.Line > len(lines) || !e.Insert && lines[e.Line-1] != e.Old {
			return nil, fmt.Errorf("changing %s: the line is another one", e.Place)
		}
		switch {
		case e.Insert:
			lines = slices.Insert(lines, e.Line, e.New)
		case e.New == "":
			lines = slices.Delete(lines, e.Line-1, e.Line)
		default:
			lines[e.Line-1] = e.New
		}
		out[e.File] = []byte(strings.Join(lines, "\n"))
	}
	return out, nil
}

// Diff writes what changes as a unified diff that patch -p1 takes.
func Diff(file, old, fresh string) string {
	a, b := splitLines(old), splitLines(fresh)
	const context = 3
	var out strings.Builder
	name := strings.TrimPrefix(file, "/")
	fmt.Fprintf(&out, "--- a/%s\n+++ b/%s\n", name, name)
	ops := compare(a, b)
	for i := 0; i < len(ops); {
		if ops[i].kind == ' ' {
			i++
			continue
		}
		start, end := max(0, i-context), i
		for gap := 0; end < len(ops) && gap <= 2*context; end++ {
			if ops[end].kind == ' ' {
				gap++
			} else {
				gap = 0
			}
		}
		for end > i && ops[end-1].kind == ' ' {
			end--
		}
		end = min(end+context, len(ops))
		hunk := ops[start:end]
		oldN, newN := 0, 0
		for _, o := range hunk {
			if o.kind != '+' {
				oldN++
			}
			if o.kind != '-' {
				newN++
			}
		}
		fmt.Fprintf(&out, "@@ -%d,%d +%d,%d @@\n", hunk[0].a+1, oldN, hunk[0].b+1, newN)
		for _, o := range hunk {
			text := o.text
			out.WriteByte(o.kind)
			out.WriteString(text)
			if !strings.HasSuffix(text, "\n") {
				out.WriteString("\n\\ No newline at end of file\n")
			}
		}
		i = end
	}
	return out.String()
}

func splitLines(s string) []string { return slices.Collect(strings.Lines(s)) }

// op is one line of a diff, with its place in both files.
type op struct {
	kind byte // ' ', '-', '+'
	text string
	a, b int
}

// compare matches lines from both ends; what lies between is replaced, line by
// line where the next equal one is near. Good for small edits, and never wrong.
func compare(a, b []string) []op {
	var out []op
	i, j := 0, 0
	const near = 50
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, op{' ', a[i], i, j})
			i, j = i+1, j+1
			continue
		case j >= len(b):
			out = append(out, op{'-', a[i], i, j})
			i++
			continue
		case i >= len(a):
			out = append(out, op{'+', b[j], i, j})
			j++
			continue
		}
		gone, came := distance(a[i:], b[j:], near)
		for range gone {
			out = append(out, op{'-', a[i], i, j})
			i++
		}
		for range came {
			out = append(out, op{'+', b[j], i, j})
			j++
		}
	}
	return out
}

// distance says how many lines to drop of both until they agree again.
func distance(a, b []string, near int) (int, int) {
	for sum := 1; sum <= 2*near; sum++ {
		for i := 0; i <= sum; i++ {
			if j := sum - i; i < len(a) && j < len(b) && a[i] == b[j] {
				return i, j
			}
		}
	}
	return 1, 1
}
