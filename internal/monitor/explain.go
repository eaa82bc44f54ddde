package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Explanation answers why somebody was, or was not, told of an endpoint.
type Explanation struct {
	Endpoint string `json:"endpoint"`
	Target   string `json:"target"`
	Answer   string `json:"answer"` // in one sentence
	// Findings are what the last checks saw, told or not.
	Findings  []FindingReason  `json:"findings"`
	Incidents []IncidentReason `json:"incidents"`
	// Routes say where an incident of each severity would go now.
	Routes []RouteReason `json:"routes"`
}

// FindingReason says what became of a finding at one address.
type FindingReason struct {
	Address  string    `json:"address"`
	Cause    string    `json:"cause"`
	Severity Severity  `json:"severity"`
	Summary  string    `json:"summary"`
	First    time.Time `json:"first"`
	Seen     int       `json:"seen"`
	Missed   int       `json:"missed"`
	Incident string    `json:"incident,omitempty"` // id of the open incident
	Why      string    `json:"why"`
}

// IncidentReason says who was told of an incident.
type IncidentReason struct {
	ID         string            `json:"id"`
	Cause      string            `json:"cause"`
	Severity   Severity          `json:"severity"`
	Open       bool              `json:"open"`
	Why        string            `json:"why"`
	Deliveries []DeliveryOutcome `json:"deliveries"`
}

// DeliveryOutcome is what became of a message.
type DeliveryOutcome struct {
	Channel string    `json:"channel"`
	Kind    Kind      `json:"kind"`
	State   string    `json:"state"` // waiting, trying, sent, failed
	Written time.Time `json:"written"`
	Due     time.Time `json:"due"`
	Tries   int       `json:"tries"`
	Text    string    `json:"text,omitempty"` // of the last try
}

// RouteReason says which channels hear of a severity.
type RouteReason struct {
	Severity Severity `json:"severity"`
	Channels []string `json:"channels"`
	Why      []string `json:"why"` // a line for each route
}

// Explain applies the rules to what is known, without changing it. Incidents are
// those of the endpoint, and the vantage point's own that are open; told are the
// messages about them.
func (r *Rules) Explain(now time.Time, d EndpointDetail, incidents []Incident, silences []Silence, told map[string][]MessageStatus) Explanation {
	e := &d.Endpoint
	x := Explanation{Endpoint: e.ID, Target: e.Target, Findings: []FindingReason{}, Incidents: []IncidentReason{}, Routes: []RouteReason{}}
	offline := ""
	for i := range incidents {
		inc := &incidents[i]
		if inc.Endpoint == "" && inc.Open() {
			offline = inc.Finding.Cause
		}
	}
	for i := range d.States {
		for j := range d.States[i].Sightings {
			x.Findings = append(x.Findings, r.explainFinding(&d.States[i], &d.States[i].Sightings[j], incidents, e.ID, offline))
		}
	}
	for i := range incidents {
		if inc := &incidents[i]; inc.Endpoint == e.ID {
			x.Incidents = append(x.Incidents, r.explainIncident(now, e, inc, silences, told[inc.ID]))
		}
	}
	for _, s := range []Severity{Critical, Warning} {
		x.Routes = append(x.Routes, r.explainRoutes(e, s))
	}
	x.Answer = answer(&d, &x)
	return x
}

func answer(d *EndpointDetail, x *Explanation) string {
	for i := range x.Incidents {
		if x.Incidents[i].Open {
			return "there is an open incident: " + x.Incidents[i].Why
		}
	}
	switch {
	case len(x.Findings) > 0:
		return "something was seen and no incident is open: " + x.Findings[0].Why
	case len(d.States) == 0:
		return "it was not checked yet: the first check is due at " + d.NextDue.UTC().Format(time.RFC3339)
	case d.State == StandUntested:
		return "it cannot be tested, which neither opens nor closes an incident: " + d.States[0].Note
	case len(x.Incidents) > 0:
		return "the last checks saw nothing wrong; the last incident is over: " + x.Incidents[0].Why
	}
	return "the last checks saw nothing wrong"
}

func (r *Rules) explainFinding(st *State, s *Sighting, incidents []Incident, endpoint, offline string) FindingReason {
	f := FindingReason{Address: st.Address, Cause: s.Finding.Cause, Severity: s.Finding.Severity, Summary: s.Finding.Summary, First: s.First, Seen: s.Seen, Missed: s.Missed}
	i := slices.IndexFunc(incidents, func(i Incident) bool { return i.Endpoint == endpoint && i.Key == s.Finding.Key && i.Open() })
	switch {
	case i >= 0:
		f.Incident = incidents[i].ID
		f.Why = "an incident is open for it"
		if s.Missed > 0 {
			f.Why = fmt.Sprintf("an incident is open for it, though the last %d checks did not see it: it ends when %d in a row have not, over %v", s.Missed, r.tries()<<min(incidents[i].Flaps, 4), r.within())
		}
	case s.Missed > 0:
		f.Why = fmt.Sprintf("it was seen %d times and not in the last %d checks: it is forgotten when %d in a row have not seen it", s.Seen, s.Missed, r.tries())
	case s.Seen < r.tries() || s.Last.Sub(s.First) < r.within():
		f.Why = fmt.Sprintf("it was seen %d times over %v; an incident opens when it was seen %d times over %v", s.Seen, s.Last.Sub(s.First).Round(time.Second), r.tries(), r.within())
	case s.Finding.Network && offline != "":
		f.Why = "nothing came back from the server, and the monitor itself seems cut off (" + offline + ")"
	case s.Finding.Network:
		f.Why = "nothing came back from the server: other endpoints are checked first to see whether the monitor itself is cut off"
	default:
		f.Why = "an incident opens with the next check"
	}
	return f
}

func (r *Rules) explainIncident(now time.Time, e *Endpoint, inc *Incident, silences []Silence, told []MessageStatus) IncidentReason {
	x := IncidentReason{ID: inc.ID, Cause: inc.Finding.Cause, Severity: inc.Severity, Open: inc.Open(), Deliveries: []DeliveryOutcome{}}
	sent := []string{}
	for i := range told {
		m := &told[i]
		if !slices.ContainsFunc(m.Items, func(it Item) bool { return it.Incident.ID == inc.ID }) {
			continue
		}
		x.Deliveries = append(x.Deliveries, DeliveryOutcome{Channel: m.Channel, Kind: m.Kind, State: m.State, Written: m.At, Due: m.Due, Tries: m.Tries, Text: m.Last})
		said := string(m.Kind) + " to " + m.Channel
		switch m.State {
		case "sent":
			sent = append(sent, said+" was accepted")
		case "failed":
			sent = append(sent, said+" was given up after "+fmt.Sprint(m.Tries)+" tries: "+m.Last)
		default:
			why := said + " waits until " + m.Due.UTC().Format(time.RFC3339)
			if m.Last != "" {
				why += ", for the last try ended with: " + m.Last
			}
			sent = append(sent, why)
		}
	}
	silence, until := r.holding(now, silences, e, inc)
	switch {
	case inc.Muted != "":
		x.Why = "nobody is told, because " + inc.Muted
	case silence != "" && inc.Open():
		x.Why = "nothing more is told, because silence " + silence + " holds until " + until.UTC().Format(time.RFC3339)
	case len(inc.Told) == 0 && inc.Open() && len(sent) == 0:
		x.Why = "nobody was told yet"
	case len(sent) == 0:
		x.Why = "nothing is known of messages about it"
	}
	if len(sent) > 0 {
		x.Why = strings.Join(append(sent, slices.DeleteFunc([]string{x.Why}, func(s string) bool { return s == "" })...), "; ")
	}
	if !inc.Acknowledged.IsZero() {
		x.Why += "; " + inc.By + " has acknowledged it"
	}
	return x
}

// explainRoutes says of each route whether it takes an incident of a severity.
func (r *Rules) explainRoutes(e *Endpoint, s Severity) RouteReason {
	x := RouteReason{Severity: s, Channels: []string{}, Why: []string{}}
	inc := &Incident{Endpoint: e.ID, Target: e.Target, Owner: e.Owner, Severity: s}
	ended := false
	for i, route := range r.Routes {
		name := fmt.Sprintf("route %d", i+1)
		no := ""
		maybe := ""
		for _, k := range slices.Sorted(maps.Keys(route.Match)) {
			if k == "cause" {
				maybe = " for the cause " + route.Match[k]
			} else if got := label(e, inc, k); got != route.Match[k] && no == "" {
				no = fmt.Sprintf("%s is %q, not %q", k, got, route.Match[k])
			}
		}
		switch {
		case ended:
			x.Why = append(x.Why, name+" is not asked: one before it has decided")
		case s.Rank() < route.MinSeverity.Rank():
			x.Why = append(x.Why, fmt.Sprintf("%s takes %s and above", name, route.MinSeverity))
		case no != "":
			x.Why = append(x.Why, name+" does not match: "+no)
		default:
			x.Why = append(x.Why, fmt.Sprintf("%s matches%s: %s", name, maybe, strings.Join(route.Channels, ", ")))
			for _, c := range route.Channels {
				if !slices.Contains(x.Channels, c) && maybe == "" {
					x.Channels = append(x.Channels, c)
				}
			}
			ended = !route.Continue && maybe == ""
		}
	}
	if len(r.Routes) == 0 {
		x.Why = append(x.Why, "there are no routes: nobody is told of anything")
	}
	return x
}
