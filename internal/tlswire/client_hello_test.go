package tlswire

import (
	"bytes"
	"encoding/hex"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// recordedHellos returns the records of testdata/client-hellos.tsv by name.
func recordedHellos(t testing.TB) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile("testdata/client-hellos.tsv")
	if err != nil {
		t.Fatal(err)
	}
	hellos := map[string][]byte{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
		record, err := hex.DecodeString(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, dup := hellos[name]; dup {
			t.Fatalf("%s: occurs twice", name)
		}
		hellos[name] = record
	}
	return hellos
}

func TestRecordedHellosRoundTrip(t *testing.T) {
	t.Parallel()
	hellos := recordedHellos(t)
	if got, want := len(hellos), 174; got != want {
		t.Errorf("got %d hellos, want %d", got, want)
	}
	old := 0
	for name, record := range hellos {
		h, err := ParseClientHelloRecord(record)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if h.SSL2 {
			old++
		}
		for what, hello := range map[string]*ClientHello{"parsed": h, "clone": h.Clone()} {
			got, err := hello.MarshalRecord()
			if err != nil || !bytes.Equal(got, record) {
				t.Errorf("%s: %s: got %x, %v, want %x", name, what, got, err, record)
			}
		}
		if msg, err := h.Marshal(); err != nil || !bytes.Equal(msg, h.Raw) {
			t.Errorf("%s: message differs from Raw (%v)", name, err)
		}
		if !h.SSL2 && h.size() != len(h.Raw) {
			t.Errorf("%s: size got %d, want %d", name, h.size(), len(h.Raw))
		}
	}
	if old != 2 {
		t.Errorf("got %d hellos of SSLv2 format, want 2", old)
	}
}

// Writing back what an accessor read must not change a byte.
func TestSettersKeepRecordedHellos(t *testing.T) {
	t.Parallel()
	for name, record := range recordedHellos(t) {
		h, err := ParseClientHelloRecord(record)
		if err != nil || h.SSL2 {
			continue
		}
		c := h.Clone()
		c.SetServerName(h.ServerName())
		c.SetSupportedVersions(h.SupportedVersions())
		c.SetGroups(h.Groups())
		c.SetSignatureSchemes(h.SignatureSchemes())
		c.SetSignatureSchemesCert(h.SignatureSchemesCert())
		c.SetKeyShares(h.KeyShares())
		c.SetALPN(h.ALPN())
		c.SetPSKModes(h.PSKModes())
		c.SetPointFormats(h.PointFormats())
		c.SetCompressCertificate(h.CompressCertificate())
		c.SetCookie(h.Cookie())
		c.SetExtendedMasterSecret(h.ExtendedMasterSecret())
		c.SetEncryptThenMAC(h.EncryptThenMAC())
		c.SetRenegotiationInfo(h.RenegotiationInfo())
		c.SetStatusRequest(h.StatusRequest())
		c.SetSCT(h.SCT())
		c.SetCipherSuites(h.CipherSuites)
		if got, err := c.MarshalRecord(); err != nil || !bytes.Equal(got, record) {
			t.Errorf("%s: got %x, %v, want %x", name, got, err, record)
		}
	}
}

func recorded(t testing.TB, name string) *ClientHello {
	t.Helper()
	record, ok := recordedHellos(t)[name]
	if !ok {
		t.Fatalf("no hello of %q", name)
	}
	h, err := ParseClientHelloRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestClientHelloFields(t *testing.T) {
	t.Parallel()
	h := &ClientHello{Version: TLS12, Random: make([]byte, 32), CipherSuites: []CipherSuite{TLS_AES_128_GCM_SHA256, TLS_EMPTY_RENEGOTIATION_INFO_SCSV}, Compression: []uint8{0}}
	if !h.RenegotiationInfo() {
		t.Error("RenegotiationInfo: got false with the signalling suite")
	}
	h.SetServerName("example.com")
	h.SetSupportedVersions([]Version{0x1A1A, TLS13, TLS12})
	h.SetGroups([]Group{GroupX25519MLKEM768, GroupP256})
	h.SetSignatureSchemes([]SignatureScheme{SchemeECDSAP256SHA256})
	h.SetKeyShares([]KeyShare{{GroupX25519, []byte("key")}, {GroupP256, []byte("point")}})
	h.SetALPN([]string{"h2", "http/1.1"})
	h.SetPSKModes([]uint8{1})
	h.SetCompressCertificate([]uint16{CompressionBrotli, CompressionZlib})
	h.SetCookie([]byte("cookie"))
	h.SetSessionTicket(nil)
	h.SetExtendedMasterSecret(true)
	h.SetEncryptThenMAC(true)
	h.SetStatusRequest(true)
	h.SetSCT(true)
	msg, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseClientHello(msg)
	if err != nil {
		t.Fatal(err)
	}
	_, ticket := p.SessionTicket()
	for _, c := range []struct {
		field     string
		got, want any
	}{
		{"server name", p.ServerName(), "example.com"},
		{"versions", p.SupportedVersions(), []Version{0x1A1A, TLS13, TLS12}},
		{"lowest", p.MinVersion(), TLS12},
		{"highest", p.MaxVersion(), TLS13},
		{"offers 1.2", p.Offers(TLS12), true},
		{"offers 1.1", p.Offers(TLS11), false},
		{"groups", p.Groups(), []Group{GroupX25519MLKEM768, GroupP256}},
		{"schemes", p.SignatureSchemes(), []SignatureScheme{SchemeECDSAP256SHA256}},
		{"key shares", p.KeyShares(), []KeyShare{{GroupX25519, []byte("key")}, {GroupP256, []byte("point")}}},
		{"ALPN", p.ALPN(), []string{"h2", "http/1.1"}},
		{"PSK modes", p.PSKModes(), []uint8{1}},
		{"compression", p.CompressCertificate(), []uint16{2, 1}},
		{"cookie", p.Cookie(), []byte("cookie")},
		{"ticket", ticket, true},
		{"EMS", p.ExtendedMasterSecret(), true},
		{"EtM", p.EncryptThenMAC(), true},
		{"status request", p.StatusRequest(), true},
		{"SCT", p.SCT(), true},
		{"ECH", p.ECH(), false},
		{"GREASE", p.HasGREASE(), true},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.field, c.got, c.want)
		}
	}
	p.SetServerName("")
	p.SetALPN(nil)
	p.SetRenegotiationInfo(false)
	if p.ServerName() != "" || p.ALPN() != nil || p.HasExtension(ExtServerName) || p.RenegotiationInfo() {
		t.Error("removed fields are still there")
	}
}

func TestMinVersionWithoutSupportedVersions(t *testing.T) {
	t.Parallel()
	h := recorded(t, "Android 4.4.2")
	if got := h.MinVersion(); got != 0 {
		t.Errorf("lowest: got %v, want none", got)
	}
	if h.MaxVersion() != TLS12 || !h.Offers(TLS10) || h.Offers(TLS13) || h.Offers(SSL2) {
		t.Errorf("offers: got up to %v", h.MaxVersion())
	}
	if old := recorded(t, "IE 6 XP"); old.MinVersion() != SSL2 || !old.Offers(SSL2) || !slices.Contains(old.CipherSuites, TLS_RSA_WITH_RC4_128_MD5) {
		t.Errorf("SSLv2 format: got %v and %v", old.MinVersion(), old.CipherSuites)
	}
}

func TestPreSharedKeyStaysLast(t *testing.T) {
	t.Parallel()
	h := &ClientHello{Random: make([]byte, 32)}
	h.SetExtension(ExtPreSharedKey, []byte{1})
	h.SetExtension(ExtALPN, []byte{2})
	h.PadTo(512)
	last := h.Extensions[len(h.Extensions)-1].Type
	if last != ExtPreSharedKey || len(h.Extensions) != 3 || h.size() != 512 {
		t.Errorf("got %v last of %d extensions, %d bytes", last, len(h.Extensions), h.size())
	}
}

func TestPaddingKeepsLength(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*ClientHello)
		length int // zero: not padded any more
	}{
		{"longer name", func(h *ClientHello) { h.SetServerName("a-much-longer-name.example.com") }, 512},
		{"shorter name", func(h *ClientHello) { h.SetServerName("a.b") }, 512},
		{"no name", func(h *ClientHello) { h.SetServerName("") }, 512},
		{"fewer suites", func(h *ClientHello) { h.SetCipherSuites(h.CipherSuites[:3]) }, 512},
		{"too long", func(h *ClientHello) { h.SetSessionTicket(make([]byte, 600)) }, 0},
		{"padding removed", func(h *ClientHello) { h.RemoveExtension(ExtPadding) }, 0},
	}
	padded := 0
	for name, record := range recordedHellos(t) {
		h, err := ParseClientHelloRecord(record)
		if err != nil || !h.HasExtension(ExtPadding) || len(h.Raw) != 512 {
			continue
		}
		padded++
		for _, test := range tests {
			c := h.Clone()
			test.change(c)
			msg, err := c.Marshal()
			switch {
			case err != nil:
				t.Errorf("%s: %s: %v", name, test.name, err)
			case test.length > c.sizeWithout(ExtPadding)+4 && len(msg) != test.length:
				t.Errorf("%s: %s: got %d bytes, want %d", name, test.name, len(msg), test.length)
			case test.length == 0 && c.HasExtension(ExtPadding):
				t.Errorf("%s: %s: got a padding, want none", name, test.name)
			}
		}
	}
	if padded == 0 {
		t.Error("no recorded hello is padded to 512 bytes")
	}
}

func TestPadToShortGap(t *testing.T) {
	t.Parallel()
	for gap := 1; gap <= 6; gap++ {
		h := &ClientHello{Random: make([]byte, 32), Compression: []byte{0}, Extensions: []Extension{}}
		before := h.size()
		h.PadTo(before + gap)
		if want := max(before+gap, before+5); h.size() != want {
			t.Errorf("gap of %d: got %d bytes, want %d", gap, h.size(), want)
		}
	}
}

func TestSplitClientHello(t *testing.T) {
	t.Parallel()
	h := recorded(t, "Android 4.4.2")
	whole, _ := h.Marshal()
	for size := 1; size < len(whole); size += 7 {
		records, err := MarshalRecords(ContentHandshake, TLS10, whole, size)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseClientHelloRecord(records)
		if err != nil || !bytes.Equal(p.Raw, whole) {
			t.Errorf("records of %d bytes: %v", size, err)
		}
	}
}

func TestLargeClientHelloIsSplit(t *testing.T) {
	t.Parallel()
	h := recorded(t, "Android 4.4.2").Clone()
	h.SetSessionTicket(make([]byte, 40000))
	record, err := h.MarshalRecord()
	if err != nil {
		t.Fatal(err)
	}
	var splitter RecordSplitter
	splitter.Push(record)
	n := 0
	for {
		r, ok, err := splitter.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		n++
		if len(r.Fragment) > MaxPlaintext {
			t.Errorf("record %d: got %d bytes", n, len(r.Fragment))
		}
	}
	if n != 3 {
		t.Errorf("got %d records, want 3", n)
	}
}

func TestClientHelloViolations(t *testing.T) {
	t.Parallel()
	base := func(change func(*ClientHello)) []byte {
		h := &ClientHello{Version: TLS12, Random: make([]byte, 32), CipherSuites: []CipherSuite{1}, Compression: []byte{0}}
		change(h)
		msg, _ := h.Marshal()
		return msg
	}
	tests := []struct {
		name, field, problem string
		msg                  []byte
	}{
		{"empty", "msg_type", "truncated", nil},
		{"other message", "msg_type", "is ServerHello", append([]byte{2}, base(func(*ClientHello) {})[1:]...)},
		{"short random", "cipher_suites", "truncated", base(func(h *ClientHello) { h.Random = h.Random[:31] })},
		{"twice the same", "extensions", "server_name occurs twice", base(func(h *ClientHello) {
			h.Extensions = []Extension{{Type: ExtServerName}, {Type: ExtALPN}, {Type: ExtServerName}}
		})},
		{"trailing bytes", "", "trailing bytes", append(base(func(*ClientHello) {}), 0)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseClientHello(test.msg)
			wire, ok := err.(*WireError)
			if !ok || wire.Field != test.field || wire.Problem != test.problem || wire.Message != "ClientHello" || wire.Section == "" {
				t.Errorf("got %v, want %s %s", err, test.field, test.problem)
			}
		})
	}
}
