package monitor

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"
)

// Rules are what an operator may set of the judgement. The zero value is the
// default.
type Rules struct {
	// A finding opens an incident when Tries checks have seen it over at least
	// Within, and is gone when as many have not: 0 is 3 and 30 s.
	Tries  int
	Within time.Duration
	// Routes say which channels hear of what; nil tells nobody.
	Routes []Route
	// Rates are how many messages a channel takes in RateWindow before they become
	// summaries; one that is not there takes any number.
	Rates map[string]int
	// Windows are when CAs want certificates to be renewed, by the leaf's
	// fingerprint. The map is never written to.
	Windows map[string]Window
	// Maintenance are silences of the configuration.
	Maintenance []Silence
}

func (r *Rules) tries() int {
	if r.Tries > 0 {
		return r.Tries
	}
	return 3
}

func (r *Rules) within() time.Duration {
	if r.Within > 0 {
		return r.Within
	}
	return 30 * time.Second
}

// Fixed periods of the rules.
const (
	// ReopenWithin is how long after its end an incident that comes back is the
	// same one.
	ReopenWithin = 15 * time.Minute
	// goneAfter and goneChecks say when an address that left the DNS is retired.
	goneAfter  = 10 * time.Minute
	goneChecks = 3
	// witnesses is how many unrelated sites must fall silent together for the
	// uplink to be the explanation.
	witnesses = 3
)

// Before is all that is known when a report comes in.
type Before struct {
	Now      time.Time
	Endpoint Endpoint
	Vantage  string
	Watch    Watch
	States   []State
	// Incidents are those of the endpoint at this vantage point, and the vantage
	// point's own, that are open or were resolved within ReopenWithin.
	Incidents []Incident
	Reach     map[string]Reach // by scope
	Sites     int              // watched from this vantage point; a bound is enough
	Silences  []Silence
}

// After is what is to be stored, in one transaction.
type After struct {
	Watch     Watch
	States    []State // all of them: others of the endpoint are gone
	Incidents []Incident
	Reach     map[string]Reach
	Events    []Event
	Messages  []Message
	NextDue   time.Time
	// Hasten asks for a check of some unrelated endpoints now: something fell
	// silent, and they tell whether it is our own network.
	Hasten bool
}

// Apply judges a report. It is pure: the same arguments give the same result,
// and Before is left alone.
func (r *Rules) Apply(b Before, rep Report) After {
	a := &applied{Rules: r, b: &b, now: b.Now.UTC(), out: After{Watch: b.Watch, Reach: map[string]Reach{}}}
	for k, v := range b.Reach {
		failing := map[string]time.Time{}
		for site, at := range v.Failing {
			failing[site] = at
		}
		v.Failing, v.LastGood = failing, earlier(v.LastGood, a.now)
		a.out.Reach[k] = v
	}
	for _, s := range b.States {
		s.Sightings = slices.Clone(s.Sightings)
		a.out.States = append(a.out.States, s)
	}
	a.incidents = slices.Clone(b.Incidents)
	a.out.Watch.Checks++
	a.baseline(rep)
	for i := range rep.Outcomes {
		a.outcome(&rep.Outcomes[i])
	}
	a.resolution(rep)
	a.offline()
	a.settle()
	for i := range a.incidents {
		a.tell(&a.incidents[i])
	}
	a.calm()
	a.out.Incidents = a.incidents
	a.out.NextDue = a.next()
	return a.out
}

// applied is one run of Apply.
type applied struct {
	*Rules
	b         *Before
	now       time.Time
	out       After
	incidents []Incident
}

func (a *applied) event(kind, address, incident, text string) {
	a.out.Events = append(a.out.Events, Event{At: a.now, Endpoint: a.b.Endpoint.ID, Vantage: a.b.Vantage, Address: address, Kind: kind, Incident: incident, Text: text})
}

func (a *applied) state(address, sni string) *State {
	for i := range a.out.States {
		if s := &a.out.States[i]; s.Address == address && s.SNI == sni {
			return s
		}
	}
	a.out.States = append(a.out.States, State{Address: address, SNI: sni, First: a.now})
	a.event(EventFirstSeen, address, "", "checked for the first time")
	return &a.out.States[len(a.out.States)-1]
}

// baseline learns from the first report that shows a handshake.
func (a *applied) baseline(rep Report) {
	if a.out.Watch.Baseline != nil {
		c := *a.out.Watch.Baseline
		for _, set := range []*[]string{&c.Issuers, &c.Anchors, &c.Keys, &c.Names, &c.Versions, &c.Suites, &c.ALPN, &c.Asks, &c.SCTs, &c.Offers, &c.Revoked} {
			*set = slices.Clone(*set)
		}
		a.out.Watch.Baseline = &c
		return
	}
	fresh := &Baseline{}
	for i := range rep.Outcomes {
		if o := &rep.Outcomes[i]; o.Seen.Leaf() != nil || o.Seen.Version != "" {
			fresh.learn(&o.Seen)
			a.out.Watch.Baseline = fresh
		}
	}
}

// next is when to check again: soon while something is neither confirmed nor
// gone, else after the interval, spread by a tenth so that endpoints that were
// added together do not stay together.
func (a *applied) next() time.Time {
	every := a.b.Endpoint.Every()
	for _, s := range a.out.States {
		for i := range s.Sightings {
			if x := &s.Sightings[i]; s.Missing == 0 && (x.Missed > 0 && !(x.Finding.Certificate != "" && s.swaps(a.now)) || !a.confirmed(x)) {
				return a.now.Add(min(every, a.within()/time.Duration(max(1, a.tries()-1))))
			}
		}
	}
	return jittered(a.now, a.b.Endpoint.ID, every, a.out.Watch.Checks)
}

// jittered is an interval from now, give or take a tenth.
func jittered(now time.Time, endpoint string, every time.Duration, checks int) time.Time {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(endpoint), uint64(checks)))
	spread := time.Duration(binary.BigEndian.Uint32(sum[:4])) * (every / 5) >> 32
	return now.Add(every - every/10 + spread)
}

// identity makes an id that a repeated Apply makes again.
func identity(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:10])
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}
