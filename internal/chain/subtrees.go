package chain

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

const maxComparisons = 20000 // names times subtrees of one certificate

// constraints checks the names of all certificates below element i against its
// name constraints (RFC 5280, Section 6.1.4, b and c).
func (j *judge) constraints(i int) {
	ca := j.p.Elements[i].Cert
	nc := ca.NameConstraints
	if nc == nil {
		return
	}
	work := maxComparisons
	for k := range i {
		below := j.p.Elements[k].Cert
		if k > 0 && below.SelfIssued() {
			continue
		}
		for _, name := range constrainedNames(below) {
			if work -= len(nc.Permitted) + len(nc.Excluded); work < 0 {
				j.s.truncated = true
				return
			}
			tree, excluded, ok := nc.allows(name)
			if ok {
				continue
			}
			p := Problem{Kind: KindNameConstraints, Element: k, Cert: below, Issuer: ca, Name: name.text, Constraint: tree, Excluded: excluded}
			if excluded {
				p.Detail = fmt.Sprintf("%s excludes %s, by %q", j.title(i), Printable(name.text), tree)
			} else {
				p.Detail = fmt.Sprintf("%s allows only %s, not %s", j.title(i), nc.permittedText(name.kind), Printable(name.text))
			}
			j.either(!j.in.Policy.IgnoreNameConstraints, p)
			break // one name per certificate is enough
		}
	}
}

// constrained is one name of a certificate that constraints apply to.
type constrained struct {
	kind string
	text string
	ip   netip.Addr
	dn   DN
}

func constrainedNames(c *Certificate) []constrained {
	var names []constrained
	for _, name := range c.DNSNames {
		names = append(names, constrained{kind: "dns", text: name})
	}
	for _, ip := range c.IPs {
		names = append(names, constrained{kind: "ip", text: ip.String(), ip: ip})
	}
	for _, email := range c.Emails {
		names = append(names, constrained{kind: "email", text: email})
	}
	for _, a := range c.Subject.Attributes {
		if a.OID == oidEmail {
			names = append(names, constrained{kind: "email", text: a.Value})
		}
	}
	for _, uri := range c.URIs {
		names = append(names, constrained{kind: "uri", text: uri})
	}
	if !c.Subject.Empty() {
		names = append(names, constrained{kind: "dirname", text: c.Subject.String(), dn: c.Subject})
	}
	return names
}

// allows reports whether a name obeys, else the subtree at fault.
func (nc *NameConstraints) allows(n constrained) (tree string, excluded, ok bool) {
	for _, t := range nc.Excluded {
		if t.Type == n.kind && t.Bad == "" && t.holds(n) {
			return t.Text, true, false
		}
	}
	limited := false
	for _, t := range nc.Permitted {
		if t.Type != n.kind {
			continue
		}
		if t.Bad == "" && t.holds(n) {
			return "", false, true
		}
		if !limited {
			tree = t.Text
		}
		limited = true
	}
	return tree, false, !limited
}

func (nc *NameConstraints) permittedText(kind string) string {
	var names []string
	for _, t := range nc.Permitted {
		if t.Type == kind {
			names = append(names, Printable(t.Text))
		}
	}
	return listNames(names)
}

func (t Subtree) holds(n constrained) bool {
	switch n.kind {
	case "dns":
		return dnsWithin(strings.TrimSuffix(n.text, "."), t.Text)
	case "ip":
		return t.Prefix.IsValid() && t.Prefix.Contains(n.ip)
	case "email":
		return emailWithin(n.text, t.Text)
	case "uri":
		return uriWithin(n.text, t.Text)
	case "dirname":
		return strings.HasPrefix(n.dn.canon, t.DN.canon)
	}
	return false
}

// dnsWithin: a constraint covers itself and all names below it. A leading dot is
// against RFC 5280, but read by all as "names below only".
func dnsWithin(name, base string) bool {
	name, base = strings.ToLower(name), strings.ToLower(base)
	if base == "" {
		return true
	}
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(name, base)
	}
	return name == base || strings.HasSuffix(name, "."+base)
}

func emailWithin(email, base string) bool {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return false
	}
	if i := strings.LastIndexByte(base, '@'); i >= 0 {
		return email[:at] == base[:i] && strings.EqualFold(email[at+1:], base[i+1:])
	}
	return hostWithin(email[at+1:], base)
}

func uriWithin(uri, base string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return false
	}
	return hostWithin(u.Hostname(), base)
}

// hostWithin: of e-mail and URI constraints, a host covers only itself, and one
// with a leading dot what is below it.
func hostWithin(host, base string) bool {
	host, base = strings.ToLower(host), strings.ToLower(base)
	if base == "" {
		return true
	}
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(host, base)
	}
	return host == base
}
