package chain

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
)

const maxAttributes = 256 // of one distinguished name

// DN is a distinguished name.
type DN struct {
	Raw        []byte // the Name SEQUENCE; nil = absent or unreadable
	Attributes []Attribute

	canon string // equal for names that RFC 5280, Section 7.1, calls equal
}

// Attribute is one AttributeTypeAndValue.
type Attribute struct {
	OID   string
	Value string // decoded, unescaped: may hold NUL or control characters
	Raw   []byte // the value's TLV
	RDN   int    // index of the RelativeDistinguishedName it is part of
}

// The attribute types that matter here.
const (
	oidCommonName   = "2.5.4.3"
	oidCountry      = "2.5.4.6"
	oidOrganization = "2.5.4.10"
	oidOrgUnit      = "2.5.4.11"
	oidEmail        = "1.2.840.113549.1.9.1"
)

var attributeNames = map[string]string{
	oidCommonName: "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", oidCountry: "C",
	"2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street", oidOrganization: "O", oidOrgUnit: "OU",
	"2.5.4.12": "title", "2.5.4.15": "businessCategory", "2.5.4.17": "postalCode",
	"2.5.4.42": "GN", "2.5.4.97": "organizationIdentifier", oidEmail: "emailAddress",
	"0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
	"1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
	"1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
}

// parseDN reads a Name. What is readable is kept even when ok is false.
func parseDN(e element) (dn DN, problem string) {
	dn.Raw = e.raw
	s := e.body
	canon := make([]byte, 0, 64)
	for rdn := 0; !s.Empty(); rdn++ {
		set, ok := readTag(&s, tagSet)
		if !ok {
			problem = "a relative distinguished name is not a SET"
			break
		}
		var parts []string
		for !set.body.Empty() {
			if len(dn.Attributes) >= maxAttributes {
				problem = "too many attributes"
				break
			}
			a, part, ok := readAttribute(&set.body, rdn)
			if !ok {
				problem = "an attribute is unreadable"
				break
			}
			dn.Attributes = append(dn.Attributes, a)
			parts = append(parts, part)
		}
		sort.Strings(parts)
		for _, part := range parts {
			canon = append(canon, part...)
			canon = append(canon, 0)
		}
		canon = append(canon, 1)
		if problem != "" {
			break
		}
	}
	if problem != "" {
		canon = append(canon[:0], 2) // unreadable names equal only themselves
		canon = append(canon, e.raw...)
	}
	dn.canon = string(canon)
	return dn, problem
}

func readAttribute(s *cryptobyte.String, rdn int) (a Attribute, canon string, ok bool) {
	pair, ok := readTag(s, tagSequence)
	if !ok {
		return a, "", false
	}
	if a.OID, ok = readOID(&pair.body); !ok {
		return a, "", false
	}
	value, ok := readElement(&pair.body)
	if !ok {
		return a, "", false
	}
	a.RDN, a.Raw = rdn, value.raw
	text, isText := decodeText(value.tag, value.body)
	a.Value = text
	if !isText {
		a.Value = "#" + hex.EncodeToString(value.raw)
		return a, a.OID + "\x03" + string(value.raw), true
	}
	return a, a.OID + "\x04" + strings.Join(strings.Fields(strings.ToLower(text)), " "), true
}

// decodeText reads any of ASN.1's string types; what is not valid in its type
// is read as Latin-1.
func decodeText(tag byte, body []byte) (string, bool) {
	switch tag {
	case tagUTF8, tagPrintable, tagIA5, tagVisible, tagNumeric, tagT61:
		if utf8.Valid(body) {
			return string(body), true
		}
		return latin1(body), true
	case tagBMP:
		units := make([]uint16, 0, len(body)/2)
		for s := cryptobyte.String(body); ; {
			var u uint16
			if !s.ReadUint16(&u) {
				return string(utf16.Decode(units)), true
			}
			units = append(units, u)
		}
	case tagUniversal:
		var b strings.Builder
		for s := cryptobyte.String(body); ; {
			var r uint32
			if !s.ReadUint32(&r) {
				return b.String(), true
			}
			if r > unicode.MaxRune {
				r = unicode.ReplacementChar
			}
			b.WriteRune(rune(r))
		}
	}
	return "", false
}

func latin1(body []byte) string {
	runes := make([]rune, len(body))
	for i, c := range body {
		runes[i] = rune(c)
	}
	return string(runes)
}

// Empty reports whether the name has no attributes.
func (d DN) Empty() bool { return len(d.Attributes) == 0 }

// Equal compares as RFC 5280, Section 7.1, asks and OpenSSL does: letter case,
// string type and needless spaces do not count.
func (d DN) Equal(other DN) bool { return len(d.Raw) > 0 && d.canon == other.canon }

// SameBytes reports whether both are encoded alike, which Go and Firefox demand.
func (d DN) SameBytes(other DN) bool { return bytes.Equal(d.Raw, other.Raw) }

// Get gives the last value of an attribute type (the most specific one), for
// printing: control characters are escaped.
func (d DN) Get(oid string) string {
	for i := len(d.Attributes) - 1; i >= 0; i-- {
		if d.Attributes[i].OID == oid {
			return Printable(d.Attributes[i].Value)
		}
	}
	return ""
}

// CN is the common name, for printing.
func (d DN) CN() string { return d.Get(oidCommonName) }

// O is the organisation, for printing.
func (d DN) O() string { return d.Get(oidOrganization) }

// OU is the organisational unit, for printing.
func (d DN) OU() string { return d.Get(oidOrgUnit) }

// C is the country, for printing.
func (d DN) C() string { return d.Get(oidCountry) }

// RawCNs are all common names, unescaped.
func (d DN) RawCNs() []string {
	var names []string
	for _, a := range d.Attributes {
		if a.OID == oidCommonName {
			names = append(names, a.Value)
		}
	}
	return names
}

// String prints in the manner of RFC 4514: the most specific attribute first,
// special and control characters escaped. "(empty)" stands for no attributes.
func (d DN) String() string {
	if d.Empty() {
		return "(empty)"
	}
	var b strings.Builder
	for i := len(d.Attributes) - 1; i >= 0; i-- {
		a := d.Attributes[i]
		name, ok := attributeNames[a.OID]
		if !ok {
			name = a.OID
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(escapeValue(a.Value))
		if i > 0 {
			if d.Attributes[i-1].RDN == a.RDN {
				b.WriteByte('+')
			} else {
				b.WriteString(", ")
			}
		}
	}
	return b.String()
}

func escapeValue(v string) string {
	var b strings.Builder
	for _, r := range Printable(v) {
		if strings.ContainsRune(`,+"<>;`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Printable makes text from a certificate safe for a terminal and for a line:
// control, format and invalid characters become \xNN or \u{N}; what is longer than
// 300 runes is cut.
func Printable(v string) string {
	safe := true
	for _, r := range v {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			safe = false
			break
		}
	}
	if safe && len(v) <= 300 {
		return v
	}
	var b strings.Builder
	n := 0
	for i, r := range v {
		if n++; n > 300 {
			b.WriteString("…")
			break
		}
		switch {
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02X`, v[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02X`, r)
		default:
			fmt.Fprintf(&b, `\u{%X}`, r)
		}
	}
	return b.String()
}

// ParseDN reads a distinguished name given as DER, such as an entry of
// certificate_authorities. What is readable is kept; the zero DN means that
// nothing was.
func ParseDN(der []byte) DN {
	s := cryptobyte.String(der)
	e, ok := readElement(&s)
	if !ok {
		return DN{}
	}
	dn, _ := parseDN(e)
	return dn
}

// Key is equal for names that Equal calls equal: for maps.
func (d DN) Key() string { return d.canon }
