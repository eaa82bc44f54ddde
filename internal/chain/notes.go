package chain

import "fmt"

// sentNotes describes what was sent as a whole: none of it stops the reference
// client, but it tells how the server is set up, and some clients stumble.
func sentNotes(in *Input, a *Analysis) []Problem {
	var notes []Problem
	best := a.BestPath()
	place := map[[32]byte]int{} // on the best path
	onAny := map[[32]byte]bool{}
	for _, p := range a.Paths {
		for i, e := range p.Elements {
			onAny[e.Cert.SHA256] = true
			if p == best {
				place[e.Cert.SHA256] = i
			}
		}
	}
	first := map[[32]byte]int{}
	highest := -1
	if i := hiddenLeaf(in); i > 0 {
		notes = append(notes, Problem{Kind: KindLeafNotFirst, Element: i, Cert: in.Sent[i],
			Detail: fmt.Sprintf("certificate %d (%s) looks like the server's own and should stand first", i+1, in.Sent[i].Title())})
	}
	for i, c := range in.Sent[:min(len(in.Sent), maxSent)] {
		if k, again := first[c.SHA256]; again {
			notes = append(notes, Problem{Kind: KindDuplicate, Element: i, Cert: c,
				Detail: fmt.Sprintf("certificate %d (%s) is a copy of certificate %d", i+1, c.Title(), k+1)})
			continue
		}
		first[c.SHA256] = i
		at, used := place[c.SHA256]
		root := c.isRoot()
		switch {
		case i > 0 && root && (onAny[c.SHA256] || !a.Valid):
			notes = append(notes, Problem{Kind: KindRootSent, Element: i, Cert: c,
				Detail: fmt.Sprintf("certificate %d is the root %s, which clients take from their own store", i+1, c.Title())})
		case i > 0 && !onAny[c.SHA256]:
			notes = append(notes, Problem{Kind: KindForeign, Element: i, Cert: c,
				Detail: fmt.Sprintf("certificate %d (%s) has nothing to do with the first one", i+1, c.Title())})
		}
		if used {
			if at < highest {
				notes = append(notes, Problem{Kind: KindOutOfOrder, Element: i, Cert: c,
					Detail: fmt.Sprintf("certificate %d (%s) should stand before the one that has issued it", i+1, c.Title())})
			}
			highest = max(highest, at)
		}
		if i > 0 && !used && a.Valid && !in.Now.IsZero() && in.Now.After(c.NotAfter) && !c.NotAfter.IsZero() {
			notes = append(notes, Problem{Kind: KindUnusedExpired, Element: i, Cert: c, At: c.NotAfter,
				Detail: fmt.Sprintf("certificate %d (%s) expired on %s; clients that search another path do not need it", i+1, c.Title(), stamp(c.NotAfter))})
		}
	}
	return notes
}

// hiddenLeaf finds a sent certificate that fits the name, where one is wanted,
// behind a CA that does not: a chain that was put together upside down.
func hiddenLeaf(in *Input) int {
	fits := func(c *Certificate) bool { return in.Name == "" || MatchName(c, in.Name).OK }
	leaf := in.Sent[0]
	if !leaf.IsCA() || in.Name != "" && fits(leaf) {
		return 0
	}
	const most = 10
	for i, c := range in.Sent[:min(len(in.Sent), most)] {
		if i > 0 && !c.IsCA() && fits(c) {
			return i
		}
	}
	return 0
}
