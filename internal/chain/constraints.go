package chain

import (
	"net/netip"

	"golang.org/x/crypto/cryptobyte"
)

// NameConstraints is RFC 5280, Section 4.2.1.10.
type NameConstraints struct {
	Permitted []Subtree
	Excluded  []Subtree
	Critical  bool
}

// Subtree is one base of a GeneralSubtree.
type Subtree struct {
	Type   string // "dns", "ip", "email", "uri", "dirname" or another GeneralName type
	Text   string // for printing; of dns, email and uri also the constraint itself
	Prefix netip.Prefix
	DN     DN
	Bad    string // why it cannot be understood
}

func (c *Certificate) parseConstraints(s *cryptobyte.String, critical bool) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	nc := &NameConstraints{Critical: critical}
	c.NameConstraints = nc
	for !seq.body.Empty() {
		e, ok := readElement(&seq.body)
		if !ok {
			return false
		}
		trees := &nc.Permitted
		switch e.tag {
		case contextTag(0, true):
		case contextTag(1, true):
			trees = &nc.Excluded
		default:
			return false
		}
		for !e.body.Empty() && len(*trees) < maxListed {
			item, ok := readTag(&e.body, tagSequence)
			if !ok {
				return false
			}
			base, ok := readElement(&item.body)
			if !ok {
				return false
			}
			t := readSubtree(base)
			if t.Bad != "" {
				c.problem("nameConstraints: %s", t.Bad)
			}
			*trees = append(*trees, t)
		}
	}
	if len(nc.Permitted)+len(nc.Excluded) == 0 {
		c.problem("nameConstraints are empty")
	}
	return true
}

func readSubtree(e element) Subtree {
	kind := int(e.tag & 0x1f)
	if e.tag&0xc0 != 0x80 || kind >= len(generalNameTypes) {
		return Subtree{Type: "unknown", Bad: "a name of unknown type"}
	}
	t := Subtree{Type: generalNameTypes[kind]}
	switch kind {
	case 1, 2, 6:
		t.Text = string(e.body)
		if why := badIA5(e.body); why != "" {
			t.Bad = "a " + t.Type + " constraint " + why
		}
	case 4:
		if dn, ok := readTag(&e.body, tagSequence); ok {
			var problem string
			if t.DN, problem = parseDN(dn); problem != "" {
				t.Bad = problem
			}
		} else {
			t.Bad = "an unreadable directory name"
		}
		t.Text = t.DN.String()
	case 7:
		half := len(e.body) / 2
		var addr, mask []byte
		s := e.body
		if (half != 4 && half != 16) || !s.ReadBytes(&addr, half) || !s.ReadBytes(&mask, half) || !s.Empty() {
			t.Bad = "an IP constraint of a wrong length"
			break
		}
		ip, _ := netip.AddrFromSlice(addr)
		ones, ok := maskBits(mask)
		if !ok {
			t.Bad = "an IP constraint whose mask has holes"
			break
		}
		t.Prefix = netip.PrefixFrom(ip, ones).Masked()
		t.Text = t.Prefix.String()
	}
	return t
}

// maskBits counts the leading ones of a mask without holes.
func maskBits(mask []byte) (int, bool) {
	ones, ended := 0, false
	for _, b := range mask {
		for bit := byte(0x80); bit != 0; bit >>= 1 {
			if b&bit == 0 {
				ended = true
			} else if ended {
				return 0, false
			} else {
				ones++
			}
		}
	}
	return ones, true
}
