package probe

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/lab"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// broken starts a server with the faults.
func broken(t *testing.T, s lab.Server) string {
	t.Helper()
	running, err := lab.Start(t.Context(), lab.Scenario{ID: t.Name(), Server: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { running.Close() })
	return running.Addr
}

// The proofs are facts; the handshake goes on without them.
func TestBadProofs(t *testing.T) {
	t.Parallel()
	for _, version := range []tlswire.Version{tlswire.TLS12, tlswire.TLS13} {
		offer := lab.Offer{MinVersion: version, MaxVersion: version}
		for _, c := range []struct {
			name          string
			server        lab.Server
			key, finished facts.ProofResult
		}{
			{"healthy", lab.Server{}, facts.ProofValid, facts.ProofValid},
			{"wrong-key", lab.Server{Proof: lab.Proof{WrongKey: true}}, facts.ProofInvalid, facts.ProofValid},
			{"garbled-proof", lab.Server{Proof: lab.Proof{GarbleProof: true}}, facts.ProofInvalid, facts.ProofValid},
			{"garbled-finished", lab.Server{Proof: lab.Proof{GarbleFinished: true}}, facts.ProofValid, facts.ProofInvalid},
		} {
			t.Run(version.String()+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				c.server.Offer = offer
				c.server.Scripted = true
				a := attempt(t, Spec{Address: broken(t, c.server), Request: request()})
				if a.KeyProof.Result != c.key || a.Finished.Result != c.finished {
					t.Errorf("got key %+v, finished %+v, %v %v", a.KeyProof, a.Finished, a.End.Kind, a.End.Err)
				}
				if a.End.Kind != facts.EndCompleted || a.HTTP == nil {
					t.Errorf("got %v at %v: %v", a.End.Kind, a.End.Stage, a.End.Err)
				}
			})
		}
	}
}

func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server lab.Server
		kind   facts.EndKind
		stage  diag.Stage
		said   string // within the violations
	}{
		{"retry-for-nothing", lab.Server{Answer: lab.Answer{Retry: true}}, facts.EndCompleted, diag.StageApplication, ""},
		{"retry-twice", lab.Server{Answer: lab.Answer{RetryTwice: true}}, facts.EndLocal, diag.StageClientHello, "second time"},
		{"alpn", lab.Server{Answer: lab.Answer{ForceALPN: "spdy/1"}}, facts.EndCompleted, diag.StageApplication, "application_layer_protocol_negotiation"},
		{"short-hello", lab.Server{Answer: lab.Answer{ShortServerHello: true}}, facts.EndMalformed, diag.StageClientHello, "truncated"},
		{"session-id", lab.Server{Answer: lab.Answer{OtherSessionID: true}}, facts.EndCompleted, diag.StageApplication, "echo the session ID"},
		{"certificate-first", lab.Server{Offer: lab.Offer{MaxVersion: tlswire.TLS12}, Answer: lab.Answer{CertificateFirst: true}}, facts.EndLocal, diag.StageClientHello, "in the place of a ServerHello"},
		{"no-certificate", lab.Server{Answer: lab.Answer{NoCertificate: true}}, facts.EndCompleted, diag.StageApplication, "is empty"},
		{"flood", lab.Server{Answer: lab.Answer{Flood: 1 << 20}}, facts.EndLimit, diag.StageServerHello, ""},
		{"warnings", lab.Server{Answer: lab.Answer{Warnings: 3}}, facts.EndCompleted, diag.StageApplication, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.server.Scripted = true
			a := attempt(t, Spec{Address: broken(t, c.server), Request: request()})
			said := ""
			for _, v := range a.Violations {
				said += v.Message + " " + v.Problem + "\n"
			}
			if a.End.Kind != c.kind || a.End.Stage != c.stage || !strings.Contains(said, c.said) || c.said == "" && said != "" {
				t.Errorf("got %v at %v: %v, violations %q", a.End.Kind, a.End.Stage, a.End.Err, said)
			}
		})
	}
}

// Every client profile is understood by a healthy server, whatever its shape.
func TestProfiles(t *testing.T) {
	t.Parallel()
	modern := broken(t, lab.Server{})
	old := broken(t, lab.Server{Offer: lab.Offer{MinVersion: tlswire.TLS10, MaxVersion: tlswire.TLS12,
		Suites: []tlswire.CipherSuite{0xC02F, 0xC013, 0x002F, 0x0005, 0x000A}}, Leaf: lab.Leaf{Key: lab.RSA2048}})
	for _, p := range client.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			hello, who, err := client.Build(p, client.Options{SNI: "shop.lab.test"})
			if err != nil {
				t.Fatal(err)
			}
			address := modern
			if who.MaxVersion < tlswire.TLS12 {
				address = old
			}
			if who.MaxVersion < tlswire.TLS10 || hello.SSL2 {
				t.Skip("see TestSSL2Format")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			a := Attempt(ctx, Spec{Address: address, Hello: hello, Request: &Request{Host: "shop.lab.test"}})
			if a.End.Kind == facts.EndAlert && a.End.Stage == diag.StageClientHello && address == modern {
				a = Attempt(ctx, Spec{Address: old, Hello: hello, Request: &Request{Host: "shop.lab.test"}})
			}
			if a.End.Kind != facts.EndCompleted || a.HTTP == nil || a.HTTP.Status != 200 || len(a.Violations) > 0 {
				t.Errorf("got %v at %v: %v %v %v, HTTP %+v", a.End.Kind, a.End.Stage, a.End.Alert, a.End.Err, a.Violations, a.HTTP)
			}
		})
	}
}
