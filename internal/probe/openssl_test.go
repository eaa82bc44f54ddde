package probe

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// opensslServer runs `openssl s_server -www` with the arguments and returns its
// address.
func opensslServer(t *testing.T, key string, args ...string) string {
	t.Helper()
	address, _ := openssl(t, key, append([]string{"-www"}, args...)...)
	return address
}

// openssl runs `openssl s_server` and returns its address and its keyboard.
func openssl(t *testing.T, key string, args ...string) (string, io.Writer) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	c := identity(key)
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"ca.pem":   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testAuthority().cert.Raw}),
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if newkey, ok := strings.CutPrefix(key, "req:"); ok { // a kind that Go cannot make
		req := append([]string{"req", "-x509", "-nodes", "-subj", "/CN=probe.test", "-keyout", "key.pem", "-out", "cert.pem"},
			strings.Fields(newkey)...)
		gen := exec.Command("openssl", req...)
		gen.Dir = dir
		if out, err := gen.CombinedOutput(); err != nil {
			t.Fatalf("openssl req: %v: %s", err, out)
		}
	}
	cmd := exec.Command("openssl", append([]string{"s_server", "-accept", "127.0.0.1:0",
		"-cert", "cert.pem", "-key", "key.pem", "-CAfile", "ca.pem"}, args...)...)
	cmd.Dir = dir
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	talk := &heard{bound: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = talk, talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("s_server said: %s", talk.text.Bytes())
		}
	})
	select {
	case address := <-talk.bound:
		return address, keyboard
	case <-time.After(time.Minute):
		t.Fatal("s_server did not start")
		return "", nil
	}
}

// heard keeps what s_server says and finds in it the port that it was given.
type heard struct {
	text  bytes.Buffer
	bound chan string
	found bool
}

var acceptLine = regexp.MustCompile(`(?m)^ACCEPT (127\.0\.0\.1:\d+)$`)

// Write implements io.Writer, for one process.
func (h *heard) Write(p []byte) (int, error) {
	h.text.Write(p)
	if m := acceptLine.FindSubmatch(h.text.Bytes()); m != nil && !h.found {
		h.found = true
		h.bound <- string(m[1])
	}
	return len(p), nil
}

func TestOpenSSL(t *testing.T) {
	t.Parallel()
	noEMS := func(h *tlswire.ClientHello) { h.SetExtendedMasterSecret(false) }
	noEtM := func(h *tlswire.ClientHello) { h.SetEncryptThenMAC(false) }
	old := func(v tlswire.Version) func(*tlswire.ClientHello) {
		return func(h *tlswire.ClientHello) { h.SetSupportedVersions([]tlswire.Version{v}); h.Version = v }
	}
	for _, c := range []struct {
		name   string
		key    string
		args   []string
		change []func(*tlswire.ClientHello)
	}{
		{"1.3-aes128", "p256", []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"}, nil},
		{"1.3-aes256", "p256", []string{"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"}, nil},
		{"1.3-chacha", "rsa", []string{"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, nil},
		{"1.3-ccm", "rsa", []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"}, []func(*tlswire.ClientHello){suites(0x1304)}},
		{"1.3-ccm8", "rsa", []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"}, []func(*tlswire.ClientHello){suites(0x1305)}},
		{"1.3-x448", "rsa", []string{"-tls1_3", "-groups", "X448"}, []func(*tlswire.ClientHello){groups(tlswire.GroupX448)}},
		{"1.3-ffdhe2048", "rsa", []string{"-tls1_3", "-groups", "ffdhe2048"}, []func(*tlswire.ClientHello){groups(tlswire.GroupFFDHE2048)}},
		{"1.3-ffdhe3072-retry", "rsa", []string{"-tls1_3", "-groups", "ffdhe3072"}, []func(*tlswire.ClientHello){groups(tlswire.GroupX25519, tlswire.GroupFFDHE3072)}},
		{"1.3-padding", "rsa", []string{"-tls1_3", "-record_padding", "512"}, nil},
		{"1.2-etm-cbc", "rsa", []string{"-tls1_2"}, []func(*tlswire.ClientHello){suites(0xC013)}},
		{"1.2-no-etm-cbc", "rsa", []string{"-tls1_2"}, []func(*tlswire.ClientHello){suites(0xC013), noEtM}},
		{"1.2-cbc-sha256", "rsa", []string{"-tls1_2"}, []func(*tlswire.ClientHello){suites(0xC027)}},
		{"1.2-cbc-sha384", "rsa", []string{"-tls1_2"}, []func(*tlswire.ClientHello){suites(0xC028)}},
		{"1.2-cbc-sha384-no-etm", "rsa", []string{"-tls1_2"}, []func(*tlswire.ClientHello){suites(0xC028), noEtM}},
		{"1.2-rsa-kex", "rsa", []string{"-tls1_2"}, []func(*tlswire.ClientHello){suites(0x009C)}},
		{"1.2-rsa-kex-no-ems", "rsa", []string{"-tls1_2"}, []func(*tlswire.ClientHello){suites(0x002F), noEMS}},
		{"1.2-rsa-ccm", "rsa", []string{"-tls1_2", "-cipher", "ALL:@SECLEVEL=0"}, []func(*tlswire.ClientHello){suites(0xC09C)}},
		{"1.2-ecdsa-ccm8", "p256", []string{"-tls1_2", "-cipher", "ALL:@SECLEVEL=0"}, []func(*tlswire.ClientHello){suites(0xC0AE)}},
		{"1.2-dhe-aead", "rsa", []string{"-tls1_2", "-cipher", "ALL"}, []func(*tlswire.ClientHello){suites(0x009E)}},
		{"1.2-dhe-chacha", "rsa", []string{"-tls1_2", "-cipher", "ALL"}, []func(*tlswire.ClientHello){suites(0xCCAA)}},
		{"1.2-dhe-cbc256", "rsa", []string{"-tls1_2", "-cipher", "ALL"}, []func(*tlswire.ClientHello){suites(0x006B)}},
		{"1.2-x448", "rsa", []string{"-tls1_2", "-groups", "X448"}, []func(*tlswire.ClientHello){groups(tlswire.GroupX448)}},
		{"1.2-null", "rsa", []string{"-tls1_2", "-cipher", "ALL:NULL:@SECLEVEL=0"}, []func(*tlswire.ClientHello){suites(0xC010)}},
		{"1.1-cbc", "rsa", []string{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, []func(*tlswire.ClientHello){suites(0xC013), old(tlswire.TLS11)}},
		{"1.0-cbc", "rsa", []string{"-tls1", "-cipher", "ALL:@SECLEVEL=0"}, []func(*tlswire.ClientHello){suites(0xC014), old(tlswire.TLS10)}},
		{"1.0-cbc-no-etm", "rsa", []string{"-tls1", "-cipher", "ALL:@SECLEVEL=0"}, []func(*tlswire.ClientHello){suites(0xC014), old(tlswire.TLS10), noEtM}},
		{"1.0-dhe", "rsa", []string{"-tls1", "-cipher", "ALL:@SECLEVEL=0"}, []func(*tlswire.ClientHello){suites(0x0039), old(tlswire.TLS10)}},
		{"1.0-rsa", "rsa", []string{"-tls1", "-cipher", "ALL:@SECLEVEL=0"}, []func(*tlswire.ClientHello){suites(0x0035), old(tlswire.TLS10)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := opensslServer(t, c.key, c.args...)
			a := attempt(t, Spec{Address: address, Request: request(), Hello: template(c.change...)})
			wantCompleted(t, a)
			if a.HTTP == nil || a.HTTP.Status != 200 {
				t.Errorf("HTTP: got %+v", a.HTTP)
			}
		})
	}
}

func TestOpenSSLAnonymous(t *testing.T) {
	t.Parallel()
	for _, suite := range []tlswire.CipherSuite{0xC018, 0x00A6} {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			address := opensslServer(t, "rsa", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0")
			a := attempt(t, Spec{Address: address, Request: request(), Hello: template(suites(suite))})
			if a.End.Kind != facts.EndCompleted || a.Finished.Result != facts.ProofValid || a.KeyProof.Result != facts.ProofNone {
				t.Errorf("got %v at %v %v %v", a.End.Kind, a.End.Stage, a.End.Err, a.Violations)
			}
		})
	}
}

// TestOpenSSLCamellia meets a cipher whose records cannot be computed here: what
// can be seen is in order, and nobody is to blame for the rest.
func TestOpenSSLCamellia(t *testing.T) {
	t.Parallel()
	address := opensslServer(t, "rsa", "-tls1_2", "-cipher", "CAMELLIA256-SHA:@SECLEVEL=0")
	a := attempt(t, Spec{Address: address, Request: request(), Hello: template(suites(0x0084))})
	if a.End.Kind != facts.EndStopped || a.Certificate == nil || a.ServerHello.CipherSuite != 0x0084 {
		t.Errorf("got %v at %v: %v", a.End.Kind, a.End.Stage, a.End.Err)
	}
}

func TestOpenSSLClientCertificate(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"-tls1", "-tls1_2", "-tls1_3"} {
		for _, key := range []string{"rsa", "p256"} {
			t.Run(version+"/"+key, func(t *testing.T) {
				t.Parallel()
				address := opensslServer(t, "rsa", version, "-Verify", "2", "-verify_return_error", "-cipher", "ALL:@SECLEVEL=0")
				c := identity(key)
				a := attempt(t, Spec{Address: address, Request: request(), Identity: &Identity{Chain: c.Certificate, Signer: newSigner(c)}})
				wantCompleted(t, a)
				if !a.IdentitySent {
					t.Error("no certificate was sent")
				}
				a = attempt(t, Spec{Address: address, Request: request()})
				if a.End.Kind != facts.EndAlert || a.End.Stage != diag.StageClientAuth {
					t.Errorf("without: got %v %v at %v", a.End.Kind, a.End.Alert, a.End.Stage)
				}
			})
		}
	}
}

// A hello in the format of SSL 2.0 leads to TLS 1.0 (RFC 5246, Appendix E.2).
func TestSSL2Format(t *testing.T) {
	t.Parallel()
	address := opensslServer(t, "rsa", "-cipher", "ALL:@SECLEVEL=0")
	hello := &tlswire.ClientHello{SSL2: true, Version: tlswire.TLS10, SSL2Specs: []uint32{0x2F, 0x35, 0xFF},
		CipherSuites: []tlswire.CipherSuite{0x2F, 0x35, 0xFF}, Random: make([]byte, 16)}
	a := attempt(t, Spec{Address: address, Request: request(), Hello: hello})
	wantCompleted(t, a)
}

// OpenSSL 3 builds have no SSL 3.0; what matters is that its refusal is read.
func TestOpenSSLRefusesVersion(t *testing.T) {
	t.Parallel()
	address := opensslServer(t, "rsa", "-tls1_3")
	a := attempt(t, Spec{Address: address, Hello: template(only(tlswire.TLS12))})
	if a.End.Kind != facts.EndAlert || a.End.Alert.Description != tlswire.AlertProtocolVersion || a.End.Stage != diag.StageClientHello {
		t.Errorf("got %v %v at %v", a.End.Kind, a.End.Alert, a.End.Stage)
	}
	if fmt.Sprint(a.End.By) != "server" {
		t.Errorf("by: got %v", a.End.By)
	}
}

// Keys that Go knows nothing of are no reason to fail.
func TestUncommonKeys(t *testing.T) {
	t.Parallel()
	schemes := func(s ...tlswire.SignatureScheme) func(*tlswire.ClientHello) {
		return func(h *tlswire.ClientHello) { h.SetSignatureSchemes(s) }
	}
	brainpool := func(h *tlswire.ClientHello) {
		h.SetGroups([]tlswire.Group{tlswire.GroupX25519, tlswire.GroupBrainpoolP256r1, tlswire.GroupSecp256k1})
		h.SetSupportedVersions([]tlswire.Version{tlswire.TLS12})
		h.SetSignatureSchemes([]tlswire.SignatureScheme{0x0403})
	}
	for _, c := range []struct {
		name, newkey string
		change       func(*tlswire.ClientHello)
		want         facts.ProofResult
	}{
		{"ed448", "-newkey ed448", schemes(0x0808), facts.ProofCannotCheck},
		{"brainpool", "-newkey ec -pkeyopt ec_paramgen_curve:brainpoolP256r1", brainpool, facts.ProofCannotCheck},
		{"secp256k1", "-newkey ec -pkeyopt ec_paramgen_curve:secp256k1", brainpool, facts.ProofCannotCheck},
		{"rsa-pss", "-newkey rsa-pss -pkeyopt rsa_keygen_bits:2048", schemes(0x0809, 0x080A, 0x080B), facts.ProofValid},
		{"rsa-768", "-newkey rsa:768", func(h *tlswire.ClientHello) {
			h.SetSignatureSchemes([]tlswire.SignatureScheme{0x0401})
			h.SetSupportedVersions([]tlswire.Version{tlswire.TLS12})
		}, facts.ProofValid},
		{"rsa-768-kex", "-newkey rsa:768", func(h *tlswire.ClientHello) {
			h.SetCipherSuites([]tlswire.CipherSuite{0x002F})
			h.SetSupportedVersions([]tlswire.Version{tlswire.TLS12})
		}, facts.ProofValid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := opensslServer(t, "req:"+c.newkey, "-cipher", "ALL:@SECLEVEL=0")
			a := attempt(t, Spec{Address: address, Request: request(), Hello: template(c.change)})
			if a.End.Kind != facts.EndCompleted || a.KeyProof.Result != c.want || a.Finished.Result != facts.ProofValid {
				t.Errorf("got %v at %v: %v %v, key %+v", a.End.Kind, a.End.Stage, a.End.Alert, a.End.Err, a.KeyProof)
			}
			if c.want == facts.ProofCannotCheck && a.KeyProof.Reason == "" {
				t.Error("no reason is given")
			}
		})
	}
}

// keyed presses keys at the server once our request has arrived.
type keyed struct {
	net.Conn
	keyboard io.Writer
	keys     string
	writes   int
}

// Write implements net.Conn: the third write is the request, after the hello
// and the second flight.
func (k *keyed) Write(p []byte) (int, error) {
	n, err := k.Conn.Write(p)
	if k.writes++; k.writes == 3 {
		go func() {
			time.Sleep(time.Second) // s_server reads the request first
			for _, c := range k.keys {
				io.WriteString(k.keyboard, string(c)+"\n")
				time.Sleep(100 * time.Millisecond)
			}
		}()
	}
	return n, err
}

func names(a *facts.Attempt) string {
	out := ""
	for _, m := range a.Messages {
		out += m.From.String() + ":" + m.Name + " "
	}
	return out
}

// What servers may still say after the handshake: new keys, a wish for a client
// certificate, a renegotiation.
func TestAfterHandshake(t *testing.T) {
	t.Parallel()
	c := identity("p256")
	for _, test := range []struct {
		name, version, keys, want string
		change                    func(*tlswire.ClientHello)
		kind                      facts.EndKind
	}{
		{"key-update", "-tls1_3", "kKx", "server:KeyUpdate server:KeyUpdate client:KeyUpdate server:application data", func(*tlswire.ClientHello) {}, facts.EndCompleted},
		{"post-handshake-auth", "-tls1_3", "cx", "server:CertificateRequest client:Certificate client:CertificateVerify client:Finished server:NewSessionTicket",
			func(h *tlswire.ClientHello) { h.SetExtension(tlswire.ExtPostHandshakeAuth, []byte{}) }, facts.EndCompleted},
		{"renegotiation", "-tls1_2", "r", "server:HelloRequest client:Alert", func(*tlswire.ClientHello) {}, facts.EndAlert},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address, keyboard := openssl(t, "p256", test.version)
			prober := Prober{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				return &keyed{Conn: conn, keyboard: keyboard, keys: test.keys}, err
			}}
			a := prober.Attempt(t.Context(), Spec{Address: address, Hello: template(test.change), Request: &Request{Raw: []byte("hello\n")},
				Identity: &Identity{Chain: c.Certificate, Signer: newSigner(c)}})
			if a.End.Kind != test.kind || !strings.Contains(names(a), test.want) {
				t.Errorf("got %v at %v: %v %v, messages %s", a.End.Kind, a.End.Stage, a.End.Alert, a.End.Err, names(a))
			}
		})
	}
}
