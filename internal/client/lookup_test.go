package client

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	tests := []struct{ ask, want string }{
		{"java 6", "Java 6u45"},
		{"Java6u45", "Java 6u45"},
		{"JAVA-6U45", "Java 6u45"},
		{"ie6-xp", "IE 6 XP"},
		{"IE 6 XP", "IE 6 XP"},
		{"ie6", "IE 6 XP"},
		{"android 2.3", "Android 2.3.7"},
		{"android2", "Android 2.3.7"},
		{"android 4", "Android 4.4.2"},
		{"android 12", "Android 11/12 (native)"},
		{"android 16", "Android 15/16 (native)"},
		{"Android 16 (native)", "Android 15/16 (native)"},
		{"openssl 3.5", "OpenSSL 3.5.0 (git)"},
		{"openssl-3.0.15", "OpenSSL 3.0.15 (Debian)"},
		{"openssl", "OpenSSL 4.0.0 (git)"},
		{"chrome", "Chromium 156 (Debian)"},
		{"chromium", "Chromium 156 (Debian)"},
		{"chrome 10", "Chrome 101 (Win 10)"},
		{"chrome101", "Chrome 101 (Win 10)"},
		{"chrome 49", "Chrome 49 Win 7"},
		{"chrome 49 xp", "Chrome 49 XP SP3"},
		{"java 8", "Java 8u442 (OpenJDK)"},
		{"java 21", "Java 21.0.6 (OpenJDK)"},
		{"java 17", "Java 17.0.3/21.0.6 (OpenJDK)"},
		{"openjdk 11", "Java 11.0.2 (OpenJDK)"},
		{"firefox", "Firefox 137 (Win 11)"},
		{"Firefox 100 (Win 10)", "Firefox 137 (Win 11)"},
		{"opera 65 (win 10)", "Opera 66 (Win 10)"},
		{"edge", "Edge 133 Win 11 23H2"},
		{"safari ios 9", "Safari 9 iOS 9"},
		{"win 7 chrome 51", "Chrome 51 Win 7"},
		{"ie 8", "IE 8 Win 7"},
		{"ie 11", "IE 11 Win 10"},
		{"go", "Go 1.26"},
		{"golang 1.17", "go 1.17.8"},
		{"thunderbird", "Thunderbird (91.9)"},
		{"reference", referenceName},
		{referenceName, referenceName},
	}
	for _, tt := range tests {
		t.Run(tt.ask, func(t *testing.T) {
			t.Parallel()
			p, err := Lookup(tt.ask)
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != tt.want {
				t.Errorf("got %s, want %s", p.Name, tt.want)
			}
		})
	}
}

func TestLookupEveryName(t *testing.T) {
	t.Parallel()
	for _, p := range Profiles() {
		for _, name := range p.names() {
			got, err := Lookup(name)
			if err != nil || got.Name != p.Name {
				t.Errorf("%s: got %v, %v", name, got, err)
			}
		}
	}
}

func TestLookupUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ask  string
		near string // must be among the names; "" = no demand
	}{
		{"", ""},
		{"   ", ""},
		{"java 5", "Java 6u45"},
		{"openssl 3.0.1", "OpenSSL 3.0.15"},
		{"chorme", "Chrome"},
		{"firefx", "Firefox"},
		{"netscape navigator gold", ""},
		{"1", ""},
		{strings.Repeat("x", 1<<16), ""},
		{"\x00\xff", ""},
	}
	for _, tt := range tests {
		p, err := Lookup(tt.ask)
		var unknown *UnknownError
		if !errors.As(err, &unknown) {
			t.Errorf("%.40q: got %v, %v, want an UnknownError", tt.ask, p, err)
			continue
		}
		if tt.near != "" && !slices.ContainsFunc(unknown.Near, func(n string) bool { return strings.HasPrefix(n, tt.near) }) {
			t.Errorf("%q: near are %q, want %s", tt.ask, unknown.Near, tt.near)
		}
		if len(unknown.Near) > 5 {
			t.Errorf("%q: %d near names", tt.ask, len(unknown.Near))
		}
	}
}
