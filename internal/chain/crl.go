package chain

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// MaxListSize bounds a certificate revocation list. The largest of public CAs
// have some 10 MB.
const MaxListSize = 32 << 20

// RevocationList is a CRL (RFC 5280, Section 5), as far as it could be read.
// The entries are read when they are searched.
type RevocationList struct {
	Problem string // why it is none, "" when it was read

	Issuer                 DN
	ThisUpdate, NextUpdate time.Time
	AuthorityKeyID         []byte
	Delta                  bool
	Scope                  ListScope
	UnknownCritical        []string // of the list; those of entries appear in Find

	TBS       []byte
	Algorithm SignatureAlgorithm
	Signature []byte

	entries cryptobyte.String
}

// ListScope is the IssuingDistributionPoint (RFC 5280, Section 5.2.5).
type ListScope struct {
	URLs                                      []string // of the distribution point
	Named                                     bool     // a distribution point is named
	OnlyLeaves, OnlyCAs, OnlyAttributes, Some bool     // Some: some reasons only
	Indirect                                  bool
}

// Entry is one revoked certificate of a list.
type Entry struct {
	Serial  *big.Int
	Revoked time.Time
	Reason  int
}

// The extensions of lists and entries that are read.
const (
	oidCRLNumber     = "2.5.29.20"
	oidReason        = "2.5.29.21"
	oidInvalidity    = "2.5.29.24"
	oidDelta         = "2.5.29.27"
	oidIssuingPoint  = "2.5.29.28"
	oidCertIssuer    = "2.5.29.29"
	oidFreshest      = "2.5.29.46"
	oidHoldInstruct  = "2.5.29.23"
	oidExpiredOnList = "2.5.29.60"
)

// LoadLists reads the lists of a file: PEM blocks X509 CRL, or one in DER. What
// else it holds is told in rest.
func LoadLists(data []byte) (lists []*RevocationList, rest []string) {
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		l := ParseList(data)
		if l.Problem != "" {
			return nil, []string{l.Problem}
		}
		return []*RevocationList{l}, nil
	}
	for len(lists) < 1000 {
		block, after := pem.Decode(data)
		if block == nil {
			break
		}
		data = after
		if block.Type != "X509 CRL" && block.Type != "CRL" {
			what := blockName(block)
			if isCertBlock(block.Type) {
				what = "a certificate"
			}
			rest = append(rest, what)
			continue
		}
		l := ParseList(block.Bytes)
		if l.Problem != "" {
			rest = append(rest, l.Problem)
			continue
		}
		lists = append(lists, l)
	}
	if len(lists) == 0 && len(rest) == 0 {
		rest = []string{"a PEM block that cannot be read"}
	}
	return lists, rest
}

// ParseList reads a list in DER, or the first one in PEM. It never fails: see
// Problem. The bytes are not copied.
func ParseList(data []byte) *RevocationList {
	l := &RevocationList{}
	if len(data) > MaxListSize {
		l.Problem = fmt.Sprintf("it has more than %d MB", MaxListSize>>20)
		return l
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN X509 CRL-----")) {
		if block, _ := pem.Decode(data); block != nil {
			data = block.Bytes
		}
	}
	s := cryptobyte.String(data)
	outer, ok := readTag(&s, tagSequence)
	if !ok {
		l.Problem = notDER(data, "revocation list")
		return l
	}
	tbs, ok := readTag(&outer.body, tagSequence)
	if !ok {
		l.Problem = "its signed part is unreadable"
		return l
	}
	l.TBS = tbs.raw
	if alg, ok := readTag(&outer.body, tagSequence); ok {
		l.Algorithm, _ = parseAlgorithm(alg)
	}
	if bits, ok := readTag(&outer.body, tagBitString); ok {
		l.Signature, _, _ = parseBitString(bits.body)
	}
	l.Problem = l.parseTBS(tbs.body)
	return l
}

// notDER says what bytes are that were to be DER.
func notDER(data []byte, what string) string {
	text := strings.ToLower(strings.TrimSpace(string(data[:min(len(data), 512)])))
	switch {
	case len(data) == 0:
		return "it is empty"
	case strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html"):
		return "it is an HTML page and no " + what
	case data[0] == tagSequence:
		return "it is cut short"
	}
	return "it is no " + what
}

func (l *RevocationList) parseTBS(s cryptobyte.String) string {
	readTag(&s, tagInteger) // the version, absent in version 1
	if _, ok := readTag(&s, tagSequence); !ok {
		return "it is no revocation list"
	}
	issuer, ok := readTag(&s, tagSequence)
	if !ok {
		return "it is no revocation list"
	}
	l.Issuer, _ = parseDN(issuer)
	for i, into := range []*time.Time{&l.ThisUpdate, &l.NextUpdate} {
		start := s
		e, ok := readElement(&s)
		if !ok || e.tag != tagUTCTime && e.tag != tagGeneralized {
			if i == 0 {
				return "it is no revocation list" // a certificate has a SEQUENCE here
			}
			s = start
			break
		}
		if *into, _, ok = parseTime(e); !ok {
			return "a date of it is unreadable"
		}
	}
	if list, ok := readTag(&s, tagSequence); ok {
		l.entries = list.body
	}
	extensions, ok := readTag(&s, contextTag(0, true))
	if !ok {
		if !s.Empty() {
			return "it ends in something unreadable"
		}
		return ""
	}
	list, ok := readTag(&extensions.body, tagSequence)
	for n := 0; ok && !list.body.Empty() && n < maxExtensions; n++ {
		item, readable := readElement(&list.body)
		ext, why := readExtension(item)
		if !readable || why != "" || !l.parseExtension(ext) {
			return "its extensions are unreadable"
		}
	}
	return ""
}

func (l *RevocationList) parseExtension(ext Extension) bool {
	s := cryptobyte.String(ext.Value)
	switch ext.OID {
	case oidAuthorityKeyID:
		var c Certificate
		c.parseAuthorityKeyID(&s)
		l.AuthorityKeyID = c.AuthorityKeyID
	case oidDelta:
		l.Delta = true
	case oidIssuingPoint:
		return l.Scope.parse(&s)
	case oidCRLNumber, oidFreshest, oidIssuerAltName, oidExpiredOnList, oidAuthorityInfo:
	default:
		if ext.Critical {
			l.UnknownCritical = append(l.UnknownCritical, ext.OID)
		}
	}
	return true
}

func (p *ListScope) parse(s *cryptobyte.String) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	for !seq.body.Empty() {
		e, ok := readElement(&seq.body)
		if !ok {
			return false
		}
		set := len(e.body) == 1 && e.body[0] != 0
		switch e.tag {
		case contextTag(0, true):
			p.Named = true
			name, _ := readTag(&e.body, contextTag(0, true))
			for !name.body.Empty() && len(p.URLs) < maxListed {
				uri, ok := readElement(&name.body)
				if !ok {
					return false
				}
				if uri.tag == contextTag(6, false) {
					p.URLs = append(p.URLs, string(uri.body))
				}
			}
		case contextTag(1, false):
			p.OnlyLeaves = set
		case contextTag(2, false):
			p.OnlyCAs = set
		case contextTag(3, false):
			p.Some = true
		case contextTag(4, false):
			p.Indirect = set
		case contextTag(5, false):
			p.OnlyAttributes = set
		}
	}
	return true
}

// Find looks a serial number up. why says that the entries cannot be relied on.
func (l *RevocationList) Find(serial *big.Int) (found *Entry, why string) {
	s := l.entries
	want := serialBytes(serial)
	for n := 1; !s.Empty(); n++ {
		item, ok := readTag(&s, tagSequence)
		if !ok {
			return found, fmt.Sprintf("entry %d of the list is unreadable", n)
		}
		number, ok := readTag(&item.body, tagInteger)
		if !ok {
			return found, fmt.Sprintf("entry %d of the list is unreadable", n)
		}
		match := want != nil && bytes.Equal(trimInteger(number.body), want)
		if !match && len(item.body) < 20 { // a date and no extensions
			continue
		}
		e, why := parseEntry(item.body)
		if why != "" {
			return found, fmt.Sprintf("entry %d of the list %s", n, why)
		}
		if match {
			e.Serial = serial
			found = &e
		}
	}
	return found, ""
}

func parseEntry(s cryptobyte.String) (e Entry, why string) {
	date, ok := readElement(&s)
	if !ok {
		return e, "is unreadable"
	}
	e.Revoked, _, _ = parseTime(date)
	list, _ := readTag(&s, tagSequence)
	for !list.body.Empty() {
		item, ok := readElement(&list.body)
		ext, bad := readExtension(item)
		if !ok || bad != "" {
			return e, "is unreadable"
		}
		switch ext.OID {
		case oidReason:
			if len(ext.Value) == 3 && ext.Value[0] == 0x0a {
				e.Reason = int(ext.Value[2])
			}
		case oidInvalidity, oidHoldInstruct, oidCertIssuer:
		default:
			if ext.Critical {
				return e, "has the critical extension " + ext.OID + ", which nobody knows"
			}
		}
	}
	return e, ""
}

// serialBytes is a serial number as trimInteger leaves it.
func serialBytes(n *big.Int) []byte {
	if n == nil || n.Sign() < 0 {
		return nil
	}
	if b := n.Bytes(); len(b) > 0 {
		return b
	}
	return []byte{0}
}

func trimInteger(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// Concerns reports whether the list claims to be of the certificate's issuer.
func (l *RevocationList) Concerns(c *Certificate) bool {
	return c.Readable() && l.Problem == "" && l.Issuer.Equal(c.Issuer)
}

// Judge says what the list says about a certificate of the issuer; a nil issuer
// leaves the signature unchecked. now is the moment at which the list is used
// (RFC 5280, Section 6.3.3).
func (l *RevocationList) Judge(c, issuer *Certificate, now time.Time) Ruling {
	r := Ruling{ThisUpdate: l.ThisUpdate, NextUpdate: l.NextUpdate}
	switch {
	case l.Problem != "":
		return r.flaw(FlawUnreadable, "%s", l.Problem)
	case c.Serial == nil:
		return r.flaw(FlawUnreadable, "the certificate has no readable serial number")
	case l.Scope.Indirect:
		return r.flaw(FlawScope, "it is an indirect list, for certificates of several issuers, which common clients do not use")
	case !l.Issuer.Equal(c.Issuer):
		return r.flaw(FlawIssuer, "it is the list of %s, and the certificate is issued by %s", l.Issuer, c.Issuer)
	case l.Delta:
		return r.flaw(FlawScope, "it is a delta list, which only says what has changed since a complete one")
	case len(l.UnknownCritical) > 0:
		return r.flaw(FlawCritical, "it has the critical extension %s, which nobody knows", l.UnknownCritical[0])
	}
	if why := l.Scope.excludes(c); why != "" {
		return r.flaw(FlawScope, "%s", why)
	}
	check := Check{CannotCheck, "the issuer's certificate is not at hand"}
	if issuer != nil {
		check = l.checkSignature(issuer)
	}
	if check.Outcome == Invalid {
		return r.flaw(FlawSignature, "%s", check.Reason)
	}
	entry, why := l.Find(c.Serial)
	switch {
	case why != "":
		return r.flaw(FlawCritical, "%s", why)
	case entry != nil && entry.Reason != reasonRemove:
		r.Status, r.RevokedAt, r.Reason = StatusRevoked, entry.Revoked, entry.Reason
	default:
		r.Status = StatusGood
	}
	if r = r.dated(now, "the list"); !r.Sound() {
		return r
	}
	switch {
	case check.Outcome != Valid:
		return r.flaw(FlawUnchecked, "%s", check.Reason)
	case l.Scope.Some && r.Status == StatusGood:
		return r.flaw(FlawScope, "it covers only some reasons of revocation")
	}
	return r
}

func (l *RevocationList) checkSignature(issuer *Certificate) Check {
	switch {
	case len(l.Signature) == 0:
		return Check{Invalid, "it is not signed"}
	case len(l.AuthorityKeyID) > 0 && len(issuer.SubjectKeyID) > 0 && !bytes.Equal(l.AuthorityKeyID, issuer.SubjectKeyID):
		return Check{Invalid, "it is signed by another key of an issuer of this name (the key identifiers differ)"}
	case issuer.HasKeyUsage && issuer.KeyUsage&KeyUsageCRLSign == 0:
		return Check{Invalid, "the key usage of its issuer lacks cRLSign"}
	}
	check := CheckData(l.Algorithm, l.TBS, l.Signature, issuer.Key)
	if check.Outcome == Invalid {
		check.Reason = "its signature is not the issuer's: " + check.Reason
	}
	return check
}

// excludes says why the list is not for such a certificate.
func (p *ListScope) excludes(c *Certificate) string {
	switch {
	case p.OnlyAttributes:
		return "it is for attribute certificates only"
	case p.OnlyLeaves && c.IsCA():
		return "it is for end entities only, and the certificate is a CA's"
	case p.OnlyCAs && !c.IsCA():
		return "it is for CA certificates only"
	case p.Named && len(p.URLs) > 0 && !slices.ContainsFunc(p.URLs, func(u string) bool { return slices.Contains(c.CRLURLs, u) }):
		return fmt.Sprintf("it is for certificates that name %s, which this one does not", Printable(p.URLs[0]))
	}
	return ""
}
