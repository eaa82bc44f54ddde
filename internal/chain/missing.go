package chain

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// end judges where the path ends and what it needed that was not sent.
func (j *judge) end() {
	p := j.p
	for i, e := range p.Elements {
		if e.Source != SourceExtra || i == 0 {
			continue
		}
		child := p.Elements[i-1].Cert
		m := &Missing{Child: child, Issuer: child.Issuer, KeyID: child.AuthorityKeyID, URLs: child.IssuerURLs,
			Cert: e.Cert, Likely: LikelihoodCertain, Reason: "the certificate was found elsewhere and verifies the signature"}
		detail := fmt.Sprintf("the intermediate %s, which has issued %s, was not sent", e.Cert.Title(), j.below(i))
		if p.Complete {
			m.Anchor = p.Elements[len(p.Elements)-1].Cert
		}
		// Where the path has no anchor anyway, the missing one is not what stops it.
		j.either(p.Complete, Problem{Kind: KindIncomplete, Element: i - 1, Cert: child, Issuer: e.Cert, Missing: m, Detail: detail})
	}
	if p.Complete {
		return
	}
	last := len(p.Elements) - 1
	c := p.Elements[last].Cert
	if !c.Readable() {
		return // malformed, which says it all
	}
	if c.isRoot() {
		j.endRoot(last, c)
		return
	}
	if looksSelfSigned(c) {
		j.problem(Problem{Kind: KindBadSignature, Element: last, Cert: c, Issuer: c,
			Detail: j.title(last) + " is its own issuer, but its key does not verify its signature"})
		return
	}
	prob := Problem{Kind: KindUnknownIssuer, Element: last, Cert: c, Missing: j.missing(c)}
	prob.Issuer = j.namesake(c)
	who := c.Issuer.String()
	if name := c.Issuer.CN(); name != "" {
		who = name
	}
	switch {
	case prob.Issuer != nil:
		prob.Detail = fmt.Sprintf("%s was issued by %s; a CA of that name is there, but with another key", j.title(last), who)
	default:
		prob.Detail = fmt.Sprintf("the issuer of %s, %s, is neither among the sent certificates nor trusted", j.title(last), who)
	}
	j.problem(prob)
}

func (j *judge) endRoot(last int, c *Certificate) {
	if last == 0 {
		p := Problem{Kind: KindSelfSigned, Cert: c, Detail: "the certificate is self-signed and not trusted itself"}
		if check := c.SelfSigned(); check.Outcome != Valid {
			p.Detail = "the certificate is its own issuer and not trusted itself; its signature could not be checked: " + check.Reason
		}
		j.problem(p)
		return
	}
	j.problem(Problem{Kind: KindUnknownIssuer, Element: last, Cert: c, RootSent: j.p.Elements[last].Index >= 0,
		Issuer: j.namesake(c), Detail: fmt.Sprintf("the path ends in %s, which is self-signed and not trusted", c.Title())})
}

// namesake finds a certificate at hand that has the issuer's name, but a key that
// did not sign: typically a CA that was made anew under its old name.
func (j *judge) namesake(c *Certificate) *Certificate {
	for _, l := range j.s.issuersOf(j.s.nodes[c.SHA256]) {
		if l.check.Outcome == Invalid {
			return l.to.cert
		}
	}
	return nil
}

// missing says what is known about an issuer that is not at hand, and how likely
// it is a forgotten intermediate of a trusted CA rather than an unknown CA.
func (j *judge) missing(c *Certificate) *Missing {
	m := &Missing{Child: c, Issuer: c.Issuer, KeyID: c.AuthorityKeyID, URLs: c.IssuerURLs,
		Reason: "nothing tells a forgotten intermediate from an unknown CA"}
	for _, n := range j.s.named(c.AuthorityIssuer) {
		// authorityCertIssuer is the issuer of the missing issuer (RFC 5280, 4.2.1.1).
		if n.anchor && !c.AuthorityIssuer.Equal(c.Issuer) {
			m.Likely, m.Anchor = LikelihoodCertain, n.cert
			m.Reason = fmt.Sprintf("its authority key identifier says that the missing issuer was issued by %s, which is trusted", n.cert.Title())
			return m
		}
	}
	for _, n := range j.s.named(c.Issuer) {
		if n.anchor {
			m.Anchor = n.cert
			m.Reason = fmt.Sprintf("the trusted CA %s has the issuer's name, but another key: one of the two was made anew", n.cert.Title())
			return m
		}
	}
	if anchor := j.wrongIntermediate(); anchor != nil {
		m.Likely, m.Anchor = LikelihoodLikely, anchor
		m.Reason = fmt.Sprintf("another intermediate of the trusted CA %s was sent that has not issued it", anchor.Title())
		return m
	}
	if j.in.OwnAnchors && CalledIntermediate(c.Issuer) && len(j.in.Anchors) > 0 {
		m.Likely, m.Anchor = LikelihoodLikely, j.in.Anchors[0]
		m.Reason = fmt.Sprintf("the missing issuer is called an intermediate, and the trusted CA is the user's own: %s", m.Anchor.Title())
		return m
	}
	if anchor := j.relative(c.Issuer); anchor != nil && !calledRoot(c.Issuer) {
		m.Likely, m.Anchor = LikelihoodLikely, anchor
		m.Reason = fmt.Sprintf("the missing issuer belongs to the same organisation as the trusted CA %s", anchor.Title())
		return m
	}
	switch {
	case len(c.SCTs) > 0:
		m.Likely, m.Reason = LikelihoodLikely, "it carries timestamps of public CT logs, so that a public CA has issued it"
	case publicPolicy(c):
		m.Likely, m.Reason = LikelihoodLikely, "it names a policy of the CA/Browser Forum, so that a public CA has issued it"
	}
	return m
}

// publicPolicy looks for the CA/Browser Forum's policy OIDs.
func publicPolicy(c *Certificate) bool {
	for _, oid := range c.Policies {
		if strings.HasPrefix(oid, "2.23.140.1.") {
			return true
		}
	}
	return false
}

// wrongIntermediate gives the anchor to which a sent CA certificate leads that
// is on no path of the leaf.
func (j *judge) wrongIntermediate() *Certificate {
	for _, c := range j.in.Sent[1:min(len(j.in.Sent), maxSent)] {
		n := j.s.nodes[c.SHA256]
		if !c.IsCA() || c.isRoot() || onPath(j.p, c) {
			continue
		}
		for _, l := range j.s.issuersOf(n) {
			if l.usable() && l.to.anchor {
				return l.to.cert
			}
		}
	}
	return nil
}

// relative finds an anchor of the same organisation, or with the same name but
// for its last part.
func (j *judge) relative(issuer DN) *Certificate {
	org := canonValue(issuer, oidOrganization)
	for _, anchor := range j.in.Anchors {
		// A house with a CA of its own often has several, each its own root, of one
		// organisation: only one that is called the root has others below it.
		if anchor == nil || j.in.OwnAnchors && !calledRoot(anchor.Subject) {
			continue
		}
		if org != "" && org == canonValue(anchor.Subject, oidOrganization) {
			return anchor
		}
		if sameParent(issuer, anchor.Subject) {
			return anchor
		}
	}
	return nil
}

func canonValue(d DN, oid string) string {
	return strings.Join(strings.Fields(strings.ToLower(d.Get(oid))), " ")
}

// sameParent compares two names without their common names; it wants something
// more specific than a country to be left.
func sameParent(a, b DN) bool {
	specific := false
	rest := func(d DN) string {
		var out strings.Builder
		for _, attr := range d.Attributes {
			if attr.OID == oidCommonName {
				continue
			}
			if attr.OID != oidCountry {
				specific = true
			}
			out.WriteString(attr.OID + "=" + strings.ToLower(attr.Value) + "\x00")
		}
		return out.String()
	}
	ra := rest(a)
	return specific && ra == rest(b)
}

func onPath(p *Path, c *Certificate) bool {
	for _, e := range p.Elements {
		if e.Cert.Equal(c) {
			return true
		}
	}
	return false
}

// missingOf collects what the best path of each kind misses, without repetition.
func missingOf(paths []*Path) []Missing {
	var found []Missing
	if len(paths) == 0 || paths[0].Valid() {
		return nil
	}
	for _, prob := range paths[0].Problems {
		if prob.Missing != nil {
			found = append(found, *prob.Missing)
		}
	}
	return found
}

// CalledIntermediate tells whether a CA's common name says that it is an
// intermediate. A habit of naming, not a rule.
func CalledIntermediate(name DN) bool {
	words := strings.FieldsFunc(strings.ToLower(name.CN()), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc(words, func(w string) bool {
		switch w {
		case "intermediate", "inter", "int", "issuing", "subordinate", "sub", "subca", "ica":
			return true
		}
		return false
	})
}

// calledRoot tells whether a CA's common name says that it is a root.
func calledRoot(name DN) bool { return strings.Contains(strings.ToLower(name.CN()), "root") }
