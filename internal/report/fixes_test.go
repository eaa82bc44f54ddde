package report

import (
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
)

func TestGroupFixes(t *testing.T) {
	t.Parallel()
	f := func(side, software, action, text string) diag.Fix {
		return diag.Fix{Side: side, For: software, Action: action, Text: text}
	}
	tests := []struct {
		name string
		in   []diag.Fix
		want string // side/software: texts; ...
	}{
		{"none", nil, ""},
		{"steps for one software, the general ones between", []diag.Fix{f("server", "", "renew", "a"), f("server", "nginx", "reload", "b")}, "server/nginx: a b"},
		{"software not known", []diag.Fix{f("server", "", "renew", "a"), f("server", "nginx", "renew", "a-nginx"), f("server", "apache", "renew", "a-apache"),
			f("server", "", "reload", "b"), f("server", "nginx", "reload", "b-nginx")}, "server/nginx: a-nginx b-nginx; server/apache: a-apache b"},
		{"two sides", []diag.Fix{f("server", "nginx", "x", "a"), f("client", "go", "y", "b")}, "server/nginx: a; client/go: b"},
		{"nothing but general", []diag.Fix{f("network", "", "x", "a"), f("network", "", "y", "b")}, "network/: a b"},
		{"without action", []diag.Fix{f("", "", "", "a"), f("", "", "", "b")}, "/: a b"},
	}
	for _, tt := range tests {
		var parts []string
		for _, g := range groupFixes(tt.in) {
			s := g.Side + "/" + g.Software + ":"
			for _, x := range g.Fixes {
				s += " " + x.Text
			}
			parts = append(parts, s)
		}
		if got := strings.Join(parts, "; "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
