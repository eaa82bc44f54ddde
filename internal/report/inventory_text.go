package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// inventoryLabel is the column of the text behind "TLS 1.3" and the like.
const inventoryLabel = 14

// inventory is the page of one target.
func (p *printer) inventory(inv *diag.Inventory, o Options) {
	sign, st := "✓", green
	switch {
	case inv.Verdict == diag.Failure:
		sign, st = "✗", red
	case inv.Verdict == diag.Untested:
		sign, st = "?", yellow
	case len(inv.Weak) > 0:
		sign, st = "!", yellow
	}
	p.item(item{lead: p.paint(st, p.glyph(sign)) + " ", leadWidth: 2, text: label(inv.Target) + "  " + offers(inv), style: bold,
		right: fmt.Sprintf("%d connections, %s", inv.Connections, seconds(inv.DurationMS))})
	if o.Quiet {
		return
	}
	if len(inv.Versions) > 0 {
		p.blank()
	}
	for _, v := range inv.Versions {
		p.offeredVersion(v, o.Verbose > 0)
	}
	p.listing(inv, o)
	p.weaknesses(inv)
	for i, n := range inv.NotTested {
		lead := ""
		if i == 0 {
			p.blank()
			lead = "Not found out"
		}
		p.item(item{indent: 2, lead: lead, leadWidth: inventoryLabel, leadStyle: bold, text: n.What + ": " + n.Reason})
	}
	for _, n := range inv.Notes {
		p.item(item{indent: 2, leadWidth: inventoryLabel, text: n})
	}
}

// offers is the answer in one line.
func offers(inv *diag.Inventory) string {
	if inv.Outcome != "" {
		return inv.Outcome
	}
	var offered []string
	suites := map[string]bool{}
	for _, v := range inv.Versions {
		if v.Offered == diag.Yes {
			offered = append(offered, v.Version)
			for _, c := range v.Suites {
				suites[c.Name] = true
			}
		}
	}
	s := strings.Join(offered, ", ") + "; " + plural(len(suites), "cipher suite")
	if n := len(inv.Weak); n > 0 {
		s += "; " + plural(n, "thing") + " to mend"
	}
	return s
}

func seconds(ms float64) string { return fmt.Sprintf("%.1f s", ms/1000) }

// orderWords say whose order decides.
var orderWords = map[string]string{"server": "in the server's order", "client": "the client's order decides", "mixed": "groups of equal rank, in which the client's order decides"}

// oneByOne is how many suites of a version are listed a line each.
const oneByOne = 12

// offeredVersion is a version with its suites: a line each where they are few,
// else in order, one after the other. The weak ones are marked.
func (p *printer) offeredVersion(v diag.OfferedVersion, all bool) {
	head := item{indent: 2, lead: v.Version, leadWidth: inventoryLabel, leadStyle: bold}
	if v.Offered != diag.Yes {
		head.text = "not offered"
		if v.Offered == diag.Unknown {
			head.text = "not known"
		}
		head.right, head.leadStyle = v.Why, dim
		p.item(head)
		return
	}
	head.text = plural(len(v.Suites), "suite")
	if w := orderWords[v.Order]; w != "" {
		head.text += ", " + w
	}
	p.item(head)
	if all || len(v.Suites) <= oneByOne {
		for _, c := range v.Suites {
			it := item{indent: 4, leadWidth: 2, text: c.Name}
			if c.Weak != "" {
				it.lead, it.leadStyle, it.text = "!", yellow, c.Name+"  "+c.Weak
			}
			p.item(it)
		}
		return
	}
	var names, reasons []string
	weak := map[string]int{}
	for _, c := range v.Suites {
		name := strings.TrimPrefix(c.Name, "TLS_")
		if c.Weak != "" {
			name += "!"
			if weak[c.Weak]++; weak[c.Weak] == 1 {
				reasons = append(reasons, c.Weak)
			}
		}
		names = append(names, name)
	}
	p.item(item{indent: 6, text: strings.Join(names, " "), paste: true})
	for _, r := range reasons {
		p.item(item{indent: 4, lead: "!", leadWidth: 2, leadStyle: yellow, text: fmt.Sprintf("%d of them: %s", weak[r], r)})
	}
}

// listing is what is not of one version alone.
func (p *printer) listing(inv *diag.Inventory, o Options) {
	first := true
	row := func(lead, text string) {
		if text == "" {
			return
		}
		if first {
			p.blank()
			first = false
		}
		p.item(item{indent: 2, lead: lead, leadWidth: inventoryLabel, leadStyle: bold, text: text})
	}
	var groups, schemes, primes []string
	for _, g := range inv.Groups {
		groups = append(groups, g.Name)
	}
	row("groups", strings.Join(groups, ", "))
	for _, s := range inv.Schemes {
		name := s.Name
		if s.Weak != "" {
			name += "!"
		}
		schemes = append(schemes, name)
	}
	row("signatures", strings.Join(schemes, ", "))
	for _, d := range inv.DH {
		s := fmt.Sprintf("%d bits", d.Bits)
		if d.Name != "" {
			s = d.Name
		}
		primes = append(primes, s)
	}
	row("DH primes", strings.Join(primes, ", "))
	row("ALPN", strings.Join(inv.ALPN, ", "))
	for _, c := range inv.Certificates {
		row("certificate", certificateLine(c))
	}
	for _, want := range []string{diag.Yes, diag.No} {
		var names []string
		for _, x := range inv.Properties {
			if x.Value == want && (x.Weak == "" || o.Verbose > 0) {
				names = append(names, phrase(x))
			}
		}
		row(want, strings.Join(names, "; "))
	}
	for _, r := range inv.Records {
		text := strings.Join(r.Data, "; ")
		if text == "" {
			text = "none"
		}
		row(r.Type, text)
	}
}

func phrase(x diag.Property) string {
	if x.Text == "" {
		return x.Name
	}
	return x.Name + " (" + x.Text + ")"
}

func certificateLine(c diag.ServedCertificate) string {
	if len(c.Chain) == 0 {
		return "empty"
	}
	leaf := c.Chain[0]
	s := fmt.Sprintf("%s, %s, until %s, issued by %s, %s sent", leaf.Key, leaf.Subject, day(leaf.NotAfter), leaf.Issuer, plural(len(c.Chain), "certificate"))
	if c.For != "" {
		s = "for " + c.For + ": " + s
	}
	return s
}

// weaknesses is what to mend, and how the server stands to the guidelines.
func (p *printer) weaknesses(inv *diag.Inventory) {
	for i, w := range inv.Weak {
		lead := ""
		if i == 0 {
			p.blank()
			lead = "To mend"
		}
		p.item(item{indent: 2, lead: lead, leadWidth: inventoryLabel, leadStyle: bold, text: w.Text})
	}
	if len(inv.Guidelines) == 0 {
		return
	}
	p.blank()
	for _, g := range inv.Guidelines {
		p.guideline(g, g.Meets == diag.Yes || !slices.ContainsFunc(inv.Guidelines, func(x diag.Guideline) bool { return x.Meets == diag.Yes }))
	}
}

func (p *printer) guideline(g diag.Guideline, whole bool) {
	p.item(item{indent: 2, lead: g.Name, leadWidth: inventoryLabel, leadStyle: bold, text: g.Meets})
	if !whole {
		return
	}
	for _, d := range g.Deviations {
		p.item(item{indent: 4, text: d.Text})
	}
}
