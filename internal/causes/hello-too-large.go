package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "hello-too-large", rank: rankVersion, match: func(v *view) *match {
	if m := v.cutBadly(); m != nil {
		return m
	}
	f := v.flipOf(facts.PropShape)
	if f == nil {
		return v.tooLargeForBrowsers()
	}
	if !f.classic || f.padded {
		return nil
	}
	m := v.flipped(f, facts.PropShape)
	m.see(attempts(f.to), "%d bytes without the post-quantum key share", helloSize(f.to))
	for _, a := range v.tries {
		if a.Of.Changes.Shape == "classic" && a.Of.Changes.Size != "" && a.ServerHello == nil {
			m.see(attempts(a), "fails without the post-quantum key share too when it is padded to the same size")
		}
	}
	switch {
	case f.split != nil && !v.helps(f.from, f.split):
		m.see(attempts(f.split), "fails in two or more TCP segments even when it is small (%d bytes): %s", helloSize(f.split), endText(f.split))
		m.summary = "the server or a box before it reads only the first TCP segment of a ClientHello"
	default:
		m.summary = fmt.Sprintf("the server or a box before it breaks on a large ClientHello (%d bytes)", helloSize(f.from))
		if f.split != nil {
			m.see(attempts(f.split), "works in several TCP segments as long as it is small: the size decides, not the split")
		}
	}
	m.hits(f.to, client.LongerThan(onePacket))
	m.not = []string{"a firewall between here and the server: the same run from another network tells"}
	return v.located(m, f)
}})

// cutBadly finds a hello that fails only because of its padding, or because it
// comes in several records or segments.
func (v *view) cutBadly() *match {
	if f := v.flipOf(facts.PropSize); f != nil {
		m := v.flipped(f, facts.PropSize)
		m.summary = fmt.Sprintf("the server or a box before it breaks on a ClientHello of %d bytes", helloSize(f.from))
		m.hits(f.to, client.LongerThan(helloSize(f.from)-1))
		m.not = []string{"a dislike of this very length, or of the padding extension: another --hello-size tells", "a firewall between here and the server: the same run from another network tells"}
		m.see(attempts(f.to), "works without padding, %d bytes", helloSize(f.to))
		return v.located(m, f)
	}
	if f := v.flipOf(facts.PropSegments); f != nil {
		m := v.flipped(f, facts.PropSegments)
		m.summary = "the server or a box before it wants the whole ClientHello in one TCP segment"
		m.hits(f.to, client.LongerThan(onePacket))
		m.not = []string{"a firewall between here and the server: the same run from another network tells"}
		return v.located(m, f)
	}
	if f := v.flipOf(facts.PropRecords); f != nil {
		m := v.flipped(f, facts.PropRecords)
		m.summary = "the server or a box before it wants the whole ClientHello in one TLS record (RFC 8446, Section 5.1, allows several)"
		m.affects = []string{"few: clients that cut the hello into records on purpose, to pass filters"}
		m.not = []string{"a firewall between here and the server: the same run from another network tells"}
		return v.located(m, f)
	}
	return nil
}

// tooLargeForBrowsers warns where the user's own small hello works and a
// browser's large one does not.
func (v *view) tooLargeForBrowsers() *match {
	b := v.brokenBrowser()
	if b == nil || largerThanOnePacket(v.base) || !largerThanOnePacket(b.a) || b.culprit != "" && b.culprit != "classic" {
		return nil
	}
	m := &match{severity: diag.SeverityWarning, confidence: diag.Likely, summary: "a browser's ClientHello, which does not fit into one packet, fails here",
		not: []string{"something else in a browser's hello (GREASE, its order)"}}
	m.hits(v.base, client.LongerThan(onePacket))
	m.see(attempts(b.a), "%d bytes: %s", helloSize(b.a), endText(b.a))
	if b.cured != nil {
		m.confidence, m.not = diag.Strong, []string{"a dislike of the post-quantum key share itself, whatever the size"}
		m.see(attempts(b.cured), "%d bytes, the same without the post-quantum key share: works", helloSize(b.cured))
	}
	return m.see(attempts(v.base), "%d bytes: the handshake completes", helloSize(v.base))
}

// onePacket is the size of a hello above which it needs more than one TCP
// segment on an Ethernet path.
const onePacket = 1400

func largerThanOnePacket(a *facts.Attempt) bool { return helloSize(a) > onePacket }

// helloSize is the length of an attempt's ClientHello in bytes.
func helloSize(a *facts.Attempt) int {
	if n := len(offered(a).Raw); n > 0 {
		return n
	}
	raw, err := offered(a).Marshal()
	if err != nil {
		return 0
	}
	return len(raw)
}
