package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
)

// drawn writes a ladder in one line for each rung.
func drawn(l *ladder) []string {
	var out []string
	for _, r := range l.Rungs {
		arrow := map[string]string{"client": "→", "server": "←", "": "·"}[r.From]
		s := arrow + " " + r.Name
		if r.Count > 1 {
			s += fmt.Sprintf(" ×%d", r.Count)
		}
		for _, x := range []struct {
			word string
			is   bool
		}{{"break", r.Break}, {"stops", r.Stops}, {"starts", r.Starts}, {"beyond", r.Beyond}, {"never", r.Class == "never"}, {"opens", len(r.Fields) > 0}} {
			if x.is {
				s += " " + x.word
			}
		}
		if len(r.Agreed) > 0 {
			s += " [" + strings.Join(r.Agreed, " ") + "]"
		}
		out = append(out, s)
	}
	return out
}

func transcript(names ...string) []diag.Message {
	var out []diag.Message
	for i, n := range names {
		from := "server"
		if c, ok := strings.CutPrefix(n, ">"); ok {
			from, n = "client", c
		}
		out = append(out, diag.Message{From: from, Name: n, Size: 10, AtMS: float64(i)})
	}
	return out
}

func TestLadder(t *testing.T) {
	t.Parallel()
	full := func() *diag.Diagnosis {
		d := expired()
		d.Attempts[0].ALPN = "h2"
		d.Attempts[0].Messages = transcript(">ClientHello", "ServerHello", "EncryptedExtensions", "Certificate", "CertificateVerify", "Finished", ">Finished", ">application data", "application data", "application data", ">Alert")
		d.Attempts[0].Messages[0].Fields = []diag.Field{{Name: "server_name", Text: "shop.example.com"}}
		return d
	}
	seen := func() *diag.Diagnosis {
		d := full()
		d.Observed = &diag.Observed{}
		return d
	}
	retry := func() *diag.Diagnosis {
		d := cipher()
		d.Attempts[0].Messages = transcript(">ClientHello", "HelloRetryRequest", ">ClientHello", "Alert")
		return d
	}
	silence := func() *diag.Diagnosis {
		d := healthy()
		d.Handshake.Steps = []diag.Step{{Name: "connect", Stage: diag.StageConnect, Status: diag.StatusOK, AtMS: at(1)}, {Name: "ClientHello", From: "client", Stage: diag.StageClientHello, Status: diag.StatusOK},
			{Name: "silence", Stage: diag.StageServerHello, Status: diag.StatusBad, AtMS: at(5000)}, {Name: "ServerHello", From: "server", Stage: diag.StageServerHello, Status: diag.StatusNever}}
		d.Attempts[0].Messages = transcript(">ClientHello", "ChangeCipherSpec")
		return d
	}
	for _, tt := range []struct {
		name string
		d    *diag.Diagnosis
		want []string
	}{
		{"each message, and what only tlswhy saw", full(), []string{"· resolve", "· connect", "→ ClientHello opens", "← ServerHello [TLS 1.3 TLS_AES_128_GCM_SHA256 X25519MLKEM768]",
			"← EncryptedExtensions [h2]", "← Certificate break", "· the client stops here; tlswhy went on to see the rest", "← CertificateVerify beyond", "← Finished beyond", "→ Finished beyond", "→ application data beyond",
			"← application data ×2 beyond", "→ Alert beyond"}},
		{"of another client, nothing is beyond", seen(), []string{"· resolve", "· connect", "→ ClientHello opens", "← ServerHello [TLS 1.3 TLS_AES_128_GCM_SHA256 X25519MLKEM768]",
			"← EncryptedExtensions [h2]", "← Certificate break", "← CertificateVerify", "← Finished", "→ Finished", "→ application data", "← application data ×2", "→ Alert"}},
		{"what never happened stands last", retry(), []string{"· connect", "→ ClientHello", "← HelloRetryRequest", "→ ClientHello", "← Alert break", "· ServerHello never", "· Certificate never", "· Finished never"}},
		{"silence comes after what was said", silence(), []string{"· connect", "→ ClientHello", "← ChangeCipherSpec", "· silence break", "← ServerHello never"}},
		{"something on the path", middlebox(), []string{"→ ClientHello stops", "← RST break starts"}},
		{"steps without messages", mtls(), []string{"← CertificateRequest", "→ Certificate* break", "· Finished", "← Alert"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := drawn(newLadder(tt.d)); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestLadderIsBounded(t *testing.T) {
	t.Parallel()
	d := healthy()
	for i := range 5000 {
		d.Attempts[0].Messages = append(d.Attempts[0].Messages, diag.Message{From: "server", Name: fmt.Sprint("message ", i), Raw: strings.Repeat("ab", 1<<14)})
	}
	if l := newLadder(d); len(l.Rungs) != maxRungs || len(l.Rungs[5].Hex) > 6*maxDump || l.Rungs[5].More != "and 15,360 more bytes" {
		t.Errorf("got %d rungs, %d characters of hex, %q", len(l.Rungs), len(l.Rungs[5].Hex), l.Rungs[5].More)
	}
}

// TestMissing demands that what the path lacks is said, with what is known of it.
func TestMissing(t *testing.T) {
	t.Parallel()
	d := expired()
	d.Certificates = d.Certificates[:1]
	d.Certificates[0].AuthorityKeyID, d.Certificates[0].IssuerURLs = "0102ff", []string{"http://r11.example.com/"}
	got := newTree(d)
	if len(got.Levels) != 2 || !got.Levels[0].Boxes[0].Dashed || got.Levels[0].Boxes[0].Name != "R11" || got.Levels[0].Link.Class != "never" {
		t.Fatalf("got %+v", got.Levels)
	}
	if because := strings.Join(got.Levels[0].Boxes[0].Because, "; "); because != "key identifier 0102ff; to be found at http://r11.example.com/" {
		t.Errorf("got %q", because)
	}
	d = expired()
	d.Certificates = append(d.Certificates, diag.Certificate{Role: "extra", Source: "sent", Subject: "CN=other"}, diag.Certificate{Role: "extra", Source: "sent", Subject: d.Certificates[1].Subject, Issuer: "CN=old root"})
	d.Certificates[0].Link = "invalid"
	got = newTree(d)
	if len(got.Levels) != 3 || len(got.Levels[1].Boxes) != 2 || len(got.Beside) != 1 || got.Levels[1].Link.Class != "bad" {
		t.Errorf("got %+v beside %+v", got.Levels, got.Beside)
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	d := version()
	if got := Servers(d); !slices.Equal(got, []string{"nginx", "apache", "haproxy", "iis"}) {
		t.Errorf("got the servers %q", got)
	}
	html, err := View{Server: "haproxy", Headless: true}.Render(d)
	if err != nil || strings.Contains(string(html), "<h1>") || strings.Contains(string(html), "nginx") || !strings.Contains(string(html), "ssl-default-bind-options") {
		t.Errorf("got %v\n%s", err, html)
	}
	if html, err = (View{Server: "unknown"}).Render(d); err != nil || !strings.Contains(string(html), "nginx") || !strings.Contains(string(html), "<h1>") {
		t.Errorf("got %v\n%s", err, html)
	}
	if len(d.Causes[0].Fixes) != 6 {
		t.Error("the diagnosis was changed")
	}
}
