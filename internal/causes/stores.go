package causes

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// storeClients says who trusts what a program's list has.
var storeClients = map[string]string{
	"Mozilla": "Firefox, and curl, OpenSSL, Python and Node.js with Mozilla's list", "Apple": "Safari and apps on Apple devices",
	"Microsoft": "programs on Windows", "Android": "apps on Android", "Oracle Java": "Java with Oracle's list", "OpenJDK": "Java with OpenJDK's list",
}

// inStores says which programs' lists trust the chain, completed where that
// can be done, and which do not. A list that has the root trusts it at its
// date; that the program distrusts it is another cause. That no list has it is
// worth saying only where the CA is unknown.
func (v *view) inStores(m *match, unknown bool) *match {
	if v.deep == nil || len(v.deep.Chain) == 0 || len(v.c.Want.Stores) == 0 {
		return m
	}
	var yes, no, clients, others []string
	for _, s := range v.stores() {
		name := fmt.Sprintf("%s (%s)", s.Program, s.Date)
		if s.Has {
			yes, clients = append(yes, name), append(clients, storeClients[s.Program])
		} else {
			no, others = append(no, name), append(others, storeClients[s.Program])
		}
	}
	const where = "dated lists of trust anchors"
	switch {
	case len(yes) == 0 && !unknown:
		return m
	case len(yes) == 0:
		return m.see(where, "no public list has the root: %s", join(no))
	case len(no) == 0:
		m.see(where, "trusted by the lists of %s", join(yes))
	default:
		m.see(where, "trusted by the list of %s, not by that of %s", join(yes), join(no))
	}
	if m.unaffected == nil { // nothing was measured of this very fault
		m.affects, m.unaffected = others, clients
	}
	return m
}

// stores looks the path that was seen deepest up in the lists of programs.
func (v *view) stores() []diag.Store {
	var out []diag.Store
	if v.deep == nil || len(v.deep.Chain) == 0 {
		return out
	}
	extra := slices.Clone(v.c.Want.AtHand)
	for _, f := range v.c.Fetches {
		extra = append(extra, f.Certificates...)
	}
	for _, s := range v.c.Want.Stores {
		path := chain.Analyze(chain.Input{Sent: v.deep.Chain, Extra: extra, Anchors: s.Anchors, Name: v.c.Want.Name, Now: v.c.At}).BestPath()
		out = append(out, diag.Store{Program: s.Program, Date: s.Date.Format(time.DateOnly),
			Has: path != nil && path.Elements[len(path.Elements)-1].Source == chain.SourceAnchor})
	}
	return out
}

// InStores says which programs' lists of anchors, as far as they are at hand,
// have the root of what the server sent in this attempt, else in any.
func InStores(c *facts.Case, a *facts.Attempt) []diag.Store {
	v := newView(c, nil)
	if a != nil && len(a.Chain) > 0 {
		v.deep = a
	}
	return v.stores()
}
