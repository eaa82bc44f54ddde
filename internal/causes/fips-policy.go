package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// What lacks is proven by cipher-mismatch, no-common-group, sigalg-mismatch or
// extension-required; this rule adds a guess at the reason where one side takes
// approved algorithms only and the other offers none, in two properties at
// once. One property alone is a plain server's taste.
var _ = register(rule{id: "fips-policy", rank: rankNegotiation, match: func(v *view) *match {
	server, client := v.policies()
	m := &match{severity: diag.SeverityInfo, confidence: diag.Likely, not: []string{"a list that was made short by hand"}}
	switch {
	case len(server) > 0:
		m.summary = "the server may be under a FIPS policy: what it accepts is approved, and what it refuses is not"
		return m.see(v.seen(), "it insists on %s", join(server))
	case len(client) > 0:
		m.confidence = diag.Possible
		m.summary = v.client() + " may be under a FIPS policy: it offers approved algorithms only, and the server takes others only"
		return m.see(v.seen(), "the server takes %s", join(client))
	}
	return nil
}})

// policies names, where the server looks like one under a FIPS policy, what it
// insists on; where the client does, what the server took instead.
func (v *view) policies() (server, client []string) {
	enough := 2
	for i := range v.flips {
		f := &v.flips[i]
		if f.to.Of.Changes.Extensions == "+"+tlswire.ExtExtendedMasterSecret.String() {
			server, enough = append(server, "the extended master secret before TLS 1.3"), 1 // which nobody else demands
		}
		s, c := f.policies()
		server, client = append(server, s...), append(client, c...)
	}
	if len(server) < enough || len(client) > 0 {
		server = nil
	}
	if len(server) > 0 || !v.c.Want.Client.Reference || !approvedOnly(offered(v.base)) {
		client = nil
	}
	return server, client
}

// policyDoubt is what a cause of negotiation cannot rule out beside itself.
func (v *view) policyDoubt() []string {
	if server, _ := v.policies(); len(server) > 0 {
		return []string{"a FIPS policy on the server (fips-policy): then the client has to change"}
	}
	return nil
}

// policies names what the server took of each property that the flip changes:
// in server what FIPS 140-3 approves where the failed hello offered nothing
// approved, in client what it does not where the hello offered only that.
func (f *flip) policies() (server, client []string) {
	had := offered(f.from)
	note := func(p facts.Property, took string, approved bool, some, all bool) {
		switch {
		case !f.has(p):
		case approved && !some:
			server = append(server, took)
		case !approved && all:
			client = append(client, took)
		}
	}
	if f.to.ServerHello != nil {
		s := f.to.ServerHello.CipherSuite
		note(facts.PropSuites, s.String(), approvedSuite(s), slices.ContainsFunc(had.CipherSuites, approvedSuite), all(had.CipherSuites, approvedSuite))
	}
	if g := agreedGroup(f.to); g != 0 {
		note(facts.PropGroups, g.String(), approvedGroup(g), slices.ContainsFunc(had.Groups(), approvedGroup), all(had.Groups(), approvedGroup))
	}
	if s := f.to.KeyProof.Scheme; s != 0 {
		note(facts.PropSchemes, s.String(), approvedScheme(s), slices.ContainsFunc(had.SignatureSchemes(), approvedScheme), all(had.SignatureSchemes(), approvedScheme))
	}
	return server, client
}

// approvedOnly tells whether a hello offers nothing that a FIPS policy removes.
func approvedOnly(h *tlswire.ClientHello) bool {
	return all(h.CipherSuites, approvedSuite) && all(h.Groups(), approvedGroup) && all(h.SignatureSchemes(), approvedScheme)
}

// all tells whether every value is approved; reserved values and signals do not
// count, and an empty list is nothing to judge by.
func all[T interface{ IsGREASE() bool }](values []T, approved func(T) bool) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(x T) bool { return !x.IsGREASE() && !signal(x) && !approved(x) })
}

func signal(x any) bool {
	s, ok := x.(tlswire.CipherSuite)
	return ok && s.Info().SCSV
}

// The tables follow NIST SP 800-52r2, Section 3.3.1, and SP 800-186.
func approvedSuite(s tlswire.CipherSuite) bool {
	return strings.Contains(s.String(), "_AES_") && s.Info().Kex != tlswire.KexRSA
}

func approvedGroup(g tlswire.Group) bool {
	switch g {
	case tlswire.GroupP256, tlswire.GroupP384, tlswire.GroupP521:
		return true
	}
	return strings.HasPrefix(g.String(), "ffdhe") || strings.Contains(g.String(), "MLKEM")
}

func approvedScheme(s tlswire.SignatureScheme) bool {
	switch s.Key() {
	case "rsa", "rsa-pss", "ecdsa":
		return s.Hash() != "SHA1" && !strings.Contains(fmt.Sprint(s), "brainpool")
	}
	return false
}
