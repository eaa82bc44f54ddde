package lab

import (
	"crypto/x509"
	"errors"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// takeCertificate judges the client's Certificate with the alerts of OpenSSL.
func (s *wireServer) takeCertificate(raw []byte, version tlswire.Version) error {
	certificate, err := tlswire.ParseCertificate(raw, version)
	if err != nil {
		return refuse(tlswire.AlertDecodeError, "%v", err)
	}
	s.clientChain = certificate.DER()
	if len(s.clientChain) == 0 {
		if s.f.Ask != "required" {
			return nil
		}
		if !s.f.WithoutCertificate.IsZero() {
			return s.stage(s.f.WithoutCertificate)
		}
		if version >= tlswire.TLS13 {
			return refuse(tlswire.AlertCertificateRequired, "no client certificate")
		}
		return refuse(tlswire.AlertHandshakeFailure, "no client certificate")
	}
	if err := s.stage(s.f.RefuseCertificate); err != nil {
		return err
	}
	if s.f.HTTP400 {
		return nil
	}
	return s.verifyClient()
}

// verifyClient checks the client's chain with crypto/x509.
func (s *wireServer) verifyClient() error {
	var certs []*x509.Certificate
	for _, der := range s.clientChain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return refuse(tlswire.AlertBadCertificate, "%v", err)
		}
		certs = append(certs, c)
	}
	pool := x509.NewCertPool()
	for _, c := range certs[1:] {
		pool.AddCert(c)
	}
	_, err := certs[0].Verify(x509.VerifyOptions{Roots: s.e.material.clientCAs, Intermediates: pool,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	var unknown x509.UnknownAuthorityError
	var bad x509.CertificateInvalidError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return refuse(tlswire.AlertUnknownCA, "%v", err)
	case errors.As(err, &bad) && bad.Reason == x509.Expired:
		return refuse(tlswire.AlertCertificateExpired, "%v", err)
	case errors.As(err, &bad) && bad.Reason == x509.IncompatibleUsage:
		return refuse(tlswire.AlertUnsupportedCertificate, "%v", err)
	}
	return refuse(tlswire.AlertBadCertificate, "%v", err)
}

// clientProof reads and checks the client's CertificateVerify.
func (s *wireServer) clientProof(version tlswire.Version) error {
	m, err := s.next()
	if err != nil {
		return err
	}
	verify, err := tlswire.ParseCertificateVerify(m.Raw, version)
	if err != nil || m.Type != tlswire.TypeCertificateVerify {
		return refuse(tlswire.AlertDecodeError, "reading the client's CertificateVerify: %v", err)
	}
	leaf, err := x509.ParseCertificate(s.clientChain[0])
	if err != nil {
		return refuse(tlswire.AlertBadCertificate, "%v", err)
	}
	content := s.transcript.Messages()
	if version >= tlswire.TLS13 {
		content = tlswire.CertificateVerifyContent(tlswire.SideClient, s.transcript.Sum())
	}
	if check := tlswire.VerifySignature(leaf.PublicKey, verify.Scheme, content, verify.Signature); check.Result != tlswire.CheckValid {
		return refuse(tlswire.AlertDecryptError, "%s", check.Reason)
	}
	s.transcript.Add(m.Raw)
	return nil
}
