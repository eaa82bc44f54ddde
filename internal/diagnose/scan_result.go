package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/inventory"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// fillInventory turns what was seen into the result.
func (p *plan) fillInventory(inv *diag.Inventory, w *facts.Want, r *inventory.Result, now time.Time) {
	inv.Connections, inv.RTTMS = r.Connections, ms(r.RTT)
	inv.Software = w.Server
	if !r.Reached {
		inv.Verdict, inv.Outcome, inv.NotTested = diag.Untested, "interrupted before anything answered", []diag.NotTested{}
		if r.End != nil {
			inv.Verdict = diag.Failure
			inv.Outcome = causes.EndText(r.End)
			if r.End.End.Kind == facts.EndCanceled || r.End.End.Kind == facts.EndLocal {
				inv.Verdict = diag.Untested
			}
		}
		return
	}
	if inv.Software == "" && r.First != nil && r.First.HTTP != nil {
		if name, ok := causes.Software(productOf(r.First.HTTP.Header.Get("Server"))); ok {
			inv.Software = name
		}
	}
	for _, v := range r.Versions {
		inv.Versions = append(inv.Versions, offeredVersion(v))
	}
	for _, g := range r.Groups {
		inv.Groups = append(inv.Groups, diag.OfferedGroup{Name: g.Group.String(), Code: fmt.Sprintf("0x%04X", uint16(g.Group)),
			PostQuantum: postQuantum(g.Group), Versions: versionWords(g.Versions)})
	}
	for _, s := range r.Schemes {
		inv.Schemes = append(inv.Schemes, diag.OfferedScheme{Name: s.Scheme.String(), Code: fmt.Sprintf("0x%04X", uint16(s.Scheme)),
			Versions: versionWords(s.Versions), Weak: weakScheme(s.Scheme)})
	}
	for _, d := range r.DH {
		x := diag.DHPrime{Bits: d.Bits, Weak: weakDH(d.Bits)}
		if d.Named != 0 {
			x.Name = d.Named.String()
		}
		inv.DH = append(inv.DH, x)
	}
	inv.ALPN = append(inv.ALPN, r.ALPN...)
	for _, c := range r.Certificates {
		inv.Certificates = append(inv.Certificates, servedCertificate(c))
	}
	for _, ca := range r.Authorities {
		inv.Authorities = append(inv.Authorities, chain.ParseDN(ca).String())
	}
	fillProperties(inv, r, w)
	encryptedHello(inv)
	judgeServed(inv, r, w, now)
	fillWeak(inv)
	for i := range guidelines() {
		inv.Guidelines = append(inv.Guidelines, guidelines()[i].compare(inv, r, w))
	}
	inv.Notes = append(inv.Notes, r.Varies...)
	for _, g := range r.Unknown {
		inv.NotTested = append(inv.NotTested, diag.NotTested{What: g.What, Reason: g.Why})
	}
}

func offeredVersion(v *inventory.Version) diag.OfferedVersion {
	out := diag.OfferedVersion{Version: v.Version.String(), Offered: v.Offered.String(), Why: v.How, Order: string(v.Order), Complete: v.Complete, Suites: []diag.OfferedSuite{}}
	for _, c := range v.Suites {
		out.Suites = append(out.Suites, diag.OfferedSuite{Name: c.String(), OpenSSL: c.OpenSSLName(), Code: fmt.Sprintf("0x%04X", uint16(c)),
			Bits: bits(c), Weak: weakSuite(c, v.Version)})
	}
	for _, spec := range v.SSL2 {
		out.Suites = append(out.Suites, diag.OfferedSuite{Name: tlswire.SSL2SpecName(spec), Code: fmt.Sprintf("0x%06X", spec), Weak: "SSL 2.0 is broken"})
	}
	return out
}

func servedCertificate(c inventory.Certificate) diag.ServedCertificate {
	out := diag.ServedCertificate{Chain: []diag.Certificate{}, Versions: versionWords(c.Versions), For: c.SNI, Staple: len(c.Staple) > 0, SCTs: scts(c), Bytes: c.Size}
	for i, cert := range c.Chain {
		x := certificate(cert)
		x.Role, x.Source, x.Position = "intermediate", "sent", i
		if i == 0 {
			x.Role = "leaf"
		} else if cert.SelfIssued() {
			x.Role = "root"
		}
		out.Chain = append(out.Chain, x)
	}
	return out
}

// scts counts the signed certificate timestamps.
func scts(c inventory.Certificate) int {
	if len(c.Chain) == 0 {
		return c.SCTs
	}
	return c.SCTs + len(c.Chain[0].SCTs)
}

func versionWords(versions []tlswire.Version) []string {
	versions = slices.Clone(versions)
	slices.SortFunc(versions, func(a, b tlswire.Version) int { return cmp.Compare(b, a) })
	out := []string{}
	for _, v := range versions {
		out = append(out, v.String())
	}
	return out
}

// productOf is the name in a Server header: nginx of "nginx/1.29.2".
func productOf(header string) string {
	for i, r := range header {
		if r == '/' || r == ' ' || r == '(' {
			return header[:i]
		}
	}
	return header
}
