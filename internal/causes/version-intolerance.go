package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "version-intolerance", rank: rankVersion, match: func(v *view) *match {
	f := v.flipOf(facts.PropVersion)
	if f == nil || f.to.Version == 0 && !f.hint() || f.to.Version != 0 && !v.takes(f.from, f.to.Version) || f.classic || f.psk() {
		return nil
	}
	if f.from.End.Kind == facts.EndAlert && v.problem(chain.KindWeakKey) != nil {
		return nil // a key that cannot make the signatures of TLS 1.3: weak-key-or-digest
	}
	if f.has(facts.PropGroups) && (before13(agreedGroup(f.to)) || before13(v.leafGroup())) {
		return nil // no-common-group
	}
	if v.unfit13(facts.PropGroups) != nil || v.unfit13(facts.PropSchemes) != nil {
		return nil
	}
	m := v.flipped(f, facts.PropVersion)
	m.summary = fmt.Sprintf("the server breaks on a ClientHello that mentions %s instead of declining it", offered(f.from).MaxVersion())
	if f.from.End.Kind == facts.EndAlert { // an alert is a decision, and may have a reason
		m.confidence = atBest(m.confidence, diag.Likely)
	}
	m.not = []string{"a box on the path that breaks on it: the same run from another network tells"}
	return v.located(m, f)
}})

// before13 tells whether TLS 1.3 lacks a group: it took over few (RFC 8446,
// Section 4.2.7), and has other numbers for the Brainpool curves (RFC 8734).
func before13(g tlswire.Group) bool {
	return g != 0 && g < tlswire.GroupP256 || g >= tlswire.GroupBrainpoolP256r1 && g <= tlswire.GroupBrainpoolP512r1
}
