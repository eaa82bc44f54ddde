package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "middlebox-downgrade", rank: rankVersion, wants: (*view).loweredElsewhere, match: func(v *view) *match {
	for _, x := range sentinels(v.base) {
		m := &match{confidence: diag.Likely, summary: "something on the path, or the server itself, lowers the version: TLS 1.3 was offered on both sides and not used",
			not:     []string{"a server that contradicts itself: the same run from another network tells"},
			affects: []string{"every client that offers TLS 1.3"},
			// A hello that was rewritten on the way breaks the Finished as well.
			hides: []string{"decrypt-error"}}
		v.lowered(m)
		return m.see(x.Message+", "+attempts(v.base), "%s (%s)", x.Problem, x.Rule)
	}
	return nil
}})

// sentinels are the marks of a lowered version in an attempt.
func sentinels(a *facts.Attempt) (out []facts.Violation) {
	if a == nil {
		return nil
	}
	for _, x := range a.Violations {
		if x.Kind == facts.ViolationSentinel {
			out = append(out, x)
		}
	}
	return out
}

// loweredElsewhere asks the controls for their version.
func (v *view) loweredElsewhere() (ask []facts.Experiment) {
	if len(sentinels(v.base)) == 0 {
		return nil
	}
	for _, c := range v.c.Controls {
		ask = append(ask, facts.Experiment{Address: c.Address, Changes: toward(c, v.base.Of.Changes)})
	}
	return ask
}

// lowered says what the controls' versions mean.
func (v *view) lowered(m *match) {
	for _, c := range v.c.Controls {
		for _, a := range v.atControl(c, toward(c, v.base.Of.Changes)) {
			switch {
			case len(sentinels(a)) > 0:
				m.confidence, m.summary = diag.Strong, "something on the path lowers the version: TLS 1.3 was offered on both sides and not used, at unrelated servers too"
				m.not = []string{"where it stands: on this machine, in this network or further on; a run from another network tells"}
				m.see(attempts(a), "the same at %s, another server, with its own name", c.Name)
				return
			case a.Version == v.highest(v.base):
				m.see(attempts(a), "%s answers the same hello in %s: the path leaves it as it is", c.Name, a.Version)
			}
		}
	}
}
