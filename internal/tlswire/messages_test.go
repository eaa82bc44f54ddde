package tlswire

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// message is one kind of message: a sample, its bytes, and how to read and
// write it.
type message struct {
	name    string
	marshal func() ([]byte, error)
	parse   func([]byte) (any, error)
	again   func(any) ([]byte, error) // of what parse returned
	want    any                       // nil: not compared
	short   bool                      // truncations of the body may be valid
}

func bytes32(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func messages() []message {
	sh := &ServerHello{Version: TLS12, Random: bytes32(7), SessionID: []byte{1, 2}, CipherSuite: TLS_AES_128_GCM_SHA256}
	sh.SetNegotiatedVersion(TLS13)
	sh.SetKeyShare(KeyShare{GroupX25519, bytes32(9)})
	hrr := &ServerHello{Version: TLS12, Random: HelloRetryRequestRandom(), CipherSuite: TLS_AES_256_GCM_SHA384}
	hrr.SetNegotiatedVersion(TLS13)
	hrr.SetKeyShare(KeyShare{Group: GroupP384})
	old := &ServerHello{Version: TLS10, Random: bytes32(7), CipherSuite: TLS_RSA_WITH_RC4_128_MD5}
	ee := &EncryptedExtensions{Extensions: []Extension{{ExtALPN, SelectedALPN("h2")}, {ExtServerName, nil}}}
	cert := &Certificate{Entries: []CertificateEntry{{Data: []byte("leaf")}, {Data: []byte("intermediate")}}}
	cert13 := &Certificate{Context: []byte{5}, Entries: []CertificateEntry{
		{Data: []byte("leaf"), Extensions: []Extension{OCSPExtension([]byte("staple")), {ExtSCT, []byte{0, 5, 0, 3, 'a', 'b', 'c'}}}},
		{Data: []byte("intermediate"), Extensions: []Extension{}}}}
	ecdhe := &ServerKeyExchange{Kex: KexECDHE, CurveType: 3, Group: GroupP256, Point: []byte("point"), HasScheme: true, Scheme: SchemeRSAPKCS1SHA256, Signature: []byte("signature")}
	ecdhe10 := &ServerKeyExchange{Kex: KexECDHE, CurveType: 3, Group: GroupP256, Point: []byte("point"), Signature: []byte("signature")}
	dhe := &ServerKeyExchange{Kex: KexDHE, P: []byte("prime"), G: []byte{2}, Y: []byte("public"), HasScheme: true, Scheme: SchemeRSAPSSRSAESHA256, Signature: []byte("signature")}
	anon := &ServerKeyExchange{Kex: KexECDHAnon, CurveType: 3, Group: GroupX25519, Point: bytes32(1)}
	export := &ServerKeyExchange{Kex: KexRSA, Modulus: bytes.Repeat([]byte{0xAB}, 64), Exponent: []byte{1, 0, 1}, Signature: []byte("signature")}
	psk := &ServerKeyExchange{Kex: KexDHE, PSKHint: []byte("hint"), P: []byte("prime"), G: []byte{2}, Y: []byte("public")}
	for _, k := range []*ServerKeyExchange{ecdhe, ecdhe10, dhe, anon, export, psk} {
		k.Params, _ = k.MarshalParams()
	}
	request := &CertificateRequest{Types: []uint8{1, 64}, Schemes: []SignatureScheme{SchemeECDSAP256SHA256}, CAs: [][]byte{[]byte("name one"), []byte("two")}}
	request10 := &CertificateRequest{Types: []uint8{1}, CAs: [][]byte{[]byte("name")}}
	request13 := &CertificateRequest{Context: []byte{1}, Schemes: []SignatureScheme{SchemeEd25519}, CertSchemes: []SignatureScheme{SchemeRSAPKCS1SHA256}, CAs: [][]byte{[]byte("name")}}
	request13.Extensions = request13.extensions13()
	verify := &CertificateVerify{HasScheme: true, Scheme: SchemeEd25519, Signature: []byte("signature")}
	verify10 := &CertificateVerify{Signature: []byte("signature")}
	ticket := &NewSessionTicket{Lifetime: 300, Ticket: []byte("ticket")}
	ticket13 := &NewSessionTicket{Lifetime: 300, AgeAdd: 7, Nonce: []byte{1}, Ticket: []byte("ticket"), Extensions: []Extension{{ExtEarlyData, []byte{0, 0, 1, 0}}}}
	status := &CertificateStatus{Type: 1, Response: []byte("response")}
	cke := &ClientKeyExchange{Kex: KexECDHE, Data: []byte("point")}
	ckeRSA := &ClientKeyExchange{Kex: KexRSA, Data: []byte("encrypted")}

	ske := func(suite CipherSuite, v Version) func([]byte) (any, error) {
		return func(b []byte) (any, error) { return ParseServerKeyExchange(b, suite, v) }
	}
	skeAgain := func(v any) ([]byte, error) { return v.(*ServerKeyExchange).Marshal() }
	parseSH := func(b []byte) (any, error) {
		h, err := ParseServerHello(b)
		h.Raw = nil
		return h, err
	}
	withBlock := func(h *ServerHello) *ServerHello { c := *h; c.HasExtBlock = true; return &c }
	shAgain := func(v any) ([]byte, error) { return v.(*ServerHello).Marshal() }
	return []message{
		{"server_hello_13", sh.Marshal, parseSH, shAgain, withBlock(sh), false},
		{"hello_retry_request", hrr.Marshal, parseSH, shAgain, withBlock(hrr), false},
		{"server_hello_10", old.Marshal, parseSH, shAgain, nil, false},
		{"encrypted_extensions", ee.Marshal, func(b []byte) (any, error) { return ParseEncryptedExtensions(b) },
			func(v any) ([]byte, error) { return v.(*EncryptedExtensions).Marshal() }, nil, false},
		{"certificate_12", func() ([]byte, error) { return cert.Marshal(TLS12) }, func(b []byte) (any, error) { return ParseCertificate(b, TLS12) },
			func(v any) ([]byte, error) { return v.(*Certificate).Marshal(TLS12) }, cert, false},
		{"certificate_13", func() ([]byte, error) { return cert13.Marshal(TLS13) }, func(b []byte) (any, error) { return ParseCertificate(b, TLS13) },
			func(v any) ([]byte, error) { return v.(*Certificate).Marshal(TLS13) }, cert13, false},
		{"compressed_certificate", func() ([]byte, error) { return cert13.MarshalCompressed(CompressionZlib, nil) }, func(b []byte) (any, error) { return ParseCompressedCertificate(b, nil) },
			func(v any) ([]byte, error) { return v.(*Certificate).MarshalCompressed(CompressionZlib, nil) }, nil, false},
		{"certificate_status", status.Marshal, func(b []byte) (any, error) { return ParseCertificateStatus(b) },
			func(v any) ([]byte, error) { return v.(*CertificateStatus).Marshal() }, status, false},
		{"server_key_exchange_ecdhe", ecdhe.Marshal, ske(TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS12), skeAgain, ecdhe, false},
		{"server_key_exchange_ecdhe_10", ecdhe10.Marshal, ske(TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS10), skeAgain, ecdhe10, false},
		{"server_key_exchange_dhe", dhe.Marshal, ske(TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, TLS12), skeAgain, dhe, false},
		{"server_key_exchange_anon", anon.Marshal, ske(TLS_ECDH_anon_WITH_AES_128_CBC_SHA, TLS12), skeAgain, anon, false},
		{"server_key_exchange_export", export.Marshal, ske(TLS_RSA_EXPORT_WITH_RC4_40_MD5, TLS10), skeAgain, export, false},
		{"server_key_exchange_psk", psk.Marshal, ske(TLS_DHE_PSK_WITH_AES_128_CBC_SHA, TLS12), skeAgain, psk, false},
		{"client_key_exchange_ecdhe", func() ([]byte, error) { return cke.Marshal(TLS12) }, func(b []byte) (any, error) { return ParseClientKeyExchange(b, KexECDHE, TLS12) },
			func(v any) ([]byte, error) { return v.(*ClientKeyExchange).Marshal(TLS12) }, cke, false},
		{"client_key_exchange_rsa", func() ([]byte, error) { return ckeRSA.Marshal(TLS12) }, func(b []byte) (any, error) { return ParseClientKeyExchange(b, KexRSA, TLS12) },
			func(v any) ([]byte, error) { return v.(*ClientKeyExchange).Marshal(TLS12) }, ckeRSA, false},
		{"client_key_exchange_ssl3", func() ([]byte, error) { return ckeRSA.Marshal(SSL3) }, func(b []byte) (any, error) { return ParseClientKeyExchange(b, KexRSA, SSL3) },
			func(v any) ([]byte, error) { return v.(*ClientKeyExchange).Marshal(SSL3) }, ckeRSA, true},
		{"certificate_request_12", func() ([]byte, error) { return request.Marshal(TLS12) }, func(b []byte) (any, error) { return ParseCertificateRequest(b, TLS12) },
			func(v any) ([]byte, error) { return v.(*CertificateRequest).Marshal(TLS12) }, request, false},
		{"certificate_request_10", func() ([]byte, error) { return request10.Marshal(TLS10) }, func(b []byte) (any, error) { return ParseCertificateRequest(b, TLS10) },
			func(v any) ([]byte, error) { return v.(*CertificateRequest).Marshal(TLS10) }, request10, false},
		{"certificate_request_13", func() ([]byte, error) { return request13.Marshal(TLS13) }, func(b []byte) (any, error) { return ParseCertificateRequest(b, TLS13) },
			func(v any) ([]byte, error) { return v.(*CertificateRequest).Marshal(TLS13) }, request13, false},
		{"certificate_verify", verify.Marshal, func(b []byte) (any, error) { return ParseCertificateVerify(b, TLS13) },
			func(v any) ([]byte, error) { return v.(*CertificateVerify).Marshal() }, verify, false},
		{"certificate_verify_10", verify10.Marshal, func(b []byte) (any, error) { return ParseCertificateVerify(b, TLS10) },
			func(v any) ([]byte, error) { return v.(*CertificateVerify).Marshal() }, verify10, false},
		{"new_session_ticket_12", func() ([]byte, error) { return ticket.Marshal(TLS12) }, func(b []byte) (any, error) { return ParseNewSessionTicket(b, TLS12) },
			func(v any) ([]byte, error) { return v.(*NewSessionTicket).Marshal(TLS12) }, ticket, false},
		{"new_session_ticket_13", func() ([]byte, error) { return ticket13.Marshal(TLS13) }, func(b []byte) (any, error) { return ParseNewSessionTicket(b, TLS13) },
			func(v any) ([]byte, error) { return v.(*NewSessionTicket).Marshal(TLS13) }, ticket13, false},
		{"finished", func() ([]byte, error) { return MarshalFinished(bytes32(3)) }, func(b []byte) (any, error) { return ParseFinished(b) },
			func(v any) ([]byte, error) { return MarshalFinished(v.([]byte)) }, bytes32(3), true},
		{"key_update", func() ([]byte, error) { return MarshalKeyUpdate(true) }, func(b []byte) (any, error) { return ParseKeyUpdate(b) },
			func(v any) ([]byte, error) { return MarshalKeyUpdate(v.(bool)) }, true, false},
	}
}

func TestMessagesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, m := range messages() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			msg, err := m.marshal()
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.parse(msg)
			if err != nil {
				t.Fatal(err)
			}
			if m.want != nil && !reflect.DeepEqual(plain(got), plain(m.want)) {
				t.Errorf("got %+v, want %+v", got, m.want)
			}
			again, err := m.again(got)
			if err != nil || !bytes.Equal(again, msg) {
				t.Errorf("written again: got %x, %v, want %x", again, err, msg)
			}
		})
	}
}

// plain makes empty and nil slices equal by going over the text form.
func plain(v any) string {
	var b strings.Builder
	value := reflect.Indirect(reflect.ValueOf(v))
	if value.Kind() != reflect.Struct {
		return strings.TrimSpace(reflectText(value))
	}
	for i := range value.NumField() {
		b.WriteString(value.Type().Field(i).Name + "=" + reflectText(value.Field(i)) + ";")
	}
	return b.String()
}

func reflectText(v reflect.Value) string {
	if v.Kind() == reflect.Slice && v.Len() == 0 {
		return "-"
	}
	return strings.ReplaceAll(strings.ReplaceAll(fmt.Sprint(v.Interface()), "[]", "-"), "<nil>", "-")
}

// Every truncation of the bytes, and of the body under a corrected length, is
// an error with a section, never a panic.
func TestMessagesTruncated(t *testing.T) {
	t.Parallel()
	for _, m := range messages() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			msg, err := m.marshal()
			if err != nil {
				t.Fatal(err)
			}
			for n := range msg {
				_, err := m.parse(msg[:n])
				requireWireError(t, n, err)
				if n < 4 || m.short {
					continue
				}
				short, _ := MarshalHandshake(HandshakeType(msg[0]), msg[4:n])
				_, err = m.parse(short)
				if err == nil && m.name == "server_hello_13" && n == 4+2+32+3+3 || err == nil && m.name == "hello_retry_request" && n == 4+2+32+1+3 {
					continue // without its extensions a ServerHello is a valid one
				}
				requireWireError(t, n, err)
			}
			_, err = m.parse(append(bytes.Clone(msg), 0))
			requireWireError(t, len(msg)+1, err)
		})
	}
}

func requireWireError(t *testing.T, n int, err error) {
	t.Helper()
	var wire *WireError
	if !errors.As(err, &wire) || wire.Section == "" || wire.Problem == "" || wire.Message == "" {
		t.Errorf("%d bytes: got error %v, want a *WireError with its section", n, err)
	}
}

func TestClientHelloTruncated(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Android 2.3.7", "Android 4.4.2", "IE 6 XP"} {
		h := recorded(t, name)
		for n := range h.Raw {
			var err error
			if h.SSL2 {
				_, err = ParseSSL2ClientHello(h.Raw[:n])
			} else {
				_, err = ParseClientHello(h.Raw[:n])
			}
			requireWireError(t, n, err)
		}
	}
}

func TestServerHelloFields(t *testing.T) {
	t.Parallel()
	h := &ServerHello{Version: TLS12, Random: append(bytes32(1)[:24], "DOWNGRD\x01"...), CipherSuite: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		Extensions: []Extension{{ExtALPN, SelectedALPN("http/1.1")}, {ExtRenegotiationInfo, []byte{0}}, {ExtExtendedMasterSecret, nil}}}
	if h.NegotiatedVersion() != TLS12 || h.ALPN() != "http/1.1" || !h.SecureRenegotiation() || !h.ExtendedMasterSecret() || h.EncryptThenMAC() || h.IsHelloRetryRequest() {
		t.Errorf("got %v, %q, %v, %v", h.NegotiatedVersion(), h.ALPN(), h.SecureRenegotiation(), h.ExtendedMasterSecret())
	}
	if got := h.DowngradeSentinel(); got != TLS12 {
		t.Errorf("sentinel: got %v, want TLS 1.2", got)
	}
	h.Random = append(bytes32(1)[:24], "DOWNGRD\x00"...)
	if got := h.DowngradeSentinel(); got != TLS11 {
		t.Errorf("sentinel: got %v, want TLS 1.1", got)
	}
	h.Random = HelloRetryRequestRandom()
	h.SetNegotiatedVersion(TLS13)
	h.SetKeyShare(KeyShare{Group: GroupP384})
	if !h.IsHelloRetryRequest() || h.NegotiatedVersion() != TLS13 || h.SelectedGroup() != GroupP384 || h.DowngradeSentinel() != 0 {
		t.Errorf("retry: got %v, %v", h.NegotiatedVersion(), h.SelectedGroup())
	}
}

func TestCertificateKeepsReadableEntries(t *testing.T) {
	t.Parallel()
	c := &Certificate{Entries: []CertificateEntry{{Data: []byte("leaf")}, {Data: []byte("intermediate")}}}
	msg, _ := c.Marshal(TLS12)
	msg[len(msg)-len("intermediate")-1] = 200 // the second length
	got, err := ParseCertificate(msg, TLS12)
	requireWireError(t, 0, err)
	if len(got.Entries) != 1 || string(got.Entries[0].Data) != "leaf" {
		t.Errorf("got %+v, want the leaf", got)
	}
	if c.Size(TLS12) != len(msg)-4 {
		t.Errorf("size: got %d, want %d", c.Size(TLS12), len(msg)-4)
	}
}

func TestCertificateEntryExtensions(t *testing.T) {
	t.Parallel()
	e := CertificateEntry{Extensions: []Extension{OCSPExtension([]byte("staple")), {ExtSCT, []byte{0, 5, 0, 3, 'a', 'b', 'c'}}}}
	if got := string(e.OCSPResponse()); got != "staple" {
		t.Errorf("staple: got %q", got)
	}
	if got := e.SCTs(); len(got) != 1 || string(got[0]) != "abc" {
		t.Errorf("SCTs: got %q", got)
	}
}

func TestCompressedCertificateLimits(t *testing.T) {
	t.Parallel()
	c := &Certificate{Entries: []CertificateEntry{{Data: make([]byte, 5000)}}}
	zlibbed, err := c.MarshalCompressed(CompressionZlib, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseCompressedCertificate(zlibbed, nil)
	if err != nil || got.Compression != CompressionZlib || len(got.DER()[0]) != 5000 {
		t.Errorf("got %v, %v", got.Compression, err)
	}
	identity := func(b []byte) ([]byte, error) { return b, nil }
	brotli, err := c.MarshalCompressed(CompressionBrotli, identity)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseCompressedCertificate(brotli, nil); !errors.Is(err, ErrNoDecompressor) || got.Compression != CompressionBrotli {
		t.Errorf("without decompressor: got %v", err)
	}
	more := map[uint16]Decompressor{CompressionBrotli: func(b []byte, n int) ([]byte, error) { return b, nil }}
	if got, err := ParseCompressedCertificate(brotli, more); err != nil || len(got.Entries) != 1 {
		t.Errorf("with decompressor: got %v", err)
	}
	for name, size := range map[string]uint32{"too small": 100, "too large": 6000, "above the limit": MaxHandshakeMessage + 1} {
		bad := bytes.Clone(zlibbed)
		bad[6], bad[7], bad[8] = byte(size>>16), byte(size>>8), byte(size)
		_, err := ParseCompressedCertificate(bad, nil)
		if err == nil || !strings.Contains(err.Error(), "uncompressed_length") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := c.MarshalCompressed(CompressionZstd, nil); err == nil {
		t.Error("zstd without compressor: got no error")
	}
}

func TestExplicitCurves(t *testing.T) {
	t.Parallel()
	one := func(n int) []byte { // n vectors of one byte
		return bytes.Repeat([]byte{1, 7}, n)
	}
	tests := map[string][]byte{
		"prime":       append([]byte{1}, one(6)...),
		"trinomial":   append([]byte{2, 0, 9, 1}, one(6)...),
		"pentanomial": append([]byte{2, 0, 9, 2}, one(8)...),
	}
	for name, params := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params = append(params, 3, 'k', 'e', 'y')
			msg, _ := MarshalHandshake(TypeServerKeyExchange, append(bytes.Clone(params), 4, 3, 0, 1, 's'))
			k, err := ParseServerKeyExchange(msg, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS12)
			if err != nil || string(k.Point) != "key" || !bytes.Equal(k.Params, params) || string(k.Signature) != "s" {
				t.Errorf("got %+v, %v", k, err)
			}
		})
	}
}

func TestSSL2Messages(t *testing.T) {
	t.Parallel()
	h := &SSL2ServerHello{CertType: 1, Version: SSL2, Certificate: []byte("certificate"), Specs: []uint32{0x010080, 0x0700C0}, ConnectionID: bytes32(1)[:16]}
	body, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseSSL2ServerHello(body)
	if err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("got %+v, %v, want %+v", got, err, h)
	}
	for n := range body {
		_, err := ParseSSL2ServerHello(body[:n])
		requireWireError(t, n, err)
	}
	if code, err := ParseSSL2Error([]byte{0, 0, 1}); err != nil || code != 1 {
		t.Errorf("error message: got %d, %v", code, err)
	}
	record, err := Record{Type: ContentSSL2, Fragment: body}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadRecord(bytes.NewReader(record), 0)
	if err != nil || read.Type != ContentSSL2 || !bytes.Equal(read.Fragment, body) {
		t.Errorf("record: got %+v, %v", read, err)
	}
}

func TestAlert(t *testing.T) {
	t.Parallel()
	a := Alert{LevelFatal, AlertHandshakeFailure}
	got, err := ParseAlert(a.Marshal())
	if err != nil || got != a || got.String() != "fatal handshake_failure (40)" {
		t.Errorf("got %v, %v", got, err)
	}
	for n := range 2 {
		_, err := ParseAlert(a.Marshal()[:n])
		requireWireError(t, n, err)
	}
}

// A forbidden value does not hide what follows it.
func TestForbiddenValuesKeepTheRest(t *testing.T) {
	t.Parallel()
	sh := &ServerHello{Version: TLS12, Random: bytes32(7), SessionID: make([]byte, 33), CipherSuite: TLS_AES_128_GCM_SHA256,
		Extensions: []Extension{{ExtALPN, nil}, {ExtALPN, nil}, {ExtRenegotiationInfo, []byte{0}}}}
	msg, err := sh.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseServerHello(msg)
	var wire *WireError
	if !errors.As(err, &wire) || wire.Field != "legacy_session_id_echo" {
		t.Errorf("session ID: got %v", err)
	}
	if got.CipherSuite != TLS_AES_128_GCM_SHA256 || len(got.Extensions) != 3 {
		t.Errorf("session ID: got %+v", got)
	}

	c := &Certificate{Entries: []CertificateEntry{{Data: []byte{}}, {Data: []byte("intermediate")}}}
	msg, err = c.Marshal(TLS12)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := ParseCertificate(msg, TLS12)
	if !errors.As(err, &wire) || wire.Field != "cert_data" || len(chain.Entries) != 2 {
		t.Errorf("empty certificate: got %v, %+v", err, chain)
	}
	msg[6]++ // the length of the list
	chain, err = ParseCertificate(msg, TLS12)
	if !errors.As(err, &wire) || wire.Field != "certificate_list" || len(chain.Entries) != 2 {
		t.Errorf("list too long: got %v, %+v", err, chain)
	}
}
