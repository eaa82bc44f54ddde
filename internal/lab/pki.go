package lab

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"slices"
	"time"
)

const day = 24 * time.Hour

// material is all that a scenario needs of certificates and keys, on both
// sides.
type material struct {
	chain [][]byte // as sent
	key   crypto.Signer
	// other is the certificate of the default virtual host.
	other    [][]byte
	otherKey crypto.Signer
	// mint makes a chain for another name; nil = it cannot.
	mint func(name string) [][]byte

	issuer []byte   // what AIA serves
	scts   [][]byte // for the TLS extension
	pins   pinned
	staple []byte // OCSP response; nil = none
	list   []byte // the client's revocation list

	clientCAs   *x509.CertPool
	clientNames [][]byte // DER of the CA names in the CertificateRequest

	anchors    []byte // PEM
	clientCert []byte
	clientKey  []byte
}

func newMaterial(s *Scenario, aia string, issuers *issuerServer) (*material, error) {
	m := &material{}
	if err := m.makeServer(s, aia, issuers); err != nil {
		return nil, fmt.Errorf("making the server's certificates: %w", err)
	}
	if err := m.makeClient(s, issuers); err != nil {
		return nil, fmt.Errorf("making the client's certificates: %w", err)
	}
	return m, nil
}

// labName is a name of the lab's own.
func labName(common string) pkix.Name {
	return pkix.Name{Organization: []string{"tlswhy lab"}, CommonName: common}
}

// newRoot makes a root; the same name and dates give the same key each time.
func newRoot(common string, from, to time.Time) (*authority, error) {
	return newRootWith(common, from, to, 0)
}

func newRootWith(common string, from, to time.Time, digest crypto.Hash) (*authority, error) {
	key, err := keys.get(P256, common)
	if err != nil {
		return nil, err
	}
	a := &authority{name: labName(common), key: key}
	a.der, err = a.issue(certificate{subject: a.name, from: from, to: to, key: key.Public(), ca: true, pathLen: -1,
		usage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, digest: digest})
	return a, err
}

// sub makes an intermediate below a.
func (a *authority) sub(common string, kind KeyType, change func(*certificate)) (*authority, error) {
	key, err := keys.get(kind, common)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	c := certificate{subject: labName(common), from: now.Add(-200 * day), to: now.Add(1000 * day), key: key.Public(),
		ca: true, pathLen: -1, usage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		eku: []asn1.ObjectIdentifier{oidServerAuth, oidClientAuth}}
	if change != nil {
		change(&c)
	}
	der, err := a.issue(c)
	if err != nil {
		return nil, err
	}
	return &authority{name: c.subject, key: key, der: der}, nil
}

// digests are the names of digests in faults.
var digests = map[string]crypto.Hash{"": 0, "MD5": crypto.MD5, "SHA1": crypto.SHA1, "SHA256": crypto.SHA256}

// makeServer makes the chain with its faults.
func (m *material) makeServer(s *Scenario, aia string, issuers *issuerServer) error {
	now := time.Now()
	f := &s.Server
	rootFrom, rootTo := now.Add(-1000*day), now.Add(3000*day)
	if !f.Issued.IsZero() {
		rootFrom = f.Issued.Add(-1000 * day)
	}
	if f.RootExpired {
		rootTo = now.Add(-20 * day)
	}
	common := "Lab Root"
	if f.ForeignRoot {
		common = "Inspection Root"
	}
	root, err := newRootWith(common, rootFrom, rootTo, digests[f.RootDigest])
	if err != nil {
		return err
	}
	trusted := root
	if f.UnknownRoot || s.Client.Anchors == "other" {
		if trusted, err = newRoot("Another Root", now.Add(-1000*day), now.Add(3000*day)); err != nil {
			return err
		}
	}
	path, err := f.intermediates(root, issuers)
	if err != nil {
		return err
	}
	issuer := path[len(path)-1]
	if m.key, err = keys.get(f.Key, "server"); err != nil {
		return err
	}
	if !f.AIA {
		aia = ""
	}
	leaf, err := f.leaf(s.Client.name(), issuer, m.key, aia, issuers)
	if err != nil {
		return err
	}
	if m.scts, err = stamps(f.TLSSCTs, leafFrom(f), leaf, nil); err != nil {
		return err
	}
	m.pins = pinned{leaf: leaf, issuer: issuer.der, root: root.der}
	m.issuer = issuer.der
	if err := m.makeRevocations(s, issuers, path, leaf); err != nil {
		return err
	}
	if err := m.assemble(f, root, path, leaf); err != nil {
		return err
	}
	if len(f.DefaultNames) > 0 {
		if err := m.makeDefault(f, issuer); err != nil {
			return err
		}
	}
	if f.OnDemand != "" {
		if m.otherKey, err = keys.get(f.Key, "on demand"); err != nil {
			return err
		}
		m.mint = func(name string) [][]byte {
			key := m.key
			if f.OnDemand == "own-key" {
				key = m.otherKey
			}
			der, err := f.leaf(name, issuer, key, "", issuers)
			if err != nil {
				return m.chain
			}
			return append([][]byte{der}, m.chain[min(1, len(m.chain)):]...)
		}
	}
	switch s.Client.Anchors {
	case "empty":
		m.anchors = []byte("# no certificate in this file\n")
	case "none":
	case "leaf":
		m.anchors = certPEM(leaf)
	default:
		m.anchors = certPEM(trusted.der)
		if f.AtHand {
			for _, a := range path[1:] {
				m.anchors = append(m.anchors, certPEM(a.der)...)
			}
		}
	}
	return nil
}

// intermediates makes the path from the root to the leaf's issuer, the root
// first.
func (f *Server) intermediates(root *authority, issuers *issuerServer) ([]*authority, error) {
	path := []*authority{root}
	n := max(f.Intermediates, 0)
	if f.Intermediates == 0 {
		n = 1
	}
	if f.PathLen {
		n = 2
	}
	now := time.Now()
	for i := range n {
		lowest := i == n-1
		kind := KeyType(P256)
		if lowest && f.IntermediateKey != "" {
			kind = f.IntermediateKey
		}
		next, err := path[len(path)-1].sub(fmt.Sprintf("Lab Intermediate %d", i+1), kind, func(c *certificate) {
			if f.PathLen && i == 0 {
				c.pathLen = 0
			}
			if !lowest {
				return
			}
			if !f.Issued.IsZero() {
				c.from = f.Issued.Add(-500 * day)
			}
			f.weakenIntermediate(c, now)
			c.crl = issuers.address("/intermediate.crl", f.IntermediateCRL)
		})
		if err != nil {
			return nil, err
		}
		path = append(path, next)
	}
	return path, nil
}

func (f *Server) weakenIntermediate(c *certificate, now time.Time) {
	c.digest = digests[f.IntermediateDigest]
	c.garbleSignature = f.IntermediateGarbled
	c.permitted, c.excluded = f.Permitted, f.Excluded
	if f.IntermediateExpired {
		c.to = now.Add(-5 * day)
	}
	if f.IntermediateNotYetValid {
		c.from = now.Add(5 * day)
	}
	if f.IntermediateNotCA {
		c.ca, c.usage = false, x509.KeyUsageDigitalSignature
	}
	if f.IntermediateNoCertSign {
		c.usage = x509.KeyUsageDigitalSignature
	}
	if f.IntermediateClientPurpose {
		c.eku = []asn1.ObjectIdentifier{oidClientAuth}
	}
}

// leaf makes the server's certificate.
func (f *Server) leaf(name string, issuer *authority, key crypto.Signer, aia string, issuers *issuerServer) ([]byte, error) {
	now := time.Now()
	c := certificate{from: now.Add(-30 * day), to: now.Add(60 * day), key: key.Public(), pathLen: -1, aia: aia,
		eku: []asn1.ObjectIdentifier{oidServerAuth}, usage: x509.KeyUsageDigitalSignature}
	if _, isRSA := key.Public().(*rsa.PublicKey); isRSA {
		c.usage |= x509.KeyUsageKeyEncipherment
	}
	if f.Expired != 0 {
		c.to = now.Add(-f.Expired)
		c.from = c.to.Add(-90 * day)
	}
	if f.NotYetValid != 0 {
		c.from = now.Add(f.NotYetValid)
		c.to = c.from.Add(90 * day)
	}
	if f.Days != 0 {
		c.from = leafFrom(f)
		c.to = c.from.Add(time.Duration(f.Days) * day)
	}
	names := f.Names
	if names == nil {
		names = []string{name}
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.ips = append(c.ips, ip)
			continue
		}
		c.dns = append(c.dns, n)
	}
	common := f.CommonName
	if common == "" && len(names) > 0 {
		common = names[0]
	}
	c.subject = pkix.Name{CommonName: common}
	if f.SelfIssued {
		c.subject = issuer.name
	}
	if f.NoSAN {
		c.dns, c.ips = nil, nil
	}
	if f.ClientPurpose {
		c.eku = []asn1.ObjectIdentifier{oidClientAuth}
	}
	if f.NoDigitalSignature {
		c.usage = x509.KeyUsageKeyAgreement
		if _, isRSA := key.Public().(*rsa.PublicKey); isRSA {
			c.usage = x509.KeyUsageKeyEncipherment
		}
	}
	if f.IsCA {
		c.ca = true
		c.usage |= x509.KeyUsageCertSign
	}
	if f.UnknownCritical {
		c.extra = append(c.extra, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}, Critical: true, Value: []byte{5, 0}})
	}
	if f.KeyIDMismatch {
		c.authorityKey = bytes.Repeat([]byte{0xAB}, 20)
	}
	f.certificateFields(&c, issuers)
	c.version1 = f.Version1
	c.garbleSignature = f.Leaf.GarbleSignature
	c.digest = digests[f.Digest]
	if f.SelfSigned {
		issuer = &authority{name: c.subject, key: key}
	}
	if len(f.SCTs) > 0 {
		if err := embedSCTs(&c, f.SCTs, issuer); err != nil {
			return nil, err
		}
	}
	der, err := issuer.issue(c)
	if err != nil {
		return nil, err
	}
	return malform(der, f.Malformed), nil
}

// malform breaks the DER of a certificate.
func malform(der []byte, how string) []byte {
	switch how {
	case "truncated":
		return der[:len(der)/2]
	case "length": // of the outermost SEQUENCE
		der = slices.Clone(der)
		der[3]++
	case "garbage":
		return bytes.Repeat([]byte("not a certificate "), 20)
	case "trailing":
		return append(slices.Clone(der), 0, 0, 0, 0)
	}
	return der
}

// assemble puts together what the server sends, and with which key.
func (m *material) assemble(f *Server, root *authority, path []*authority, leaf []byte) error {
	m.chain = [][]byte{leaf}
	if f.Twice {
		m.chain = append(m.chain, leaf)
	}
	if !f.MissingIntermediate && !f.SelfSigned {
		for i := len(path) - 1; i > 0; i-- {
			m.chain = append(m.chain, path[i].der)
		}
	}
	now := time.Now()
	if f.WrongIntermediate {
		key, err := keys.get(P256, "another intermediate")
		if err != nil {
			return err
		}
		der, err := root.issue(certificate{subject: path[len(path)-1].name, from: now.Add(-300 * day), to: now.Add(300 * day),
			key: key.Public(), ca: true, pathLen: -1, usage: x509.KeyUsageCertSign})
		if err != nil {
			return err
		}
		m.chain = [][]byte{leaf, der}
	}
	if f.ExpiredCrossSign {
		old, err := newRoot("Lab Root of Old", now.Add(-4000*day), now.Add(-10*day))
		if err != nil {
			return err
		}
		cross, err := old.issue(certificate{subject: root.name, from: now.Add(-4000 * day), to: now.Add(-10 * day),
			key: root.key.Public(), ca: true, pathLen: -1, usage: x509.KeyUsageCertSign})
		if err != nil {
			return err
		}
		m.chain = append(m.chain, cross)
	}
	if f.SendRoot {
		m.chain = append(m.chain, root.der)
	}
	for i := range f.Foreign {
		foreign, err := newRoot(fmt.Sprintf("Foreign Authority %d", i+1), now.Add(-100*day), now.Add(100*day))
		if err != nil {
			return err
		}
		m.chain = append(m.chain, foreign.der)
	}
	if f.Reversed {
		slices.Reverse(m.chain[1:])
	}
	if f.NoCertificate {
		m.chain = nil
	}
	if f.WrongKey || f.OtherKind != "" {
		kind := f.Key
		if f.OtherKind != "" {
			kind = f.OtherKind
		}
		var err error
		if m.key, err = keys.get(kind, "not the server"); err != nil {
			return err
		}
	}
	return nil
}

// makeDefault makes the certificate of the default virtual host.
func (m *material) makeDefault(f *Server, issuer *authority) error {
	key, err := keys.get(f.Key, "default host")
	if err != nil {
		return err
	}
	if f.DefaultSelfSigned {
		issuer = &authority{name: pkix.Name{CommonName: f.DefaultNames[0]}, key: key}
	}
	now := time.Now()
	der, err := issuer.issue(certificate{subject: pkix.Name{CommonName: f.DefaultNames[0]}, from: now.Add(-30 * day),
		to: now.Add(300 * day), key: key.Public(), pathLen: -1, dns: f.DefaultNames,
		eku: []asn1.ObjectIdentifier{oidServerAuth}, usage: x509.KeyUsageDigitalSignature})
	if err != nil {
		return err
	}
	m.otherKey = key
	m.other = append([][]byte{der}, m.chain[min(1, len(m.chain)):]...)
	if f.DefaultSelfSigned {
		m.other = m.other[:1]
	}
	return nil
}

// keyKind is the kind of a public key for the negotiation.
func keyKind(key crypto.PublicKey) string {
	switch key.(type) {
	case *rsa.PublicKey:
		return "rsa"
	case *ecdsa.PublicKey:
		return "ecdsa"
	case ed25519.PublicKey:
		return "ed25519"
	}
	return ""
}
