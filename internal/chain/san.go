package chain

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

var generalNameTypes = [...]string{"othername", "email", "dns", "x400", "dirname", "edi", "uri", "ip", "registered-id"}

func (c *Certificate) parseSAN(s *cryptobyte.String) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	if seq.body.Empty() {
		c.problem("subjectAltName is empty")
	}
	for n := 0; !seq.body.Empty(); n++ {
		if n >= maxNames {
			c.problem("more than %d names", maxNames)
			return true
		}
		e, ok := readElement(&seq.body)
		if !ok {
			return false
		}
		c.addSAN(e)
	}
	return true
}

func (c *Certificate) addSAN(e element) {
	kind := int(e.tag & 0x1f)
	if e.tag&0xc0 != 0x80 || kind >= len(generalNameTypes) {
		c.badSAN("unknown", e.body, fmt.Sprintf("unknown type 0x%02X", e.tag))
		return
	}
	name := generalNameTypes[kind]
	switch kind {
	case 1, 2, 6:
		if why := badIA5(e.body); why != "" {
			c.badSAN(name, e.body, why)
			return
		}
		text := string(e.body)
		switch kind {
		case 1:
			c.Emails = append(c.Emails, text)
		case 2:
			if why := badDNSName(text); why != "" {
				c.problem("DNS name %q: %s", Printable(text), why)
			}
			c.DNSNames = append(c.DNSNames, text)
		case 6:
			c.URIs = append(c.URIs, text)
		}
	case 7:
		ip, ok := netip.AddrFromSlice(e.body)
		if !ok {
			c.badSAN(name, e.body, fmt.Sprintf("an IP address of %d bytes", len(e.body)))
			return
		}
		c.IPs = append(c.IPs, ip)
	default:
		c.OtherNames = append(c.OtherNames, OtherName{Type: name, Value: e.body})
	}
}

func (c *Certificate) badSAN(kind string, value []byte, why string) {
	c.BadNames = append(c.BadNames, OtherName{Type: kind, Value: value, Why: why})
	c.problem("subjectAltName %s entry %q: %s", kind, Printable(string(value)), why)
}

func badIA5(body []byte) string {
	for _, b := range body {
		if b == 0 {
			return "holds a NUL character"
		}
		if b >= 0x80 {
			return "holds characters outside ASCII"
		}
	}
	return ""
}

// badDNSName names what clients may stumble over; the entry is kept all the same.
func badDNSName(name string) string {
	switch {
	case name == "":
		return "empty"
	case len(name) > 253:
		return "longer than 253 characters"
	case strings.ContainsAny(name, " \t\r\n"):
		return "holds white space"
	case strings.HasPrefix(name, "http:") || strings.HasPrefix(name, "https:") || strings.Contains(name, "/"):
		return "a URL, not a name"
	case strings.HasSuffix(name, "."):
		return "ends with a dot"
	}
	return ""
}
