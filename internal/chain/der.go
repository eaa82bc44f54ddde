package chain

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// The tags of X.690 that certificates use.
const (
	tagBoolean     = 0x01
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagUTF8        = 0x0c
	tagNumeric     = 0x12
	tagPrintable   = 0x13
	tagT61         = 0x14
	tagIA5         = 0x16
	tagUTCTime     = 0x17
	tagGeneralized = 0x18
	tagVisible     = 0x1a
	tagUniversal   = 0x1c
	tagBMP         = 0x1e
	tagSequence    = 0x30
	tagSet         = 0x31
)

// element is one TLV. Lengths that DER forbids (not minimal) are read, since
// OpenSSL reads them too, but marked. The indefinite form is not.
type element struct {
	tag   byte
	body  cryptobyte.String
	raw   []byte
	isBER bool // length not in its shortest form
}

// readElement takes the next TLV off s.
func readElement(s *cryptobyte.String) (element, bool) {
	var e element
	start := *s
	var first uint8
	if !s.ReadUint8(&e.tag) || e.tag&0x1f == 0x1f || !s.ReadUint8(&first) {
		*s = start
		return e, false
	}
	length := uint32(first)
	if first >= 0x80 {
		n := int(first & 0x7f)
		var digits []byte
		if n == 0 || n > 8 || !s.ReadBytes(&digits, n) {
			*s = start
			return e, false
		}
		length = 0
		for _, d := range digits {
			if length > 0xffffff {
				*s = start
				return e, false
			}
			length = length<<8 | uint32(d)
		}
		e.isBER = length < 0x80 || digits[0] == 0
	}
	var body []byte
	if uint64(length) > uint64(len(*s)) || !s.ReadBytes(&body, int(length)) {
		*s = start
		return e, false
	}
	e.body = body
	e.raw = start[:len(start)-len(*s)]
	return e, true
}

// readTag takes the next TLV off s when it has the tag.
func readTag(s *cryptobyte.String, tag byte) (element, bool) {
	start := *s
	e, ok := readElement(s)
	if !ok || e.tag != tag {
		*s = start
		return element{}, false
	}
	return e, true
}

// contextTag is the tag of a context-specific element.
func contextTag(n byte, constructed bool) byte {
	if constructed {
		return 0xa0 | n
	}
	return 0x80 | n
}

// parseOID gives the dotted form. Arcs above 2^63 are refused.
func parseOID(body []byte) (string, bool) {
	if len(body) == 0 || len(body) > 64 || body[len(body)-1]&0x80 != 0 {
		return "", false
	}
	var b strings.Builder
	var arc uint64
	first := true
	for _, c := range body {
		if arc > 1<<56 {
			return "", false
		}
		arc = arc<<7 | uint64(c&0x7f)
		if c&0x80 != 0 {
			continue
		}
		if first {
			root := min(arc/40, 2)
			b.WriteString(strconv.FormatUint(root, 10))
			arc -= root * 40
			first = false
		}
		b.WriteByte('.')
		b.WriteString(strconv.FormatUint(arc, 10))
		arc = 0
	}
	return b.String(), true
}

// readOID takes an OBJECT IDENTIFIER off s.
func readOID(s *cryptobyte.String) (string, bool) {
	e, ok := readTag(s, tagOID)
	if !ok {
		return "", false
	}
	return parseOID(e.body)
}

// parseInteger reads a two's complement INTEGER of any length.
func parseInteger(body []byte) *big.Int {
	if len(body) == 0 {
		return nil
	}
	n := new(big.Int).SetBytes(body)
	if body[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(body))*8))
	}
	return n
}

// minimalInteger reports whether an INTEGER has no needless leading octet.
func minimalInteger(body []byte) bool {
	if len(body) < 2 {
		return len(body) == 1
	}
	return !(body[0] == 0 && body[1]&0x80 == 0 || body[0] == 0xff && body[1]&0x80 != 0)
}

// parseBitString gives the octets of a BIT STRING and the number of unused bits.
func parseBitString(body []byte) (data []byte, unused int, ok bool) {
	if len(body) == 0 || body[0] > 7 || body[0] > 0 && len(body) == 1 {
		return nil, 0, false
	}
	return body[1:], int(body[0]), true
}

// readBool takes an optional BOOLEAN off s.
func readBool(s *cryptobyte.String) (value, present, der bool) {
	e, ok := readTag(s, tagBoolean)
	if !ok || len(e.body) != 1 {
		return false, ok, !ok
	}
	return e.body[0] != 0, true, e.body[0] == 0 || e.body[0] == 0xff
}

// Layouts of UTCTime and GeneralizedTime: those of RFC 5280, Section 4.1.2.5,
// first, then those that only lenient readers take.
var (
	utcLayouts         = []string{"060102150405Z", "060102150405-0700", "0601021504Z", "0601021504-0700"}
	generalizedLayouts = []string{"20060102150405Z", "20060102150405-0700", "20060102150405",
		"20060102150405.999999999Z", "20060102150405.999999999-0700", "200601021504Z"}
)

// parseTime reads a Time; strict says whether RFC 5280 allows the form.
func parseTime(e element) (t time.Time, strict, ok bool) {
	layouts := generalizedLayouts
	switch e.tag {
	case tagUTCTime:
		layouts = utcLayouts
	case tagGeneralized:
	default:
		return time.Time{}, false, false
	}
	if len(e.body) > 40 {
		return time.Time{}, false, false
	}
	text := string(e.body)
	for i, layout := range layouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		fraction := strings.ContainsAny(text, ".,") // Go reads fractions even where no layout has them
		t = t.UTC()
		// Years 50 to 99 are of the 20th century; Go puts 50 to 68 into the 21st.
		if e.tag == tagUTCTime && t.Year() >= 2050 {
			t = t.AddDate(-100, 0, 0)
		}
		strict := i == 0 && !fraction && (e.tag == tagUTCTime || t.Year() >= 2050)
		return t, strict, true
	}
	return time.Time{}, false, false
}
