package chain

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAgainstOpenSSL makes random chains with random faults and compares the
// verdict of the reference client with that of `openssl verify`.
func TestAgainstOpenSSL(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	rounds := 150
	if testing.Short() {
		rounds = 20
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := mrand.New(mrand.NewPCG(seed, 0))
	for i := range rounds {
		in, faults := randomChain(t, r, small)
		a := Analyze(in)
		ok, out := opensslVerify(t, in)
		if a.Valid == ok {
			continue
		}
		t.Errorf("round %d, faults %v: got valid %v, openssl says %v\n%s%v", i, faults, a.Valid, ok, out, kinds(a.Problems()))
		for _, p := range a.Problems() {
			t.Log(p.Detail)
		}
	}
}

func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("openssl is missing")
	}
	t.Skip("openssl is missing: the verdicts are not compared")
}

// TestCrossSignsAgainstOpenSSL does the same with two roots that cross-sign, each
// certificate expired or not, sent in any order.
func TestCrossSignsAgainstOpenSSL(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := mrand.New(mrand.NewPCG(seed, 1))
	for i := range rounds {
		in := randomCrossSigns(t, r)
		a := Analyze(in)
		if ok, out := opensslVerify(t, in); ok != a.Valid {
			t.Errorf("round %d: got valid %v, openssl says %v\n%s%v", i, a.Valid, ok, out, kinds(a.Problems()))
			for k, c := range in.Sent {
				t.Log("sent", k, c.Subject.CN(), "by", c.Issuer.CN(), "until", c.NotAfter)
			}
		}
		in.Policy.Backtracks = true
		if all := Analyze(in); a.Valid && !all.Valid {
			t.Errorf("round %d: valid, but not for a client that tries all paths", i)
		}
	}
}

func randomCrossSigns(t *testing.T, r *mrand.Rand) Input {
	authorityOf := func(by *authority, name string, key crypto.Signer) *authority {
		s := spec{name: name, ca: true, key: key, to: now.Add(2000 * time.Hour)}
		if r.IntN(3) == 0 {
			s.from, s.to = now.Add(-96*time.Hour), now.Add(-48*time.Hour)
		}
		return issue(t, by, s)
	}
	r1, r2 := authorityOf(nil, "R1", nil), authorityOf(nil, "R2", nil)
	i1 := authorityOf(r1, "I", nil)
	pool := certs(i1, authorityOf(r2, "I", i1.key), authorityOf(r2, "R1", r1.key), r1, r2)
	r.Shuffle(len(pool), func(a, b int) { pool[a], pool[b] = pool[b], pool[a] })
	anchors := certs(r1, r2)[r.IntN(2):]
	if r.IntN(3) == 0 {
		anchors = anchors[:1]
	}
	return input(anchors, append(certs(leaf(t, i1)), pool[:1+r.IntN(len(pool))]...)...)
}

func randomChain(t *testing.T, r *mrand.Rand, small crypto.Signer) (Input, []string) {
	var faults []string
	fault := func(name string, one int) bool {
		if r.IntN(one) != 0 {
			return false
		}
		faults = append(faults, name)
		return true
	}
	depth := r.IntN(4)
	list := []*authority{}
	var by *authority
	for level := 0; level <= depth+1; level++ {
		s := spec{name: fmt.Sprintf("CA %d", level), org: "Org", ca: true, to: now.Add(1000 * 24 * time.Hour)}
		isLeaf := level == depth+1
		if isLeaf {
			s = spec{name: "leaf", org: "Org", dns: []string{"a.example.com"}, ips: []string{"10.1.2.3"}}
		}
		if fault("expired", 40) {
			s.from, s.to = now.Add(-72*time.Hour), now.Add(-48*time.Hour)
		}
		if fault("future", 60) {
			s.from = now.Add(time.Hour)
		}
		if fault("small key", 40) {
			s.key = small
		}
		if by != nil && level > 1 && fault("self-issued", 60) {
			s.name = by.x509.Subject.CommonName
		}
		s.edit = func(c *x509.Certificate) { randomFaults(c, r, fault, isLeaf) }
		parent := by
		if by != nil && fault("sha1", 80) {
			changed := *by
			s.edit = func(c *x509.Certificate) {
				if _, ok := changed.key.(*rsa.PrivateKey); ok {
					c.SignatureAlgorithm = x509.SHA512WithRSA
				}
			}
		}
		if by != nil && fault("key id", 60) {
			renamed := *by.x509
			renamed.SubjectKeyId = []byte("another")
			parent = &authority{x509: &renamed, key: by.key}
		}
		by = issue(t, parent, s)
		list = append(list, by)
	}
	anchors := []*Certificate{list[0].cert}
	sent := []*Certificate{list[len(list)-1].cert}
	for i := len(list) - 2; i > 0; i-- {
		if !fault("left out", 40) {
			sent = append(sent, list[i].cert)
		}
	}
	if fault("root sent", 5) {
		sent = append(sent, list[0].cert)
	}
	if len(sent) > 2 && fault("shuffled", 4) {
		r.Shuffle(len(sent)-1, func(i, k int) { sent[i+1], sent[k+1] = sent[k+1], sent[i+1] })
	}
	if fault("altered", 60) {
		der := append([]byte(nil), sent[0].Raw...)
		der[len(der)-4] ^= 1
		sent[0] = Parse(der)
	}
	return Input{Sent: sent, Anchors: anchors, Name: "a.example.com", Now: now}, faults
}

func randomFaults(c *x509.Certificate, r *mrand.Rand, fault func(string, int) bool, isLeaf bool) {
	usages := [][]x509.ExtKeyUsage{
		{x509.ExtKeyUsageServerAuth}, {x509.ExtKeyUsageClientAuth}, {x509.ExtKeyUsageAny},
		{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, {x509.ExtKeyUsageNetscapeServerGatedCrypto},
		{x509.ExtKeyUsageMicrosoftServerGatedCrypto}, {x509.ExtKeyUsageEmailProtection}, nil,
	}
	if fault("eku", 8) {
		c.ExtKeyUsage = usages[r.IntN(len(usages))]
	}
	if fault("no basic constraints", 50) {
		c.BasicConstraintsValid, c.IsCA = false, false
	}
	if fault("not a CA", 50) {
		c.IsCA = false
	}
	if !isLeaf && fault("key usage", 40) {
		c.KeyUsage = x509.KeyUsageDigitalSignature
	}
	if !isLeaf && fault("no key usage", 20) {
		c.KeyUsage = 0
	}
	if c.IsCA && fault("path length", 10) {
		c.MaxPathLen, c.MaxPathLenZero = r.IntN(3), true
	}
	if !isLeaf && fault("constraints", 10) {
		randomConstraints(c, r)
	}
	if fault("critical", 60) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}})
	}
}

func randomConstraints(c *x509.Certificate, r *mrand.Rand) {
	names := []string{"example.com", "example.org", "a.example.com", "b.example.com", ".example.com", ""}
	nets := []string{"10.0.0.0/8", "192.168.0.0/16", "10.1.2.3/32"}
	_, network, _ := net.ParseCIDR(nets[r.IntN(len(nets))])
	switch r.IntN(4) {
	case 0:
		c.PermittedDNSDomains = names[:1+r.IntN(2)]
	case 1:
		c.PermittedDNSDomains = []string{names[r.IntN(5)]}
	case 2:
		c.ExcludedDNSDomains = []string{names[r.IntN(5)]}
	case 3:
		c.PermittedIPRanges = []*net.IPNet{network}
	}
}

func opensslVerify(t *testing.T, in Input) (bool, string) {
	dir := t.TempDir()
	write := func(name string, certs []*Certificate) string {
		var out []byte
		for _, c := range certs {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, out, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := []string{"verify", "-purpose", "sslserver", "-auth_level", "2", "-attime", fmt.Sprint(in.Now.Unix()),
		"-verify_hostname", in.Name, "-no-CAfile", "-no-CApath", "-no-CAstore", "-CAfile", write("ca.pem", in.Anchors)}
	if len(in.Sent) > 1 {
		args = append(args, "-untrusted", write("untrusted.pem", in.Sent[1:]))
	}
	out, err := exec.Command("openssl", append(args, write("leaf.pem", in.Sent[:1]))...).CombinedOutput()
	return err == nil, strings.TrimSpace(string(out)) + "\n"
}
