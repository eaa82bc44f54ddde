package chain

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMissingReasons covers what tells a forgotten intermediate from an unknown CA.
func TestMissingReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	private := root(t, "Private")
	sub := ca(t, private, "Sub")
	for _, tc := range []struct {
		name   string
		edit   func(*x509.Certificate)
		by     *authority
		likely Likelihood
		reason string
	}{
		{"nothing", nil, sub, LikelihoodUnknown, "nothing tells"},
		{"timestamps of logs", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: []byte{4, 6, 0, 4, 0, 2, 1, 2}}}
		}, sub, LikelihoodLikely, "CT logs"},
		{"public policy", func(c *x509.Certificate) { c.Policies = []x509.OID{mustOID(t, "2.23.140.1.2.2")} }, sub, LikelihoodLikely, "CA/Browser Forum"},
		{"issuer and serial number", func(c *x509.Certificate) {
			id := tlv(0x30, tlv(0xa1, tlv(0xa4, w.root.cert.Subject.Raw)), tlv(0x82, []byte{7}))
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 35}, Value: id}}
		}, sub, LikelihoodCertain, "was issued by Root"},
		{"same parent name", nil, issue(t, private, spec{name: "Issuing", ca: true, edit: func(c *x509.Certificate) {
			c.Subject.OrganizationalUnit = []string{"Shared"}
		}}), LikelihoodUnknown, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := Analyze(input(certs(w.root), edited(t, tc.by, func(c *x509.Certificate) {
				if tc.edit != nil {
					tc.edit(c)
				}
			})))
			wantKinds(t, "problems", a.Problems(), KindUnknownIssuer)
			if len(a.Missing) != 1 || a.Missing[0].Likely != tc.likely || !strings.Contains(a.Missing[0].Reason, tc.reason) {
				t.Errorf("got %+v, want %v %q", a.Missing, tc.likely, tc.reason)
			}
			if (tc.likely == LikelihoodCertain) != (a.Missing[0].Anchor != nil) {
				t.Errorf("anchor: got %v", a.Missing[0].Anchor)
			}
		})
	}
}

// TestOwnAnchors: the user's own CA and the issuer of the certificate are of one
// organisation, which says something only where one stands above the other.
func TestOwnAnchors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, anchor, issuer string
		own                  bool
		likely               Likelihood
	}{
		{"two CAs of a house", "Test CA", "Wrong CA", true, LikelihoodUnknown},
		{"two roots of a house", "House Root A", "House Root B", true, LikelihoodUnknown},
		{"a root and another CA", "House Root CA", "House Server CA 2", true, LikelihoodLikely},
		{"an intermediate by its name", "Test CA", "Test Inter CA", true, LikelihoodLikely},
		{"no intermediate, though the letters are there", "Test CA", "International CA", true, LikelihoodUnknown},
		{"a public organisation", "Public CA 1", "Public CA 7", false, LikelihoodLikely},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			anchor := issue(t, nil, spec{name: tc.anchor, org: "House", ca: true})
			issuer := issue(t, nil, spec{name: tc.issuer, org: "House", ca: true})
			in := input(certs(anchor), leaf(t, issuer).cert)
			in.OwnAnchors = tc.own
			if a := Analyze(in); len(a.Missing) != 1 || a.Missing[0].Likely != tc.likely {
				t.Errorf("got %+v, want %v", a.Missing, tc.likely)
			}
		})
	}
}

// TestSelfIssued: a server certificate with the very subject of its private CA,
// which OpenSSL calls self-signed.
func TestSelfIssued(t *testing.T) {
	t.Parallel()
	r := root(t, "example.com")
	l := issue(t, r, spec{name: "example.com", org: "example.com Org", dns: []string{"a.example.com"}})
	in := input(certs(r), l.cert)
	wantKinds(t, "OpenSSL", Analyze(in).Problems(), KindSelfIssued)
	in.Policy.Backtracks = true
	if a := Analyze(in); !a.Valid {
		t.Errorf("others: got %v", kinds(a.Problems()))
	}
}

// TestRolledOver: a CA's new key is certified by its old one under the same name.
func TestRolledOver(t *testing.T) {
	t.Parallel()
	old := root(t, "CA")
	fresh := issue(t, old, spec{name: "CA", org: "CA Org", ca: true, edit: func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 35}, Value: tlv(0x30, tlv(0x80, old.x509.SubjectKeyId))}}
	}})
	if a := Analyze(input(certs(old), certs(leaf(t, fresh), fresh)...)); !a.Valid {
		t.Errorf("got %v", kinds(a.Problems()))
	}
}

// TestRenewedRoot: the same name and key in a new certificate.
func TestRenewedRoot(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	expired := issue(t, nil, spec{name: "R", ca: true, key: key, from: now.Add(-96 * time.Hour), to: now.Add(-48 * time.Hour)})
	renewed := issue(t, nil, spec{name: "R", ca: true, key: key, to: now.Add(9000 * time.Hour)})
	l := leaf(t, renewed)
	for _, tc := range []struct {
		name    string
		anchors []*Certificate
		sent    []*Certificate
		valid   bool
	}{
		{"new one trusted, old one sent", certs(renewed), certs(l, expired), true},
		{"both trusted", certs(expired, renewed), certs(l), true},
		{"old one trusted, new one sent", certs(expired), certs(l, renewed), false},
	} {
		a := Analyze(input(tc.anchors, tc.sent...))
		if a.Valid != tc.valid {
			t.Errorf("%s: got %v (%v)", tc.name, a.Valid, kinds(a.Problems()))
		}
		if !tc.valid {
			wantKinds(t, tc.name, a.Problems(), KindExpired)
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anyUsage := edited(t, w.root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })
	cnOnly := issue(t, w.root, spec{name: "a.example.com"}).cert
	isCA := edited(t, w.root, func(c *x509.Certificate) { c.IsCA = true })
	long := issue(t, w.root, spec{name: "x", dns: []string{"a.example.com"}, to: now.Add(300 * day)}).cert
	wrongUsage := edited(t, w.root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	enciphers := edited(t, w.root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })
	critical := edited(t, w.root, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	})
	distrust := map[[32]byte]time.Time{w.root.cert.SHA256: now.Add(-240 * time.Hour)}
	for _, tc := range []struct {
		name   string
		leaf   *Certificate
		strict []Kind
		policy Policy
		with   []Kind
	}{
		{"any usage", anyUsage, []Kind{KindBadEKU}, Policy{AcceptAnyUsage: true}, nil},
		{"common name", cnOnly, []Kind{KindNameMismatch}, Policy{CNFallback: true}, nil},
		{"CA as leaf", isCA, nil, Policy{RejectCALeaf: true}, []Kind{KindLeafIsCA}},
		{"lifetime", long, nil, Policy{RejectLifetime: true}, []Kind{KindLifetime}},
		{"usage", wrongUsage, []Kind{KindBadEKU}, Policy{IgnoreExtKeyUsage: true}, nil},
		{"key usage", enciphers, []Kind{KindBadKeyUsage}, Policy{IgnoreKeyUsage: true}, nil},
		{"critical", critical, []Kind{KindUnknownCritical}, Policy{IgnoreCritical: true}, nil},
		{"distrust", leaf(t, w.root).cert, nil, Policy{RejectDistrust: true}, []Kind{KindDistrusted}},
		{"certificates", leaf(t, w.root).cert, nil, Policy{MaxCertificates: -1}, []Kind{KindTooManyCerts}},
		{"curve", leaf(t, w.root).cert, nil, Policy{MinECBits: 384}, []Kind{KindWeakKey, KindWeakKey}},
	} {
		in := input(certs(w.root), tc.leaf)
		in.DistrustAfter = distrust
		wantKinds(t, tc.name+", strict", Analyze(in).Problems(), tc.strict...)
		in.Policy = tc.policy
		wantKinds(t, tc.name+", with policy", Analyze(in).Problems(), tc.with...)
	}
}

// TestWeakDigestBelowTheAnchorOnly uses the committed certificates, since Go does
// not sign with SHA-1.
func TestWeakDigestBelowTheAnchorOnly(t *testing.T) {
	t.Parallel()
	c := loadOne(t, "rsa-sha1")
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	in := Input{Sent: []*Certificate{c}, Now: at}
	wantKinds(t, "untrusted root", Analyze(in).Problems(), KindSelfSigned)
	in.Anchors = in.Sent
	wantKinds(t, "anchor", Analyze(in).Problems())
}

func TestLifetimeLimit(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]int{
		"2010-01-01": 0, "2016-01-01": 1187, "2018-03-01": 825, "2020-08-31": 825, "2020-09-01": 398,
		"2026-03-14": 398, "2026-03-15": 200, "2027-03-15": 100, "2029-03-15": 47,
	} {
		at, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if got := LifetimeLimit(at); got != want {
			t.Errorf("%s: got %d, want %d", date, got, want)
		}
	}
}

// TestHostileSubjects: a thousand same-named authorities, none of which signed.
func TestHostileSubjects(t *testing.T) {
	t.Parallel()
	r := root(t, "Root")
	l := leaf(t, r)
	var same []*Certificate
	for i := range 150 {
		other := issue(t, nil, spec{name: "Root", org: "Root Org", ca: true, edit: func(c *x509.Certificate) { c.SubjectKeyId = []byte(fmt.Sprint(i)) }})
		same = append(same, other.cert)
	}
	in := input(certs(r), append(certs(l), same...)...)
	in.Extra = same
	in.Policy.MaxCertificates = 1000
	start := time.Now()
	a := Analyze(in)
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	if !a.Valid {
		t.Errorf("the anchor is lost among its namesakes: %v", kinds(a.Problems()))
	}
}

// TestLongChain: deeper than anybody accepts.
func TestLongChain(t *testing.T) {
	t.Parallel()
	r := root(t, "Root")
	by := r
	var sent []*Certificate
	for i := range 40 {
		by = ca(t, by, fmt.Sprintf("CA %d", i))
		sent = append(sent, by.cert)
	}
	slices.Reverse(sent)
	a := Analyze(input(certs(r), append(certs(leaf(t, by)), sent...)...))
	if a.Valid || !a.Truncated || a.BestPath().Find(KindUnknownIssuer) == nil {
		t.Errorf("got valid %v, truncated %v, %v", a.Valid, a.Truncated, kinds(a.Problems()))
	}
}

// FuzzAnalyze gives the search certificates whose fields were mixed up.
func FuzzAnalyze(f *testing.F) {
	w := newWorld(f)
	base := certs(leaf(f, w.inter2), w.inter2, w.inter, w.root, w.other)
	f.Add(uint8(1), uint16(40), byte(3), []byte{0, 1, 2})
	f.Add(uint8(0), uint16(400), byte(0x80), []byte{0, 2, 1, 1})
	f.Fuzz(func(t *testing.T, which uint8, at uint16, bits byte, order []byte) {
		mixed := slices.Clone(base)
		der := slices.Clone(mixed[int(which)%len(mixed)].Raw)
		der[int(at)%len(der)] ^= bits
		mixed[int(which)%len(mixed)] = Parse(der)
		in := input(mixed[3:4], nil...)
		for _, o := range order[:min(len(order), 8)] {
			in.Sent = append(in.Sent, mixed[int(o)%len(mixed)])
		}
		in.Extra = mixed[1:2]
		a := Analyze(in)
		if len(in.Sent) == 0 {
			return
		}
		p := a.BestPath()
		if p == nil || a.Valid != p.Valid() {
			t.Fatal("no path, or the best is not the valid one")
		}
		if !a.Valid && len(p.Problems) == 0 {
			t.Error("an invalid path without a problem")
		}
		for _, p := range a.Paths {
			for _, prob := range slices.Concat(p.Problems, p.Notes, a.Notes) {
				if prob.Detail == "" || prob.Kind == "" {
					t.Errorf("a problem without words: %+v", prob)
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	der := loadOne(b, "rsa-2048").Raw
	b.ReportAllocs()
	for b.Loop() {
		Parse(der)
	}
}

func BenchmarkAnalyze(b *testing.B) {
	w := newWorld(b)
	l := leaf(b, w.inter)
	anchors := certs(w.root, w.other)
	for range 140 {
		anchors = append(anchors, root(b, fmt.Sprint(len(anchors))).cert)
	}
	in := input(anchors, certs(l, w.inter)...)
	b.ReportAllocs()
	for b.Loop() {
		if !Analyze(in).Valid {
			b.Fatal("not valid")
		}
	}
}
