package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "hello-intolerance", rank: rankVersion, match: func(v *view) *match {
	const elsewhere = "a box on the path: the same run from another network tells"
	if f := v.flipOf(facts.PropShape); f != nil && f.to.SSL2 == nil && (f.padded && f.classic || !f.classic && !f.capped || calmed(f)) {
		m := v.flipped(f, facts.PropShape)
		m.summary = "the server breaks on something in the ClientHello that it should ignore"
		switch {
		case f.to.Of.Changes.Shape == "compact":
			m.confidence = atBest(m.confidence, diag.Likely)
			m.see(attempts(f.to), "only the small hello works: no single thing that it lacks explains it")
		case f.classic:
			m.summary = fmt.Sprintf("the server breaks on %s in the ClientHello, which it should ignore", join(postQuantum(f.from)))
			m.see(attempts(f.to), "works without it; padded to the size of the hello that fails it works too: the group decides, not the size")
			m.hits(f.to, func(p *client.Profile) bool { return slices.ContainsFunc(p.Offer().Groups(), client.PostQuantum) })
		case f.to.Of.Changes.Shape == "record-1.0":
			m.summary = fmt.Sprintf("the server breaks on the version in the record's header (3.%d), which it should ignore", offered(f.from).RecordVersion&0xFF)
		case calmed(f):
			m.summary = "the server breaks on reserved values (GREASE) in the ClientHello, which it should ignore"
			m.hits(f.to, sendsGREASE)
		}
		m.not = []string{elsewhere}
		return v.located(m, f)
	}
	if f := v.flipOf(facts.PropExtensions); f != nil && strings.HasPrefix(f.to.Of.Changes.Extensions, "-") && !f.ech() {
		m := v.flipped(f, facts.PropExtensions)
		names := strings.Split(f.to.Of.Changes.Extensions[1:], ",")
		m.summary = fmt.Sprintf("the server breaks on the extension %s, which it should ignore", names[0])
		if len(names) > 1 {
			m.summary = "the server breaks on an extension that it should ignore, one or more of " + join(names)
		} else if types, err := tlswire.ParseExtensionTypes(names[0]); err == nil {
			m.hits(f.to, sendsExtension(types[0]))
		}
		m.not = []string{elsewhere}
		return v.located(m, f)
	}
	if f := v.flipOf(facts.PropALPN); f != nil && (f.from.End.Kind == facts.EndReset || f.from.End.Kind == facts.EndTimeout) {
		m := v.flipped(f, facts.PropALPN)
		m.summary = fmt.Sprintf("the server or a box before it breaks on the ALPN extension (%s)", orNone(offered(f.from).ALPN()))
		m.not = []string{"a filter on the path that follows the protocol: the same run from another network tells"}
		return v.located(m, f)
	}
	return v.browserIntolerance()
}})

// browserIntolerance warns of a server that breaks on a browser's hello for
// another reason than its size.
func (v *view) browserIntolerance() *match {
	b := v.brokenBrowser()
	if b == nil || b.culprit == "ech" || b.culprit != "no-grease" && largerThanOnePacket(b.a) && !largerThanOnePacket(v.base) {
		return nil // ech-rejected, hello-too-large
	}
	m := &match{severity: diag.SeverityWarning, confidence: diag.Likely, summary: "a browser's ClientHello (GREASE, its own order) fails here"}
	m.hits(v.base, sendsGREASE)
	m.see(attempts(b.a), "a hello like Chrome's ends with: %s", endText(b.a))
	if b.culprit == "no-grease" {
		m.confidence, m.summary = diag.Strong, "reserved values (GREASE) in a browser's ClientHello break the server, which should ignore them"
		m.see(attempts(b.cured), "the same hello without them works")
	}
	return m.see(attempts(v.base), "%s completes the handshake", v.client())
}

// calmed tells whether the flip takes the reserved values out, or the odd
// version of the record.
func calmed(f *flip) bool {
	return f.to.Of.Changes.Shape == "no-grease" || f.to.Of.Changes.Shape == "record-1.0"
}

// postQuantum are the post-quantum groups of a hello.
func postQuantum(a *facts.Attempt) []string {
	return known(slices.DeleteFunc(slices.Clone(offered(a).Groups()), func(g tlswire.Group) bool { return !client.PostQuantum(g) }))
}

func sendsGREASE(p *client.Profile) bool { return p.Offer().HasGREASE() }

// sendsExtension is true of clients whose hello carries the extension.
func sendsExtension(t tlswire.ExtensionType) func(*client.Profile) bool {
	return func(p *client.Profile) bool { return p.Offer().HasExtension(t) }
}
