package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// KeyOffline is the incident of a vantage point that reaches nobody.
const KeyOffline = "vantage-offline"

// reach keeps who answered last. A good answer is a witness for the uplink at
// that moment; what fell silent before it did so for reasons of its own.
func (a *applied) reach(o *Outcome) {
	scope := ScopeOf(o.Address)
	r := a.out.Reach[scope]
	r.Scope = scope
	if o.Reached {
		r.LastGood, r.Failing = a.now, nil
		if r.Offline {
			r.Offline, r.Since = false, a.now
		}
	}
	a.out.Reach[scope] = r
}

// offline counts the sites that fell silent since somebody answered, and says
// so when they are too many for a coincidence.
func (a *applied) offline() {
	for i := range a.out.States {
		st := &a.out.States[i]
		if st.Checked != a.now {
			continue
		}
		for k := range st.Sightings {
			x := &st.Sightings[k]
			r := a.out.Reach[ScopeOf(st.Address)]
			if !x.Finding.Network || x.Missed > 0 {
				continue
			}
			if !r.Offline && r.Since.After(x.First) {
				x.First, x.Seen = r.Since, 1 // the uplink was the reason until then
			}
			if !x.First.After(r.LastGood) && !r.LastGood.IsZero() {
				continue
			}
			if r.Failing == nil {
				r.Failing = map[string]time.Time{}
			}
			r.Scope = ScopeOf(st.Address)
			r.Failing[a.b.Endpoint.Site()] = x.First
			if len(r.Failing) <= 64 {
				a.out.Reach[r.Scope] = r
			}
		}
	}
	for scope, r := range a.out.Reach {
		first := a.now
		for _, at := range r.Failing {
			first = earlier(at, first)
		}
		if !r.Offline && len(r.Failing) >= witnesses && a.now.Sub(first) >= a.within() {
			r.Offline, r.Since = true, a.now
			a.out.Reach[scope] = r
		}
		a.offlineIncident(&r)
	}
}

// offlineIncident opens and closes the vantage point's own incident.
func (a *applied) offlineIncident(r *Reach) {
	key := KeyOffline + "-" + r.Scope
	i := slices.IndexFunc(a.incidents, func(x Incident) bool { return x.Key == key && x.Open() })
	switch {
	case r.Offline && i < 0:
		sites := make([]string, 0, len(r.Failing))
		for s := range r.Failing {
			sites = append(sites, s)
		}
		slices.Sort(sites)
		f := Finding{Key: key, Cause: KeyOffline, Severity: Critical, Network: true,
			Summary:  fmt.Sprintf("the monitor at %s reaches nobody: %d unrelated sites fell silent together", a.b.Vantage, len(sites)),
			Evidence: []diag.Evidence{{Text: "silent: " + strings.Join(sites[:min(len(sites), 10)], ", "), Where: "vantage " + a.b.Vantage}},
			Fixes:    []diag.Fix{{Side: "network", Action: "restore-uplink", Text: "Look at the monitor's own network first: its uplink, resolver, firewall. Until then silence of single servers is not reported."}}}
		if !r.LastGood.IsZero() {
			f.Evidence = append(f.Evidence, diag.Evidence{Text: "the last answer of anybody came at " + r.LastGood.Format(time.RFC3339), Where: "vantage " + a.b.Vantage})
		}
		a.incidents = append(a.incidents, Incident{ID: identity("", a.b.Vantage, key, a.now.Format(time.RFC3339Nano)), Vantage: a.b.Vantage, Key: key, Finding: f,
			Severity: Critical, Target: "monitor at " + a.b.Vantage, Opened: a.now, Updated: a.now, LastGood: r.LastGood, Addresses: []string{}})
		a.event(EventOpened, "", a.incidents[len(a.incidents)-1].ID, f.Summary)
	case !r.Offline && i >= 0:
		inc := &a.incidents[i]
		inc.Resolved, inc.Updated, inc.Why = a.now, a.now, "servers answer again"
		a.event(EventResolved, "", inc.ID, inc.Why)
	}
}

// held tells whether a silent server may be our own network's fault still: the
// reason why its incident does not open yet.
func (a *applied) held(st *State, x *Sighting) string {
	if !x.Finding.Network {
		return ""
	}
	r := a.out.Reach[ScopeOf(st.Address)]
	switch {
	case r.Offline:
		return "the vantage point is offline"
	case r.LastGood.After(x.First) || a.b.Sites < witnesses || a.now.Sub(x.First) >= 3*a.within():
		return ""
	}
	return "waiting for a witness"
}
