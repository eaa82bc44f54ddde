package causes

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// Judge reads a case and returns the causes that the facts show, best first,
// and the experiments that would tell more. It is pure: no I/O, no clock, no
// randomness. When it asks for nothing, the causes are final. Experiments that
// can run side by side come together.
func Judge(c *facts.Case) ([]diag.Cause, []facts.Experiment) {
	if len(c.Texts) > 0 && len(c.Lookup.Addresses) == 0 {
		return judgeTexts(c), nil
	}
	if ask := bases(c); len(ask) > 0 {
		return nil, ask
	}
	all := groups(c)
	if len(all) == 0 {
		all = []group{{}}
	}
	var found []finding
	var ask []facts.Experiment
	var views []*view
	for _, g := range all {
		v := g.view(c)
		views = append(views, v)
		ask = append(ask, v.explore()...)
		v.analyzeDeep()
		causes := v.judge(len(ask) == 0)
		if len(ask) == 0 {
			for _, r := range sorted() {
				if r.wants != nil {
					ask = append(ask, v.fresh(r.wants(v))...)
				}
			}
			ask = append(ask, v.fresh(v.atControls())...)
			ask = append(ask, v.fresh(v.curious(causes))...)
			if len(ask) == 0 {
				ask = append(ask, v.fresh(v.more(causes))...)
			}
		}
		found = append(found, causes...)
	}
	if len(ask) == 0 {
		found = compare(views, found)
	}
	return merge(c, found), distinct(ask)
}

// distinct drops what is asked for twice.
func distinct(ask []facts.Experiment) []facts.Experiment {
	var out []facts.Experiment
	for _, e := range ask {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// bases asks for the user's own hello at every address.
func bases(c *facts.Case) []facts.Experiment {
	if c.Spent || c.Lookup.Err != "" || c.Want.Local != nil || c.Want.IdentityKeyMismatch {
		return nil
	}
	var ask []facts.Experiment
	for _, addr := range c.Lookup.Addresses {
		if newView(c, []string{addr}).base == nil {
			ask = append(ask, newView(c, []string{addr}).own())
		}
	}
	return ask
}

// own is the experiment that is no experiment: what the user's client does.
func (v *view) own() facts.Experiment {
	e := facts.Experiment{Address: v.addrs[0], What: v.plainBase()}
	if e.What != "" {
		e.Kind = facts.Plain
	}
	return e
}

// fresh drops experiments that were made, and all once the budget is spent.
func (v *view) fresh(es []facts.Experiment) []facts.Experiment {
	if v.c.Spent {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(es), func(e facts.Experiment) bool {
		if e.Kind == facts.Fetch {
			return slices.ContainsFunc(v.c.Fetches, func(f facts.Fetched) bool { return f.Answers(e) })
		}
		return slices.ContainsFunc(v.c.Attempts, func(a *facts.Attempt) bool { return a.Of == e })
	})
}

// curious asks of a healthy server what breaks other clients only.
func (v *view) curious(causes []finding) []facts.Experiment {
	if v.base == nil || v.mixed || v.shut() != nil || !completed(v.base) || v.base.Of.Kind != facts.Handshake {
		return nil
	}
	if slices.ContainsFunc(causes, func(f finding) bool { return f.severity() == diag.SeverityFailure }) {
		return nil
	}
	ask := []facts.Experiment{{Address: v.addrs[0], Changes: facts.Changes{Shape: "browser"}}}
	if offered(v.base).ServerName() != "" {
		ask = append(ask, facts.Experiment{Address: v.addrs[0], Changes: facts.Changes{SNI: "none"}})
	}
	if _, ch := v.narrow(); ch != (facts.Changes{}) {
		ask = append(ask, facts.Experiment{Address: v.addrs[0], Changes: ch})
	}
	for _, a := range v.at(ask[0].Changes) {
		if ch := v.asBrowser(a); a.ServerHello == nil && a.End.Kind == facts.EndAlert && ch != (facts.Changes{}) {
			ask = append(ask, facts.Experiment{Address: v.addrs[0], Changes: ch})
		}
	}
	if ch := v.other(); ch != (facts.Changes{}) {
		ask = append(ask, facts.Experiment{Address: v.addrs[0], Changes: ch})
	}
	if len(v.fresh(ask)) == 0 {
		for _, e := range ask {
			as := v.at(e.Changes)
			if len(as) == 0 || as[0].ServerHello != nil || !snapped(as[0]) && e.Changes == v.other() {
				continue
			}
			if next := v.trial(as[0], v.base).next(); len(next) > 0 { // does it fail again, and the own one not?
				return next
			}
		}
	}
	if a := v.failedBrowser(); a != nil && v.control(a) {
		for _, cure := range []string{"no-grease", "classic", "ech"} {
			ask = append(ask, facts.Experiment{Address: v.addrs[0], Changes: browserCures()[cure]})
		}
	}
	return append(ask, v.resumption()...)
}

// finding is a match of one rule at one group of addresses.
type finding struct {
	r rule
	m *match
	v *view
}

func (f finding) severity() diag.Severity {
	if f.m.severity == "" {
		return diag.SeverityFailure
	}
	return f.m.severity
}

// sorted are the rules in the order of their rank, then by id.
var sorted = sync.OnceValue(func() []rule {
	return slices.SortedFunc(maps.Values(rules), func(a, b rule) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.id, b.id))
	})
})

// judge runs the rules; residual ones only where nothing else explains the
// failure, and only once nothing is left to try.
func (v *view) judge(final bool) []finding {
	var found []finding
	failed := false
	hidden := map[string]bool{}
	for _, residual := range []bool{false, true} {
		if residual && v.onlooker() != nil {
			found, failed = v.overheard(found)
		}
		if residual && (failed || !final) {
			break
		}
		if residual && len(v.flips) > 0 && v.base != nil && !works(v.base) {
			v.deep = v.base // a change helped, and no rule says why: the failure itself stays
		}
		for _, r := range sorted() {
			if r.residual != residual || residual && failed || !v.applies(r) {
				continue
			}
			m := r.match(v)
			if m == nil {
				continue
			}
			f := finding{r: r, m: m, v: v}
			found = append(found, f)
			failed = failed || f.severity() == diag.SeverityFailure
			for _, id := range m.hides {
				hidden[id] = true
			}
		}
	}
	found = slices.DeleteFunc(found, func(f finding) bool { return hidden[f.r.id] })
	v.seeWays(found)
	v.seeDamage(found)
	return found
}

// merge turns the findings of all groups into causes: one per id.
func merge(c *facts.Case, found []finding) []diag.Cause {
	out := []diag.Cause{}
	at := map[string]int{}
	slices.SortStableFunc(found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(severityRank(a.severity()), severityRank(b.severity())), cmp.Compare(a.r.rank, b.r.rank),
			cmp.Compare(a.m.confidence.Rank(), b.m.confidence.Rank()), strings.Compare(a.r.id, b.r.id))
	})
	for _, f := range found {
		if i, ok := at[f.r.id]; ok {
			for _, addr := range f.v.addrs {
				if !slices.Contains(out[i].Addresses, addr) {
					out[i].Addresses = append(out[i].Addresses, addr)
				}
			}
			for _, e := range f.m.evidence {
				if !slices.Contains(out[i].Evidence, e) {
					out[i].Evidence = append(out[i].Evidence, e)
				}
			}
			continue
		}
		at[f.r.id] = len(out)
		out = append(out, f.cause())
	}
	for i := range out {
		out[i].Evidence = bounded(out[i].Evidence)
	}
	return out
}

// bounded leaves the first statements, and the number of the others.
func bounded(all []diag.Evidence) []diag.Evidence {
	n := len(all) - maxEvidence
	if n <= 0 {
		return all
	}
	return append(all[:maxEvidence:maxEvidence], diag.Evidence{Text: fmt.Sprintf("and %d more like these", n), Where: all[maxEvidence-1].Where})
}

func severityRank(s diag.Severity) int {
	return slices.Index([]diag.Severity{diag.SeverityFailure, diag.SeverityWarning, diag.SeverityInfo}, s)
}

// maxEvidence bounds the statements of one cause.
const maxEvidence = 12

// cause renders a finding.
func (f finding) cause() diag.Cause {
	out := diag.Cause{ID: f.r.id, Severity: f.severity(), Confidence: f.m.confidence, Stage: f.m.stage, Summary: f.m.summary,
		Addresses: slices.Clone(f.v.addrs), Evidence: f.m.evidence, Affects: f.m.affects, Unaffected: f.m.unaffected, NotRuledOut: f.m.not, Verify: f.v.c.Want.Command}
	refs := f.m.fixes
	if page, ok := PageOf(f.r.id); ok {
		out.Family = page.Family
		if out.Stage == "" {
			out.Stage = page.Stage
		}
		if refs == nil {
			refs = page.Fixes
		}
		if len(out.Affects) == 0 && page.Affects != "" && out.Severity == diag.SeverityFailure {
			out.Affects = []string{page.Affects}
		}
		if out.Summary == "" {
			out.Summary = page.Title
		}
	}
	if out.Confidence == "" {
		out.Confidence = diag.Proven
	}
	p := f.v.params()
	if f.m.params != nil {
		f.m.params(&p)
	}
	out.Fixes = RenderFixes(obtainable(refs, f.v.c.Want.Name), f.v.software(), f.v.clients(), p)
	for _, s := range []*[]string{&out.Addresses, &out.Affects, &out.Unaffected, &out.NotRuledOut} {
		if *s == nil {
			*s = []string{}
		}
	}
	if out.Evidence == nil {
		out.Evidence = []diag.Evidence{}
	}
	if out.Fixes == nil {
		out.Fixes = []diag.Fix{}
	}
	return out
}
