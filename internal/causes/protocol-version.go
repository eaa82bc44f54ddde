package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "protocol-version", rank: rankVersion, match: func(v *view) *match {
	if v.base == nil {
		return nil
	}
	if a := v.deep; a.Version != 0 && a.SSL2 == nil && slices.Contains(refusals(a), "version") {
		m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the server has at most %s, %s wants at least %s", a.Version, v.client(), offered(a).MinVersion())}
		if a.Version > offered(a).MaxVersion() {
			m.summary = fmt.Sprintf("the server wants at least %s, %s has at most %s", a.Version, v.client(), offered(a).MaxVersion())
		}
		m.params = v.versionParams(a.Version, a)
		return m.see(attempts(a)+", ServerHello", "the ClientHello offers %s, the server answers with %s", offers(a), a.Version)
	}
	if a := v.base; a.SSL2 != nil || v.deep.SSL2 != nil {
		m := &match{confidence: diag.Proven, summary: "the server speaks only SSL 2.0, which no client accepts today", params: v.versionParams(tlswire.SSL2, a)}
		return m.see(attempts(v.deep), "an SSL 2.0 hello is answered by an SSL 2.0 ServerHello")
	}
	f := v.flipOf(facts.PropVersion)
	if f == nil || f.to.Version == 0 || offered(f.from).Offers(f.to.Version) {
		return nil // a version that the failed hello offered too: see version-intolerance
	}
	m := v.flipped(f, facts.PropVersion)
	if f.to.Version < offered(f.from).MinVersion() {
		m.summary = fmt.Sprintf("the server has at most %s, %s wants at least %s", f.to.Version, v.client(), offered(f.from).MinVersion())
	} else {
		m.summary = fmt.Sprintf("the server wants at least %s, %s has at most %s", f.to.Version, v.client(), offered(f.from).MaxVersion())
		m.fixes = []FixRef{{"client", "upgrade-client"}, {"server", "enable-tls12"}}
	}
	m.see(attempts(f.to)+", ServerHello", "%s offers %s; the server chooses %s", v.client(), offers(f.from), f.to.Version)
	m.params = v.versionParams(f.to.Version, f.from)
	return m
}})

func (v *view) versionParams(server tlswire.Version, client *facts.Attempt) func(*FixParams) {
	h := offered(client)
	return func(p *FixParams) {
		p.Version, p.MinVersion, p.MaxVersion = versionWord(server), versionWord(h.MinVersion()), versionWord(h.MaxVersion())
	}
}

// offers says which versions a hello offers.
func offers(a *facts.Attempt) string {
	h := offered(a)
	if h.MinVersion() == h.MaxVersion() {
		return fmt.Sprintf("%s only", h.MaxVersion())
	}
	return fmt.Sprintf("%s to %s", h.MinVersion(), h.MaxVersion())
}
