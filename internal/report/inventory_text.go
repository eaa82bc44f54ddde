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
	for i, v := range inv.Versions {
		if i > 0 && len(v.Suites) > 1 && v.Order == inv.Versions[i-1].Order && slices.Equal(v.Suites, inv.Versions[i-1].Suites) && o.Verbose == 0 {
			p.item(item{indent: 2, lead: v.Version, leadWidth: inventoryLabel, leadStyle: bold, text: "the same " + versionTitle(v)})
			continue
		}
		p.offeredVersion(v, o.Verbose > 0)
	}
	p.listing(inv, o)
	p.weaknesses(inv, o)
	for i, n := range inv.NotTested {
		lead := ""
		if i == 0 {
			p.blank()
			lead = "Not found out"
		}
		p.item(item{indent: 2, lead: lead, leadWidth: inventoryLabel, leadStyle: bold, text: n.What + ": " + n.Reason})
	}
	for i, n := range inv.Notes {
		lead := ""
		if i == 0 {
			p.blank()
			lead = "Notes"
		}
		p.item(item{indent: 2, lead: lead, leadWidth: inventoryLabel, leadStyle: bold, text: n})
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
			name := v.Version
			if len(offered) > 0 {
				name = strings.TrimPrefix(name, "TLS ")
			}
			offered = append(offered, name)
			for _, c := range v.Suites {
				suites[c.Name] = true
			}
		}
	}
	s := strings.Join(offered, ", ") + "; " + plural(len(suites), "suite")
	if n := len(inv.Weak); n > 0 {
		s += fmt.Sprintf("; %d to mend", n)
	}
	return s
}

func seconds(ms float64) string { return fmt.Sprintf("%.1f s", ms/1000) }

// orderWords say whose order decides.
var orderWords = map[string]string{"server": "in the server's order", "client": "the client's order decides", "mixed": "groups of equal rank, in which the client's order decides"}

// versionTitle says how many suites a version has, and in whose order.
func versionTitle(v diag.OfferedVersion) string {
	switch {
	case v.Offered == diag.No:
		return "not offered"
	case v.Offered != diag.Yes:
		return "not known"
	case orderWords[v.Order] != "":
		return plural(len(v.Suites), "suite") + ", " + orderWords[v.Order]
	}
	return plural(len(v.Suites), "suite")
}

// meets says in words how a server stands to a guideline.
func meets(g diag.Guideline) string {
	switch g.Meets {
	case diag.Yes:
		return "met"
	case diag.No:
		return plural(len(g.Deviations), "difference")
	}
	return "too little is known"
}

// oneByOne is how many suites of a version are listed a line each.
const oneByOne = 12

// offeredVersion is a version with its suites: a line each where they are few,
// else in order, one after the other. The weak ones are marked.
func (p *printer) offeredVersion(v diag.OfferedVersion, all bool) {
	head := item{indent: 2, lead: v.Version, leadWidth: inventoryLabel, leadStyle: bold}
	if v.Offered != diag.Yes {
		head.text = versionTitle(v)
		head.right, head.leadStyle = v.Why, dim
		p.item(head)
		return
	}
	head.text = versionTitle(v)
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
	for i, r := range inventoryRows(inv, o.Verbose > 0) {
		if i == 0 {
			p.blank()
		}
		p.item(item{indent: 2, lead: r.lead, leadWidth: inventoryLabel, leadStyle: bold, text: r.text})
	}
}

// row is a label and what belongs to it.
type row struct{ lead, text string }

// inventoryRows are the lists of an inventory in words; all includes the
// properties that stand among the weaknesses.
func inventoryRows(inv *diag.Inventory, all bool) []row {
	var rows []row
	add := func(lead, text string) {
		if text != "" {
			rows = append(rows, row{lead, text})
		}
	}
	var groups, schemes, primes []string
	for _, g := range inv.Groups {
		groups = append(groups, g.Name)
	}
	add("groups", strings.Join(groups, ", "))
	for _, s := range inv.Schemes {
		name := s.Name
		if s.Weak != "" {
			name += "!"
		}
		schemes = append(schemes, name)
	}
	add("signatures", strings.Join(schemes, ", "))
	for _, d := range inv.DH {
		s := fmt.Sprintf("%d bits", d.Bits)
		if d.Name != "" {
			s = d.Name
		}
		primes = append(primes, s)
	}
	add("DH primes", strings.Join(primes, ", "))
	add("ALPN", strings.Join(inv.ALPN, ", "))
	for _, c := range inv.Certificates {
		add("certificate", certificateLine(c))
	}
	if n := len(inv.Authorities); n > 0 {
		add("client CAs", few(inv.Authorities, 3, all))
	}
	for _, x := range []struct{ value, lead string }{{diag.Yes, "does"}, {diag.No, "does not"}} {
		var names []string
		for _, p := range inv.Properties {
			if p.Value == x.value && (p.Weak == "" || all) {
				names = append(names, phrase(p))
			}
		}
		add(x.lead, strings.Join(names, "; "))
	}
	var records, none []string
	for _, r := range inv.Records {
		if len(r.Data) == 0 {
			none = append(none, r.Type)
			continue
		}
		records = append(records, fmt.Sprintf("%s %s: %s", r.Name, r.Type, few(r.Data, 4, all)))
	}
	if len(none) > 0 {
		records = append(records, "no "+strings.Join(none, ", no "))
	}
	add("DNS", strings.Join(records, "; "))
	return rows
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
func (p *printer) weaknesses(inv *diag.Inventory, o Options) {
	for i, w := range inv.Weak {
		lead := ""
		if i == 0 {
			p.blank()
			lead = "To mend"
		}
		p.item(item{indent: 2, lead: lead, leadWidth: inventoryLabel, leadStyle: bold, text: w.Text})
	}
	p.guidelines(inv.Guidelines, o)
}

// guidelines says how the server stands to recommendations: each in a line,
// and the differences to the first that it does not meet but should, which is
// the least strict but one.
func (p *printer) guidelines(all []diag.Guideline, o Options) {
	shown := len(all) - 2
	for i, g := range all {
		if i == 0 {
			p.blank()
		}
		p.item(item{indent: 2, lead: g.Name + " " + g.Edition, leadWidth: 26, leadStyle: bold, text: meets(g)})
		if i != shown && o.Verbose == 0 {
			continue
		}
		said := ""
		for _, d := range g.Deviations {
			p.item(item{indent: 4, lead: "-", leadWidth: 2, text: d.Text})
			if d.Fix == nil {
				continue
			}
			if d.Fix.Text != said {
				said = d.Fix.Text
				p.item(item{indent: 8, text: said, style: dim})
			}
			for _, paste := range []string{d.Fix.Command, d.Fix.Config} {
				if paste != "" {
					p.block(10, paste, cyan)
				}
			}
		}
	}
}
