package causes

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// forbidden is advice that this project never gives.
var forbidden = []string{
	"--insecure", " -k ", "verify=false", "node_tls_reject_unauthorized", "insecureskipverify", "rejectunauthorized: false",
	"disable verification", "disabling verification", "trust all", "trustall", "cert_none", "_create_unverified", "--no-check-certificate",
	"servercertificatecustomvalidationcallback =", "servercertificatecustomvalidationcallback=", "noopverifier",
	"setverifydepth(0", "ssl_verify_none", "http.sslverify", "strict-ssl", "ignore-certificate-errors", "thisisunsafe",
	"verify_mode = none", "-dcom.sun.net.ssl.checkrevocation=false",
}

func badAdvice(text string) string {
	text = strings.ToLower(text)
	for _, f := range forbidden {
		if strings.Contains(text, f) {
			return f
		}
	}
	return ""
}

func TestEveryFileParses(t *testing.T) {
	t.Parallel()
	for _, err := range catalogue().errs {
		t.Error(err)
	}
	if len(Pages()) == 0 || len(catalogue().guides) == 0 {
		t.Fatalf("got %d pages and %d guides", len(Pages()), len(catalogue().guides))
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, p := range Pages() {
		t.Run(p.ID, func(t *testing.T) {
			t.Parallel()
			if got, ok := PageOf(p.ID); !ok || got != p {
				t.Errorf("PageOf(%q) is another page", p.ID)
			}
			for _, s := range sectionNames {
				if p.Section(s) == "" {
					t.Errorf("section %q is empty", s)
				}
			}
			if bad := badAdvice(p.Body); bad != "" {
				t.Errorf("the page says %q", bad)
			}
			if n := strings.Count(p.Body, "\n"); n < 20 || n > 75 {
				t.Errorf("the page has %d lines, want 20 to 75", n)
			}
			if p.Title == "" || strings.HasSuffix(p.Title, ".") || len(p.Title) > 110 {
				t.Errorf("title %q is no single short line", p.Title)
			}
			if strings.Count(p.Body, "```")%2 != 0 {
				t.Error("a fence is not closed")
			}
			for i, line := range strings.Split(p.Body, "\n") {
				if len(line) > 160 && !strings.Contains(line, "https://") {
					t.Errorf("line %d of the body has %d bytes", i+1, len(line))
				}
			}
		})
	}
}

// A page must tell itself apart from its neighbours by IDs that exist.
func TestPagesNameKnownCauses(t *testing.T) {
	t.Parallel()
	for _, p := range Pages() {
		parts := strings.Split(p.Section("How we know"), "`")
		for i := 1; i < len(parts); i += 2 {
			if looksLikeID(parts[i]) {
				if _, ok := PageOf(parts[i]); !ok {
					t.Errorf("%s: %q is no page", p.ID, parts[i])
				}
			}
		}
	}
}

// Commands of tlswhy in the texts use only flags that exist.
func TestTextsNameKnownFlags(t *testing.T) {
	t.Parallel()
	known := strings.Fields("--alpn --at --ca --cert --ciphers --client --connect --groups --key --max-connections --proxy --resolve --server " +
		"--sigalgs --sni --starttls --timeout --tls-max --tls-min --trust -4 -6 -o -v -vv")
	check := func(where, text string) {
		for _, command := range strings.Split(text, "tlswhy ")[1:] {
			command, _, _ = strings.Cut(command, "`")
			command, _, _ = strings.Cut(command, "\n")
			for _, word := range strings.Fields(command) {
				if strings.HasPrefix(word, "-") && !slices.Contains(known, word) {
					t.Errorf("%s: tlswhy has no flag %s", where, word)
				}
			}
		}
	}
	for _, p := range Pages() {
		check(p.ID, p.Body)
	}
	for _, g := range catalogue().guides {
		for action := range g.sections {
			p := fullParams().clean()
			if f, err := g.render(FixRef{g.side, action}, &p); err == nil {
				check(g.file+" "+action, f.Text+"\n"+f.Command)
			}
		}
	}
}

func looksLikeID(s string) bool {
	return strings.Contains(s, "-") && !strings.HasPrefix(s, "-") && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-") == ""
}

func TestPagesAreSorted(t *testing.T) {
	t.Parallel()
	var families []string
	for _, p := range Pages() {
		if len(families) == 0 || families[len(families)-1] != p.Family {
			families = append(families, p.Family)
		}
	}
	last := -1
	for _, f := range families {
		i := slices.Index(Families, f)
		if i <= last {
			t.Errorf("got the families in the order %q", families)
		}
		last = i
	}
}

func TestPageErrors(t *testing.T) {
	t.Parallel()
	const good = "# Title\nid: x\nfamily: sni\nstage: client_hello\nfix: client send-sni\n\n" +
		"## What you see\na\n## On the wire\na\n## How we know\na\n## Fix\na\n## Verify\na\n## References\n- R: https://r.example\n"
	for _, c := range []struct{ name, from, to, want string }{
		{"good", "", "", ""},
		{"no-title", "# Title", "Title", "not a title"},
		{"other-id", "id: x", "id: y", "not the file name"},
		{"no-id", "id: x\n", "", `exactly one "id"`},
		{"two-ids", "id: x\n", "id: x\nid: x\n", `exactly one "id"`},
		{"bad-family", "sni", "snow", "unknown family"},
		{"bad-stage", "client_hello", "hello", "unknown stage"},
		{"bad-fix", "client send-sni", "send-sni", "not a side"},
		{"bad-side", "client send-sni", "clint send-sni", "not a side"},
		{"no-colon", "id: x", "id: x\nnonsense", "no colon"},
		{"missing-section", "## Fix", "## Fixes", `section "Fix"`},
		{"order", "## Verify\na\n", "", `section "Verify"`},
		{"no-url", ": https://r.example", "", "reference"},
		{"no-refs", "- R: https://r.example\n", "", "references"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, c.from, c.to, 1)
			b := readBook(fstest.MapFS{"x.md": {Data: []byte(text)}})
			switch {
			case c.want == "" && (len(b.errs) != 0 || len(b.pages) != 1):
				t.Errorf("got errors %v", b.errs)
			case c.want != "" && (len(b.errs) != 1 || !strings.Contains(b.errs[0].Error(), c.want)):
				t.Errorf("got %v, want one error with %q", b.errs, c.want)
			}
		})
	}
}
