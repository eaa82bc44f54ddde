package probe

import (
	"crypto/tls"
	"fmt"
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func request() *Request { return &Request{Host: "probe.test"} }

func TestVersionsAndKeys(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		for _, key := range []string{"rsa", "p256", "p384", "p521", "ed25519"} {
			if key == "ed25519" && version < tls.VersionTLS12 {
				continue
			}
			t.Run(fmt.Sprintf("%04x/%s", version, key), func(t *testing.T) {
				t.Parallel()
				address := goServer(t, &tls.Config{MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{identity(key)}})
				a := attempt(t, Spec{Address: address, Request: request()})
				wantCompleted(t, a)
				if a.Version != tlswire.Version(version) {
					t.Errorf("version: got %v", a.Version)
				}
				if a.HTTP == nil || a.HTTP.Status != 200 || string(a.HTTP.Body) != "hello" || a.HTTP.Header.Get("Server") != "test" {
					t.Errorf("HTTP: got %+v", a.HTTP)
				}
				if len(a.Chain) != 1 || a.BytesReceived == 0 || a.BytesSent == 0 {
					t.Errorf("got %d certificates, %d bytes received, %d sent", len(a.Chain), a.BytesReceived, a.BytesSent)
				}
			})
		}
	}
}

func TestSuites(t *testing.T) {
	t.Parallel()
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		t.Run(suite.Name, func(t *testing.T) {
			t.Parallel()
			key := "rsa"
			if info := tlswire.CipherSuite(suite.ID).Info(); info.Auth == tlswire.AuthECDSA {
				key = "p256"
			}
			address := goServer(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: slices.Max(suite.SupportedVersions), CipherSuites: []uint16{suite.ID},
				Certificates: []tls.Certificate{identity(key)}})
			a := attempt(t, Spec{Address: address, Request: request(), Hello: template(suites(tlswire.CipherSuite(suite.ID)))})
			wantCompleted(t, a)
			if a.HTTP == nil || a.HTTP.Status != 200 {
				t.Errorf("HTTP: got %+v", a.HTTP)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	all := []tlswire.Group{tlswire.GroupX25519MLKEM768, tlswire.GroupSecP256r1MLKEM768, tlswire.GroupSecP384r1MLKEM1024,
		tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384, tlswire.GroupP521}
	for _, group := range all {
		t.Run(group.String(), func(t *testing.T) {
			t.Parallel()
			address := goServer(t, &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveID(group)}})
			a := attempt(t, Spec{Address: address, Hello: template(groups(group))})
			wantCompleted(t, a)
			if a.Retry != nil || a.ServerHello.SelectedGroup() != group {
				t.Errorf("group: got %v, retry %v", a.ServerHello.SelectedGroup(), a.Retry)
			}
		})
		t.Run("retry/"+group.String(), func(t *testing.T) {
			t.Parallel()
			address := goServer(t, &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveID(group)}})
			first := all[(slices.Index(all, group)+1)%len(all)]
			a := attempt(t, Spec{Address: address, Hello: template(groups(first, group))})
			wantCompleted(t, a)
			if a.Retry == nil || a.Retry.SelectedGroup() != group || a.Sent.KeyShares()[0].Group != group {
				t.Errorf("retry: got %+v", a.Retry)
			}
		})
	}
	for _, group := range all[3:] {
		t.Run("1.2/"+group.String(), func(t *testing.T) {
			t.Parallel()
			address := goServer(t, &tls.Config{MaxVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.CurveID(group)}})
			wantCompleted(t, attempt(t, Spec{Address: address, Hello: template(groups(group))}))
		})
	}
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS12, tls.VersionTLS13} {
		for _, key := range []string{"rsa", "p256", "p384", "ed25519"} {
			if key == "ed25519" && version < tls.VersionTLS12 {
				continue
			}
			t.Run(fmt.Sprintf("%04x/%s", version, key), func(t *testing.T) {
				t.Parallel()
				address := goServer(t, &tls.Config{MinVersion: version, MaxVersion: version,
					ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool()})
				c := identity(key)
				a := attempt(t, Spec{Address: address, Request: request(),
					Identity: &Identity{Chain: c.Certificate, Signer: newSigner(c)}})
				wantCompleted(t, a)
				if !a.IdentitySent || a.Request == nil || a.HTTP.Status != 200 {
					t.Errorf("got sent %v, request %v, HTTP %v", a.IdentitySent, a.Request, a.HTTP)
				}
			})
		}
		t.Run(fmt.Sprintf("%04x/optional", version), func(t *testing.T) {
			t.Parallel()
			address := goServer(t, &tls.Config{MinVersion: version, MaxVersion: version, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool()})
			a := attempt(t, Spec{Address: address, Request: request()})
			wantCompleted(t, a)
			if a.IdentitySent || a.Request == nil {
				t.Errorf("got sent %v, request %v", a.IdentitySent, a.Request)
			}
		})
		for _, with := range []bool{false, true} {
			t.Run(fmt.Sprintf("%04x/required/request=%v", version, with), func(t *testing.T) {
				t.Parallel()
				address := goServer(t, &tls.Config{MinVersion: version, MaxVersion: version, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool()})
				spec := Spec{Address: address}
				if with {
					spec.Request = request()
				}
				a := attempt(t, spec)
				want := tlswire.AlertHandshakeFailure
				if version == tls.VersionTLS13 {
					want = tlswire.AlertCertificateRequired
				}
				if a.End.Kind != facts.EndAlert || a.End.Alert.Description != want || a.End.Stage != diag.StageClientAuth {
					t.Errorf("got %v %v at %v %v, want alert %v at client_auth", a.End.Kind, a.End.Alert, a.End.Stage, a.End.Err, want)
				}
			})
		}
		t.Run(fmt.Sprintf("%04x/foreign", version), func(t *testing.T) {
			t.Parallel()
			address := goServer(t, &tls.Config{MinVersion: version, MaxVersion: version, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool()})
			key := newKey("p256")
			cert := issue(nil, key, key.Public(), "nobody")
			a := attempt(t, Spec{Address: address, Identity: &Identity{Chain: [][]byte{cert.Raw}, Signer: key}})
			if a.End.Kind != facts.EndAlert || a.End.Stage != diag.StageClientAuth || !a.IdentitySent {
				t.Errorf("got %v %v at %v", a.End.Kind, a.End.Alert, a.End.Stage)
			}
		})
	}
}

func TestALPN(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		address := goServer(t, &tls.Config{MaxVersion: version, NextProtos: []string{"http/1.1"}})
		a := attempt(t, Spec{Address: address, Request: request(), Hello: template(alpn("h2", "http/1.1"))})
		wantCompleted(t, a)
		if a.HTTP.Proto != "HTTP/1.1" {
			t.Errorf("HTTP: got %+v", a.HTTP)
		}
		a = attempt(t, Spec{Address: address, Hello: template(alpn("nonsense"))})
		if a.End.Kind != facts.EndAlert || a.End.Alert.Description != tlswire.AlertNoApplicationProtocol || a.End.Stage != diag.StageClientHello {
			t.Errorf("no overlap: got %v %v at %v", a.End.Kind, a.End.Alert, a.End.Stage)
		}
	}
}

func TestStops(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		address := goServer(t, &tls.Config{MaxVersion: version})
		for _, c := range []struct {
			stop  Stop
			stage diag.Stage
		}{
			{StopServerHello, diag.StageServerHello},
			{StopServerFlight, diag.StageFinished},
		} {
			a := attempt(t, Spec{Address: address, Stop: c.stop})
			if a.End.Kind != facts.EndStopped || a.End.Stage != c.stage {
				t.Errorf("stop %d: got %v at %v %v", c.stop, a.End.Kind, a.End.Stage, a.End.Err)
			}
		}
		a := attempt(t, Spec{Address: address, Stop: StopFinished})
		if a.End.Kind != facts.EndStopped {
			t.Errorf("stop at finished: got %v at %v", a.End.Kind, a.End.Stage)
		}
	}
}

// A shape changes how the hello travels and nothing else.
func TestShapes(t *testing.T) {
	t.Parallel()
	address := goServer(t, &tls.Config{})
	for _, shape := range []Shape{{RecordSize: 64}, {SegmentSize: 50}, {RecordSize: 100, SegmentSize: 1000, Delay: 1}} {
		wantCompleted(t, attempt(t, Spec{Address: address, Shape: shape}))
	}
}
