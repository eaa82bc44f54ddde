package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/diag"
)

func TestSafeLine(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "CN=shop.example.com", "CN=shop.example.com"},
		{"letters of the world", "Zürich 東京 Ελλάδα", "Zürich 東京 Ελλάδα"},
		{"escape sequence", "\x1b[31mred", `\x1B[31mred`},
		{"C1 control", "a\u009b31m", `a\x9B31m`},
		{"line feed, tab, return", "a\nb\tc\r", `a\nb\tc\r`},
		{"bidirectional override", "a\u202Eb\u2069", `a\u{202E}b\u{2069}`},
		{"zero width", "a\u200bb\ufeff", `a\u{200B}b\u{FEFF}`},
		{"soft hyphen", "a\u00adb", `a\xADb`},
		{"variation selector and tag", "a\ufe0f\U000e0041", `a\u{FE0F}\u{E0041}`},
		{"line separator", "a\u2028b", `a\u{2028}b`},
		{"no UTF-8", "a\xff\xc3b", `a\xFF\xC3b`},
		{"replacement character", "a\uFFFDb", `a\u{FFFD}b`},
		{"accent", "e\u0301", "e\u0301"},
		{"heap of accents", "e" + strings.Repeat("\u0301", 6), "e" + strings.Repeat("\u0301", 4) + `\u{0301}\u{0301}`},
		{"private use", "\ue000", `\u{E000}`},
	}
	for _, tt := range tests {
		if got := safeLine(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if once := safeLine(tt.in); safeLine(once) != once {
			t.Errorf("%s: escaping twice changes %q", tt.name, once)
		}
	}
	if got, want := safeBlock("a\r\n\tb\x07\n"), "a\n\tb\\x07\n"; got != want {
		t.Errorf("safeBlock = %q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		in          string
		first, rest int
		hard        bool
		want        string
	}{
		{"empty", "", 10, 10, true, ""},
		{"fits", "one two", 10, 10, true, "one two"},
		{"breaks at spaces", "one two three four", 9, 9, true, "one two|three|four"},
		{"first line shorter", "one two three four", 8, 12, true, "one two|three four"},
		{"long word is broken", "abcdefghijkl", 8, 8, true, "abcdefgh|ijkl"},
		{"long word overflows", "see abcdefghijkl now", 8, 8, false, "see|abcdefghijkl|now"},
		{"wide characters", "東京東京東京", 8, 8, true, "東京東京|東京"},
		{"runs of spaces stay", "fails   with x", 20, 20, true, "fails   with x"},
	}
	for _, tt := range tests {
		if got := strings.Join(wrap(tt.in, tt.first, tt.rest, tt.hard), "|"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for ms, want := range map[float64]string{0: "0 ms", 0.04: "0.04 ms", 0.4: "0.4 ms", 3.2: "3 ms", 1512: "1512 ms", 12000: "12.0 s", 1e12: "over a day", -1: "?"} {
		if got := milliseconds(ms); got != want {
			t.Errorf("milliseconds(%v) = %q, want %q", ms, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1512: "1,512", 1234567: "1,234,567", -1512: "-1,512"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
	for in, want := range map[diag.Target]string{
		{Name: "a.test", Port: 443}: "a.test:443", {Name: "2001:db8::1", Port: 443}: "[2001:db8::1]:443", {Input: "x://"}: "x://", {Name: "a.test"}: "a.test",
	} {
		if got := label(in); got != want {
			t.Errorf("label(%+v) = %q, want %q", in, got, want)
		}
	}
}

// FuzzReport puts any text into every place of a diagnosis: no format may
// panic, hang, or let a control character through.
func FuzzReport(f *testing.F) {
	f.Add("a\x1b[2J\u202e")
	f.Add("-----BEGIN X-----\n|`<b>]]>")
	f.Add("http://u:p@[::1]:443/?a=b *.example.com 1.2.3.4")
	f.Fuzz(func(t *testing.T, s string) {
		d := expired()
		d.Target.Name, d.Target.Input = s, s
		c := &d.Causes[0]
		c.ID, c.Summary, c.Verify, c.Affects, c.Unaffected = s, s, s, []string{s}, []string{s}
		c.Evidence[0] = diag.Evidence{Text: s, Where: s}
		c.Fixes[0] = diag.Fix{Side: s, For: s, Text: s, Config: s, Command: s}
		d.Handshake.Steps[4].Name, d.Handshake.Steps[4].Text, d.Handshake.Steps[4].Notes = s, s, []string{s}
		d.Certificates[0].Subject, d.Certificates[0].Names, d.Certificates[1].Subject = s, []string{s}, s
		d.Notes = []string{s}
		for _, format := range Formats {
			for _, redact := range []bool{false, true} {
				var b strings.Builder
				if err := Write(&b, format, d, Options{Verbose: 2, Redact: redact}); err != nil {
					t.Fatal(err)
				}
				if !utf8.ValidString(b.String()) {
					t.Fatalf("%s: not UTF-8", format)
				}
				for _, r := range b.String() {
					if r != '\n' && r != '\t' && (r < 0x20 || r >= 0x7F && r < 0xA0 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069) {
						t.Fatalf("%s: unsafe rune %U", format, r)
					}
				}
			}
		}
	})
}
