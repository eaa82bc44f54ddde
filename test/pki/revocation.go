package pki

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Response has the openssl program answer an OCSP request about the
// certificate, as its responder does: with the index of the CA. revoked is "" or
// a reason (keyCompromise); signer is the issuer itself where it is nil. The
// response is valid for so many days from now, and written in DER.
func (p *PKI) Response(name string, c *Cert, revoked string, signer *Cert, days int) string {
	p.t.Helper()
	issuer := c.Parent
	if signer == nil {
		signer = issuer
	}
	caFile, _ := p.Files(name+"-issuer", issuer)
	signerFile, signerKey := p.Files(name+"-responder", signer)
	leaf := p.CertFile(name+"-leaf", c)
	out := filepath.Join(p.Dir, name+".ocsp")
	run(p.t, "openssl", "ocsp", "-issuer", caFile, "-cert", leaf, "-no_nonce", "-reqout", out+".req")
	run(p.t, "openssl", "ocsp", "-index", p.Index(name, c, revoked), "-CA", caFile, "-rsigner", signerFile, "-rkey", signerKey,
		"-ndays", fmt.Sprint(days), "-reqin", out+".req", "-respout", out)
	return out
}

// StaleResponse writes a good response that is out of date, which the openssl
// program does not make.
func (p *PKI) StaleResponse(name string, c *Cert) string {
	p.t.Helper()
	now := time.Now()
	der, err := ocsp.CreateResponse(c.Parent.X, c.Parent.X, ocsp.Response{Status: ocsp.Good, SerialNumber: c.X.SerialNumber,
		ThisUpdate: now.Add(-9 * Day), NextUpdate: now.Add(-2 * Day)}, c.Parent.Key)
	if err != nil {
		p.t.Fatalf("making an OCSP response: %v", err)
	}
	return p.Write(name+".ocsp", der)
}

// Index writes the database of openssl ca with one certificate in it.
func (p *PKI) Index(name string, c *Cert, revoked string) string {
	p.t.Helper()
	const layout = "060102150405Z"
	state, when := "V", ""
	if revoked != "" {
		state, when = "R", time.Now().Add(-2*Day).UTC().Format(layout)+","+revoked
	}
	serial := strings.ToUpper(c.X.SerialNumber.Text(16))
	if len(serial)%2 == 1 {
		serial = "0" + serial
	}
	line := strings.Join([]string{state, c.X.NotAfter.UTC().Format(layout), when, serial, "unknown", "/CN=" + c.X.Subject.CommonName}, "\t") + "\n"
	p.Write(name+".index.attr", []byte("unique_subject = no\n"))
	return p.Write(name+".index", []byte(line))
}

// ServeFile serves a file over HTTP at every path, as an issuer its list or
// a responder its answer; the address ends with the test. A file that is not
// there is answered with 404, so it may be made later.
func (p *PKI) ServeFile(kind string, path func() string) string {
	p.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := os.ReadFile(path())
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(body) // a client that is gone needs no answer
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(ln)
	}()
	p.t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return "http://" + ln.Addr().String()
}
