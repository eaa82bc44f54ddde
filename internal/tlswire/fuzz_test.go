package tlswire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// checkFuzzed holds what every parser owes for any bytes: no panic, only
// *WireError (or the missing decompressor), and the same bytes again where it
// found nothing wrong.
func checkFuzzed(t *testing.T, m message, msg []byte) {
	t.Helper()
	got, err := m.parse(msg)
	if err != nil {
		var wire *WireError
		if !errors.As(err, &wire) && !errors.Is(err, ErrNoDecompressor) {
			t.Errorf("%s: got error %T %v", m.name, err, err)
		}
		return
	}
	again, err := m.again(got)
	if err != nil {
		t.Errorf("%s: written again: %v", m.name, err)
		return
	}
	if m.name == "compressed_certificate" || strings.HasPrefix(m.name, "certificate_status") && len(msg) > 4 && msg[4] == 2 {
		return // other bytes may mean the same
	}
	if !bytes.Equal(again, msg) {
		t.Errorf("%s: written again: got %x, want %x", m.name, again, msg)
	}
}

// fuzzMessages feeds the samples whose name starts so, and checks each of them
// on the fuzzed bytes.
func fuzzMessages(f *testing.F, prefix string) {
	f.Helper()
	var chosen []message
	for _, m := range messages() {
		if strings.HasPrefix(m.name, prefix) {
			msg, err := m.marshal()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(msg)
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		f.Fatalf("no message %s", prefix)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		for _, m := range chosen {
			checkFuzzed(t, m, msg)
		}
	})
}

func FuzzServerHello(f *testing.F)           { fuzzMessages(f, "server_hello") }
func FuzzEncryptedExtensions(f *testing.F)   { fuzzMessages(f, "encrypted_extensions") }
func FuzzCertificate(f *testing.F)           { fuzzMessages(f, "certificate_1") }
func FuzzCompressedCertificate(f *testing.F) { fuzzMessages(f, "compressed_certificate") }
func FuzzCertificateStatus(f *testing.F)     { fuzzMessages(f, "certificate_status") }
func FuzzServerKeyExchange(f *testing.F)     { fuzzMessages(f, "server_key_exchange") }
func FuzzClientKeyExchange(f *testing.F)     { fuzzMessages(f, "client_key_exchange") }
func FuzzCertificateRequest(f *testing.F)    { fuzzMessages(f, "certificate_request") }
func FuzzCertificateVerify(f *testing.F)     { fuzzMessages(f, "certificate_verify") }
func FuzzNewSessionTicket(f *testing.F)      { fuzzMessages(f, "new_session_ticket") }
func FuzzFinished(f *testing.F)              { fuzzMessages(f, "finished") }
func FuzzKeyUpdate(f *testing.F)             { fuzzMessages(f, "key_update") }

func FuzzClientHello(f *testing.F) {
	for _, record := range recordedHellos(f) {
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		h, err := ParseClientHelloRecord(record)
		if h == nil {
			return
		}
		exerciseHello(h)
		if err != nil {
			return
		}
		msg, err := h.Marshal()
		if err != nil || !bytes.Equal(msg, h.Raw) {
			t.Errorf("written again: got %x, %v, want %x", msg, err, h.Raw)
		}
		c := h.Clone()
		c.SetServerName("example.com")
		c.SetKeyShares(c.KeyShares())
		c.RemoveExtension(ExtALPN)
		c.PadTo(600)
		if _, err := c.Marshal(); err != nil && len(h.Raw) < 60000 {
			t.Errorf("changed: %v", err)
		}
	})
}

func exerciseHello(h *ClientHello) {
	h.ServerName()
	h.MinVersion()
	h.MaxVersion()
	h.Offers(TLS12)
	h.Groups()
	h.SignatureSchemes()
	h.SignatureSchemesCert()
	h.KeyShares()
	h.ALPN()
	h.PSKModes()
	h.PointFormats()
	h.CompressCertificate()
	h.Cookie()
	h.RenegotiationInfo()
	h.HasGREASE()
}

func FuzzSSL2(f *testing.F) {
	server := &SSL2ServerHello{CertType: 1, Version: SSL2, Certificate: []byte("certificate"), Specs: []uint32{0x010080}, ConnectionID: []byte("id")}
	body, err := server.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		if h, err := ParseSSL2ServerHello(body); err == nil {
			again, err := h.Marshal()
			if err != nil || body[1] <= 1 && !bytes.Equal(again, body) {
				t.Errorf("ServerHello: got %x, %v, want %x", again, err, body)
			}
		}
		if h, err := ParseSSL2ClientHello(body); err == nil {
			if again, err := h.Marshal(); err != nil || !bytes.Equal(again, body) {
				t.Errorf("ClientHello: got %x, %v, want %x", again, err, body)
			}
		}
		_, _ = ParseSSL2Error(body)
	})
}

// FuzzRecord holds the reader and the splitter to the same records.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x04\x0e\x00\x00\x00\x15\x03\x03\x00\x02\x02\x28"), uint8(3))
	f.Add([]byte("\x80\x03\x00\x00\x01"), uint8(1))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"), uint8(7))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		reader := bytes.NewReader(stream)
		var splitter RecordSplitter
		var messages Reassembler
		for i := 0; i < len(stream); i += int(step) + 1 {
			splitter.Push(stream[i:min(len(stream), i+int(step)+1)])
			for {
				got, ok, err := splitter.Next()
				if err != nil || !ok {
					break
				}
				want, err := ReadRecord(reader, 0)
				if err != nil || want.Type != got.Type || want.Version != got.Version || !bytes.Equal(want.Fragment, got.Fragment) {
					t.Fatalf("got %+v, reader has %+v, %v", got, want, err)
				}
				if messages.Push(got.Fragment) == nil {
					if m, ok, _ := messages.Next(); ok && len(m.Raw) != len(m.Body)+4 {
						t.Fatalf("message: got %d of %d bytes", len(m.Body), len(m.Raw))
					}
				}
			}
		}
		if _, err := ReadRecord(reader, 0); err == nil {
			t.Fatal("the reader found a record that the splitter did not")
		}
	})
}

func FuzzIdentifyPlaintext(f *testing.F) {
	for _, seed := range []string{"HTTP/1.1 400 Bad Request\r\n", "220 mail ESMTP\r\n", "\x4a\x00\x00\x00\x0a8.0.36\x00", "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61", "E\x00\x00\x00\x40SFATAL\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, first []byte) {
		protocol, detail := IdentifyPlaintext(first)
		if len(detail) > maxDetail+3 || strings.ContainsAny(detail, "\x00\x1b\r\n\x7f") || protocol == "" && detail != "" {
			t.Errorf("got %q, %q", protocol, detail)
		}
	})
}

func FuzzParseNames(f *testing.F) {
	f.Add("ECDHE-RSA-AES128-GCM-SHA256:0x1301")
	f.Fuzz(func(t *testing.T, list string) {
		_, _ = ParseCipherSuites(list)
		_, _ = ParseGroups(list)
		_, _ = ParseSignatureSchemes(list)
		_, _ = ParseVersion(list)
	})
}
