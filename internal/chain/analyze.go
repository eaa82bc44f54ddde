package chain

import "slices"

// Analyze builds all paths of the first sent certificate and says everything
// that is wrong with each. It is a pure function and bounded, whatever it is given.
func Analyze(in Input) *Analysis {
	in.Sent = withoutNil(in.Sent)
	a := &Analysis{}
	if len(in.Sent) == 0 {
		return a
	}
	a.Leaf = in.Sent[0]
	s := newSearcher(&in)
	a.Paths = s.search()
	a.Truncated = s.truncated
	if in.Name != "" {
		a.Name = MatchName(a.Leaf, in.Name)
	}
	j := &judge{in: &in, a: a, s: s, shared: sharedProblems(&in, a)}
	for _, p := range a.Paths {
		j.judgePath(p)
	}
	rankPaths(a.Paths)
	a.Valid = a.Paths[0].Valid()
	j.first()
	a.Missing = missingOf(a.Paths)
	a.Notes = sentNotes(&in, a)
	for i := range a.Paths[0].Problems {
		if p := &a.Paths[0].Problems[i]; p.Kind == KindNameMismatch {
			a.NameProblem = p
		}
	}
	return a
}

// first judges the path that clients without backtracking take, and puts it in
// front when only they fail.
func (j *judge) first() {
	a, first := j.a, j.s.greedy(j.in.Now)
	at := slices.IndexFunc(a.Paths, first.same)
	if at >= 0 {
		first = a.Paths[at]
	} else {
		j.judgePath(first)
	}
	a.First = first
	if !a.Valid || first.Valid() {
		return
	}
	note := Problem{Kind: KindOtherPath, Element: -1,
		Detail: "OpenSSL takes another path and fails; clients that try all paths find the valid one"}
	if j.in.Policy.Backtracks {
		a.Paths[0].Notes = append(a.Paths[0].Notes, note)
		return
	}
	first.Notes = append(first.Notes, note)
	if at >= 0 {
		a.Paths = slices.Delete(a.Paths, at, at+1)
	}
	a.Paths = slices.Insert(a.Paths, 0, first)
	a.Valid = false
}

// withoutNil drops nil entries.
func withoutNil(certs []*Certificate) []*Certificate {
	if !slices.Contains(certs, nil) {
		return certs
	}
	return slices.DeleteFunc(slices.Clone(certs), func(c *Certificate) bool { return c == nil })
}

// severity orders the kinds by how much they put a path behind another; it is
// not the rank of causes.
var severity = map[Kind]int{
	KindMalformed: 12, KindBadSignature: 10, KindUnknownIssuer: 8, KindSelfSigned: 8, KindNotCA: 7,
	KindPathLength: 7, KindNameConstraints: 7, KindBadEKU: 7, KindBadKeyUsage: 6, KindUnknownCritical: 6,
	KindSelfIssued: 5, KindIncomplete: 5, KindKeyIDMismatch: 5, KindExpired: 4, KindNotYetValid: 4, KindDistrusted: 4,
	KindWeakKey: 3, KindWeakDigest: 3,
}

func weightOf(problems []Problem) (worst, sum int) {
	for _, p := range problems {
		w := max(severity[p.Kind], 1)
		worst = max(worst, w)
		sum += w
	}
	return worst, sum
}

// rankPaths sorts the best path to the front: valid ones, then complete ones of
// sent certificates, then those that need others, then those without an anchor;
// among equals the one with the least severe and fewest problems, then the shorter.
func rankPaths(paths []*Path) {
	class := func(p *Path) int {
		switch {
		case p.Valid():
			return 0
		case p.Complete && !p.UsesExtra && !p.broken():
			return 1
		case p.Complete && !p.broken():
			return 2
		case p.Complete:
			return 3
		}
		return 4
	}
	slices.SortStableFunc(paths, func(a, b *Path) int {
		if d := class(a) - class(b); d != 0 {
			return d
		}
		worstA, sumA := weightOf(a.Problems)
		worstB, sumB := weightOf(b.Problems)
		switch {
		case worstA != worstB:
			return worstA - worstB
		case sumA != sumB:
			return sumA - sumB
		case !a.Complete && len(a.Elements) != len(b.Elements):
			return len(b.Elements) - len(a.Elements)
		}
		return len(a.Elements) - len(b.Elements)
	})
}

// broken reports whether a link of the path has a signature that does not verify.
func (p *Path) broken() bool {
	for _, e := range p.Elements {
		if e.Link.Outcome == Invalid {
			return true
		}
	}
	return false
}
