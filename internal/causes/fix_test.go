package causes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// pem is no certificate: the texts only have to carry it.
const testPEM = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----"

func fullParams() FixParams {
	now := time.Date(2026, 11, 22, 9, 12, 0, 0, time.UTC)
	return FixParams{
		Name: "shop.example.com", Host: "shop.example.com", Port: 443, Address: "203.0.113.7:443", SNI: "shop.example.com",
		Names:    []string{"shop.example.com", "www.shop.example.com", "203.0.113.7"},
		CertFile: "client.pem", KeyFile: "client.key", CAFile: "ca.pem",
		ServerCertFile: "/etc/ssl/shop.pem", ServerKeyFile: "/etc/ssl/shop.key", ChainFile: "/etc/ssl/chain.pem",
		MissingPEM: testPEM, MissingSubject: "CN=R11, O=Let's Encrypt", MissingURL: "http://r11.i.lencr.org/",
		FullChainPEM: testPEM + "\n" + testPEM,
		Subject:      "CN=shop.example.com", Issuer: "CN=R11, O=Let's Encrypt", IssuerOrg: "Let's Encrypt",
		NotBefore: now.AddDate(0, 0, -102), NotAfter: now.AddDate(0, 0, -12), DueSince: now.AddDate(0, 0, -42), ACME: true,
		Suites: []string{"AES128-SHA"}, SuitesIANA: []string{"TLS_RSA_WITH_AES_128_CBC_SHA"},
		OfferedSuites:     []string{"TLS_AES_128_GCM_SHA256", "DHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES128-GCM-SHA256"},
		OfferedSuitesIANA: []string{"TLS_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		Groups:            []string{"secp521r1"}, OfferedGroups: []string{"secp256r1", "x25519"},
		Schemes: []string{"rsa_pkcs1_sha1"}, OfferedSchemes: []string{"rsa_pss_rsae_sha256", "ed25519"}, ClientALPN: []string{"h2"},
		Version: "1.2", MinVersion: "1.2", MaxVersion: "1.3", ALPN: []string{"h2", "http/1.1"}, KeyType: "RSA",
		Client: "Java 8u161", CAs: []string{"CN=Clients CA, O=Example"}, Protocol: "https", StartTLS: "smtp",
		Reason: "keyCompromise", Serial: "1A2B", ListURL: "http://crl.example.com/r11.crl", OCSPURL: "http://ocsp.example.com", MustStaple: true,
		Words: "220 mail.example.com ESMTP Postfix", Now: now,
	}
}

func paramSets() map[string]FixParams {
	noACME := fullParams()
	noACME.ACME = false
	ip := FixParams{Name: "2001:db8::7", Port: 8443, Names: []string{"2001:db8::7"}, KeyType: "ECDSA"}
	return map[string]FixParams{"empty": {}, "full": fullParams(), "no-acme": noACME, "ip": ip}
}

// Every section of every guide, with every set of parameters.
func TestEveryFixRenders(t *testing.T) {
	t.Parallel()
	for _, g := range catalogue().guides {
		for action := range g.sections {
			for name, p := range paramSets() {
				t.Run(g.file+"/"+action+"/"+name, func(t *testing.T) {
					t.Parallel()
					p := p.clean()
					f, err := g.render(FixRef{g.side, action}, &p)
					if err != nil {
						t.Fatal(err)
					}
					all := f.Text + "\n" + f.Config + "\n" + f.Command
					for _, hole := range []string{"<no value>", "%!", "{{", "```", "0001-01-01", `''`, `""`, "= ;", "()"} {
						if hole == "()" && strings.Contains(all, "()") && !strings.Contains(f.Text, "()") {
							continue // code
						}
						if strings.Contains(all, hole) && !allowedHole(g.file, hole) {
							t.Errorf("rendered text has %q:\n%s", hole, all)
						}
					}
					if bad := badAdvice(all); bad != "" {
						t.Errorf("rendered text says %q", bad)
					}
					if f.Text == "" {
						t.Error("no text")
					}
					if strings.Contains(f.Text, "  ") {
						t.Errorf("text has a double space: %q", f.Text)
					}
				})
			}
		}
	}
}

func allowedHole(file, hole string) bool {
	return hole == `""` && (file == "iis" || file == "dotnet") // an empty string of C# or PowerShell
}

// Every action that a page names is known in general, so that nobody is left
// without an answer.
func TestEveryActionHasGeneralText(t *testing.T) {
	t.Parallel()
	general := map[string]string{"server": anyServer, "client": anyClient, "network": "network"}
	known := map[FixRef]bool{}
	for _, g := range catalogue().guides {
		for action := range g.sections {
			if g.file == general[g.side] {
				known[FixRef{g.side, action}] = true
			}
		}
	}
	for _, p := range Pages() {
		for _, ref := range p.Fixes {
			if !known[ref] {
				t.Errorf("%s: fix/%s.md has no section %q", p.ID, general[ref.Side], ref.Action)
			}
		}
		if len(RenderFixes(p.Fixes, nil, nil, FixParams{})) < len(p.Fixes) {
			t.Errorf("%s: not every fix renders", p.ID)
		}
	}
	for _, g := range catalogue().guides {
		for action := range g.sections {
			if !known[FixRef{g.side, action}] {
				t.Errorf("fix/%s.md explains %q, which fix/%s.md does not know", g.file, action, general[g.side])
			}
		}
	}
}

func TestSoftware(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"nginx", "nginx"}, {"NGINX", "nginx"}, {"openresty", "nginx"}, {"httpd", "apache"}, {"apache2", "apache"}, {"java", "tomcat"},
		{"", ""}, {"word", ""},
	} {
		if got, ok := Software(c.in); got != c.want || ok != (c.want != "") {
			t.Errorf("Software(%q): got %q, %v, want %q", c.in, got, ok, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"Java 8u161", "java"}, {"Go 1.26", "go"}, {"curl/8.5.0", "curl"}, {"chrome", "browsers"}, {"IE 6 on XP", "browsers"},
		{"Python 3.11", "python"}, {"Node 20", "node"}, {".NET", "dotnet"}, {"", ""}, {"toaster 1", ""},
	} {
		if got, ok := ClientSoftware(c.in); got != c.want || ok != (c.want != "") {
			t.Errorf("ClientSoftware(%q): got %q, %v, want %q", c.in, got, ok, c.want)
		}
	}
}

func TestRecogniseServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, header, banner, body, want string }{
		{"nginx", "nginx/1.29.2", "", "", "nginx"},
		{"openresty", "openresty/1.25", "", "", "nginx"},
		{"apache", "Apache/2.4.57 (Debian) OpenSSL/3.0.11", "", "", "apache"},
		{"tomcat", "Apache-Coyote/1.1", "", "", "tomcat"},
		{"iis", "Microsoft-IIS/10.0", "", "", "iis"},
		{"httpapi", "Microsoft-HTTPAPI/2.0", "", "", "iis"},
		{"caddy", "Caddy", "", "", "caddy"},
		{"apache-prod", "Apache", "", "", "apache"},
		{"apache-speaking", "", "", "Reason: You're speaking plain HTTP to an SSL-enabled server port.", "apache"},
		{"express", "", "", "X-Powered-By: Express", "node"},
		{"haproxy-body", "", "", "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.", "haproxy"},
		{"tomcat-body", "", "", "Bad Request\r\nThis combination of host and port requires TLS.\r\n", "tomcat"},
		{"postfix", "", "220 mx.example.com ESMTP Postfix (Debian/GNU)", "", "postfix"},
		{"dovecot", "", "* OK [CAPABILITY IMAP4rev1] Dovecot ready.", "", "dovecot"},
		{"body", "", "", "<hr><center>nginx</center>", "nginx"},
		{"go", "", "", "Client sent an HTTP request to an HTTPS server.", "go"},
		{"body-apache", "", "", "<address>Apache/2.4.57 (Debian) Server at localhost Port 80</address>", "apache"},
		{"body-iis", "", "", "<h1>IIS Windows Server</h1>", "iis"},
		{"unknown", "gws", "220 ready", "hello", ""},
		{"nothing", "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := RecogniseServer(c.header, c.banner, c.body); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRenderFixesChoosesSoftware(t *testing.T) {
	t.Parallel()
	fors := func(side, action string, software, clients []string) string {
		var list []string
		for _, f := range RenderFixes([]FixRef{{side, action}}, software, clients, fullParams()) {
			list = append(list, f.Side+"/"+f.For)
		}
		return strings.Join(list, " ")
	}
	for _, c := range []struct {
		name, side, action string
		software, clients  []string
		want               string
	}{
		{"known-server", "server", "serve-full-chain", []string{"nginx"}, nil, "server/nginx"},
		{"alias", "server", "serve-full-chain", []string{"OpenResty"}, nil, "server/nginx"},
		{"unknown-server", "server", "serve-full-chain", nil, nil, "server/ server/nginx server/apache server/haproxy"},
		{"server-without-section", "server", "enable-certificates", []string{"nginx"}, nil, "server/"},
		{"two-clients", "client", "add-ca-to-client", nil, []string{"Java 17", "curl"}, "client/java client/curl"},
		{"unknown-clients", "client", "add-ca-to-client", nil, nil, "client/ client/curl client/java client/python client/go"},
		{"client-nobody-knows", "client", "add-ca-to-client", nil, []string{"toaster"}, "client/"},
		{"network", "network", "open-firewall", []string{"nginx"}, nil, "network/"},
		{"nonsense", "server", "dance", []string{"nginx"}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := fors(c.side, c.action, c.software, c.clients); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRenderFixesLeavesOutWhatCannotHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, keyType string
		suites, schem []string
		want          string
	}{
		{"suites-fit", "RSA", []string{"ECDHE-RSA-AES128-GCM-SHA256"}, nil, "common-suites common-schemes"},
		{"no-suite-fits", "ECDSA", []string{"ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"}, nil, "ecdsa-or-rsa-certificate common-schemes"},
		{"no-scheme-fits", "Ed25519", nil, []string{"rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256"}, "common-suites ecdsa-or-rsa-certificate"},
		{"neither-fits", "Ed25519", []string{"AES128-SHA"}, []string{"rsa_pss_rsae_sha256"}, "ecdsa-or-rsa-certificate"},
		{"nothing-known", "", []string{"AES128-SHA"}, nil, "common-suites common-schemes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			p := FixParams{KeyType: c.keyType, OfferedSuites: c.suites, OfferedSchemes: c.schem}
			for _, f := range RenderFixes([]FixRef{{"server", "common-suites"}, {"server", "common-schemes"}}, []string{"nginx"}, nil, p) {
				got = append(got, f.Action)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhoIsOld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, server, low, high string
		serverOld, clientOld    bool
	}{
		{"old-server", "1.0", "1.2", "1.3", true, false},
		{"old-client", "1.2", "ssl3", "1.0", false, true},
		{"new-server", "1.3", "1.0", "1.2", false, true},
		{"new-client", "1.2", "1.3", "1.3", true, false},
		{"fine", "1.2", "1.2", "1.3", false, false},
		{"unknown", "", "", "", false, false},
		{"only-client", "", "1.0", "1.0", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := FixParams{Version: c.server, MinVersion: c.low, MaxVersion: c.high}
			if s, cl := p.ServerIsOld(), p.ClientIsOld(); s != c.serverOld || cl != c.clientOld {
				t.Errorf("got server %v, client %v, want %v, %v", s, cl, c.serverOld, c.clientOld)
			}
		})
	}
}

func TestNoClientIsToldToTakeABrokenSuite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		suites []string
		want   int
	}{{"3des", []string{"DES-CBC3-SHA"}, 0}, {"rc4-and-aes", []string{"RC4-SHA", "AES128-SHA"}, 1}, {"unknown", nil, 1}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := RenderFixes([]FixRef{{"client", "common-suites"}}, nil, []string{"curl"}, FixParams{Suites: c.suites}); len(got) != c.want {
				t.Errorf("got %+v, want %d fixes", got, c.want)
			}
		})
	}
}

// The complete chain is written out ready to use, whatever the server.
func TestChainIsWrittenOut(t *testing.T) {
	t.Parallel()
	for _, name := range append(SoftwareNames("server"), "") {
		for _, f := range RenderFixes([]FixRef{{"server", "serve-full-chain"}}, []string{name}, nil, fullParams()) {
			if !strings.Contains(f.Command, "BEGIN CERTIFICATE") {
				t.Errorf("%s: no certificate in %+v", name, f)
			}
		}
	}
}

// What the peer says must not break out of where it is inserted.
func TestHostileParams(t *testing.T) {
	t.Parallel()
	const evil = "x\"; rm -rf / #`$(reboot)`\n```command\nreboot\n```\n'"
	p := FixParams{
		Name: evil, Host: evil, SNI: evil, Address: evil, Names: []string{evil, "a.example\nb"}, MissingURL: "http://h/$(reboot)",
		MissingPEM: testPEM + "\nEOF\nreboot\n", FullChainPEM: "EOF\nreboot\n" + testPEM, MissingSubject: evil, Subject: evil,
		Issuer: evil, IssuerOrg: evil, Suites: []string{evil}, SuitesIANA: []string{evil}, Groups: []string{evil}, Schemes: []string{evil},
		OfferedSuites: []string{evil}, OfferedSuitesIANA: []string{evil}, OfferedGroups: []string{evil}, OfferedSchemes: []string{evil},
		Version: evil, ALPN: []string{evil}, KeyType: evil, Client: evil, CAs: []string{evil}, Protocol: evil, StartTLS: evil, Words: evil,
		Port: -1,
	}
	for _, g := range catalogue().guides {
		for action := range g.sections {
			clean := p.clean()
			f, err := g.render(FixRef{g.side, action}, &clean)
			if err != nil {
				t.Errorf("%s %s: %v", g.file, action, err)
			}
			if strings.Contains(f.Config+f.Command, "reboot") {
				t.Errorf("%s %s: the peer's text reached a command or configuration:\n%s\n%s", g.file, action, f.Config, f.Command)
			}
		}
	}
}

// TestManyNames has a fix repeat no endless list of names.
func TestManyNames(t *testing.T) {
	t.Parallel()
	p := FixParams{Name: "shop.example"}
	for i := range mostNames + 1 {
		p.Names = append(p.Names, fmt.Sprintf("h%d.example", i), "twice.example")
	}
	few, many := p, p
	few.Names = few.Names[:20]
	few, many = few.clean(), many.clean()
	if got := few.AllNames(); len(got) != 11 {
		t.Errorf("got %d names, want 11", len(got))
	}
	if got := many.AllNames(); !slices.Equal(got, []string{"shop.example"}) {
		t.Errorf("got %d names, want the one that was asked for", len(got))
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"a.pem", "a.pem"}, {"/x/a b.pem", "'/x/a b.pem'"}, {"", "''"}, {"it's", `'it'\''s'`}, {"-x", "'./-x'"}, {"$(reboot)", "'$(reboot)'"},
	} {
		if got := shellWord(c.in); got != c.want {
			t.Errorf("shellWord(%q): got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestUnfence(t *testing.T) {
	t.Parallel()
	text, config, command, err := unfence("One\ntwo.\n\n- a\n- b\n  c\n\n```config\n\nx;\n\n\ny;\n```\n```command\nls\n```\nEnd.\n```command\npwd\n```\n```config\n```\n")
	if err != nil || text != "One two.\n- a\n- b c\nEnd." || config != "x;\n\ny;" || command != "ls\npwd" {
		t.Errorf("got %q, %q, %q, %v", text, config, command, err)
	}
	for _, bad := range []string{"```config\nx", "```\nx\n```", "```sh\nx\n```", "```config\n```command\n```"} {
		if _, _, _, err := unfence(bad); err == nil {
			t.Errorf("unfence(%q): got no error", bad)
		}
	}
}

func TestGuideErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no-side", "# x\nname: x\n\n## a\nb\n", "one side"},
		{"bad-template", "# x\nside: server\n\n## a\n{{if}}\n", "missing value"},
		{"twice", "# x\nside: server\n\n## a\nb\n## a\nb\n", "twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := readBook(fstest.MapFS{"fix/x.md": {Data: []byte(c.text)}})
			if len(b.errs) != 1 || !strings.Contains(b.errs[0].Error(), c.want) {
				t.Errorf("got %v, want %q", b.errs, c.want)
			}
		})
	}
}
