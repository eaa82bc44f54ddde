package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// Baseline is what is usual for an endpoint. It is learned from the first check
// of all addresses, extended by what is expected (renewals, sibling
// intermediates, anything stronger), and learned anew when somebody accepts a
// change. Sets, because nodes may differ for good.
type Baseline struct {
	Issuers  []string `json:"issuers,omitempty"` // organisations that issue, see issuerOf
	Anchors  []string `json:"anchors,omitempty"` // fingerprints
	Keys     []string `json:"keys,omitempty"`
	Names    []string `json:"names,omitempty"`
	Versions []string `json:"versions,omitempty"`
	Suites   []string `json:"suites,omitempty"`
	ALPN     []string `json:"alpn,omitempty"`
	Asks     []string `json:"asks,omitempty"`   // for client certificates: yes, no
	SCTs     []string `json:"scts,omitempty"`   // whether the certificate comes with any: yes, no
	Offers   []string `json:"offers,omitempty"` // names of what inventories saw
	// Revoked are keys of leaves that were revoked, each with the leaf's
	// fingerprint behind a space.
	Revoked []string `json:"revoked,omitempty"`
}

func add(set *[]string, v string) {
	if v != "" && !slices.Contains(*set, v) {
		*set = append(*set, v)
	}
}

// learn takes a handshake into the baseline.
func (b *Baseline) learn(s *Snapshot) {
	if leaf := s.Leaf(); leaf != nil {
		add(&b.Issuers, issuerOf(leaf))
		add(&b.Keys, leaf.Key)
		if leaf.PublicKey != "" {
			add(&b.SCTs, yesNo(leaf.SCTs))
		}
		for _, n := range leaf.Names {
			add(&b.Names, n)
		}
		if a := s.anchor(); a != nil {
			add(&b.Anchors, a.Fingerprint)
		}
	}
	if s.Version != "" {
		add(&b.Versions, s.Version)
		add(&b.Suites, s.Suite)
		add(&b.ALPN, protocol(s.ALPN))
		add(&b.Asks, yesNo(s.ClientCert))
	}
}

func (s *Snapshot) anchor() *Element {
	if n := len(s.Path); n > 0 && s.Path[n-1].Anchor {
		return &s.Path[n-1]
	}
	return nil
}

// protocol makes "none agreed on" a value of its own.
func protocol(alpn string) string {
	if alpn == "" {
		return "none"
	}
	return alpn
}

func yesNo(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }

// issuerOf is the organisation of the issuer: a CA has many intermediates, and
// picks one of them for each certificate.
func issuerOf(e *Element) string {
	for _, rdn := range strings.Split(e.Issuer, ",") {
		if o, ok := strings.CutPrefix(strings.TrimSpace(rdn), "O="); ok {
			return strings.Trim(o, `"`)
		}
	}
	return e.Issuer
}

// strength orders suites by what an attacker gains: 2 for AEAD with an
// ephemeral key, 1 for either, 0 for neither.
func strength(suite string) int {
	n := 0
	for _, aead := range []string{"_GCM", "_CCM", "POLY1305"} {
		if strings.Contains(suite, aead) {
			n = 1
		}
	}
	if strings.Contains(suite, "ECDHE") || strings.Contains(suite, "_DHE_") || strings.HasPrefix(suite, "TLS_AES") || strings.HasPrefix(suite, "TLS_CHACHA") {
		n++
	}
	return n
}

// weakerKey tells whether a key is of the same algorithm and shorter.
func weakerKey(old, now string) bool {
	var a, b string
	var m, n int
	if _, err := fmt.Sscanf(old, "%s %d", &a, &m); err != nil {
		return false
	}
	_, err := fmt.Sscanf(now, "%s %d", &b, &n)
	return err == nil && a == b && n < m
}

// drift compares a handshake with the baseline. Unexpected changes are
// findings, which last until they are undone or accepted; what is expected is
// said once and learned.
func drift(now time.Time, b *Baseline, o *Outcome, st *State) (found []Finding, said []string) {
	s := &o.Seen
	unexpected := func(what, format string, args ...any) {
		found = append(found, Finding{Key: "drift-" + what, Cause: "drift-" + what, Severity: Warning, Stage: diag.StageFinished, Summary: fmt.Sprintf(format, args...),
			Evidence: []diag.Evidence{{Text: "seen now: " + describe(s), Where: o.Address}},
			Fixes:    []diag.Fix{{Side: "server", Action: "review-change", Text: "If nobody changed this on purpose, find out who did. If it was on purpose, accept it as the new baseline."}}})
	}
	expected := func(set *[]string, v, format string, args ...any) {
		said = append(said, fmt.Sprintf(format, args...))
		add(set, v)
	}
	if leaf := s.Leaf(); leaf != nil {
		if who := issuerOf(leaf); !slices.Contains(b.Issuers, who) && len(b.Issuers) > 0 {
			if a := s.anchor(); a != nil && slices.Contains(b.Anchors, a.Fingerprint) {
				expected(&b.Issuers, who, "issued by %s, under the same root as before", who)
			} else {
				unexpected("issuer", "the certificate is now issued by %s, before by %s", who, strings.Join(b.Issuers, " or "))
			}
		}
		if !slices.Contains(b.Keys, leaf.Key) && len(b.Keys) > 0 {
			if slices.ContainsFunc(b.Keys, func(k string) bool { return weakerKey(k, leaf.Key) }) {
				unexpected("key", "the key is now %s, before %s", leaf.Key, strings.Join(b.Keys, " or "))
			} else {
				expected(&b.Keys, leaf.Key, "the key is now %s", leaf.Key)
			}
		}
		if f := b.issuance(o, leaf); f != "" {
			unexpected(f, "%s", issuance[f])
		}
		old := st.Now.Leaf()
		fresh := old != nil && !slices.Contains(st.Known, leaf.Fingerprint)
		lost := slices.DeleteFunc(without(b.Names, leaf.Names), func(n string) bool { return covers(leaf.Names, n) })
		if len(lost) > 0 && (fresh || st.sighting("drift-names") != nil) {
			unexpected("names", "the certificate no longer has %s", strings.Join(lost, ", "))
		}
		switch {
		case st.swaps(now):
		case fresh && leaf.NotBefore.Before(old.NotBefore), !fresh && st.sighting("drift-rollback") != nil && old.Fingerprint == leaf.Fingerprint:
			unexpected("rollback", "the certificate was replaced by an older one, issued %s", leaf.NotBefore.Format(time.DateOnly))
		case fresh:
			renewed := fmt.Sprintf("renewed: serial %s, valid until %s", leaf.Serial, leaf.NotAfter.Format(time.DateOnly))
			if leaf.PublicKey != "" && leaf.PublicKey == old.PublicKey {
				renewed += ", with the same key"
			}
			said = append(said, renewed)
			for _, n := range leaf.Names {
				add(&b.Names, n)
			}
		}
	}
	if s.Version == "" {
		return found, said
	}
	if !slices.Contains(b.Versions, s.Version) && len(b.Versions) > 0 {
		if s.Version < slices.Min(b.Versions) { // "TLS 1.2" < "TLS 1.3"; SSL sorts below
			unexpected("version", "the server now negotiates %s, before %s", s.Version, strings.Join(b.Versions, " or "))
		} else {
			expected(&b.Versions, s.Version, "negotiates %s", s.Version)
		}
	}
	if !slices.Contains(b.Suites, s.Suite) && len(b.Suites) > 0 {
		if slices.ContainsFunc(b.Suites, func(x string) bool { return strength(x) <= strength(s.Suite) }) {
			expected(&b.Suites, s.Suite, "negotiates %s", s.Suite)
		} else {
			unexpected("suite", "the server now negotiates %s, before %s", s.Suite, strings.Join(b.Suites, " or "))
		}
	}
	if p := protocol(s.ALPN); !slices.Contains(b.ALPN, p) && len(b.ALPN) > 0 {
		if slices.Equal(b.ALPN, []string{"none"}) {
			expected(&b.ALPN, p, "negotiates ALPN %s", p)
		} else {
			unexpected("alpn", "ALPN is now %s, before %s", p, strings.Join(b.ALPN, " or "))
		}
	}
	if a := yesNo(s.ClientCert); !slices.Contains(b.Asks, a) && len(b.Asks) > 0 {
		unexpected("client-certificate", "the server %s", map[bool]string{true: "now asks for a client certificate, it did not before", false: "no longer asks for a client certificate"}[s.ClientCert])
	}
	return found, said
}

// issuance says what a renewal should have had, by what it drifted from.
var issuance = map[string]string{
	"sct":         "the certificate no longer comes with SCTs, which those before it did: browsers refuse one of a public CA without",
	"revoked-key": "the certificate was replaced after its revocation, and the new one has the same key: if that was the reason, it is as unsafe as the old one",
}

// issuance compares how the leaf was made with those before it, "" where it is
// as usual. Another CA is a change of its own, and may well log nothing.
func (b *Baseline) issuance(o *Outcome, leaf *Element) string {
	if leaf.PublicKey == "" { // nothing is known of it
		return ""
	}
	if slices.ContainsFunc(o.Findings, func(f Finding) bool { return f.Cause == "cert-revoked" && f.speaksOf(leaf) }) {
		add(&b.Revoked, leaf.PublicKey+" "+leaf.Fingerprint)
		b.Revoked = b.Revoked[max(0, len(b.Revoked)-maxKnown):]
		return ""
	}
	if len(b.SCTs) == 0 || leaf.SCTs {
		add(&b.SCTs, yesNo(leaf.SCTs))
	}
	reused := slices.ContainsFunc(b.Revoked, func(x string) bool { return strings.HasPrefix(x, leaf.PublicKey+" ") })
	switch {
	case reused && !slices.Contains(b.Revoked, leaf.PublicKey+" "+leaf.Fingerprint):
		return "revoked-key"
	case !slices.Contains(b.SCTs, yesNo(leaf.SCTs)) && slices.Contains(b.Issuers, issuerOf(leaf)):
		return "sct"
	}
	return ""
}

// speaksOf tells whether the evidence names the certificate: a revocation may be
// that of an intermediate, which says nothing of the leaf's key.
func (f *Finding) speaksOf(e *Element) bool {
	return slices.ContainsFunc(f.Evidence, func(x diag.Evidence) bool { return strings.Contains(x.Text, e.Serial) })
}

// without returns what of a is not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return slices.Contains(b, x) })
}

func describe(s *Snapshot) string {
	parts := []string{}
	if s.Version != "" {
		parts = append(parts, s.Version, s.Suite, "ALPN "+protocol(s.ALPN))
	}
	if leaf := s.Leaf(); leaf != nil {
		parts = append(parts, fmt.Sprintf("certificate %s (serial %s, %s) issued by %s", leaf.Subject, leaf.Serial, leaf.Key, leaf.Issuer))
	}
	return strings.Join(parts, ", ")
}

// expectations judges what the owner demands.
func expectations(x *Expect, o *Outcome, offer *Offer) (found []Finding) {
	s := &o.Seen
	violated := func(what, format string, args ...any) {
		found = append(found, Finding{Key: "expected-" + what, Cause: "expected-" + what, Severity: Critical, Stage: diag.StageFinished, Summary: fmt.Sprintf(format, args...),
			Evidence: []diag.Evidence{{Text: "seen: " + describe(s), Where: o.Address}},
			Fixes:    []diag.Fix{{Side: "server", Action: "meet-expectation", Text: "Change the server back, or the expectation of this endpoint in the monitor's configuration."}}})
	}
	if leaf := s.Leaf(); leaf != nil && x.Issuer != "" && !strings.Contains(leaf.Issuer, x.Issuer) {
		violated("issuer", "the issuer is %s, expected is %s", leaf.Issuer, x.Issuer)
	}
	if leaf := s.Leaf(); leaf != nil {
		if lost := slices.DeleteFunc(slices.Clone(x.Names), func(n string) bool { return covers(leaf.Names, n) }); len(lost) > 0 {
			violated("names", "the certificate does not cover %s", strings.Join(lost, ", "))
		}
		if x.Key != "" && !strings.HasPrefix(strings.ToLower(leaf.Key), strings.ToLower(x.Key)) {
			violated("key", "the key is %s, expected is %s", leaf.Key, x.Key)
		}
	}
	if s.Version == "" {
		return found
	}
	if x.MinVersion != "" && s.Version < x.MinVersion {
		violated("version", "the server negotiates %s, expected is %s at least", s.Version, x.MinVersion)
	} else if low := offer.below(x.MinVersion); low != "" {
		violated("version", "the server offers %s to those who ask for it, expected is %s at least", low, x.MinVersion)
	}
	if x.ALPN != "" && s.ALPN != x.ALPN {
		violated("alpn", "ALPN is %s, expected is %s", protocol(s.ALPN), x.ALPN)
	}
	if x.ClientCert != nil && *x.ClientCert != s.ClientCert {
		violated("client-certificate", "the server %s for a client certificate, expected is the contrary", map[bool]string{true: "asks", false: "does not ask"}[s.ClientCert])
	}
	return found
}

// covers tells whether one of a certificate's names is the name, or its wildcard
// (RFC 9525, Section 6.3).
func covers(names []string, name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	_, parent, deep := strings.Cut(name, ".")
	return slices.ContainsFunc(names, func(n string) bool {
		n = strings.ToLower(n)
		return n == name || deep && n == "*."+parent
	})
}

// Changed says what became different since the last good check.
func Changed(good, now *Snapshot) []string {
	var out []string
	differ := func(what, a, b string) {
		if a != "" && b != "" && a != b {
			out = append(out, fmt.Sprintf("%s: %s, was %s", what, b, a))
		}
	}
	if a, b := good.Leaf(), now.Leaf(); a != nil && b != nil && a.Fingerprint != b.Fingerprint {
		out = append(out, fmt.Sprintf("certificate: serial %s of %s, was serial %s of %s", b.Serial, b.NotBefore.Format(time.DateOnly), a.Serial, a.NotBefore.Format(time.DateOnly)))
		differ("issuer", a.Issuer, b.Issuer)
		differ("key", a.Key, b.Key)
		if lost := without(a.Names, b.Names); len(lost) > 0 {
			out = append(out, "names lost: "+strings.Join(lost, ", "))
		}
	}
	differ("version", good.Version, now.Version)
	differ("cipher suite", good.Suite, now.Suite)
	if good.Version != "" && now.Version != "" {
		differ("ALPN", protocol(good.ALPN), protocol(now.ALPN))
		if good.ClientCert != now.ClientCert {
			differ("asks for a client certificate", yesNo(good.ClientCert), yesNo(now.ClientCert))
		}
	}
	return out
}

// Learn makes a baseline of what is seen at all addresses now.
func Learn(states []State) *Baseline {
	b := &Baseline{}
	for i := range states {
		b.learn(&states[i].Now)
		b.learnOffer(states[i].Offered)
	}
	return b
}
