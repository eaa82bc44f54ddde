package monitor

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// settle opens, updates and closes the endpoint's incidents by what is seen at
// its addresses.
func (a *applied) settle() {
	keys := []string{}
	for _, st := range a.out.States {
		for _, x := range st.Sightings {
			if !slices.Contains(keys, x.Finding.Key) {
				keys = append(keys, x.Finding.Key)
			}
		}
	}
	for _, key := range keys {
		a.settleKey(key)
	}
	for i := range a.incidents {
		inc := &a.incidents[i]
		if inc.Endpoint != a.b.Endpoint.ID || !inc.Open() || slices.Contains(keys, inc.Key) {
			continue
		}
		inc.Resolved, inc.Updated, inc.Why = a.now, a.now, "no longer seen"
		if !slices.ContainsFunc(inc.Addresses, func(addr string) bool { return a.has(addr) }) {
			inc.Why = "address-gone"
		}
		a.event(EventResolved, "", inc.ID, inc.Why)
	}
}

func (a *applied) has(address string) bool {
	return address == "" || slices.ContainsFunc(a.out.States, func(s State) bool { return s.Address == address })
}

// settleKey looks at one trouble at all addresses.
func (a *applied) settleKey(key string) {
	var worst *Sighting
	var where *State
	addresses, atFirst := []string{}, true
	open := a.find(key)
	for i := range a.out.States {
		st := &a.out.States[i]
		x := st.sighting(key)
		if x == nil || (open == nil || !open.Open()) && (!a.confirmed(x) || a.held(st, x) != "" || x.Missed > 0) {
			continue
		}
		addresses = append(addresses, st.Address)
		atFirst = atFirst && x.AtFirstSight
		if worst == nil || x.Finding.Severity.Rank() > worst.Finding.Severity.Rank() {
			worst, where = x, st
		}
	}
	if worst == nil {
		return
	}
	slices.Sort(addresses)
	f := worst.Finding
	if open == nil {
		a.incidents = append(a.incidents, Incident{ID: identity(a.b.Endpoint.ID, a.b.Vantage, key, a.now.Format(time.RFC3339Nano)), Endpoint: a.b.Endpoint.ID, Vantage: a.b.Vantage,
			Key: key, Opened: a.now, AtFirstSight: atFirst, Tags: maps.Clone(a.b.Endpoint.Tags)})
		open = &a.incidents[len(a.incidents)-1]
		a.event(EventOpened, "", open.ID, f.Summary)
	} else if !open.Open() {
		open.Resolved, open.Why = time.Time{}, ""
		open.Flaps++
		a.event(EventReopened, "", open.ID, f.Summary)
	} else if open.Severity != f.Severity || open.Finding.Cause != f.Cause || !slices.Equal(open.Addresses, addresses) {
		a.event(EventChanged, "", open.ID, fmt.Sprintf("%s (%s, %s)", f.Summary, f.Cause, f.Severity))
	}
	open.Finding, open.Severity, open.Addresses, open.Updated = f, f.Severity, addresses, a.now
	open.Target, open.Owner, open.Runbook = a.b.Endpoint.Target, a.b.Endpoint.Owner, a.b.Endpoint.Runbook
	open.LastGood, open.Changed = where.Good, Changed(&where.Healthy, &where.Now)
}

// find returns the incident of the key that is open, or the last one that may
// be opened again, or nil.
func (a *applied) find(key string) *Incident {
	var last *Incident
	for i := range a.incidents {
		inc := &a.incidents[i]
		if inc.Key != key || inc.Endpoint != a.b.Endpoint.ID {
			continue
		}
		if inc.Open() {
			return inc
		}
		if a.now.Sub(inc.Resolved) < ReopenWithin && inc.Why != "address-gone" && (last == nil || inc.Resolved.After(last.Resolved)) {
			last = inc
		}
	}
	return last
}
