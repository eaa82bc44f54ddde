package diagnose

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var fieldMessages = []string{"ClientHello", "ServerHello", "HelloRetryRequest", "EncryptedExtensions", "Certificate", "CompressedCertificate", "CertificateRequest", "CertificateVerify",
	"CertificateStatus", "NewSessionTicket", "Finished", "Alert", "ChangeCipherSpec", "application data"}

// FuzzFields demands that any bytes of a peer give few and short fields.
func FuzzFields(f *testing.F) {
	h := &tlswire.ClientHello{Version: tlswire.TLS12, Random: make([]byte, 32), CipherSuites: []tlswire.CipherSuite{0x1301, 0x0A0A}}
	h.SetServerName("shop.example.com")
	h.SetSupportedVersions([]tlswire.Version{tlswire.TLS13})
	raw, err := h.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	for i := range fieldMessages {
		f.Add(uint8(i), true, raw)
		f.Add(uint8(i), false, []byte{2, 40})
	}
	f.Fuzz(func(t *testing.T, kind uint8, tls13 bool, raw []byte) {
		a := &facts.Attempt{Version: tlswire.TLS12}
		if tls13 {
			a.Version = tlswire.TLS13
		}
		got := fieldsOf(a, facts.Message{Name: fieldMessages[int(kind)%len(fieldMessages)], Raw: raw})
		if len(got) > maxFields {
			t.Errorf("got %d fields", len(got))
		}
		for _, x := range got {
			if x.Name == "" || x.Text == "" || len(x.Text) > maxFieldText+4 {
				t.Errorf("got %q: %d bytes %.40q", x.Name, len(x.Text), x.Text)
			}
		}
		if _, err := json.Marshal(got); err != nil {
			t.Error(err)
		}
	})
}

func TestFields(t *testing.T) {
	t.Parallel()
	h := &tlswire.ClientHello{Version: tlswire.TLS12, Random: make([]byte, 32), CipherSuites: []tlswire.CipherSuite{0x1301}}
	h.SetServerName("shop.example.com")
	raw, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"server_name": "shop.example.com", "cipher_suites": "1: TLS_AES_128_GCM_SHA256", "legacy_session_id": "empty"}
	for _, f := range fieldsOf(&facts.Attempt{}, facts.Message{Name: "ClientHello", Raw: raw}) {
		if w, ok := want[f.Name]; ok && w != f.Text {
			t.Errorf("%s: got %q, want %q", f.Name, f.Text, w)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing %v", want)
	}
	for _, d := range []tlswire.AlertDescription{40, 42, 48, 70, 112, 116} {
		f := fieldsOf(&facts.Attempt{}, facts.Message{Name: "Alert", Raw: []byte{2, byte(d)}})
		if i := slices.IndexFunc(f, func(x diag.Field) bool { return x.Name == "meaning" }); i < 0 {
			t.Errorf("%s has no meaning", d)
		}
	}
}
