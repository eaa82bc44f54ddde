package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/guard"
	monitorservice "github.com/tlswhy/tlswhy/internal/monitor/service"
)

// explained has material explained as for somebody on the pages.
func explained(t *testing.T, name string, data io.Reader) (monitorservice.Reading, error) {
	t.Helper()
	p := newProgram()
	return p.explainFor(t.Context(), &guard.Policy{}, monitorservice.Material{Name: name, Data: data}, monitorservice.DiagnoseRequest{})
}

// TestExplainFor chooses the reader by content.
func TestExplainFor(t *testing.T) {
	t.Parallel()
	root := issue(t, "Root", nil, nil, nil)
	leaf := serverCert(t, root)
	pcap, err := filepath.Glob("../../internal/capture/testdata/*.pcap*")
	if err != nil || len(pcap) == 0 {
		t.Fatalf("no capture: %v", err)
	}
	packets, err := os.ReadFile(pcap[0])
	if err != nil {
		t.Fatal(err)
	}
	key := "-----BEGIN PRIVATE KEY-----\nMIIEsecretsecretsecret\n-----END PRIVATE KEY-----\n"
	const curl = "curl: (60) SSL certificate problem: certificate has expired"
	for _, tt := range []struct {
		name, file string
		data       []byte
		kind       string
		target     string
		cause      string // of the first diagnosis
		bad        string // in the error
	}{
		{name: "a host", data: []byte(" shop.example.com \n"), kind: "target", target: "shop.example.com"},
		{name: "a URL", data: []byte("https://shop.example.com:8443/a?b"), kind: "target", target: "https://shop.example.com:8443/a?b"},
		{name: "an error", data: []byte(curl), kind: "text", cause: "cert-expired"},
		{name: "one word", data: []byte("SSL_ERROR_BAD_CERT_DOMAIN"), kind: "text", cause: "hostname-mismatch"},
		{name: "a certificate", file: "leaf.pem", data: inPEM("CERTIFICATE", leaf.der), kind: "certificate", cause: "incomplete-chain|unknown-ca"},
		{name: "DER", data: leaf.der, kind: "certificate", cause: "incomplete-chain|unknown-ca"},
		{name: "a key alone", data: []byte(key), bad: "key"},
		{name: "a log with a key", data: []byte(curl + "\n" + key + "and so on\n"), kind: "text", cause: "cert-expired"},
		{name: "nginx", file: "../../etc/nginx<b>.conf", data: []byte("events{}\nhttp{server{listen 443 ssl; server_name a.example; ssl_certificate /etc/passwd; ssl_certificate_key /etc/shadow; ssl_protocols TLSv1;}}\n"), kind: "configuration", cause: "protocol-version"},
		{name: "a broken configuration", data: []byte("events{}\nhttp{server{listen 443 ssl; server_name a.example;\n"), kind: "configuration", cause: "file-or-config-error"},
		{name: "a capture", file: "x.pcap", data: packets, kind: "capture"},
		{name: "half a capture", data: packets[:len(packets)/2], kind: "capture"},
		{name: "nothing", data: []byte(" \n"), bad: "nothing"},
		{name: "junk", file: "me.png", data: bytes.Repeat([]byte{0xff, 0, 0x80, 7}, 1000), bad: "me.png: this is no text"},
		{name: "a long text", data: bytes.Repeat([]byte("all is well\n"), 200_000), bad: "1 MB"},
		{name: "a beginning of a capture", data: packets[:24], bad: "no capture"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := explained(t, tt.file, bytes.NewReader(tt.data))
			if tt.bad != "" {
				var m *monitorservice.MaterialError
				if !errors.As(err, &m) || !strings.Contains(m.Msg, tt.bad) {
					t.Fatalf("got %v, want %q", err, tt.bad)
				}
				return
			}
			if err != nil || got.Kind != tt.kind || got.Target != tt.target {
				t.Fatalf("got %s %q, %v", got.Kind, got.Target, err)
			}
			if tt.cause != "" && (len(got.Found) == 0 || len(got.Found[0].Causes) == 0 || !strings.Contains("|"+tt.cause+"|", "|"+got.Found[0].Causes[0].ID+"|")) {
				t.Errorf("got %+v", got.Found)
			}
			if len(got.Found) > 0 && (strings.Contains(got.Title, "<") || got.Title == "") {
				t.Errorf("the title is %q", got.Title)
			}
			var b bytes.Buffer
			for _, d := range got.Found {
				b.WriteString(jsonOf(t, d))
			}
			for _, bad := range []string{"secretsecret", "standard input", "root:x:0"} {
				if strings.Contains(b.String(), bad) || strings.Contains(strings.Join(got.Notes, " ")+got.Title, bad) {
					t.Errorf("%q is in the answer", bad)
				}
			}
		})
	}
}

// endless is a capture that goes on for ever.
type endless struct {
	head []byte
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.head) > 0 {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	clear(p)
	e.read += int64(len(p))
	return len(p), nil
}

func TestExplainForIsBounded(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{"a capture": "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00", "a text": "curl: "} {
		e := &endless{head: []byte(head)}
		_, err := explained(t, "", e)
		var m *monitorservice.MaterialError
		if !errors.As(err, &m) || !strings.Contains(m.Msg, "MB") || e.read > 80<<20 {
			t.Errorf("%s: got %v after %d bytes", name, err, e.read)
		}
	}
}

// FuzzKindOf demands that whatever is sent has a kind.
func FuzzKindOf(f *testing.F) {
	for _, s := range []string{"", "a.example", "https://[::1]:1/", "-----BEGIN CERTIFICATE-----", "0\x82", "server{listen 443 ssl;}", "\xff\xfe"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, target := kindOf(data)
		if (kind == "target") != (target != "") || kind == "" && len(bytes.TrimSpace(data)) > 0 && !bytes.Contains(data, []byte{0xc2}) && !bytes.Contains(data, []byte{0xe2}) && !bytes.Contains(data, []byte{0xe1}) && !bytes.Contains(data, []byte{0xe3}) {
			t.Errorf("%q is %q %q", data, kind, target)
		}
		if bytes.Contains(withoutKeys(data), []byte("BEGIN PRIVATE KEY-----")) {
			t.Errorf("a key stays in %q", data)
		}
	})
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
