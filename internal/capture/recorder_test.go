package capture

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// c and s are lines of a dialogue.
func c(text string) line { return line{tlswire.SideClient, []byte(text)} }
func s(text string) line { return line{tlswire.SideServer, []byte(text)} }

// dialogues come before TLS.
var dialogues = map[string][]line{
	"smtp":     {s("220 mail.example ESMTP\r\n"), c("EHLO me\r\n"), s("250-mail.example\r\n250 STARTTLS\r\n"), c("STARTTLS\r\n"), s("220 go ahead\r\n")},
	"lmtp":     {s("220 mail LMTP\r\n"), c("LHLO me\r\n"), s("250 STARTTLS\r\n"), c("STARTTLS\r\n"), s("220 ready\r\n")},
	"imap":     {s("* OK IMAP4rev1\r\n"), c("a1 STARTTLS\r\n"), s("a1 OK begin\r\n")},
	"pop3":     {s("+OK ready\r\n"), c("STLS\r\n"), s("+OK begin\r\n")},
	"ftp":      {s("220 FTP\r\n"), c("AUTH TLS\r\n"), s("234 AUTH TLS successful\r\n")},
	"sieve":    {s("\"IMPLEMENTATION\" \"Dovecot\"\r\n\"STARTTLS\"\r\nOK\r\n"), c("STARTTLS\r\n"), s("OK \"begin\"\r\n")},
	"nntp":     {s("200 news\r\n"), c("STARTTLS\r\n"), s("382 continue\r\n")},
	"xmpp":     {c("<stream:stream to='x'>"), s("<stream:features><starttls/></stream:features>"), c("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), s("<proceed/>")},
	"postgres": {c("\x00\x00\x00\x08\x04\xD2\x16\x2F"), s("S")},
	"mysql":    {s("J\x00\x00\x00\x0a8.0.36-debian\x00" + strings.Repeat("x", 62)), c(" \x00\x00\x01\x85\xae\x3f\x20" + strings.Repeat("\x00", 28))},
	"ldap":     {c("0\x1d\x02\x01\x01w\x18\x80\x161.3.6.1.4.1.1466.20037"), s("0\x0c\x02\x01\x01x\x07\x0a\x01\x00\x04\x00\x04\x00")},
	"rdp":      {c("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"), s("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x02\x00\x00\x00")},
	"connect":  {c("CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n"), s("HTTP/1.1 200 Connection established\r\n\r\n")},
	"proxy":    {c("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n")},
}

func TestDialogues(t *testing.T) {
	t.Parallel()
	lines := shakes(t)["version"]
	for name, before := range dialogues {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			x := w.dial(testClient, testServer)
			x.play(before)
			x.play(lines)
			x.fin(tlswire.SideServer)
			got, _, err := read(t, w.pcap(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			check(t, "version", got)
			if got[0].StartTLS != name {
				t.Errorf("got protocol %q, want %q", got[0].StartTLS, name)
			}
			if len(got[0].Attempt.Preamble) == 0 {
				t.Error("the dialogue was not kept")
			}
		})
	}
}

// TestTDS wraps the handshake in TDS packets, as SQL Server does.
func TestTDS(t *testing.T) {
	t.Parallel()
	w := &wire{}
	x := w.dial(testClient, "198.51.100.7:1433")
	x.play([]line{c("\x12\x01\x00\x1a\x00\x00\x00\x00" + strings.Repeat("\x00", 18)), s("\x04\x01\x00\x1a\x00\x00\x00\x00" + strings.Repeat("\x00", 18))})
	for _, l := range shakes(t)["version"] {
		n := len(l.data) + 8
		x.say(l.from, append([]byte{0x12, 1, byte(n >> 8), byte(n), 0, 0, 0, 0}, l.data...))
	}
	x.fin(tlswire.SideServer)
	got, _, err := read(t, w.pcap(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, "version", got)
	if got[0].StartTLS != "mssql" {
		t.Errorf("got protocol %q", got[0].StartTLS)
	}
}

func TestNoTLS(t *testing.T) {
	t.Parallel()
	hello := shakes(t)["tls13"][0]
	for name, tc := range map[string]struct {
		lines   []line
		outcome Outcome // None: not reported
		end     facts.EndKind
		stage   diag.Stage
		words   string // of End.Preamble
	}{
		"http":                    {lines: []line{c("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), s("HTTP/1.1 200 OK\r\n\r\nhello")}},
		"ssh":                     {lines: []line{s("SSH-2.0-OpenSSH_9.2\r\n"), c("SSH-2.0-x\r\n")}},
		"smtp without TLS":        {lines: []line{s("220 mail ESMTP\r\n"), c("EHLO me\r\n"), s("250 ok\r\n"), c("QUIT\r\n"), s("221 bye\r\n")}},
		"smtp refuses":            {[]line{s("220 mail ESMTP\r\n"), c("EHLO me\r\n"), s("250 ok\r\n"), c("STARTTLS\r\n"), s("454 TLS not available\r\n")}, Failed, facts.EndPreamble, diag.StagePreamble, "refused"},
		"smtp refuses in vain":    {[]line{s("220 mail ESMTP\r\n"), c("EHLO me\r\n"), s("250 ok\r\n"), c("STARTTLS\r\n"), s("454 TLS not available\r\n"), hello, s("221 bye\r\n")}, Failed, facts.EndPreamble, diag.StagePreamble, "refused"},
		"smtp agrees, then talks": {[]line{s("220 mail ESMTP\r\n"), c("EHLO me\r\n"), s("250 ok\r\n"), c("STARTTLS\r\n"), s("220 go\r\n"), hello, s("221 bye\r\n")}, Failed, facts.EndNotTLS, diag.StageClientHello, ""},
		"postgres refuses":        {[]line{c("\x00\x00\x00\x08\x04\xD2\x16\x2F"), s("N")}, Failed, facts.EndPreamble, diag.StagePreamble, "refused"},
		"proxy refuses":           {[]line{c("CONNECT a.example:443 HTTP/1.1\r\n\r\n"), s("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")}, Failed, facts.EndPreamble, diag.StageProxy, "refused"},
		"http to nginx":           {[]line{c("GET / HTTP/1.1\r\n\r\n"), s("HTTP/1.1 400 Bad Request\r\n\r\n<center>The plain HTTP request was sent to HTTPS port</center>\r\n")}, Failed, facts.EndPreamble, diag.StagePreamble, "speaks TLS"},
		"http to TLS":             {[]line{c("GET / HTTP/1.1\r\n\r\n"), s("\x15\x03\x03\x00\x02\x02\x0a")}, Failed, facts.EndPreamble, diag.StagePreamble, "speaks TLS"},
		"TLS to http":             {[]line{hello, s("HTTP/1.1 400 Bad Request\r\n\r\n")}, Failed, facts.EndNotTLS, diag.StageClientHello, ""},
		"TLS to ssh":              {[]line{s("SSH-2.0-OpenSSH_9.2\r\n"), hello}, Failed, facts.EndTimeout, diag.StageClientHello, ""},
		"no answer, no end":       {[]line{hello}, Partial, facts.EndTimeout, diag.StageClientHello, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			x := w.dial(testClient, testServer)
			x.play(tc.lines)
			if name == "TLS to ssh" {
				w.at = w.at.Add(10 * lively)
				w.dial("192.0.2.99:4000", "198.51.100.9:22") // the capture goes on
			}
			got, _, err := read(t, w.pcap(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if tc.outcome == None {
				if len(got) != 0 {
					t.Errorf("got %v, want nothing", got[0].Outcome)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("got %d connections", len(got))
			}
			if a := got[0].Attempt; got[0].Outcome != tc.outcome || a.End.Kind != tc.end || a.End.Stage != tc.stage || a.End.Preamble != tc.words {
				t.Errorf("got %v: %v at %v, %q", got[0].Outcome, a.End.Kind, a.End.Stage, a.End.Preamble)
			}
		})
	}
}

// TestMidway begins a capture in the middle of connections that work: they are
// told as such and never as failures.
func TestMidway(t *testing.T) {
	t.Parallel()
	for name, lines := range shakes(t) {
		if want[name].outcome != Complete {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			x := w.dial(testClient, testServer)
			x.play(lines)
			x.fin(tlswire.SideClient)
			all := w.packets
			for from := range all {
				w.packets = all[from:]
				got, _, err := read(t, w.pcap(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range got {
					if x.Outcome == Failed {
						t.Errorf("from packet %d on: failed, %v by %v at %v", from+1, x.Attempt.End.Kind, x.Attempt.End.By, x.Attempt.End.Stage)
					}
				}
			}
			for to := range all { // ... and ends in the middle
				w.packets = all[:to]
				got, _, _ := read(t, w.pcap(), Options{})
				for _, x := range got {
					if x.Outcome == Failed {
						t.Errorf("up to packet %d: failed, %v by %v at %v", to, x.Attempt.End.Kind, x.Attempt.End.By, x.Attempt.End.Stage)
					}
				}
			}
		})
	}
}

// TestSnapLength cuts every packet short, as tcpdump -s does.
func TestSnapLength(t *testing.T) {
	t.Parallel()
	for name, lines := range shakes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, snap := range []int{54, 68, 96, 200, 600} {
				w := &wire{}
				x := w.dial(testClient, testServer)
				x.play(lines)
				x.fin(closer(name))
				for i := range w.packets {
					w.packets[i].data = w.packets[i].data[:min(snap, len(w.packets[i].data))]
				}
				got, stats, err := read(t, w.pcap(), Options{})
				if err != nil || snap < 100 && stats.Short == 0 {
					t.Fatalf("cut %d, %v", stats.Short, err)
				}
				for _, x := range got {
					if x.Attempt.End.Preamble == "speaks TLS" {
						t.Errorf("at %d bytes: a hello that was cut short is called plain text", snap)
					}
					if want[name].outcome == Complete && x.Outcome == Failed {
						t.Errorf("at %d bytes: failed, %v by %v", snap, x.Attempt.End.Kind, x.Attempt.End.By)
					}
				}
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	pool, cert := authority(f, "shop.example")
	w := &wire{}
	x := w.dial(testClient, testServer)
	x.play(dialogues["smtp"])
	x.play(converse(f, &tls.Config{RootCAs: pool, ServerName: "shop.example"}, &tls.Config{Certificates: []tls.Certificate{cert}}))
	x.fin(tlswire.SideClient)
	f.Add(w.pcap())
	f.Add(w.pcapng(f, "CLIENT_RANDOM 00 00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, stats, _ := read(t, data, Options{})
		if len(got) > stats.Packets {
			t.Errorf("%d connections in %d packets", len(got), stats.Packets)
		}
	})
}
