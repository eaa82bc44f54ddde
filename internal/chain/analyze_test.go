package chain

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"slices"
	"testing"
	"time"
)

// world is one set of authorities that the cases share.
type world struct {
	root, other, inter, inter2 *authority
}

func newWorld(t testing.TB) *world {
	w := &world{root: root(t, "Root"), other: root(t, "Other Root")}
	w.inter = ca(t, w.root, "Inter")
	w.inter2 = ca(t, w.inter, "Inter 2")
	return w
}

type analyzeCase struct {
	name     string
	in       func(t *testing.T, w *world) Input
	valid    bool
	problems []Kind
	notes    []Kind // of the best path and of what was sent
	check    func(t *testing.T, a *Analysis)
}

func input(anchors []*Certificate, sent ...*Certificate) Input {
	return Input{Sent: sent, Anchors: anchors, Name: "a.example.com", Now: now}
}

func TestAnalyze(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, group := range [][]analyzeCase{trustCases, constraintCases, orderCases} {
		for _, tc := range group {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				a := Analyze(tc.in(t, w))
				if a.Valid != tc.valid {
					t.Errorf("valid: got %v, want %v", a.Valid, tc.valid)
				}
				wantKinds(t, "problems", a.Problems(), tc.problems...)
				notes := append(slices.Clone(a.BestPath().Notes), a.Notes...)
				wantKinds(t, "notes", notes, tc.notes...)
				for _, p := range a.Problems() {
					if p.Detail == "" {
						t.Errorf("%s has no detail", p.Kind)
					}
				}
				if tc.check != nil {
					tc.check(t, a)
				}
			})
		}
	}
}

var trustCases = []analyzeCase{
	{name: "healthy", valid: true, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), certs(leaf(t, w.inter), w.inter)...)
	}, check: func(t *testing.T, a *Analysis) {
		p := a.BestPath()
		if len(p.Elements) != 3 || p.Elements[2].Source != SourceAnchor || p.Elements[1].Index != 1 || p.UsesExtra {
			t.Errorf("unexpected path %+v", p.Elements)
		}
	}},
	{name: "issued by the root", valid: true, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), leaf(t, w.root).cert)
	}},
	{name: "self-signed", problems: []Kind{KindSelfSigned}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), leaf(t, nil).cert)
	}},
	{name: "self-signed and trusted", valid: true, in: func(t *testing.T, w *world) Input {
		l := leaf(t, nil)
		return input(certs(w.root, l), l.cert)
	}},
	{name: "unknown CA, root not sent", problems: []Kind{KindUnknownIssuer}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.other), certs(leaf(t, w.inter), w.inter)...)
	}, check: func(t *testing.T, a *Analysis) {
		p := a.BestPath().Find(KindUnknownIssuer)
		if p.Element != 1 || p.RootSent || p.Missing.Likely != LikelihoodUnknown {
			t.Errorf("got %+v", p)
		}
	}},
	{name: "unknown CA, root sent", problems: []Kind{KindUnknownIssuer}, notes: []Kind{KindRootSent}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.other), certs(leaf(t, w.inter), w.inter, w.root)...)
	}, check: func(t *testing.T, a *Analysis) {
		if !a.BestPath().Find(KindUnknownIssuer).RootSent {
			t.Error("root sent: got false")
		}
	}},
	{name: "no anchors at all", problems: []Kind{KindUnknownIssuer}, in: func(t *testing.T, w *world) Input {
		return input(nil, leaf(t, w.inter).cert)
	}},
	{name: "incomplete, intermediate at hand", problems: []Kind{KindIncomplete}, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.root), leaf(t, w.inter).cert)
		in.Extra = certs(w.other, w.inter)
		return in
	}, check: func(t *testing.T, a *Analysis) {
		if len(a.Missing) != 1 || a.Missing[0].Cert.Subject.CN() != "Inter" || a.Missing[0].Likely != LikelihoodCertain {
			t.Errorf("missing: got %+v", a.Missing)
		}
		if !a.BestPath().Complete || !a.BestPath().UsesExtra {
			t.Error("want a complete path that uses extras")
		}
	}},
	{name: "unknown CA whose intermediate was not sent", problems: []Kind{KindUnknownIssuer}, notes: []Kind{KindIncomplete}, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.other), leaf(t, w.inter).cert)
		in.Extra = certs(w.inter)
		return in
	}},
	{name: "two intermediates missing", problems: []Kind{KindIncomplete, KindIncomplete}, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.root), leaf(t, w.inter2).cert)
		in.Extra = certs(w.inter, w.inter2)
		return in
	}},
	{name: "wrong intermediate sent", problems: []Kind{KindUnknownIssuer}, notes: []Kind{KindForeign}, in: func(t *testing.T, w *world) Input {
		private := root(t, "Private")
		return input(certs(w.root), certs(leaf(t, ca(t, private, "Elsewhere")), w.inter)...)
	}, check: wantLikely(LikelihoodLikely)},
	{name: "same organisation as an anchor", problems: []Kind{KindUnknownIssuer}, in: func(t *testing.T, w *world) Input {
		sub := issue(t, w.root, spec{name: "Issuing CA 7", org: "Root Org", ca: true})
		return input(certs(w.root), leaf(t, sub).cert)
	}, check: wantLikely(LikelihoodLikely)},
	{name: "regenerated CA of the same name", problems: []Kind{KindUnknownIssuer}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), leaf(t, root(t, "Root")).cert)
	}, check: func(t *testing.T, a *Analysis) {
		if p := a.BestPath().Find(KindUnknownIssuer); p.Issuer == nil || p.Missing.Likely != LikelihoodUnknown || p.Missing.Anchor == nil {
			t.Errorf("the namesake is not named: %+v", p)
		}
	}},
	{name: "altered leaf", problems: []Kind{KindBadSignature}, in: func(t *testing.T, w *world) Input {
		l := leaf(t, w.inter)
		der := slices.Clone(l.cert.Raw)
		der[len(der)-5] ^= 1
		return input(certs(w.root), Parse(der), w.inter.cert)
	}, check: func(t *testing.T, a *Analysis) {
		if p := a.BestPath(); !p.Complete || p.Elements[0].Link.Outcome != Invalid {
			t.Error("the path should go on over the broken link")
		}
	}},
	{name: "altered self-signed", problems: []Kind{KindBadSignature}, in: func(t *testing.T, w *world) Input {
		der := slices.Clone(leaf(t, nil).cert.Raw)
		der[len(der)-5] ^= 1
		return input(certs(w.root), Parse(der))
	}},
	{name: "everything wrong at once", problems: []Kind{KindExpired, KindNameMismatch, KindSelfSigned}, in: func(t *testing.T, w *world) Input {
		l := issue(t, nil, spec{name: "b.example.com", dns: []string{"b.example.com"}, from: now.Add(-72 * time.Hour), to: now.Add(-48 * time.Hour)})
		return input(certs(w.root), l.cert)
	}},
	{name: "intermediate as anchor", valid: true, in: func(t *testing.T, w *world) Input {
		return input(certs(w.inter), certs(leaf(t, w.inter), w.inter)...)
	}},
	{name: "garbage", problems: []Kind{KindMalformed}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), Parse([]byte("hello")))
	}},
	{name: "garbage behind a good chain", problems: []Kind{KindMalformed}, notes: []Kind{KindForeign}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), leaf(t, w.root).cert, Parse([]byte{0x30, 0x80}))
	}},
}

func wantLikely(want Likelihood) func(*testing.T, *Analysis) {
	return func(t *testing.T, a *Analysis) {
		p := a.BestPath().Find(KindUnknownIssuer)
		if p == nil || p.Missing == nil || p.Missing.Likely != want {
			t.Errorf("got %+v, want likely %v", p, want)
		}
	}
}

var constraintCases = []analyzeCase{
	{name: "expired leaf", problems: []Kind{KindExpired}, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.root), certs(leaf(t, w.inter), w.inter)...)
		in.Now = in.Sent[0].NotAfter.Add(time.Second)
		in.Sent[1] = issue(t, w.root, spec{name: "Inter", ca: true, key: w.inter.key, to: now.Add(900 * 24 * time.Hour)}).cert
		return in
	}},
	{name: "last second of validity", valid: true, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.root), leaf(t, w.root).cert)
		in.Now = in.Sent[0].NotAfter
		return in
	}},
	{name: "not yet valid", problems: []Kind{KindNotYetValid}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), issue(t, w.root, spec{name: "x", dns: []string{"a.example.com"}, from: now.Add(time.Minute)}).cert)
	}},
	{name: "expired intermediate", problems: []Kind{KindExpired}, in: func(t *testing.T, w *world) Input {
		old := issue(t, w.root, spec{name: "Old", ca: true, from: now.Add(-96 * time.Hour), to: now.Add(-48 * time.Hour)})
		return input(certs(w.root), certs(leaf(t, old), old)...)
	}, check: func(t *testing.T, a *Analysis) {
		if p := a.BestPath().Find(KindExpired); p.Element != 1 || p.At.IsZero() {
			t.Errorf("got %+v", p)
		}
	}},
	{name: "expired anchor", problems: []Kind{KindExpired}, in: func(t *testing.T, w *world) Input {
		old := issue(t, nil, spec{name: "Old Root", ca: true, from: now.Add(-96 * time.Hour), to: now.Add(-48 * time.Hour)})
		return input(certs(old), leaf(t, old).cert)
	}},
	{name: "expired anchor, dates of anchors ignored", valid: true, in: func(t *testing.T, w *world) Input {
		old := issue(t, nil, spec{name: "Old Root", ca: true, from: now.Add(-96 * time.Hour), to: now.Add(-48 * time.Hour)})
		in := input(certs(old), leaf(t, old).cert)
		in.Policy.IgnoreAnchorDates = true
		return in
	}},
	{name: "expired cross-sign beside a good path", valid: true, notes: []Kind{KindUnusedExpired}, in: func(t *testing.T, w *world) Input {
		crossed := issue(t, w.other, spec{name: "Root", org: "Root Org", ca: true, key: w.root.key, from: now.Add(-96 * time.Hour), to: now.Add(-48 * time.Hour)})
		return input(certs(w.root, w.other), certs(leaf(t, w.inter), w.inter, crossed)...)
	}},
	{name: "only the expired cross-sign for an old store", problems: []Kind{KindExpired}, in: func(t *testing.T, w *world) Input {
		crossed := issue(t, w.other, spec{name: "Root", org: "Root Org", ca: true, key: w.root.key, from: now.Add(-96 * time.Hour), to: now.Add(-48 * time.Hour)})
		return input(certs(w.other), certs(leaf(t, w.inter), w.inter, crossed)...)
	}},
	{name: "client certificate only", problems: []Kind{KindBadEKU}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), edited(t, w.root, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}))
	}},
	{name: "client usage of a server certificate", problems: []Kind{KindBadEKU}, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.root), leaf(t, w.root).cert)
		in.Usage = UsageClient
		return in
	}},
	{name: "no extended key usage", valid: true, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), edited(t, w.root, func(c *x509.Certificate) { c.ExtKeyUsage = nil }))
	}},
	{name: "intermediate for e-mail only", problems: []Kind{KindBadEKU}, in: func(t *testing.T, w *world) Input {
		mail := issue(t, w.root, spec{name: "Mail", ca: true, edit: func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		}})
		return input(certs(w.root), certs(leaf(t, mail), mail)...)
	}},
	{name: "key usage without digitalSignature", problems: []Kind{KindBadKeyUsage}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), edited(t, w.root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }))
	}},
	{name: "key usage for static RSA", valid: true, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.root), edited(t, w.root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }))
		in.KeyUse = KeyUsageKeyEncipherment
		return in
	}},
	{name: "issuer is no CA", problems: []Kind{KindNotCA, KindBadKeyUsage}, in: func(t *testing.T, w *world) Input {
		host := leaf(t, w.root, "host.example.com")
		return input(certs(w.root), certs(leaf(t, host), host)...)
	}},
	{name: "path too long", problems: []Kind{KindPathLength}, in: func(t *testing.T, w *world) Input {
		short := issue(t, w.root, spec{name: "Short", ca: true, edit: func(c *x509.Certificate) { c.MaxPathLenZero = true }})
		sub := ca(t, short, "Sub")
		return input(certs(w.root), certs(leaf(t, sub), sub, short)...)
	}, check: func(t *testing.T, a *Analysis) {
		if p := a.BestPath().Find(KindPathLength); p.Element != 2 || p.Have != 1 || p.Limit != 0 {
			t.Errorf("got %+v", p)
		}
	}},
	{name: "name not permitted", problems: []Kind{KindNameConstraints}, in: func(t *testing.T, w *world) Input {
		limited := limitedCA(t, w, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example.org"} })
		return input(certs(w.root), certs(leaf(t, limited), limited)...)
	}, check: func(t *testing.T, a *Analysis) {
		if p := a.BestPath().Find(KindNameConstraints); p.Name != "a.example.com" || p.Constraint != "example.org" || p.Excluded {
			t.Errorf("got %+v", p)
		}
	}},
	{name: "name permitted", valid: true, in: func(t *testing.T, w *world) Input {
		limited := limitedCA(t, w, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example.com"} })
		return input(certs(w.root), certs(leaf(t, limited), limited)...)
	}},
	{name: "name excluded", problems: []Kind{KindNameConstraints}, in: func(t *testing.T, w *world) Input {
		limited := limitedCA(t, w, func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{"example.com"} })
		return input(certs(w.root), certs(leaf(t, limited), limited)...)
	}},
	{name: "address excluded", problems: []Kind{KindNameConstraints}, in: func(t *testing.T, w *world) Input {
		limited := limitedCA(t, w, func(c *x509.Certificate) {
			c.ExcludedIPRanges = []*net.IPNet{{IP: net.IP{10, 0, 0, 0}, Mask: net.IPMask{255, 0, 0, 0}}}
		})
		l := issue(t, limited, spec{name: "x", dns: []string{"a.example.com"}, ips: []string{"10.1.2.3"}})
		return input(certs(w.root), certs(l, limited)...)
	}},
	{name: "unknown critical extension", problems: []Kind{KindUnknownCritical}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), edited(t, w.root, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}))
	}},
	{name: "weak RSA key", problems: []Kind{KindWeakKey}, in: func(t *testing.T, w *world) Input {
		key, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		return input(certs(w.root), issue(t, w.root, spec{name: "x", dns: []string{"a.example.com"}, key: key}).cert)
	}, check: func(t *testing.T, a *Analysis) {
		if p := a.BestPath().Find(KindWeakKey); p.Bits != 1024 || p.Limit != 2048 {
			t.Errorf("got %+v", p)
		}
	}},
	{name: "CA as leaf", valid: true, notes: []Kind{KindLeafIsCA}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), edited(t, w.root, func(c *x509.Certificate) { c.IsCA = true }))
	}},
	{name: "lifetime", valid: true, notes: []Kind{KindLifetime}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), issue(t, w.root, spec{name: "x", dns: []string{"a.example.com"}, to: now.Add(300 * 24 * time.Hour)}).cert)
	}},
	{name: "key identifier mismatch", problems: []Kind{KindKeyIDMismatch}, in: func(t *testing.T, w *world) Input {
		renamed := *w.root.x509
		renamed.SubjectKeyId = []byte("another identifier")
		return input(certs(w.root), leaf(t, &authority{x509: &renamed, key: w.root.key}).cert)
	}},
	{name: "distrusted for new certificates", valid: true, notes: []Kind{KindDistrusted}, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.root), leaf(t, w.root).cert)
		in.DistrustAfter = map[[32]byte]time.Time{w.root.cert.SHA256: now.Add(-240 * time.Hour)}
		return in
	}},
}

// edited is a leaf for a.example.com with a changed template.
func edited(t *testing.T, by *authority, edit func(*x509.Certificate)) *Certificate {
	return issue(t, by, spec{name: "x", dns: []string{"a.example.com"}, edit: edit}).cert
}

func limitedCA(t *testing.T, w *world, edit func(*x509.Certificate)) *authority {
	return issue(t, w.root, spec{name: "Limited", ca: true, edit: edit})
}

var orderCases = []analyzeCase{
	{name: "out of order", valid: true, notes: []Kind{KindOutOfOrder}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), certs(leaf(t, w.inter2), w.inter, w.inter2)...)
	}},
	{name: "old stacks want the order", problems: []Kind{KindChainOrder, KindChainOrder}, notes: []Kind{KindOutOfOrder}, in: func(t *testing.T, w *world) Input {
		in := input(certs(w.root), certs(leaf(t, w.inter2), w.inter, w.inter2)...)
		in.Policy.OnlySentOrder = true
		return in
	}},
	{name: "upside down", problems: []Kind{KindNameMismatch, KindBadKeyUsage}, notes: []Kind{KindLeafIsCA, KindLeafNotFirst, KindForeign}, in: func(t *testing.T, w *world) Input {
		long := issue(t, w.root, spec{name: "Long", ca: true, to: now.Add(3000 * day)})
		return input(certs(w.root), certs(long, leaf(t, long))...)
	}},
	{name: "root sent too", valid: true, notes: []Kind{KindRootSent}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), certs(leaf(t, w.inter), w.inter, w.root)...)
	}},
	{name: "duplicates and foreign certificates", valid: true, notes: []Kind{KindDuplicate, KindForeign}, in: func(t *testing.T, w *world) Input {
		return input(certs(w.root), certs(leaf(t, w.inter), w.inter, w.inter, ca(t, w.other, "Stranger"))...)
	}},
}

func TestAnalyzeNothing(t *testing.T) {
	t.Parallel()
	a := Analyze(Input{Sent: []*Certificate{nil}})
	if a.Valid || a.BestPath() != nil || a.Problems() != nil {
		t.Errorf("got %+v, want nothing", a)
	}
}

// TestCrossSignedGraph gives the search a complete graph of authorities that
// have all signed each other.
func TestCrossSignedGraph(t *testing.T) {
	t.Parallel()
	const n = 12
	roots := make([]*authority, n)
	for i := range roots {
		roots[i] = root(t, string(rune('A'+i)))
	}
	anchor := root(t, "Anchor")
	in := input(certs(anchor), leaf(t, roots[0]).cert)
	for i, by := range roots {
		for k, subject := range roots {
			if i != k {
				in.Sent = append(in.Sent, issue(t, by, spec{name: string(rune('A' + k)), org: string(rune('A'+k)) + " Org", ca: true, key: subject.key}).cert)
			}
		}
	}
	in.Sent = append(in.Sent, issue(t, anchor, spec{name: "L", org: "L Org", ca: true, key: roots[n-1].key}).cert)
	in.Policy.MaxCertificates, in.Policy.Backtracks = 1000, true
	start := time.Now()
	a := Analyze(in)
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	if !a.Valid || !a.Truncated {
		t.Errorf("valid %v, truncated %v; want both", a.Valid, a.Truncated)
	}
}
