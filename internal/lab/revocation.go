package lab

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ocsp"
)

// issuerServer is the web server of the CAs: revocation lists and an OCSP
// responder, good or bad.
type issuerServer struct {
	url     string
	mu      sync.Mutex
	answers map[string]webAnswer // by path
}

// webAnswer is what a path answers.
type webAnswer struct {
	how  string // of the transport: "" = the body; missing, garbage, html, huge, hang, redirect
	kind string // Content-Type
	body []byte
}

// transports are the words of Revocation that concern the transport; the others
// are about what the list or response says.
var transports = map[string]bool{"missing": true, "garbage": true, "html": true, "huge": true, "hang": true, "redirect": true,
	"refused": true, "unresolvable": true, "ldap": true}

func (s *issuerServer) set(path string, a webAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = a
}

// ServeHTTP answers as the scenario wants it.
func (s *issuerServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	a, ok := s.answers[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	switch a.how {
	case "missing":
		http.NotFound(w, r)
	case "garbage":
		_, _ = w.Write(random(300)) // a client that is gone needs no answer
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><title>Sign in</title></html>"))
	case "huge":
		block := append([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, make([]byte, 1<<20)...)
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	case "hang":
		<-r.Context().Done()
	case "redirect":
		s.set("/moved"+r.URL.Path, webAnswer{kind: a.kind, body: a.body})
		http.Redirect(w, r, "/moved"+r.URL.Path, http.StatusFound)
	default:
		_, _ = w.Write(a.body)
	}
}

// serveIssuer starts the server where the scenario needs it.
func (r *Running) serveIssuer(ctx context.Context) (*issuerServer, error) {
	s := &issuerServer{answers: map[string]webAnswer{}}
	if f := &r.Scenario.Server.Revocation; f.CRL+f.OCSP+f.IntermediateCRL+f.ClientCRL == "" {
		return s, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + listener.Addr().String()
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	r.atEnd(server.Close)
	r.tasks.Go(func() { _ = server.Serve(listener) }) // always ends with ErrServerClosed
	return s, nil
}

// address is the URL that a certificate names for such an answer.
func (s *issuerServer) address(path, how string) string {
	switch how {
	case "":
		return ""
	case "refused":
		return "http://127.0.0.1:1" + path
	case "unresolvable":
		return "http://crl.lab.invalid" + path
	case "ldap":
		return "ldap://ldap.lab.test/cn=crl"
	}
	return s.url + path
}

// certificateFields writes the fields of revocation into a leaf.
func (f *Revocation) certificateFields(c *certificate, s *issuerServer) {
	c.crl, c.ocsp = s.address("/leaf.crl", f.CRL), s.address("/leaf.ocsp", f.OCSP)
	if f.MustStaple {
		c.extra = append(c.extra, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}})
	}
	if f.NoRevAvail {
		c.extra = append(c.extra, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 56}, Value: []byte{5, 0}})
	}
	if f.ShortLived {
		c.from, c.to = time.Now().Add(-day), time.Now().Add(5*day)
	}
}

// crlPoint is the extension cRLDistributionPoints (RFC 5280, Section
// 4.2.1.13).
func crlPoint(url string) pkix.Extension {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addPointName(b, url) })
	})
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 31}, Value: b.BytesOrPanic()}
}

// addPointName writes a DistributionPointName of one URL.
func addPointName(b *cryptobyte.Builder, url string) {
	b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(url)) })
		})
	})
}

// publish fills the issuer's server.
func (s *issuerServer) publish(path, how, kind string, make func(what string) ([]byte, error)) error {
	if how == "" || how == "refused" || how == "unresolvable" || how == "ldap" {
		return nil
	}
	a := webAnswer{kind: kind}
	what := how
	if transports[how] {
		a.how, what = how, "good"
	}
	var err error
	a.body, err = make(what)
	s.set(path, a)
	return err
}

const (
	typeCRL  = "application/pkix-crl"
	typeOCSP = "application/ocsp-response"
)

// revocations are the issuer's statements about one certificate.
type revocations struct {
	issuer *authority
	serial *big.Int
}

func revocationsOf(issuer *authority, der []byte) (*revocations, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &revocations{issuer, c.SerialNumber}, nil
}

// crl makes a list that says what the word says.
func (r *revocations) crl(what string) ([]byte, error) {
	now := time.Now()
	list := &x509.RevocationList{Number: big.NewInt(7), ThisUpdate: now.Add(-day), NextUpdate: now.Add(6 * day)}
	for i := range int64(20) {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(1000 + i), RevocationTime: now.Add(-9 * day)})
	}
	revoke := func(reason int) {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: r.serial, RevocationTime: now.Add(-3 * day), ReasonCode: reason})
	}
	extend := func(id asn1.ObjectIdentifier, value []byte) {
		list.ExtraExtensions = append(list.ExtraExtensions, pkix.Extension{Id: id, Critical: true, Value: value})
	}
	point := asn1.ObjectIdentifier{2, 5, 29, 28}
	by := r.issuer
	switch what {
	case "good", "bad-signature", "pem":
	case "revoked":
		revoke(1)
	case "superseded":
		revoke(4)
	case "hold":
		revoke(6)
	case "removed":
		revoke(8)
	case "stale":
		list.ThisUpdate, list.NextUpdate = now.Add(-9*day), now.Add(-2*day)
	case "stale-revoked":
		list.ThisUpdate, list.NextUpdate = now.Add(-9*day), now.Add(-2*day)
		revoke(1)
	case "future":
		list.ThisUpdate = now.Add(day)
	case "foreign":
		other, err := newRoot("Another Root", now.Add(-1000*day), now.Add(3000*day))
		if err != nil {
			return nil, err
		}
		by = other
	case "delta":
		extend(asn1.ObjectIdentifier{2, 5, 29, 27}, []byte{2, 1, 5})
	case "indirect":
		extend(point, []byte{0x30, 3, 0x84, 1, 0xff})
	case "scope":
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addPointName(b, "http://crl.lab.test/other.crl") })
		extend(point, b.BytesOrPanic())
	case "critical":
		extend(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 2}, []byte{5, 0})
	default:
		return nil, fmt.Errorf("unknown revocation list %q", what)
	}
	issuer, err := x509.ParseCertificate(by.der)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, issuer, by.key)
	if err != nil {
		return nil, fmt.Errorf("making a revocation list: %w", err)
	}
	switch what {
	case "bad-signature":
		der[len(der)-1] ^= 1
	case "pem":
		der = pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	}
	return der, nil
}

// response makes an OCSP response that says what the word says.
func (r *revocations) response(what string) ([]byte, error) {
	now := time.Now()
	issuer, err := x509.ParseCertificate(r.issuer.der)
	if err != nil {
		return nil, err
	}
	t := ocsp.Response{Status: ocsp.Good, SerialNumber: r.serial, ThisUpdate: now.Add(-day), NextUpdate: now.Add(6 * day)}
	by, responder := r.issuer, issuer
	revoke := func(reason int) {
		t.Status, t.RevokedAt, t.RevocationReason = ocsp.Revoked, now.Add(-3*day), reason
	}
	switch what {
	case "good", "bad-signature":
	case "revoked":
		revoke(ocsp.KeyCompromise)
	case "hold":
		revoke(ocsp.CertificateHold)
	case "unknown":
		t.Status = ocsp.Unknown
	case "stale":
		t.ThisUpdate, t.NextUpdate = now.Add(-9*day), now.Add(-2*day)
	case "stale-revoked":
		t.ThisUpdate, t.NextUpdate = now.Add(-9*day), now.Add(-2*day)
		revoke(ocsp.Superseded)
	case "future":
		t.ThisUpdate = now.Add(day)
	case "no-end":
		t.NextUpdate = time.Time{}
	case "other":
		t.SerialNumber = big.NewInt(0x0DDBA11)
	case "foreign":
		if by, err = newRoot("Another Root", now.Add(-1000*day), now.Add(3000*day)); err != nil {
			return nil, err
		}
	case "delegated", "delegated-no-eku":
		if by, t.Certificate, err = r.delegate(what == "delegated"); err != nil {
			return nil, err
		}
		responder = t.Certificate
	case "try-later":
		return ocsp.TryLaterErrorResponse, nil
	case "unauthorized":
		return ocsp.UnauthorizedErrorResponse, nil
	case "garbage":
		return []byte("not an OCSP response"), nil
	default:
		return nil, fmt.Errorf("unknown OCSP response %q", what)
	}
	der, err := ocsp.CreateResponse(issuer, responder, t, by.key)
	if err != nil {
		return nil, fmt.Errorf("making an OCSP response: %w", err)
	}
	if what == "bad-signature" {
		der[len(der)-1] ^= 1
	}
	return der, nil
}

// delegate makes a responder below the issuer, marked for the purpose or not.
func (r *revocations) delegate(marked bool) (*authority, *x509.Certificate, error) {
	key, err := keys.get(P256, "responder")
	if err != nil {
		return nil, nil, err
	}
	c := certificate{subject: labName("Lab Responder"), from: time.Now().Add(-day), to: time.Now().Add(30 * day), key: key.Public(), pathLen: -1, usage: x509.KeyUsageDigitalSignature}
	if marked {
		c.eku = []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 9}}
	}
	der, err := r.issuer.issue(c)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	return &authority{name: c.subject, key: key, der: der}, parsed, err
}

// makeRevocations makes the staple, what the issuer publishes and the client's
// own list.
func (m *material) makeRevocations(s *Scenario, issuers *issuerServer, path []*authority, leaf []byte) error {
	f := &s.Server.Revocation
	if f.Staple+f.CRL+f.OCSP+f.IntermediateCRL+s.Client.List == "" {
		return nil
	}
	issuer := path[len(path)-1]
	r, err := revocationsOf(issuer, leaf)
	if err != nil {
		return err
	}
	if f.Staple != "" {
		if m.staple, err = r.response(f.Staple); err != nil {
			return err
		}
	}
	if err := issuers.publish("/leaf.crl", f.CRL, typeCRL, r.crl); err != nil {
		return err
	}
	if err := issuers.publish("/leaf.ocsp", f.OCSP, typeOCSP, r.response); err != nil {
		return err
	}
	if s.Client.List != "" {
		if m.list, err = r.crl(s.Client.List); err != nil {
			return err
		}
	}
	if f.IntermediateCRL == "" || len(path) < 2 {
		return nil
	}
	above, err := revocationsOf(path[len(path)-2], issuer.der)
	if err != nil {
		return err
	}
	return issuers.publish("/intermediate.crl", f.IntermediateCRL, typeCRL, above.crl)
}
