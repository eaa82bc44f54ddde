package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// OpenSSLLeaf issues a server certificate by the intermediate for a key that
// the openssl program makes: "RSA-PSS", "ED448" or an "EC" key of a curve that
// Go does not know (options as for openssl genpkey).
func (p *PKI) OpenSSLLeaf(name, dns, algorithm string, options ...string) *Cert {
	p.t.Helper()
	key := filepath.Join(p.Dir, name+".openssl.key")
	csr := filepath.Join(p.Dir, name+".csr")
	ext := p.Write(name+".ext", []byte("subjectAltName=DNS:"+dns+"\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n"))
	args := []string{"genpkey", "-algorithm", algorithm, "-out", key}
	for _, o := range options {
		args = append(args, "-pkeyopt", o)
	}
	run(p.t, "openssl", args...)
	run(p.t, "openssl", "req", "-new", "-key", key, "-subj", "/CN="+dns, "-out", csr)
	ca, caKey := p.Files("signer-"+name, p.Intermediate)
	out := filepath.Join(p.Dir, name+".openssl.pem")
	run(p.t, "openssl", "x509", "-req", "-in", csr, "-CA", ca, "-CAkey", caKey, "-set_serial", "4711",
		"-days", "90", "-extfile", ext, "-out", out)
	body, err := os.ReadFile(out)
	if err != nil {
		p.t.Fatal(err)
	}
	block, _ := pem.Decode(body)
	if block == nil {
		p.t.Fatalf("openssl wrote no certificate for %s", name)
	}
	keyPEM, err := os.ReadFile(key)
	if err != nil {
		p.t.Fatal(err)
	}
	return &Cert{DER: block.Bytes, Parent: p.Intermediate, KeyPEM: keyPEM}
}

// oakley2 is the prime of the Second Oakley Group (RFC 2409, Section 6.2),
// 1024 bits; its generator is 2.
const oakley2 = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74" +
	"020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437" +
	"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"

// DHParams1024 writes finite-field DH parameters that are too small for today.
func (p *PKI) DHParams1024() string {
	p.t.Helper()
	prime, ok := new(big.Int).SetString(oakley2, 16)
	if !ok {
		p.t.Fatal("the prime does not parse")
	}
	der, err := asn1.Marshal(struct{ P, G *big.Int }{prime, big.NewInt(2)})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.Write("dh1024.pem", pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: der}))
}

// DHParams2048 writes the group ffdhe2048 (RFC 7919).
func (p *PKI) DHParams2048() string {
	p.t.Helper()
	out := filepath.Join(p.Dir, "dh2048.pem")
	run(p.t, "openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", out)
	return out
}

// PKCS12 writes a chain with its key as a keystore with the password "changeit".
func (p *PKI) PKCS12(name, chainFile, keyFile string) string {
	p.t.Helper()
	out := filepath.Join(p.Dir, name+".p12")
	run(p.t, "openssl", "pkcs12", "-export", "-in", chainFile, "-inkey", keyFile, "-name", "server",
		"-passout", "pass:changeit", "-out", out)
	return out
}

// CRL writes a revocation list of the issuer.
func (p *PKI) CRL(name string, issuer *Cert, nextUpdate time.Time, revoked ...*Cert) string {
	p.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(time.Now().UnixNano()), ThisUpdate: nextUpdate.Add(-30 * Day), NextUpdate: nextUpdate}
	if list.ThisUpdate.After(time.Now()) {
		list.ThisUpdate = time.Now().Add(-time.Hour)
	}
	for _, c := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.X.SerialNumber, RevocationTime: list.ThisUpdate})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, issuer.X, issuer.Key)
	if err != nil {
		p.t.Fatalf("issuing the revocation list %s: %v", name, err)
	}
	return p.Write(name+".crl", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

func run(t testing.TB, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
}
