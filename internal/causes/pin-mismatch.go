package causes

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "pin-mismatch", rank: rankName, match: func(v *view) *match {
	c := v.leaf()
	if c == nil || !c.Readable() {
		return nil
	}
	m := &match{confidence: diag.Proven}
	m.params = func(fp *FixParams) { fp.certificate(c); fp.Pin = curlPin(c) }
	d := &v.c.Want.Demand
	pinned, tlsa := v.pinned(), v.tlsaMatches()
	if pinned && tlsa {
		return nil
	}
	if !pinned {
		m.summary = "no certificate of the chain has a pinned key"
		for _, p := range d.Pins {
			m.see("--pin", "%s: on no certificate of the path", pinText(p))
		}
		for i, e := range v.path().Elements {
			m.see(v.where(i), "%s has %s", v.element(i), curlPin(e.Cert))
		}
		m.affects = []string{"apps and clients with these pins"}
	}
	if !tlsa {
		if pinned {
			m.summary = "the certificate fits no TLSA record"
		} else {
			m.summary += ", and it fits no TLSA record"
		}
		for _, r := range d.TLSA {
			m.see(d.TLSAFrom, "%s: %s", tlsaText(r), v.tlsaMiss(r))
		}
		m.see(v.where(0), "a record that fits: 3 1 1 %x", c.SPKISHA256)
		m.affects = append(m.affects, "mail servers and other clients that use DANE")
		m.fixes = []FixRef{{"server", "publish-tlsa"}, {"server", "reload"}}
	}
	return m
}})

// curlPin is a certificate's key as --pin and curl's --pinnedpubkey take it.
func curlPin(c *chain.Certificate) string {
	return "sha256//" + base64.StdEncoding.EncodeToString(c.SPKISHA256[:])
}

func pinText(p facts.Pin) string {
	if strings.HasPrefix(strings.ToLower(p.Text), "sha256/") {
		return p.Text
	}
	if p.Certificate {
		return fmt.Sprintf("%x, of a key or a certificate", p.Sum)
	}
	return fmt.Sprintf("%s (sha256//%s)", chain.Printable(p.Text), base64.StdEncoding.EncodeToString(p.Sum[:]))
}

// pinned tells whether a pin is on the path; true where there are no pins.
func (v *view) pinned() bool {
	pins := v.c.Want.Demand.Pins
	for _, p := range pins {
		for _, e := range v.path().Elements {
			if p.Key && p.Sum == e.Cert.SPKISHA256 || p.Certificate && p.Sum == e.Cert.SHA256 {
				return true
			}
		}
	}
	return len(pins) == 0
}

// PinHex is the pin's digest in hex, as a TLSA record writes it.
func (p *FixParams) PinHex() string {
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Pin, "sha256//"))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sum)
}
