package errtext

import (
	"fmt"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// TestExamples reads the examples of every stanza.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, s := range load().stanzas {
		if len(s.examples) == 0 {
			t.Errorf("%s:%d: no example", s.file, s.line)
		}
		for i, ex := range s.examples {
			t.Run(fmt.Sprintf("%s:%d/%d", s.file, s.line, i), func(t *testing.T) {
				t.Parallel()
				r := Parse(ex)
				if len(r.Matches) == 0 {
					_, marks := find(ex)
					if s.problem == "" && s.way == facts.WayNone {
						for _, m := range marks {
							if m.s == s {
								return
							}
						}
					}
					t.Fatalf("nothing found in %q", ex)
				}
				m := r.Matches[0]
				if s.problem != "" && s.sign == "" && m.Problem != s.problem && rankOf(m.Problem) < rankOf(s.problem) {
					t.Errorf("%q\ngot problem %q, want %q", ex, m.Problem, s.problem)
				}
			})
		}
	}
}
