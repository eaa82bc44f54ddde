package spell

import (
	"strings"
	"testing"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b       string
		most, want int
	}{
		{"", "", 9, 0}, {"a", "", 9, 1}, {"abc", "", 9, 3}, {"lab", "lab", 9, 0}, {"abc", "acb", 9, 1}, {"abc", "abd", 9, 1},
		{"exlpain", "explain", 9, 1}, {"kitten", "sitting", 9, 3}, {"abcdef", "badcfe", 9, 3}, {"abcdef", "badcfe", 3, 3},
		{strings.Repeat("x", 100), "x", 200, 99}, {strings.Repeat("x", 100), "x", 64, 65}, {"kitten", "sitting", 2, 3}, {"abcdef", "uvwxyz", 1, 2},
	} {
		for _, ab := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			if got := Distance(ab[0], ab[1], tt.most); got != tt.want {
				t.Errorf("Distance(%q, %q, %d) = %d, want %d", ab[0], ab[1], tt.most, got, tt.want)
			}
		}
	}
}
