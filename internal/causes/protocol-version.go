package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "protocol-version", rank: rankVersion, match: func(v *view) *match {
	if v.base == nil {
		return nil
	}
	if a := v.deep; a.Version != 0 && a.SSL2 == nil && v.refusesVersion(a) && !unheardOf(a.Version) {
		m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the server has at most %s, %s wants at least %s", a.Version, v.client(), v.lowest(a))}
		if a.Version > offered(a).MaxVersion() {
			m.summary = fmt.Sprintf("the server wants at least %s, %s has at most %s", a.Version, v.client(), offered(a).MaxVersion())
		}
		m.params = v.versionParams(a.Version, a)
		m.sides(outside(a, a.Version < v.lowest(a)), takes(a))
		return m.see(attempts(a)+", ServerHello", "the ClientHello offers %s, the server answers with %s", v.offers(a), a.Version)
	}
	if a := v.base; a.SSL2 != nil || v.deep.SSL2 != nil {
		m := &match{confidence: diag.Proven, summary: "the server speaks only SSL 2.0, which no client accepts today", hides: []string{"hello-intolerance"}, params: v.versionParams(tlswire.SSL2, a)}
		return m.see(attempts(v.deep), "an SSL 2.0 hello is answered by an SSL 2.0 ServerHello")
	}
	if sslv2Error(v.base) {
		m := &match{confidence: diag.Strong, summary: "the server speaks only SSL 2.0, which no client accepts today", params: v.versionParams(tlswire.SSL2, v.base)}
		return m.see(attempts(v.base), "the answer is an error message of SSL 2.0: %s", v.base.End.Err)
	}
	if a := v.deep; v.stuck && a != nil && a.End.Kind == facts.EndAlert && a.End.Alert.Description == tlswire.AlertProtocolVersion {
		m := &match{confidence: diag.Likely, summary: "the server refuses every version of TLS: its configuration leaves none that its security level allows",
			not: []string{"a server that wants something else than TLS there"}, affects: []string{"every client"}, params: v.versionParams(0, a)}
		return m.seeRefusals(v)
	}
	f := v.flipOf(facts.PropVersion)
	if f == nil || f.to.Version == 0 || v.takes(f.from, f.to.Version) {
		return nil // a version that the failed hello offered too: see version-intolerance
	}
	m := v.flipped(f, facts.PropVersion)
	if f.to.Version < v.lowest(f.from) {
		m.summary = fmt.Sprintf("the server has at most %s, %s wants at least %s", f.to.Version, v.client(), v.lowest(f.from))
	} else {
		m.summary = fmt.Sprintf("the server wants at least %s, %s has at most %s", f.to.Version, v.client(), offered(f.from).MaxVersion())
		m.fixes = []FixRef{{"client", "upgrade-client"}, {"server", "allow-old-version"}}
		switch top := offered(f.from).MaxVersion(); {
		case top == tlswire.TLS12:
			m.fixes[1].Action = "enable-tls12"
		case top <= tlswire.SSL3:
			m.fixes = m.fixes[:1] // no server of today can be built with it
		}
	}
	m.see(attempts(f.to)+", ServerHello", "%s offers %s; the server chooses %s", v.client(), v.offers(f.from), f.to.Version)
	m.params = v.versionParams(f.to.Version, f.from)
	return m.sides(outside(f.to, f.to.Version < v.lowest(f.from)), takes(f.to))
}})

func (v *view) versionParams(server tlswire.Version, a *facts.Attempt) func(*FixParams) {
	h := offered(a)
	return func(p *FixParams) {
		p.Version, p.MinVersion, p.MaxVersion = versionWord(server), versionWord(v.lowest(a)), versionWord(h.MaxVersion())
	}
}

// offers says which versions the client of a hello takes.
func (v *view) offers(a *facts.Attempt) string {
	low, high := v.lowest(a), offered(a).MaxVersion()
	if a.Seen != nil && offered(a).MinVersion() == 0 {
		return fmt.Sprintf("at most %s", high)
	}
	if low == high {
		return fmt.Sprintf("%s only", high)
	}
	return fmt.Sprintf("%s to %s", low, high)
}

// sslv2Error tells whether the peer answered with an error message of SSL 2.0.
func sslv2Error(a *facts.Attempt) bool {
	return strings.HasPrefix(a.End.Err, "SSL 2.0 error") || len(a.End.Data) >= 5 && a.End.Data[0]&0xF0 == 0x80 && a.End.Data[1] == 3 && a.End.Data[2] == 0
}

// outside is true of clients whose oldest version is above the server's newest,
// or whose newest is below its oldest.
func outside(a *facts.Attempt, serverOld bool) func(*client.Profile) bool {
	return func(p *client.Profile) bool {
		if serverOld {
			return p.Client.Lowest(suiteOf(a)) > a.Version
		}
		return p.Client.MaxVersion < a.Version
	}
}

// suiteOf is the suite that the server chose, 0 when it chose none.
func suiteOf(a *facts.Attempt) tlswire.CipherSuite {
	if a.ServerHello == nil {
		return 0
	}
	return a.ServerHello.CipherSuite
}
