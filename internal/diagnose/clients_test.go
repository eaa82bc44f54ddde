package diagnose_test

import (
	"crypto/tls"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

func roster(t *testing.T, replay bool, names ...string) diagnose.Roster {
	t.Helper()
	r := diagnose.Roster{Replay: replay}
	for _, name := range names {
		p, err := client.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		r.Profiles = append(r.Profiles, p)
	}
	return r
}

// TestClients holds predictions to what replayed hellos meet.
func TestClients(t *testing.T) {
	t.Parallel()
	_, pair := issued()
	names := []string{"openssl 3.5.0", "java 17", "java 7u25", "chromium 137", "safari 9 ios 9", "android 4.4.2", "ie 8 xp"}
	for _, c := range []struct {
		name  string
		conf  *tls.Config
		fails map[string]string // cause, by client
	}{
		{"modern", &tls.Config{}, map[string]string{"Java 7u25": "protocol-version", "IE 8 XP": "protocol-version"}},
		{"1.3", &tls.Config{MinVersion: tls.VersionTLS13}, map[string]string{"Java 7u25": "protocol-version", "IE 8 XP": "protocol-version",
			"Safari 9 iOS 9": "protocol-version", "Android 4.4.2": "protocol-version"}},
		{"one suite", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}}, map[string]string{
			"Java 7u25": "protocol-version", "IE 8 XP": "protocol-version", "Safari 9 iOS 9": "cipher-mismatch", "Android 4.4.2": "cipher-mismatch"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.conf.Certificates = []tls.Certificate{pair}
			address, ca := overTLS(t, c.conf, func(s *secured) { s.Read(make([]byte, 1)) })
			o := diagnose.Options{CAFile: ca, Connect: []string{address}}
			for _, replay := range []bool{false, true} {
				d, err := diagnose.Clients(t.Context(), "tls://shop.lab.test:443", o, diagnose.Env{}, roster(t, replay, names...))
				if err != nil {
					t.Fatal(err)
				}
				if d.Replayed != replay || d.Address != address || len(d.Clients) != len(names) {
					t.Fatalf("got %+v", d)
				}
				for _, k := range d.Clients {
					want := c.fails[k.Name]
					got := ""
					if k.Cause != nil {
						got = k.Cause.ID
					}
					if got != want || (want == "") != (k.Outcome == diag.ClientConnects) || k.Predicted != "" || want == "" && k.Version == "" {
						t.Errorf("replay %v, %s: got %s %q (predicted %q, end %q), want %q", replay, k.Name, k.Outcome, got, k.Predicted, k.End, want)
					}
				}
			}
		})
	}
}

// TestClientsNobody asks a port at which nothing listens.
func TestClientsNobody(t *testing.T) {
	t.Parallel()
	d, err := diagnose.Clients(t.Context(), "shop.lab.test", diagnose.Options{Connect: []string{"127.0.0.1:1"}}, diagnose.Env{}, roster(t, false, "java 17", "go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range d.Clients {
		if k.Outcome != diag.ClientFails || k.Cause == nil || k.Cause.ID != "tcp-refused" {
			t.Errorf("got %+v", k)
		}
	}
	if d.Address != "" || len(d.Clients) != 2 {
		t.Errorf("got %+v", d)
	}
}
