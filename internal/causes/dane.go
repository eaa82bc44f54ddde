package causes

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// The certificate usages of RFC 6698, Section 2.1.1, with the acronyms of RFC
// 7218.
const (
	pkixTA = 0
	pkixEE = 1
	daneTA = 2
	daneEE = 3
)

var usageNames = [...]string{"PKIX-TA", "PKIX-EE", "DANE-TA", "DANE-EE"}

// tlsaText is a record as in a zone file, its data cut short.
func tlsaText(r facts.TLSA) string {
	data := fmt.Sprintf("%x", r.Data)
	if len(data) > 24 {
		data = data[:24] + "..."
	}
	name := ""
	if int(r.Usage) < len(usageNames) {
		name = " (" + usageNames[r.Usage] + ")"
	}
	return fmt.Sprintf("%d %d %d %s%s", r.Usage, r.Selector, r.Matching, data, name)
}

// fits tells whether a record is about this certificate (RFC 6698, Sections
// 2.1.2 and 2.1.3).
func fits(r facts.TLSA, c *chain.Certificate) bool {
	var data []byte
	switch r.Selector {
	case 0:
		data = c.DER
	case 1:
		data = c.Key.Raw
	default:
		return false
	}
	switch r.Matching {
	case 0:
	case 1:
		sum := sha256.Sum256(data)
		data = sum[:]
	case 2:
		sum := sha512.Sum512(data)
		data = sum[:]
	default:
		return false
	}
	return len(data) > 0 && bytes.Equal(data, r.Data)
}

// usable tells whether a record counts: in SMTP those that add to a public CA do
// not (RFC 7672, Section 3.1.3).
func (v *view) usable(r facts.TLSA) bool {
	mail := strings.HasPrefix(v.c.Want.Protocol, "smtp") || v.c.Want.Protocol == "submissions"
	return !mail || r.Usage == daneTA || r.Usage == daneEE
}

// tlsaMatches tells whether the chain fits a usable record; true where there is
// none. A CA counts for DANE-TA only when it was sent (RFC 7671, Section 5.2.2).
func (v *view) tlsaMatches() bool {
	usable := false
	for _, r := range v.c.Want.Demand.TLSA {
		if !v.usable(r) {
			continue
		}
		usable = true
		switch r.Usage {
		case pkixEE, daneEE:
			if fits(r, v.deep.Chain[0]) {
				return true
			}
		case daneTA:
			if daneAnchor(r, v.deep.Chain) != nil {
				return true
			}
		case pkixTA:
			for _, e := range v.path().Elements {
				if fits(r, e.Cert) {
					return true
				}
			}
		}
	}
	return !usable
}

// tlsaMiss says why a record does not help.
func (v *view) tlsaMiss(r facts.TLSA) string {
	switch {
	case !v.usable(r):
		return "not used for SMTP (RFC 7672, Section 3.1.3)"
	case r.Usage == daneTA && len(v.deep.Chain) < 2:
		return "no CA was sent that could fit"
	case r.Usage == pkixEE || r.Usage == daneEE:
		return "not the certificate that is served"
	}
	return "no certificate of the chain"
}

// daneAnchor is the sent certificate that a DANE-TA record is about, or nil.
func daneAnchor(r facts.TLSA, sent []*chain.Certificate) *chain.Certificate {
	for i, c := range sent {
		if i > 0 && r.Usage == daneTA && fits(r, c) {
			return c
		}
	}
	return nil
}

// withDANE changes what is judged where a TLSA record vouches for the chain: a
// DANE-EE record for the leaf alone, whatever its name, its dates and its issuer
// (RFC 7671, Section 5.1), a DANE-TA record for a CA that was sent.
func (v *view) withDANE(in *chain.Input) {
	if len(in.Sent) == 0 {
		return
	}
	for _, r := range v.c.Want.Demand.TLSA {
		if r.Usage == daneEE && fits(r, in.Sent[0]) {
			*in = chain.Input{Sent: in.Sent[:1], Anchors: in.Sent[:1], KeyUse: in.KeyUse, Policy: in.Policy, OwnAnchors: true}
			in.Policy.IgnoreKeyUsage, in.Policy.IgnoreExtKeyUsage = true, true
			return
		}
		if ca := daneAnchor(r, in.Sent); ca != nil {
			in.Anchors = append(in.Anchors[:len(in.Anchors):len(in.Anchors)], ca)
		}
	}
}

// Vouched says, for a note, that a TLSA record took the place of the usual
// checks; "" where none did.
func Vouched(c *facts.Case) string {
	for _, r := range c.Want.Demand.TLSA {
		for _, a := range c.Attempts {
			switch {
			case len(a.Chain) == 0:
			case r.Usage == daneEE && fits(r, a.Chain[0]):
				return fmt.Sprintf("the TLSA record %s vouches for the certificate: its name, dates and issuer are not checked (RFC 7671, Section 5.1)", tlsaText(r))
			case daneAnchor(r, a.Chain) != nil:
				return fmt.Sprintf("the TLSA record %s vouches for %s, which was taken as an anchor", tlsaText(r), daneAnchor(r, a.Chain).Title())
			}
		}
	}
	return ""
}
