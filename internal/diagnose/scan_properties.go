package diagnose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/inventory"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// property says what an inventory's property is called, and which value of it
// is to be mended, and why.
type property struct {
	id, name string
	weakIf   inventory.Answer
	weak     string
}

// properties are all, in the order in which they are shown.
var properties = []property{
	{"client-certificate", "ask for a client certificate", 0, ""},
	{"sni-needed", "need a server name", 0, ""},
	{"sni-strict", "refuse unknown names", 0, ""},
	{"alpn-strict", "refuse clients without a common ALPN protocol", 0, ""},
	{"hello-retry-request", "HelloRetryRequest", 0, ""},
	{"session-tickets", "session tickets (below TLS 1.3)", 0, ""},
	{"resumption-ticket", "resumption by ticket", 0, ""},
	{"resumption-id", "resumption by session ID", 0, ""},
	{"resumption-psk", "resumption in TLS 1.3", 0, ""},
	{"early-data", "early data (0-RTT)", inventory.Yes, "what is sent early can be replayed; the application has to bear that (RFC 8446, Section 8)"},
	{"ocsp-staple", "OCSP staple", 0, ""},
	{"ech", "Encrypted Client Hello", 0, ""},
	{"secure-renegotiation", "secure renegotiation", inventory.No, "OpenSSL 3 and others refuse such a server (RFC 5746)"},
	{"client-renegotiation", "renegotiation at the client's wish", 0, ""},
	{"extended-master-secret", "extended master secret", inventory.No, "sessions can be mixed up by an attacker (RFC 7627); FIPS clients refuse"},
	{"encrypt-then-mac", "encrypt-then-MAC", 0, ""},
	{"fallback-scsv", "fallback SCSV", inventory.No, "a downgrade goes unnoticed (RFC 7507)"},
	{"downgrade-sentinel", "downgrade sentinel", inventory.No, "a downgrade from TLS 1.3 goes unnoticed (RFC 8446, Section 4.1.3)"},
	{"compression", "TLS compression", inventory.Yes, "it gives secrets away (CRIME)"},
}

// fillProperties lists what is yes, no or unknown.
func fillProperties(inv *diag.Inventory, r *inventory.Result, w *facts.Want) {
	for _, p := range properties {
		x, ok := r.Properties[p.id]
		if !ok {
			continue
		}
		out := diag.Property{ID: p.id, Name: p.name, Value: x.Answer.String(), Text: x.Text}
		if x.Answer == p.weakIf && p.weak != "" && (p.id != "fallback-scsv" || offersOld(r)) {
			out.Weak = p.weak
		}
		inv.Properties = append(inv.Properties, out)
		if x.Answer == inventory.Unknown {
			inv.NotTested = append(inv.NotTested, diag.NotTested{What: p.name, Reason: x.Text})
		}
	}
	if w.Protocol != "https" || w.StartTLS != "" {
		return
	}
	out := diag.Property{ID: "hsts", Name: "HSTS", Value: diag.Unknown}
	if age, known := hstsAge(r); known {
		out.Value = diag.No
		if age > 0 {
			out.Value, out.Text = diag.Yes, fmt.Sprintf("max-age=%d", age)
			if days := age / 86400; days > 1 {
				out.Text += fmt.Sprintf(", %d days", days)
			}
		}
	} else {
		inv.NotTested = append(inv.NotTested, diag.NotTested{What: "HSTS", Reason: "no HTTP answer came"})
	}
	inv.Properties = append(inv.Properties, out)
}

// offersOld says whether there is anything below TLS 1.2 to fall back to.
func offersOld(r *inventory.Result) bool {
	return slices.ContainsFunc(r.Versions, func(v *inventory.Version) bool { return v.Offered == inventory.Yes && v.Version < tlswire.TLS12 })
}

// hstsAge is the max-age of Strict-Transport-Security (RFC 6797), -1 for none.
func hstsAge(r *inventory.Result) (seconds int, known bool) {
	if r.First == nil || r.First.HTTP == nil || r.First.HTTP.Status == 0 {
		return 0, false
	}
	for _, part := range strings.Split(r.First.HTTP.Header.Get("Strict-Transport-Security"), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(strings.TrimSpace(name), "max-age") {
			if n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`)); err == nil && n >= 0 {
				return n, true
			}
		}
	}
	return -1, true
}

// fillWeak gathers what a server should not do today, worst first.
func fillWeak(inv *diag.Inventory) {
	add := func(id string, severity diag.Severity, text string) {
		inv.Weak = append(inv.Weak, diag.Weakness{ID: id, Severity: severity, Text: text})
	}
	broken := map[string]string{"SSL 2.0": "SSL 2.0 is offered: it is broken, and breaks other servers with the same key (DROWN)", "SSL 3.0": "SSL 3.0 is offered: it is broken (POODLE, RFC 7568)",
		"TLS 1.1": "TLS 1.1 is offered: it is deprecated (RFC 8996)", "TLS 1.0": "TLS 1.0 is offered: it is deprecated (RFC 8996)"}
	modern := false
	for i := len(inv.Versions) - 1; i >= 0; i-- {
		v := inv.Versions[i]
		modern = modern || v.Offered == diag.Yes && (v.Version == "TLS 1.2" || v.Version == "TLS 1.3")
		if text := broken[v.Version]; text != "" && v.Offered == diag.Yes {
			add("version", diag.SeverityWarning, text)
		}
	}
	if !modern {
		add("version", diag.SeverityWarning, "neither TLS 1.2 nor 1.3 is offered: today's clients cannot connect")
	}
	var reasons []string
	by := map[string][]string{}
	for _, v := range inv.Versions {
		if v.Version == "SSL 2.0" || v.Version == "SSL 3.0" {
			continue // the version says it all
		}
		for _, s := range v.Suites {
			if s.Weak == "" {
				continue
			}
			if by[s.Weak] == nil {
				reasons = append(reasons, s.Weak)
			}
			if !slices.Contains(by[s.Weak], s.Name) {
				by[s.Weak] = append(by[s.Weak], s.Name)
			}
		}
	}
	for _, why := range reasons {
		list := by[why]
		text := list[0]
		if len(list) > 1 {
			text = fmt.Sprintf("%d suites", len(list))
		}
		add("cipher-suite", diag.SeverityWarning, text+": "+why)
	}
	for _, d := range inv.DH {
		if d.Weak != "" {
			add("dh-size", diag.SeverityWarning, fmt.Sprintf("Diffie-Hellman with a prime of %d bits: %s", d.Bits, d.Weak))
		}
	}
	for _, s := range inv.Schemes {
		if s.Weak != "" {
			add("signature-scheme", diag.SeverityWarning, s.Name+": "+s.Weak)
		}
	}
	for _, p := range inv.Properties {
		if p.Weak != "" {
			name := p.Name
			if p.Value == diag.No {
				name = "no " + name
			}
			add(p.ID, diag.SeverityWarning, name+": "+p.Weak)
		}
	}
	if len(inv.Weak) > 0 && inv.Verdict == diag.OK {
		inv.Verdict = diag.Warning
	}
}
