package lab

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// plainHello is a TLS 1.2 hello without anything that a server could mind.
func plainHello() *tlswire.ClientHello {
	h := &tlswire.ClientHello{Version: tlswire.TLS12, Random: random(32), Compression: []uint8{0},
		CipherSuites: slices.Concat(suites12, suites(tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_DHE_RSA_WITH_AES_128_CBC_SHA))}
	h.SetServerName(DefaultName)
	h.SetGroups(groups(tlswire.GroupX25519, tlswire.GroupP256))
	h.SetSignatureSchemes(schemes(tlswire.SchemeECDSAP256SHA256, 0x0804, tlswire.SchemeRSAPKCS1SHA256))
	return h
}

// flight sends bytes and returns the handshake messages that come back, up to
// ServerHelloDone, and how the reading ended.
func flight(t *testing.T, r *Running, data []byte) ([]tlswire.Handshake, string) {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(data); err != nil {
		return nil, plain(err)
	}
	var all []tlswire.Handshake
	var messages tlswire.Reassembler
	for {
		record, err := tlswire.ReadRecord(conn, 0)
		switch {
		case errors.Is(err, syscall.ECONNRESET):
			return all, "reset"
		case errors.Is(err, io.EOF):
			return all, "EOF"
		case err != nil:
			return all, err.Error()
		case record.Type == tlswire.ContentAlert:
			alert, _ := tlswire.ParseAlert(record.Fragment)
			if alert.Level == 2 {
				return all, alert.Description.String()
			}
			continue
		case record.Type == tlswire.ContentSSL2:
			return []tlswire.Handshake{{Raw: record.Fragment}}, "SSL 2.0"
		}
		if err := messages.Push(record.Fragment); err != nil {
			t.Fatal(err)
		}
		for {
			m, ok, err := messages.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			all = append(all, m)
			if m.Type == tlswire.TypeServerHelloDone {
				return all, "done"
			}
		}
	}
}

func record(t *testing.T, h *tlswire.ClientHello) []byte {
	t.Helper()
	data, err := h.MarshalRecord()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func find(t *testing.T, all []tlswire.Handshake, kind tlswire.HandshakeType) []byte {
	t.Helper()
	for _, m := range all {
		if m.Type == kind {
			return m.Raw
		}
	}
	t.Fatalf("no %v among %d messages", kind, len(all))
	return nil
}

// The prime of a DHE flight has the size that the fault says, and the signature
// over it is right.
func TestDHEFlight(t *testing.T) {
	t.Parallel()
	for id, bits := range map[string]int{"dh-key-768": 768, "dh-key-too-small": 1024, "dhe-2048": 2048} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s, _ := Lookup(id)
			r := start(t, s)
			h := plainHello()
			all, end := flight(t, r, record(t, h))
			if end != "done" {
				t.Fatalf("got %s", end)
			}
			hello, err := tlswire.ParseServerHello(find(t, all, tlswire.TypeServerHello))
			if err != nil {
				t.Fatal(err)
			}
			k, err := tlswire.ParseServerKeyExchange(find(t, all, tlswire.TypeServerKeyExchange), hello.CipherSuite, tlswire.TLS12)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(k.P) * 8; got != bits {
				t.Errorf("got a prime of %d bits, want %d", got, bits)
			}
			key, err := keys.get(RSA2048, "server")
			if err != nil {
				t.Fatal(err)
			}
			content := tlswire.ServerKeyExchangeContent(h.Random, hello.Random, k.Params)
			if check := tlswire.VerifySignature(key.Public(), k.Scheme, content, k.Signature); check.Result != tlswire.CheckValid {
				t.Errorf("the signature is %v: %s", check.Result, check.Reason)
			}
		})
	}
}

// The reactions to what a hello says, seen from the wire: each scenario with the
// hello that it minds and with one that it does not.
func TestReactions(t *testing.T) {
	t.Parallel()
	ssl2 := &tlswire.ClientHello{SSL2: true, Version: tlswire.SSL2, Random: random(16), SSL2Specs: []uint32{0x010080}}
	cases := []struct {
		scenario string
		name     string
		change   func(*tlswire.ClientHello)
		hello    *tlswire.ClientHello
		split    bool
		want     string
	}{
		{scenario: "hello-intolerance", name: "plain", want: "done"},
		{scenario: "hello-intolerance", name: "extension", change: func(h *tlswire.ClientHello) { h.SetEncryptThenMAC(true) }, want: "reset"},
		{scenario: "hello-intolerance-suites", name: "plain", want: "done"},
		{scenario: "hello-intolerance-suites", name: "many", change: func(h *tlswire.ClientHello) { h.CipherSuites = tlswire.AllCipherSuites() }, want: "EOF"},
		{scenario: "hello-intolerance-grease", name: "plain", want: "done"},
		{scenario: "hello-intolerance-grease", name: "GREASE", change: func(h *tlswire.ClientHello) { h.CipherSuites = append(h.CipherSuites, 0x1A1A) }, want: "reset"},
		{scenario: "hello-intolerance-pq", name: "group", change: func(h *tlswire.ClientHello) { h.SetGroups(append(h.Groups(), tlswire.GroupX25519MLKEM768)) }, want: "reset"},
		{scenario: "hello-too-large", name: "plain", want: "done"},
		{scenario: "hello-too-large", name: "padded", change: func(h *tlswire.ClientHello) { h.PadTo(1500) }, want: "reset"},
		{scenario: "split-intolerant", name: "whole", want: "done"},
		{scenario: "split-intolerant", name: "split", split: true, want: "reset"},
		{scenario: "version-intolerance", name: "TLS 1.2", want: "done"},
		{scenario: "version-intolerance", name: "TLS 1.3", change: func(h *tlswire.ClientHello) { h.SetSupportedVersions([]tlswire.Version{tlswire.TLS13, tlswire.TLS12}) }, want: "reset"},
		{scenario: "sni-missing", name: "with", want: "done"},
		{scenario: "sni-missing", name: "without", change: func(h *tlswire.ClientHello) { h.SetServerName("") }, want: "unrecognized_name (112)"},
		{scenario: "sni-refused", name: "without", change: func(h *tlswire.ClientHello) { h.SetServerName("") }, want: "done"},
		{scenario: "sni-unrecognized", name: "known", want: "done"},
		{scenario: "protocol-version-ssl2", name: "TLS", want: "EOF"},
		{scenario: "protocol-version-ssl2", name: "SSL 2.0", hello: ssl2, want: "SSL 2.0"},
		{scenario: "protocol-version-ssl3", name: "TLS 1.2", want: "done"},
		{scenario: "cipher-camellia-only", name: "without", want: "handshake_failure (40)"},
		{scenario: "cipher-camellia-only", name: "with", change: func(h *tlswire.ClientHello) { h.CipherSuites = tlswire.AllCipherSuites() }, want: "done"},
		{scenario: "no-common-group-brainpool", name: "with", change: func(h *tlswire.ClientHello) { h.SetGroups(groups(tlswire.GroupBrainpoolP256r1)) }, want: "done"},
		{scenario: "sigalg-mismatch", name: "with", change: func(h *tlswire.ClientHello) { h.SetSignatureSchemes(schemes(tlswire.SchemeRSAPKCS1SHA1)) }, want: "done"},
	}
	for _, tc := range cases {
		t.Run(tc.scenario+"/"+tc.name, func(t *testing.T) {
			t.Parallel()
			s, ok := Lookup(tc.scenario)
			if !ok {
				t.Fatal("no such scenario")
			}
			h := tc.hello
			if h == nil {
				h = plainHello()
			}
			if tc.change != nil {
				tc.change(h)
			}
			data := record(t, h)
			if tc.split {
				data = data[:60] // the server does not wait for the rest
			}
			_, got := flight(t, start(t, s), data)
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// What is no ClientHello ends the connection and harms nobody.
func TestServersSurviveNonsense(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"healthy", "healthy-scripted", "smtp", "imap"} {
		s, _ := Lookup(id)
		r := start(t, s)
		hello := record(t, plainHello())
		for _, data := range [][]byte{nil, {0x16}, []byte("GET / HTTP/1.0\r\n\r\n"), []byte(strings.Repeat("x", 1<<17)),
			{0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0}, {0x16, 3, 1, 0xFF, 0xFF, 1}, {0x17, 3, 3, 0, 1, 0}, hello[:len(hello)/2], {0x80, 3, 1, 0, 2}} {
			conn, err := net.Dial("tcp", r.Addr)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			conn.Write(data)
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
			conn.Close()
		}
		if got := meet(r, patience); !strings.HasPrefix(got, "TLS 1.3") {
			t.Errorf("%s: afterwards a client gets %s", id, got)
		}
	}
}
