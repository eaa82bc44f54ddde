package probe

import (
	"crypto/tls"
	"fmt"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestLight holds light attempts to whole ones: the same server gives the same
// digest, any other does not.
func TestLight(t *testing.T) {
	t.Parallel()
	stock := &Stock{}
	seen := map[string]string{}
	for _, c := range []struct {
		name   string
		key    string
		change func(*tls.Config)
		hello  func(*tlswire.ClientHello)
	}{
		{name: "TLS 1.3", key: "p256", change: func(*tls.Config) {}},
		{name: "another key", key: "rsa", change: func(*tls.Config) {}},
		{name: "TLS 1.2", key: "p256", change: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
		{name: "TLS 1.2 with RSA key exchange", key: "rsa", change: func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}, hello: suites(tlswire.CipherSuite(tls.TLS_RSA_WITH_AES_128_GCM_SHA256))},
		{name: "a HelloRetryRequest", key: "p256", change: func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} }},
		{name: "ALPN", key: "p256", change: func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }, hello: alpn("http/1.1")},
		{name: "a staple", key: "p256", change: func(c *tls.Config) { c.Certificates[0].OCSPStaple = []byte{0x30, 0} }},
		{name: "a request for a certificate", key: "p256", change: func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert }},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := &tls.Config{Certificates: []tls.Certificate{identity(c.key)}}
			c.change(config)
			spec := Spec{Address: goServer(t, config), Hello: template()}
			if c.hello != nil {
				spec.Hello = template(c.hello)
			}
			whole := attempt(t, spec)
			digest := whole.Digest()
			if whole.End.Kind != facts.EndCompleted || digest == "" {
				t.Fatalf("got %+v and no digest: %+v %+v %+v", whole.End, whole.Violations, whole.KeyProof, whole.Finished)
			}
			if other, ok := seen[digest]; ok {
				t.Errorf("%s has the digest of %s", c.name, other)
			}
			seen[digest] = c.name
			spec.Light, spec.Stock = true, stock
			for range 3 {
				if a := attempt(t, spec); a.Digest() != digest || a.KeyProof.Result != facts.ProofValid {
					t.Errorf("a light attempt has the digest %q, a whole one %q: %+v %+v", a.Digest(), digest, a.End, a.Violations)
				}
			}
		})
	}
}

// TestDigestOfTrouble wants no digest of what has to be judged each time.
func TestDigestOfTrouble(t *testing.T) {
	t.Parallel()
	good := attempt(t, Spec{Address: goServer(t, &tls.Config{})})
	for name, change := range map[string]func(*facts.Attempt){
		"no ServerHello": func(a *facts.Attempt) { a.ServerHello = nil },
		"cut":            func(a *facts.Attempt) { a.End.Kind = facts.EndReset },
		"a violation":    func(a *facts.Attempt) { a.Violations = make([]facts.Violation, 1) },
		"a warning":      func(a *facts.Attempt) { a.Alerts = []tlswire.Alert{{Description: tlswire.AlertUnrecognizedName}} },
		"a bad proof":    func(a *facts.Attempt) { a.KeyProof.Result = facts.ProofInvalid },
		"no proof":       func(a *facts.Attempt) { a.KeyProof.Result = facts.ProofCannotCheck },
		"a bad Finished": func(a *facts.Attempt) { a.Finished.Result = facts.ProofInvalid },
		"resumption":     func(a *facts.Attempt) { a.Session.Resumed = true },
	} {
		a := *good
		if change(&a); a.Digest() != "" {
			t.Errorf("%s has a digest", name)
		}
	}
}

// TestStock lends the same key, and never to an attempt that says more.
func TestStock(t *testing.T) {
	t.Parallel()
	s := &Stock{}
	one, err := s.take(tlswire.GroupX25519)
	two, _ := s.take(tlswire.GroupX25519)
	if err != nil || fmt.Sprintf("%x", one.share) != fmt.Sprintf("%x", two.share) {
		t.Errorf("got %x and %x, %v", one.share, two.share, err)
	}
	if _, err := s.take(0xFFFF); err == nil {
		t.Error("a group that does not exist has a key")
	}
	for name, spec := range map[string]Spec{"no light one": {Stock: s}, "an identity": {Stock: s, Light: true, Identity: &Identity{}}} {
		if spec.withDefaults().Stock != nil {
			t.Errorf("%s is lent a key", name)
		}
	}
}
