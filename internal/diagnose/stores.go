package diagnose

import (
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// trustCauses are those of which people want to know who trusts the path all
// the same.
var trustCauses = []string{"unknown-ca", "self-signed", "incomplete-chain"}

// askStores reads the lists of anchors that are at hand, once, where a cause
// is about trust, and tells whether there is something new to judge.
func (r *runner) askStores(found []diag.Cause) bool {
	return slices.ContainsFunc(found, func(c diag.Cause) bool { return slices.Contains(trustCauses, c.ID) }) && r.loadStores()
}

// loadStores reads the lists, unless they were read, and tells whether there
// are any.
func (r *runner) loadStores() bool {
	if r.c.Want.Stores != nil {
		return false
	}
	r.c.Want.Stores = []facts.Store{} // asked
	for _, name := range truststore.Names(r.env.Sources...) {
		if name == truststore.System {
			continue
		}
		s, err := r.env.Stores.Load(name, r.env.Sources...)
		if err != nil {
			continue // a list that is embedded: its own test reads it
		}
		r.c.Want.Stores = append(r.c.Want.Stores, facts.Store{Program: listTitle(name), Date: s.Date, Anchors: s.Certs})
	}
	return len(r.c.Want.Stores) > 0
}

// listTitle is a list's name as people know the program.
func listTitle(name string) string {
	if title := map[string]string{"mozilla": "Mozilla", "apple": "Apple", "microsoft": "Microsoft", "android": "Android", "java": "Oracle Java", "openjdk": "OpenJDK"}[name]; title != "" {
		return title
	}
	return name
}
