package causes

import (
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// EndText says in words how an attempt ended.
func EndText(a *facts.Attempt) string { return endText(a) }

// AgreedGroup is the named group of a handshake, 0 when it used none.
func AgreedGroup(a *facts.Attempt) tlswire.Group { return agreedGroup(a) }

// Analyze judges the chain that an attempt was shown as the wanted client does;
// nil when there is none.
func Analyze(c *facts.Case, a *facts.Attempt) *chain.Analysis {
	if a == nil || len(a.Chain) == 0 {
		return nil
	}
	v := newView(c, nil)
	v.deep = a
	analysis := v.analyze(a.Chain)
	if v.base = a; !v.judgesChain() {
		for i := range analysis.Paths {
			analysis.Paths[i].Problems = nil // the client took it
		}
	}
	return analysis
}

// Example is an attempt with the user's own hello that shows a cause; nil when
// none does.
func Example(c *facts.Case, cause diag.Cause) *facts.Attempt {
	for _, g := range groups(c) {
		if !slices.Contains(cause.Addresses, g.addrs[0]) {
			continue
		}
		v := g.view(c)
		v.explore()
		v.analyzeDeep()
		for _, f := range v.judge(true) {
			if f.r.id == cause.ID && f.severity() == cause.Severity {
				return g.base
			}
		}
	}
	return nil
}

// IDs are the ids of all causes that have a rule, in the order of their rank.
func IDs() []string {
	var out []string
	for _, r := range sorted() {
		out = append(out, r.id)
	}
	return out
}

// NotJudged lists what the facts of a case do not suffice to judge, with the
// reason.
func NotJudged(c *facts.Case) []diag.NotTested {
	for _, a := range c.Attempts {
		if a.Of.Changes != (facts.Changes{}) || len(a.Chain) == 0 {
			continue
		}
		v := newView(c, []string{a.Address})
		if v.base == nil || len(v.base.Chain) == 0 {
			continue
		}
		v.analysis = v.analyze(v.base.Chain)
		if _, untold := v.transparency(); untold != "" {
			return []diag.NotTested{{What: "Certificate Transparency", Reason: untold}}
		}
	}
	return nil
}
