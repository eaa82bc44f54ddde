package chain

import (
	"net/netip"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

func TestNameConstraints(t *testing.T) {
	t.Parallel()
	dn := func(values ...string) DN {
		var sets [][]byte
		for _, v := range values {
			sets = append(sets, tlv(0x31, tlv(0x30, unhex("060355040a"), tlv(tagUTF8, []byte(v)))))
		}
		e := element{tag: tagSequence, raw: tlv(0x30, sets...)}
		for _, s := range sets {
			e.body = append(e.body, s...)
		}
		name, _ := parseDN(e)
		return name
	}
	tree := func(kind, text string) Subtree { return Subtree{Type: kind, Text: text} }
	name := func(kind, text string) constrained { return constrained{kind: kind, text: text} }
	ip := func(text string) constrained {
		return constrained{kind: "ip", text: text, ip: netip.MustParseAddr(text)}
	}
	network := func(text string) Subtree {
		return Subtree{Type: "ip", Text: text, Prefix: netip.MustParsePrefix(text)}
	}
	for _, tc := range []struct {
		name  string
		tree  Subtree
		of    constrained
		holds bool
	}{
		{"itself", tree("dns", "example.com"), name("dns", "example.com"), true},
		{"below", tree("dns", "example.com"), name("dns", "A.Example.com"), true},
		{"wildcard below", tree("dns", "example.com"), name("dns", "*.example.com"), true},
		{"beside", tree("dns", "example.com"), name("dns", "badexample.com"), false},
		{"above", tree("dns", "a.example.com"), name("dns", "example.com"), false},
		{"leading dot", tree("dns", ".example.com"), name("dns", "a.example.com"), true},
		{"leading dot, itself", tree("dns", ".example.com"), name("dns", "example.com"), false},
		{"everything", tree("dns", ""), name("dns", "example.com"), true},
		{"network", network("10.0.0.0/8"), ip("10.1.2.3"), true},
		{"other network", network("10.0.0.0/8"), ip("11.1.2.3"), false},
		{"other family", network("::/0"), ip("10.1.2.3"), false},
		{"mailbox", tree("email", "a@example.com"), name("email", "a@EXAMPLE.com"), true},
		{"mailbox, letter case", tree("email", "a@example.com"), name("email", "A@example.com"), false},
		{"mail host", tree("email", "example.com"), name("email", "a@example.com"), true},
		{"mail host, below", tree("email", "example.com"), name("email", "a@b.example.com"), false},
		{"mail domain", tree("email", ".example.com"), name("email", "a@b.example.com"), true},
		{"no mailbox", tree("email", "example.com"), name("email", "example.com"), false},
		{"URI host", tree("uri", "example.com"), name("uri", "https://example.com:8443/x"), true},
		{"URI below", tree("uri", ".example.com"), name("uri", "https://a.example.com/"), true},
		{"no URI", tree("uri", "example.com"), name("uri", "::"), false},
		{"name prefix", Subtree{Type: "dirname", DN: dn("Acme")}, constrained{kind: "dirname", dn: dn("ACME", "Web")}, true},
		{"name that only begins alike", Subtree{Type: "dirname", DN: dn("Acm")}, constrained{kind: "dirname", dn: dn("Acme")}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.tree.holds(tc.of); got != tc.holds {
				t.Errorf("got %v, want %v", got, tc.holds)
			}
			_, _, ok := (&NameConstraints{Permitted: []Subtree{tc.tree}}).allows(tc.of)
			if ok != tc.holds {
				t.Errorf("permitted: got %v, want %v", ok, tc.holds)
			}
			_, excluded, ok := (&NameConstraints{Excluded: []Subtree{tc.tree}}).allows(tc.of)
			if ok == tc.holds || excluded != tc.holds {
				t.Errorf("excluded: got %v, %v, want %v", ok, excluded, !tc.holds)
			}
			if _, _, ok := (&NameConstraints{Permitted: []Subtree{{Type: "other"}}}).allows(tc.of); !ok {
				t.Error("a constraint on another type applies")
			}
		})
	}
}

func TestReadSubtree(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, hex, text string
		bad             bool
	}{
		{"dns", "8203612e62", "a.b", false},
		{"dns with NUL", "8203610062", "a\x00b", true},
		{"network", "87080a000000ff000000", "10.0.0.0/8", false},
		{"mask with holes", "87080a000000ff00ff00", "", true},
		{"short network", "87040a000000", "", true},
		{"directory name", "a402 3000", "(empty)", false},
		{"unknown type", "8f00", "", true},
	} {
		s := unhex(tc.hex)
		e, ok := readElement((*cryptobyte.String)(&s))
		if !ok {
			t.Fatalf("%s: not an element", tc.name)
		}
		got := readSubtree(e)
		if got.Text != tc.text || (got.Bad != "") != tc.bad {
			t.Errorf("%s: got %+v", tc.name, got)
		}
	}
}
