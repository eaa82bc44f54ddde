package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "hello-too-large", rank: rankVersion, match: func(v *view) *match {
	f := v.flipOf(facts.PropShape)
	if f == nil {
		return v.tooLargeForBrowsers()
	}
	if !f.classic || f.padded {
		return nil
	}
	m := v.flipped(f, facts.PropShape)
	m.summary = fmt.Sprintf("the server or a box before it breaks on a large ClientHello (%d bytes)", f.from.BytesSent)
	for _, a := range v.tries {
		switch a.Of.Changes.Shape {
		case "classic,padded":
			m.see(attempts(a), "fails without the post-quantum key share too when it is padded to the same size")
		case "classic":
			m.see(attempts(a), "works without the post-quantum key share, %d bytes", a.BytesSent)
		}
	}
	m.sides(client.LongerThan(onePacket), func(p *client.Profile) bool { return !client.LongerThan(onePacket)(p) && takes(f.to)(p) })
	m.not = []string{"a firewall between here and the server: the same run from another network tells"}
	return m
}})

// tooLargeForBrowsers warns where the user's own small hello works and a
// browser's large one does not.
func (v *view) tooLargeForBrowsers() *match {
	if v.base == nil || !completed(v.base) || largerThanOnePacket(v.base) {
		return nil
	}
	for _, a := range v.at(facts.Changes{Shape: "browser"}) {
		if p, _ := v.browserLacks(a); p != "" && a.End.Kind == facts.EndAlert || a.ServerHello != nil || !largerThanOnePacket(a) || !v.control(a) {
			continue
		}
		m := &match{severity: diag.SeverityWarning, confidence: diag.Likely, summary: "a browser's ClientHello, which does not fit into one packet, fails here",
			not: []string{"something else in a browser's hello (GREASE, its order)"}}
		m.sides(client.LongerThan(onePacket), func(p *client.Profile) bool { return !client.LongerThan(onePacket)(p) && takes(v.base)(p) })
		m.see(attempts(a), "%d bytes: %s", len(offered(a).Raw), endText(a))
		return m.see(attempts(v.base), "%d bytes: the handshake completes", len(offered(v.base).Raw))
	}
	return nil
}

// onePacket is the size of a hello above which it needs more than one TCP
// segment on an Ethernet path.
const onePacket = 1400

func largerThanOnePacket(a *facts.Attempt) bool { return len(offered(a).Raw) > onePacket }
