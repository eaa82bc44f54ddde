package programs

import (
	"errors"
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/internal/truststore"
)

func TestLists(t *testing.T) {
	t.Parallel()
	names := Lists{}.Names()
	if want := []string{"android", "apple", "java", "microsoft", "openjdk"}; !slices.Equal(names, want) {
		t.Fatalf("got %v, want %v", names, want)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := truststore.Load(name, Lists{})
			if err != nil {
				t.Fatal(err)
			}
			if s.Title == "" || s.Date.IsZero() || len(s.From) != 1 || s.Name != name {
				t.Errorf("incomplete head: %q %v %v", s.Title, s.Date, s.From)
			}
			if len(s.Certs) < 80 || len(s.Listed) < len(s.Certs) {
				t.Errorf("got %d certificates of %d", len(s.Certs), len(s.Listed))
			}
			for _, c := range s.Certs {
				if len(c.Malformed) > 0 {
					t.Errorf("%s: %v", c.Subject, c.Malformed)
				}
				if !s.Contains(c) || s.Blocks(c) || !slices.Contains(s.BySubject(c.Subject), c) {
					t.Errorf("%s cannot be looked up", c.Subject)
				}
			}
			t.Logf("%s: %d of %d at hand, %d blocked", s.Title, len(s.Certs), len(s.Listed), len(s.Blocked))
		})
	}
}

func TestUnknownList(t *testing.T) {
	t.Parallel()
	if _, err := truststore.Load("netscape", Lists{}); !errors.Is(err, truststore.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	if _, err := (Lists{}).LoadList("../programs"); !errors.Is(err, truststore.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}
