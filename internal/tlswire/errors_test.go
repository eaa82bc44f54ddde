package tlswire

import (
	"io"
	"strings"
	"testing"
)

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	tests := map[string]error{
		"parsing ServerHello.cipher_suite: truncated (RFC 8446, Section 4.1.3)":                 &WireError{"ServerHello", "cipher_suite", "truncated", "RFC 8446, Section 4.1.3"},
		"parsing Alert: trailing bytes":                                                         &WireError{Message: "Alert", Problem: "trailing bytes"},
		`reading record: first bytes "220 " are not a TLS record`:                               &NotTLSError{First: []byte("220 ")},
		"reading record: handshake record of 65535 bytes exceeds 18432 (RFC 8446, Section 5.1)": &RecordTooLargeError{ContentHandshake, TLS12, 65535, MaxCiphertext},
		"reading record: got 3 of 5 bytes: unexpected EOF":                                      &TruncatedRecordError{[]byte("abc"), 5, io.ErrUnexpectedEOF},
		"reassembling handshake: Certificate of 300000 bytes exceeds 262144":                    &HandshakeTooLargeError{Type: TypeCertificate, Length: 300000, Limit: MaxHandshakeMessage},
		"reassembling handshake: 11 bytes exceed 10":                                            &HandshakeTooLargeError{Length: 11, Limit: 10, Total: true},
		`unknown group "x"; did you mean a or b?`:                                               &NameError{Kind: "group", Name: "x", Near: []string{"a", "b"}},
	}
	for want, err := range tests {
		if got := err.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What cannot be said in the length fields is refused, not cut.
func TestMarshalRefusesOverflow(t *testing.T) {
	t.Parallel()
	long := make([]byte, 1<<16)
	badALPN := &ClientHello{Random: bytes32(1)}
	badALPN.SetALPN([]string{string(long[:256])})
	tests := map[string]func() ([]byte, error){
		"session ID":   (&ClientHello{Random: bytes32(1), SessionID: make([]byte, 256)}).Marshal,
		"extension":    (&ClientHello{Random: bytes32(1), Extensions: []Extension{{ExtSessionTicket, long}}}).Marshal,
		"ALPN":         badALPN.Marshal,
		"challenge":    (&ClientHello{SSL2: true, Random: long}).Marshal,
		"SSLv2 record": (&ClientHello{SSL2: true, Random: long[:40000]}).MarshalRecord,
		"SSLv2 server": (&SSL2ServerHello{Certificate: long}).Marshal,
		"point":        (&ServerKeyExchange{Kex: KexECDHE, Point: long}).Marshal,
		"certificate": func() ([]byte, error) {
			return (&Certificate{Entries: []CertificateEntry{{Data: make([]byte, 1<<24)}}}).Marshal(TLS12)
		},
		"record":        Record{Type: ContentHandshake, Fragment: long}.Marshal,
		"split records": func() ([]byte, error) { return MarshalRecords(ContentHandshake, TLS12, long, 1<<17) },
	}
	for name, marshal := range tests {
		if got, err := marshal(); err == nil {
			t.Errorf("%s: got %d bytes, want an error", name, len(got))
		}
	}
}

func TestServerFieldsOfTLS13(t *testing.T) {
	t.Parallel()
	h := &ServerHello{Random: HelloRetryRequestRandom(), Extensions: []Extension{
		{ExtPreSharedKey, []byte{0, 2}}, {ExtCookie, []byte{0, 1, 'c'}}, {ExtSessionTicket, nil}}}
	identity, ok := h.SelectedPSK()
	if identity != 2 || !ok || string(h.Cookie()) != "c" || !h.SessionTicket() {
		t.Errorf("got %d, %v, %q", identity, ok, h.Cookie())
	}
	e := &EncryptedExtensions{Extensions: []Extension{{ExtALPN, SelectedALPN("h2")}}}
	if _, ok := e.Extension(ExtALPN); !ok || e.ALPN() != "h2" {
		t.Errorf("ALPN: got %q", e.ALPN())
	}
}

func TestOCSPMulti(t *testing.T) {
	t.Parallel()
	msg, _ := MarshalHandshake(TypeCertificateStatus, append([]byte{2, 0, 0, 10, 0, 0, 4}, "leaf\x00\x00\x00"...))
	got, err := ParseCertificateStatus(msg)
	if err != nil || string(got.Response) != "leaf" {
		t.Errorf("got %q, %v", got.Response, err)
	}
	msg, _ = MarshalHandshake(TypeCertificateStatus, []byte{9})
	_, err = ParseCertificateStatus(msg)
	requireWireError(t, 9, err)
}

func TestLongDetailIsCut(t *testing.T) {
	t.Parallel()
	_, detail := IdentifyPlaintext([]byte("SSH-2.0-" + strings.Repeat("ü", 200)))
	if len(detail) > maxDetail+len("...") || !strings.HasSuffix(detail, "ü...") {
		t.Errorf("got %q", detail)
	}
}
