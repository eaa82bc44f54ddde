package chain

import (
	"fmt"
	"slices"
	"time"
)

// judge finds the problems of paths.
type judge struct {
	in     *Input
	a      *Analysis
	s      *searcher
	shared []Problem // the same on every path
	p      *Path
}

func (j *judge) problem(p Problem) { j.p.Problems = append(j.p.Problems, p) }
func (j *judge) note(p Problem)    { j.p.Notes = append(j.p.Notes, p) }

// either files a finding as problem or as note.
func (j *judge) either(isProblem bool, p Problem) {
	if isProblem {
		j.problem(p)
	} else {
		j.note(p)
	}
}

// sharedProblems are those of what was sent as a whole.
func sharedProblems(in *Input, a *Analysis) []Problem {
	var found []Problem
	for i, c := range in.Sent[:min(len(in.Sent), maxSent)] {
		// OpenSSL and Go read all that is sent before they look for a path.
		if len(c.Malformed) > 0 {
			found = append(found, Problem{Kind: KindMalformed, Element: -1, Cert: c,
				Detail: fmt.Sprintf("certificate %d as sent is malformed: %s", i+1, c.Malformed[0])})
		}
	}
	limit := in.Policy.MaxCertificates
	if limit == 0 {
		limit = 100
	}
	if len(in.Sent) > limit {
		found = append(found, Problem{Kind: KindTooManyCerts, Element: -1, Have: len(in.Sent), Limit: limit,
			Detail: fmt.Sprintf("%d certificates were sent, more than %d", len(in.Sent), limit)})
	}
	if in.Name != "" && a.Leaf.Readable() && !a.Name.OK && !(in.Policy.CNFallback && a.Name.ByCN) {
		found = append(found, nameProblem(a))
	}
	return found
}

func nameProblem(a *Analysis) Problem {
	p := Problem{Kind: KindNameMismatch, Cert: a.Leaf, Name: a.Name.Name, Match: &a.Name}
	switch {
	case a.Name.Why == WhyNoNames:
		p.Detail = fmt.Sprintf("the certificate names no host at all, so it cannot be for %s", Printable(a.Name.Name))
	case a.Name.ByCN:
		p.Detail = fmt.Sprintf("%s is only in the common name, which clients no longer read", Printable(a.Name.Name))
	case len(a.Name.Covered) == 0:
		p.Detail = fmt.Sprintf("the certificate has no subjectAltName, so it cannot be for %s", Printable(a.Name.Name))
	default:
		p.Detail = fmt.Sprintf("the certificate is for %s, not for %s", listNames(a.Name.Covered), Printable(a.Name.Name))
	}
	return p
}

func listNames(names []string) string {
	const shown = 3
	text := ""
	for i, name := range names[:min(shown, len(names))] {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	if len(names) > shown {
		text += fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return text
}

func (j *judge) judgePath(p *Path) {
	j.p = p
	p.Problems = slices.Clone(j.shared)
	for i := range p.Elements {
		j.malformed(i)
		j.dates(i)
		j.strength(i)
		j.extensions(i)
		if i > 0 {
			j.issuer(i)
			j.constraints(i)
		}
		j.link(i)
	}
	j.usage()
	j.leaf()
	j.order()
	j.end()
	slices.SortStableFunc(p.Problems, func(a, b Problem) int { return severity[b.Kind] - severity[a.Kind] })
}

// isTop reports whether element i is the trusted end of the path.
func (j *judge) isTop(i int) bool { return j.p.Complete && i == len(j.p.Elements)-1 }

func (j *judge) title(i int) string {
	c := j.p.Elements[i].Cert
	switch {
	case i == 0:
		return "the certificate"
	case j.isTop(i):
		return "the root " + c.Title()
	case c.isRoot():
		return "the self-signed CA " + c.Title()
	}
	return "the intermediate " + c.Title()
}

func (j *judge) malformed(i int) {
	e := j.p.Elements[i]
	if len(e.Cert.Malformed) > 0 && e.Index < 0 { // sent ones are reported as a whole
		j.problem(Problem{Kind: KindMalformed, Element: i, Cert: e.Cert, Detail: j.title(i) + " is malformed: " + e.Cert.Malformed[0]})
	}
	for k := range j.p.Problems {
		if p := &j.p.Problems[k]; p.Kind == KindMalformed && p.Element < 0 && p.Cert == e.Cert {
			p.Element = i
		}
	}
}

const day = 24 * time.Hour

func (j *judge) dates(i int) {
	e, now := j.p.Elements[i], j.in.Now
	if now.IsZero() || j.isTop(i) && j.in.Policy.IgnoreAnchorDates {
		return
	}
	c := e.Cert
	if !c.NotAfter.IsZero() && now.After(c.NotAfter) {
		j.problem(Problem{Kind: KindExpired, Element: i, Cert: c, At: c.NotAfter,
			Detail: fmt.Sprintf("%s expired %s ago, on %s", j.title(i), span(now.Sub(c.NotAfter)), stamp(c.NotAfter))})
	}
	if !c.NotBefore.IsZero() && now.Before(c.NotBefore) {
		j.problem(Problem{Kind: KindNotYetValid, Element: i, Cert: c, At: c.NotBefore,
			Detail: fmt.Sprintf("%s is valid only from %s on, in %s", j.title(i), stamp(c.NotBefore), span(c.NotBefore.Sub(now)))})
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// span prints a duration in the unit that people would use.
func span(d time.Duration) string {
	unit, n := "second", int64(d/time.Second)
	switch {
	case d >= 2*day:
		unit, n = "day", int64(d/day)
	case d >= 2*time.Hour:
		unit, n = "hour", int64(d/time.Hour)
	case d >= 2*time.Minute:
		unit, n = "minute", int64(d/time.Minute)
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

func (j *judge) strength(i int) {
	c, policy := j.p.Elements[i].Cert, j.in.Policy
	minRSA, minEC := policy.MinRSABits, policy.MinECBits
	if minRSA == 0 {
		minRSA = 2048
	}
	if minEC == 0 {
		minEC = 224
	}
	limit := 0
	switch c.Key.Algorithm {
	case KeyRSA, KeyRSAPSS, KeyDSA, KeyDH:
		limit = minRSA
	case KeyECDSA, KeySM2:
		limit = minEC
	}
	if c.Key.Bits > 0 && c.Key.Bits < limit {
		j.problem(Problem{Kind: KindWeakKey, Element: i, Cert: c, Algorithm: string(c.Key.Algorithm), Bits: c.Key.Bits, Limit: limit,
			Detail: fmt.Sprintf("%s has a key of %d bits (%s), less than %d", j.title(i), c.Key.Bits, c.Key, limit)})
	}
	if c.Key.Explicit {
		j.either(policy.RejectExplicit, Problem{Kind: KindExplicitCurve, Element: i, Cert: c,
			Detail: j.title(i) + " gives its curve by parameters instead of by name"})
	}
	// The signature of an anchor, or of a root that could be one, means nothing.
	if j.isTop(i) || i == len(j.p.Elements)-1 && c.isRoot() {
		return
	}
	weak := false
	switch c.SignatureAlgorithm.Hash {
	case "SHA1":
		weak = !policy.AllowSHA1
	case "MD2", "MD4", "MD5":
		weak = !policy.AllowMD5
	}
	if weak {
		j.problem(Problem{Kind: KindWeakDigest, Element: i, Cert: c, Algorithm: c.SignatureAlgorithm.Name,
			Detail: fmt.Sprintf("%s is signed with %s", j.title(i), c.SignatureAlgorithm.Name)})
	}
}

func (j *judge) extensions(i int) {
	c := j.p.Elements[i].Cert
	for _, oid := range c.UnknownCritical {
		j.either(!j.in.Policy.IgnoreCritical, Problem{Kind: KindUnknownCritical, Element: i, Cert: c, OID: oid,
			Detail: fmt.Sprintf("%s has a critical extension that clients do not know: %s", j.title(i), extensionName(oid))})
	}
	if text := c.GoError(); text != "" && c.Readable() && len(c.Malformed) == 0 {
		j.note(Problem{Kind: KindGoRefuses, Element: i, Cert: c, Detail: "Go refuses " + j.title(i) + ": " + text})
	}
	if len(c.Malformed) == 0 && len(c.ParseProblems) > 0 && !j.isTop(i) {
		j.note(Problem{Kind: KindParseNote, Element: i, Cert: c, Detail: j.title(i) + ": " + c.ParseProblems[0]})
	}
}

// issuer checks whether element i may issue (RFC 5280, Section 6.1.4, k to n).
func (j *judge) issuer(i int) {
	c, policy := j.p.Elements[i].Cert, j.in.Policy
	if policy.IgnoreCAs {
		return
	}
	if !c.IsCA() && (c.BasicConstraints != nil || i+1 < len(j.p.Elements) || !oldCA(c)) {
		why := "basicConstraints say CA:FALSE"
		if c.BasicConstraints == nil {
			why = "it has no basicConstraints"
		}
		j.problem(Problem{Kind: KindNotCA, Element: i, Cert: c,
			Detail: fmt.Sprintf("%s has issued %s, but is no CA: %s", c.Title(), j.below(i), why)})
	}
	if c.HasKeyUsage && c.KeyUsage&KeyUsageCertSign == 0 {
		j.problem(Problem{Kind: KindBadKeyUsage, Element: i, Cert: c,
			Detail: fmt.Sprintf("%s may not sign certificates: its key usage is %s, without keyCertSign", j.title(i), c.KeyUsage)})
	}
	if bc := c.BasicConstraints; bc != nil && bc.IsCA && bc.MaxPathLen >= 0 && !policy.IgnorePathLen {
		below := 0
		for _, e := range j.p.Elements[1:i] {
			if !e.Cert.SelfIssued() {
				below++
			}
		}
		if below > bc.MaxPathLen {
			j.problem(Problem{Kind: KindPathLength, Element: i, Cert: c, Have: below, Limit: bc.MaxPathLen,
				Detail: fmt.Sprintf("%s allows %d intermediates below itself, the path has %d", j.title(i), bc.MaxPathLen, below)})
		}
	}
}

// oldCA reports whether OpenSSL takes a root without basicConstraints for a CA:
// one of version 1, or one whose key usage says so.
func oldCA(c *Certificate) bool {
	return c.Version == 1 && c.isRoot() || c.HasKeyUsage && c.KeyUsage&KeyUsageCertSign != 0
}

func (j *judge) below(i int) string {
	if i == 1 {
		return "the certificate"
	}
	return j.p.Elements[i-1].Cert.Title()
}

// link judges how element i hangs on the next one.
func (j *judge) link(i int) {
	if i+1 >= len(j.p.Elements) {
		return
	}
	e, up := &j.p.Elements[i], j.p.Elements[i+1].Cert
	c := e.Cert
	switch e.Link.Outcome {
	case Invalid:
		j.problem(Problem{Kind: KindBadSignature, Element: i, Cert: c, Issuer: up,
			Detail: fmt.Sprintf("the key of %s does not verify the signature of %s: %s", up.Title(), j.title(i), e.Link.Reason)})
	case CannotCheck:
		j.note(Problem{Kind: KindUncheckedSignature, Element: i, Cert: c, Issuer: up,
			Detail: fmt.Sprintf("the signature of %s could not be checked: %s", j.title(i), e.Link.Reason)})
	}
	// OpenSSL takes a certificate for self-signed when its names are equal and its
	// key identifiers do not say otherwise, whoever signed it. Typical of a server
	// certificate that was given the very subject of its private CA.
	if looksSelfSigned(c) && e.Link.Outcome == Valid {
		j.either(!j.in.Policy.Backtracks, Problem{Kind: KindSelfIssued, Element: i, Cert: c, Issuer: up,
			Detail: fmt.Sprintf("%s has the same subject as its issuer, so that OpenSSL takes it for self-signed, although another key has signed it", j.title(i))})
	}
	if !c.Issuer.SameBytes(up.Subject) {
		j.either(j.in.Policy.ExactNames, Problem{Kind: KindNameEncoding, Element: i, Cert: c, Issuer: up,
			Detail: fmt.Sprintf("%s writes its issuer's name in another encoding than %s itself", j.title(i), up.Title())})
	}
	switch compareKeyIDs(c, up) {
	case keyIDMismatch:
		j.problem(Problem{Kind: KindKeyIDMismatch, Element: i, Cert: c, Issuer: up,
			Detail: fmt.Sprintf("the authority key identifier of %s (%X) is not the subject key identifier of %s (%X)",
				j.title(i), trim(c.AuthorityKeyID), up.Title(), trim(up.SubjectKeyID))})
	case serialMismatch:
		j.problem(Problem{Kind: KindKeyIDMismatch, Element: i, Cert: c, Issuer: up,
			Detail: fmt.Sprintf("the authority key identifier of %s names another certificate than %s, by issuer and serial number",
				j.title(i), up.Title())})
	}
}

// trim bounds an identifier for printing.
func trim(id []byte) []byte { return id[:min(len(id), 32)] }
