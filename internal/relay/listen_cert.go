package relay

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"
)

// makeCA makes the authority of all certificates of a Host.
func (h *Host) makeCA() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "tlswhy listen"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLenZero: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return err
	}
	h.key = key
	if h.leaf, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	h.ca, err = x509.ParseCertificate(der)
	return err
}

// allSuites are those that crypto/tls speaks at all: it is not this server that a
// client ought to fail on.
func allSuites() []uint16 {
	var out []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		out = append(out, s.ID)
	}
	return out
}

// certificateFor gives the client a certificate of a kind that it takes.
func (h *Host) certificateFor(i *tls.ClientHelloInfo, conn net.Conn) (*tls.Certificate, error) {
	name := i.ServerName
	if name == "" {
		name, _, _ = net.SplitHostPort(conn.LocalAddr().String())
	}
	c, err := h.certificate(name, "ECDSA", h.leaf)
	if err != nil || i.SupportsCertificate(c) == nil {
		return c, err
	}
	key, err := h.rsa()
	if err != nil {
		return nil, err
	}
	return h.certificate(name, "RSA", key)
}

// certificate issues one for a name or an address, or takes the one that there is.
func (h *Host) certificate(name, kind string, key crypto.Signer) (*tls.Certificate, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.certs[kind+name]; c != nil {
		return c, nil
	}
	if len(h.certs) >= maxNames {
		clear(h.certs)
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "tlswhy"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(23 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(name); ip != nil {
		tmpl.IPAddresses = []net.IP{ip}
	} else {
		tmpl.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, h.ca, key.Public(), h.key)
	if err != nil {
		return nil, err
	}
	h.certs[kind+name] = &tls.Certificate{Certificate: [][]byte{der, h.ca.Raw}, PrivateKey: key}
	return h.certs[kind+name], nil
}

func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
