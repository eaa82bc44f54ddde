package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var goVersions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

var goGroups = map[string]tls.CurveID{"P-256": tls.CurveP256, "P-384": tls.CurveP384, "P-521": tls.CurveP521,
	"X25519": tls.X25519, "X25519MLKEM768": tls.X25519MLKEM768}

// startGo serves with crypto/tls and net/http, in process. Ciphers are Go's
// (IANA) names, colon-separated. Extra "mutate" hooks are not needed: what
// crypto/tls refuses to load is served by Custom.
func startGo(t testing.TB, _ string, eps []*Endpoint) {
	t.Helper()
	for _, e := range eps {
		if e.Plain {
			ServeHTTP(t, e, nil)
			continue
		}
		ServeHTTP(t, e, GoConfig(t, e))
	}
}

// GoConfig makes the configuration of an endpoint.
func GoConfig(t testing.TB, e *Endpoint) *tls.Config {
	t.Helper()
	vs := e.versions()
	c := &tls.Config{MinVersion: goVersions[vs[0]], MaxVersion: goVersions[vs[len(vs)-1]], SessionTicketsDisabled: e.NoTickets}
	for _, pair := range [][2]string{{e.Chain, e.Key}, {e.Chain2, e.Key2}} {
		if pair[0] == "" {
			continue
		}
		cert, err := tls.LoadX509KeyPair(pair[0], pair[1])
		if err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		if e.Staple != "" {
			if cert.OCSPStaple, err = os.ReadFile(e.Staple); err != nil {
				t.Fatal(err)
			}
		}
		c.Certificates = append(c.Certificates, cert)
	}
	if e.Ciphers != "" {
		for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			if slices.Contains(strings.Split(e.Ciphers, ":"), s.Name) {
				c.CipherSuites = append(c.CipherSuites, s.ID)
			}
		}
	}
	if e.Groups != "" {
		for _, g := range strings.Split(e.Groups, ":") {
			c.CurvePreferences = append(c.CurvePreferences, goGroups[g])
		}
	}
	if e.ALPN != "" {
		c.NextProtos = strings.Split(e.ALPN, ",")
	}
	if e.ClientCA != "" {
		pem, err := os.ReadFile(e.ClientCA)
		if err != nil {
			t.Fatal(err)
		}
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AppendCertsFromPEM(pem)
	}
	switch e.ClientAuth {
	case "required":
		c.ClientAuth = tls.RequireAndVerifyClientCert
	case "optional":
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if e.Strict {
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if !slices.Contains(e.Hosts, h.ServerName) {
				return nil, errors.New("no such host")
			}
			return nil, nil
		}
	}
	return c
}

// ServeHTTP answers every request on the endpoint's port, over TLS when a
// configuration is given.
func ServeHTTP(t testing.TB, e *Endpoint, conf *tls.Config) {
	t.Helper()
	ln, err := net.Listen("tcp", e.Target())
	if err != nil {
		t.Fatal(err)
	}
	if conf != nil {
		ln = tls.NewListener(ln, conf)
	}
	s := &http.Server{
		ReadTimeout: 20 * time.Second,
		ErrorLog:    log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(e.status())
			_, _ = io.WriteString(w, e.body())
		}),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
}

// ServeConns hands every connection on the endpoint's port to a function, for
// servers that speak something else than HTTP.
func ServeConns(t testing.TB, e *Endpoint, handle func(net.Conn)) {
	t.Helper()
	if e.Port == 0 {
		e.Port = FreePort(t)
	}
	ln, err := net.Listen("tcp", e.Target())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(30 * time.Second))
				handle(c)
			}()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
}
