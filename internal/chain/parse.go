package chain

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// The bounds of the reader. A certificate message is at most 16 MB on the wire
// and 100 kB for most clients; the rest keeps hostile input cheap.
const (
	MaxSize       = 1 << 20 // larger blobs are kept raw, but not read
	maxExtensions = 256
	maxNames      = 20000 // entries of one GeneralNames
	maxProblems   = 40
	maxListed     = 1000 // entries of any other list
)

// Parse reads one certificate in DER. It never fails: what cannot be read is
// named in ParseProblems, the rest is there. The bytes are not copied.
func Parse(der []byte) *Certificate {
	c := &Certificate{Raw: der}
	c.parse()
	if c.DER != nil {
		c.SHA256 = sha256.Sum256(c.DER)
	} else {
		c.SHA256 = sha256.Sum256(c.Raw)
	}
	return c
}

func (c *Certificate) problem(format string, args ...any) {
	if len(c.ParseProblems) < maxProblems {
		c.ParseProblems = append(c.ParseProblems, fmt.Sprintf(format, args...))
	}
}

// fatal is a problem that OpenSSL does not bear either.
func (c *Certificate) fatal(format string, args ...any) {
	if len(c.Malformed) < maxProblems {
		c.Malformed = append(c.Malformed, fmt.Sprintf(format, args...))
	}
	c.problem(format, args...)
}

func (c *Certificate) parse() {
	if len(c.Raw) > MaxSize {
		c.fatal("%d bytes are more than a certificate may have", len(c.Raw))
		return
	}
	s := cryptobyte.String(c.Raw)
	outer, ok := readTag(&s, tagSequence)
	if !ok {
		c.outerProblem()
		// A certificate that was cut short still shows its inner fields.
		c.parseCut()
		return
	}
	c.DER = outer.raw
	if !s.Empty() {
		c.fatal("%d bytes follow the certificate", len(s))
	}
	c.checkLength(outer, "the certificate")
	tbs, ok := readTag(&outer.body, tagSequence)
	if !ok {
		c.fatal("the signed part is unreadable")
		return
	}
	c.TBS = tbs.raw
	c.parseTBS(tbs.body)
	c.parseSignature(outer.body)
	if !c.InnerAlgorithm.IsZero() && !c.SignatureAlgorithm.IsZero() &&
		!bytes.Equal(c.InnerAlgorithm.Raw, c.SignatureAlgorithm.Raw) {
		c.fatal("the signature algorithm is %s inside and %s outside", c.InnerAlgorithm.Name, c.SignatureAlgorithm.Name)
	}
}

func (c *Certificate) outerProblem() {
	switch {
	case len(c.Raw) == 0:
		c.fatal("empty")
	case c.Raw[0] != tagSequence:
		c.fatal("not a certificate: it begins with 0x%02X instead of a SEQUENCE", c.Raw[0])
	default:
		c.fatal("cut short, or with a wrong length")
	}
}

// parseCut reads the fields of a certificate whose outer length does not fit.
func (c *Certificate) parseCut() {
	s := cryptobyte.String(c.Raw)
	inner := func() bool {
		var tag, first uint8
		var skipped []byte
		if !s.ReadUint8(&tag) || tag != tagSequence || !s.ReadUint8(&first) {
			return false
		}
		return first < 0x80 || s.ReadBytes(&skipped, int(first&0x7f))
	}
	if !inner() {
		return
	}
	if tbs, ok := readTag(&s, tagSequence); ok {
		c.TBS = tbs.raw
		c.parseTBS(tbs.body)
		c.parseSignature(s)
		return
	}
	if inner() {
		c.parseTBS(s)
	}
}

func (c *Certificate) checkLength(e element, what string) {
	if e.isBER {
		c.problem("the length of %s is not in its shortest form", what)
	}
}

func (c *Certificate) parseSignature(s cryptobyte.String) {
	alg, ok := readTag(&s, tagSequence)
	if ok {
		c.SignatureAlgorithm, ok = parseAlgorithm(alg)
	}
	if !ok {
		c.fatal("the signature algorithm is unreadable")
		return
	}
	bits, ok := readTag(&s, tagBitString)
	if !ok {
		c.fatal("the signature is missing")
		return
	}
	sig, unused, ok := parseBitString(bits.body)
	if !ok || unused != 0 {
		c.fatal("the signature is no whole number of bytes")
		return
	}
	c.Signature = sig
	if !s.Empty() {
		c.fatal("data follow the signature")
	}
}

// parseTBS reads the TBSCertificate (RFC 5280, Section 4.1). Elements have
// distinct tags in a fixed order, so that one bad field does not shift the next.
func (c *Certificate) parseTBS(s cryptobyte.String) {
	c.Version = 1
	if v, ok := readTag(&s, contextTag(0, true)); ok {
		c.Version = 0
		if n, ok := readTag(&v.body, tagInteger); ok && len(n.body) == 1 && n.body[0] <= 2 {
			c.Version = int(n.body[0]) + 1
		} else {
			c.fatal("the version is unreadable or unknown")
		}
	}
	if serial, ok := readElement(&s); ok && serial.tag == tagInteger && len(serial.body) <= 1024 {
		c.parseSerial(serial)
	} else {
		c.fatal("the serial number is unreadable")
		if !ok {
			return
		}
	}
	if alg, ok := readElement(&s); !ok {
		c.fatal("the certificate ends after the serial number")
		return
	} else if c.InnerAlgorithm, ok = parseAlgorithm(alg); !ok {
		c.fatal("the inner signature algorithm is unreadable")
	}
	var ok bool
	if c.Issuer, ok = c.parseName(&s, "issuer"); !ok {
		return
	}
	if !c.parseValidity(&s) {
		return
	}
	if c.Subject, ok = c.parseName(&s, "subject"); !ok {
		return
	}
	spki, ok := readElement(&s)
	if !ok {
		c.fatal("the public key is missing")
		return
	}
	c.Key = ParseKey(spki.raw)
	if c.Key.Raw != nil {
		c.SPKISHA256 = sha256.Sum256(c.Key.Raw)
	}
	if c.Key.Problem != "" {
		c.fatal("public key: %s", c.Key.Problem)
	}
	c.parseRest(s)
}

func (c *Certificate) parseSerial(e element) {
	c.SerialRaw = e.body
	c.Serial = parseInteger(e.body)
	switch {
	case c.Serial == nil:
		c.fatal("the serial number is empty")
	case c.Serial.Sign() < 0:
		c.problem("the serial number is negative")
	case c.Serial.Sign() == 0:
		c.problem("the serial number is zero")
	case len(e.body) > 21 || len(e.body) == 21 && e.body[0] != 0:
		c.problem("the serial number has %d bytes, more than 20", len(e.body))
	}
	if c.Serial != nil && !minimalInteger(e.body) {
		c.fatal("the serial number has a needless leading byte")
	}
}

func (c *Certificate) parseName(s *cryptobyte.String, what string) (DN, bool) {
	e, ok := readElement(s)
	if !ok {
		c.fatal("the %s is missing", what)
		return DN{}, false
	}
	if e.tag != tagSequence {
		c.fatal("the %s is no name", what)
		return DN{}, true
	}
	dn, problem := parseDN(e)
	if problem != "" {
		c.fatal("%s: %s", what, problem)
	}
	for _, a := range dn.Attributes {
		if bytes.IndexByte([]byte(a.Value), 0) >= 0 {
			c.problem("%s: an attribute holds a NUL character", what)
			break
		}
	}
	return dn, true
}

func (c *Certificate) parseValidity(s *cryptobyte.String) bool {
	e, ok := readElement(s)
	if !ok {
		c.fatal("the validity is missing")
		return false
	}
	if e.tag != tagSequence {
		c.fatal("the validity is unreadable")
		return true
	}
	for i, field := range []string{"notBefore", "notAfter"} {
		te, ok := readElement(&e.body)
		if !ok {
			c.fatal("%s is missing", field)
			return true
		}
		t, strict, ok := parseTime(te)
		switch {
		case !ok:
			c.fatal("%s is no time: %q", field, Printable(string(te.body)))
		case !strict && (te.tag != tagGeneralized || len(te.body) != 15):
			// OpenSSL compares only the forms of RFC 5280, with seconds and in UTC.
			c.fatal("%s is in a form that RFC 5280 forbids: %q", field, Printable(string(te.body)))
		case !strict:
			c.problem("%s is in a form that RFC 5280 forbids: %q", field, Printable(string(te.body)))
		}
		if i == 0 {
			c.NotBefore = t
		} else {
			c.NotAfter = t
		}
	}
	if !c.NotBefore.IsZero() && !c.NotAfter.IsZero() && c.NotAfter.Before(c.NotBefore) {
		c.problem("notAfter is before notBefore")
	}
	return true
}

// parseRest reads the unique identifiers and the extensions.
func (c *Certificate) parseRest(s cryptobyte.String) {
	for !s.Empty() {
		e, ok := readElement(&s)
		if !ok {
			c.fatal("the end of the signed part is unreadable")
			return
		}
		switch e.tag {
		case contextTag(1, false), contextTag(2, false), contextTag(1, true), contextTag(2, true):
			// issuerUniqueID and subjectUniqueID: forgotten, harmless.
		case contextTag(3, true):
			c.parseExtensions(e.body)
		default:
			c.fatal("an unexpected field with tag 0x%02X", e.tag)
		}
	}
}
