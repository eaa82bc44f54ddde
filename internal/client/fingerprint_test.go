package client

import (
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestJA4 takes the example of the fingerprint's own description, with GREASE.
func TestJA4(t *testing.T) {
	t.Parallel()
	h := &tlswire.ClientHello{Version: tlswire.TLS12}
	h.SetCipherSuites([]tlswire.CipherSuite{0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035})
	h.SetExtension(0x2a2a, nil)
	h.SetServerName("example.com")
	for _, e := range []tlswire.ExtensionType{0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x0005, 0x0012, 0x0033, 0x002d, 0x001b, 0x4469} {
		h.SetExtension(e, nil)
	}
	h.SetALPN([]string{"h2", "http/1.1"})
	h.SetSupportedVersions([]tlswire.Version{0x0a0a, tlswire.TLS13, tlswire.TLS12})
	h.SetSignatureSchemes([]tlswire.SignatureScheme{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601})
	h.SetExtension(0x0015, []byte{0})
	if got, want := JA4(h), "t13d1516h2_8daaf6152771_e5627efa2ab1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestJA3 takes the first example of the fingerprint's own description:
// 769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0
func TestJA3(t *testing.T) {
	t.Parallel()
	h := &tlswire.ClientHello{Version: tlswire.TLS10}
	h.SetCipherSuites([]tlswire.CipherSuite{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4})
	h.SetServerName("example.com")
	h.SetGroups([]tlswire.Group{23, 24, 25})
	h.SetPointFormats([]uint8{0})
	if got, want := JA3(h), "ada70206e40642a3e4461f35503241d5"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
