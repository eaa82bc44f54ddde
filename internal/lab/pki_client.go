package lab

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"time"
)

// makeClient makes the client certificate that the scenario asks for and the
// CA with which the server checks it.
func (m *material) makeClient(s *Scenario, issuers *issuerServer) error {
	f := &s.Server
	if f.Ask == "" && !f.HTTP400 && s.Client.Cert == "" {
		return nil
	}
	now := time.Now()
	own, err := newRoot("Lab Client CA", now.Add(-1000*day), now.Add(3000*day))
	if err != nil {
		return err
	}
	other, err := newRoot("Another Client CA", now.Add(-1000*day), now.Add(3000*day))
	if err != nil {
		return err
	}
	accepted := own
	if f.OtherCA {
		accepted = other
	}
	parsed, err := x509.ParseCertificate(accepted.der)
	if err != nil {
		return err
	}
	m.clientCAs = x509.NewCertPool()
	m.clientCAs.AddCert(parsed)
	if !f.NoCA {
		m.clientNames = [][]byte{parsed.RawSubject}
	}
	if s.Client.Cert == "" {
		return nil
	}
	return m.issueClient(s, issuers, own, other)
}

// issueClient makes the client's two files.
func (m *material) issueClient(s *Scenario, issuers *issuerServer, own, other *authority) error {
	what := s.Client.Cert
	key, err := keys.get(P256, "client")
	if err != nil {
		return err
	}
	now := time.Now()
	c := certificate{subject: labName("billing-01"), from: now.Add(-100 * day), to: now.Add(200 * day), key: key.Public(),
		pathLen: -1, usage: x509.KeyUsageDigitalSignature, eku: []asn1.ObjectIdentifier{oidClientAuth}, dns: []string{"billing-01.lab.test"}}
	c.crl = issuers.address("/client.crl", s.Server.ClientCRL)
	issuer := own
	var more [][]byte
	written := key
	switch what {
	case "good", "bad-cert-file", "bad-key-file":
	case "expired":
		c.to = now.Add(-3 * day)
	case "not-yet-valid":
		c.from = now.Add(3 * day)
	case "untrusted":
		issuer = other
	case "server-purpose":
		c.eku = []asn1.ObjectIdentifier{oidServerAuth}
	case "other-key":
		if written, err = keys.get(P256, "not the client"); err != nil {
			return err
		}
	case "chain", "no-chain":
		if issuer, err = own.sub("Lab Client Intermediate", P256, nil); err != nil {
			return err
		}
		if what == "chain" {
			more = [][]byte{issuer.der}
		}
	default:
		return fmt.Errorf("unknown client certificate %q", what)
	}
	der, err := issuer.issue(c)
	if err != nil {
		return err
	}
	m.clientCert = certPEM(append([][]byte{der}, more...)...)
	if s.Server.ClientCRL+s.Client.ClientList != "" {
		if err := m.revokeClient(s, issuers, issuer, der); err != nil {
			return err
		}
	}
	if m.clientKey, err = keyPEM(written); err != nil {
		return err
	}
	switch what {
	case "bad-cert-file":
		m.clientCert = []byte("-----BEGIN CERTIFICATE-----\nthis is not base64!\n-----END CERTIFICATE-----\n")
	case "bad-key-file":
		m.clientKey = []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	}
	return nil
}

// revokeClient publishes what the client's issuer says about its certificate.
func (m *material) revokeClient(s *Scenario, issuers *issuerServer, issuer *authority, der []byte) error {
	r, err := revocationsOf(issuer, der)
	if err != nil {
		return err
	}
	if s.Client.ClientList != "" {
		if m.list, err = r.crl(s.Client.ClientList); err != nil {
			return err
		}
	}
	return issuers.publish("/client.crl", s.Server.ClientCRL, typeCRL, r.crl)
}
