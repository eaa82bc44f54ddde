package lab

import (
	"reflect"
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// The order in which faults of a server strike, as a client meets them: what
// stands first is the cause, what stands behind must be found as well.
var order = [][]string{
	{"cipher-mismatch", "no-common-group", "sigalg-mismatch", "dh-key-too-small", "protocol-version", "version-intolerance", "hello-intolerance",
		"hello-too-large", "legacy-renegotiation", "alpn-no-overlap", "sni-missing"}, // negotiation
	{"private-key-mismatch-server"},                                         // proof of the key
	{"self-signed", "unknown-ca", "incomplete-chain", "cert-bad-signature"}, // trust
	{"cert-expired", "cert-not-yet-valid"},                                  // dates
	{"bad-eku-or-constraints", "name-constraints"},                          // constraints
	{"hostname-mismatch"},                                                   // name
	{"weak-key-or-digest"},                                                  // strength
	{"client-cert-required", "client-cert-expired"},                         // application
}

// parts are the scenarios that Pairs combines, by what they concern.
var parts = struct{ negotiation, certificate, client []string }{
	negotiation: []string{"cipher-mismatch", "cipher-static-rsa-server", "no-common-group", "sigalg-mismatch", "dh-key-too-small", "protocol-version",
		"protocol-version-answered", "version-intolerance", "hello-intolerance", "hello-too-large", "legacy-renegotiation", "alpn-no-overlap",
		"sni-missing", "sni-missing-close"},
	certificate: []string{"private-key-mismatch-server", "self-signed", "unknown-ca", "incomplete-chain", "cert-bad-signature", "cert-expired",
		"cert-not-yet-valid", "bad-eku-or-constraints", "name-constraints", "hostname-www", "weak-key-or-digest"},
	client: []string{"client-cert-required", "client-cert-required-12", "client-cert-expired"},
}

// Pairs are servers with two faults each, generated from the scenarios with
// one. Pairs whose faults exclude each other are left out.
func Pairs() []Scenario {
	var out []Scenario
	add := func(first, second []string) {
		for _, a := range first {
			for _, b := range second {
				if s, ok := combine(a, b); ok && !slices.ContainsFunc(out, func(o Scenario) bool { return o.ID == s.ID }) {
					out = append(out, s)
				}
			}
		}
	}
	add(parts.negotiation, parts.certificate)
	add(parts.negotiation, parts.client)
	add(parts.certificate, parts.certificate)
	add(parts.certificate, parts.client)
	add(parts.negotiation, parts.negotiation)
	return out
}

// combine makes a server with the faults of two scenarios.
func combine(first, second string) (Scenario, bool) {
	a, aKnown := Lookup(first)
	b, bKnown := Lookup(second)
	if !aKnown || !bKnown || a.Cause == b.Cause {
		return Scenario{}, false
	}
	ra, rb := rank(a.Cause), rank(b.Cause)
	if ra > rb || (ra == rb && a.ID > b.ID) {
		a, b, ra, rb = b, a, rb, ra
	}
	// Two reasons not to trust a chain hide each other.
	if ra == rb && ra != rank("cipher-mismatch") && ra != rank("bad-eku-or-constraints") {
		return Scenario{}, false
	}
	// Nobody issues both; and what signs itself has no CA whose rules it breaks.
	if a.Cause == "self-signed" && (b.Cause == "name-constraints" || b.Cause == "unknown-ca") {
		return Scenario{}, false
	}
	s := a
	if !merge(reflect.ValueOf(&s.Server).Elem(), reflect.ValueOf(b.Server)) || !merge(reflect.ValueOf(&s.Client).Elem(), reflect.ValueOf(b.Client)) {
		return Scenario{}, false
	}
	if !s.bothStrike() {
		return Scenario{}, false
	}
	s.ID = "pair-" + a.ID + "-and-" + b.ID
	s.Title = a.Title + "; " + b.Title
	s.Story = "Two faults on one server. " + a.Story + " " + b.Story
	s.Also = []string{b.Cause}
	s.Near = ""
	s.Or = slices.Clone(a.Or)
	if ra == rb {
		s.Also = append(s.Also, a.Cause)
		s.Or = append(s.Or, b.Cause)
	}
	return s, true
}

// bothStrike is false where one fault leaves the other without effect, or where
// the cure of one hides the other.
func (s *Scenario) bothStrike() bool {
	f, c := &s.Server, &s.Client
	touchy := 0
	for _, r := range []Reaction{f.Large, f.TLS13, f.Extension} {
		if !r.IsZero() {
			touchy++
		}
	}
	old := c.MaxVersion == "1.2"
	noECDHE := f.Answer.ForceVersion != 0 // which leaves the RSA key exchange
	if len(f.Suites) > 0 {
		noECDHE = !slices.ContainsFunc(f.Suites, func(s tlswire.CipherSuite) bool { return s.Info().Kex == tlswire.KexECDHE })
	}
	noProof := len(f.Suites) > 0 && !slices.ContainsFunc(f.Suites, func(s tlswire.CipherSuite) bool { return s.Info().Kex != tlswire.KexRSA })
	switch {
	case touchy > 1: // a small TLS 1.2 hello cures all three
		return false
	case !f.Large.IsZero() && (old || c.Groups != ""): // the hello is small
		return false
	case !f.TLS13.IsZero() && old: // it does not mention TLS 1.3
		return false
	case c.Groups != "" && noECDHE: // no group is needed
		return false
	case f.WrongKey && noProof: // the key decrypts and does not sign
		return false
	}
	return true
}

// rank is the place in the order.
func rank(cause string) int {
	for i, group := range order {
		if slices.Contains(group, cause) {
			return i
		}
	}
	return len(order)
}

// merge copies the fields that are set in one of two structs only, and reports
// false where both are set and differ.
func merge(into, from reflect.Value) bool {
	for i := range into.NumField() {
		a, b := into.Field(i), from.Field(i)
		switch {
		case a.Kind() == reflect.Struct && a.Type() != reflect.TypeFor[Reaction]():
			if !merge(a, b) {
				return false
			}
		case b.IsZero() || reflect.DeepEqual(a.Interface(), b.Interface()):
		case !a.IsZero():
			return false
		default:
			a.Set(b)
		}
	}
	return true
}
