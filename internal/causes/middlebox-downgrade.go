package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "middlebox-downgrade", rank: rankVersion, match: func(v *view) *match {
	if v.base == nil {
		return nil
	}
	for _, x := range v.base.Violations {
		if x.Kind != facts.ViolationSentinel {
			continue
		}
		m := &match{confidence: diag.Likely, summary: "something on the path, or the server itself, lowers the version: TLS 1.3 was offered on both sides and not used",
			not:     []string{"a server that contradicts itself: the same run from another network tells"},
			affects: []string{"every client that offers TLS 1.3"},
			// A hello that was rewritten on the way breaks the Finished as well.
			hides: []string{"decrypt-error"}}
		return m.see(x.Message+", "+attempts(v.base), "%s (%s)", x.Problem, x.Rule)
	}
	return nil
}})
