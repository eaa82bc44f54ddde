package monitor

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// outcome takes what was met at one address into its state.
func (a *applied) outcome(o *Outcome) {
	if o.Same {
		if o = a.recall(o); o == nil {
			return
		}
	}
	o = a.place(o)
	st := a.state(o.Address, o.SNI)
	first := a.b.Watch.Checks == 0 // of the endpoint: a new address of an old one is news
	st.Checked, st.Missing, st.MissingSince = a.now, 0, time.Time{}
	st.Verdict, st.Note = o.Verdict, o.Note
	st.Digest, st.Calm = o.Digest, o.Until
	if o.Verdict == diag.Untested {
		return // our own inability says nothing
	}
	a.reach(o)
	if old, leaf := st.Now.Leaf(), o.Seen.Leaf(); old != nil && leaf != nil && old.Fingerprint != leaf.Fingerprint && slices.Contains(st.Known, leaf.Fingerprint) {
		st.Swapped = a.now
	}
	st.Swapped = earlier(st.Swapped, a.now)
	a.takeOffer(st, o.Offer)
	findings := a.findings(o, st)
	a.sight(st, o, findings, first)
	if leaf := o.Seen.Leaf(); leaf != nil {
		st.Known = slices.DeleteFunc(st.Known, func(x string) bool { return x == leaf.Fingerprint })
		st.Known = slices.Insert(st.Known, 0, leaf.Fingerprint)
		st.Known = st.Known[:min(len(st.Known), maxKnown)]
	}
	if o.Seen.Leaf() != nil || o.Seen.Version != "" {
		st.Now = o.Seen
	}
	if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Critical }) {
		st.Good, st.Healthy = a.now, o.Seen
	}
}

// place finds the state of an outcome that came to no hello and hence does not
// know its SNI, and forgets such a state once the SNI is known.
func (a *applied) place(o *Outcome) *Outcome {
	if o.Verdict == diag.Untested {
		if i := slices.IndexFunc(a.out.States, func(s State) bool { return s.Address == o.Address }); i >= 0 {
			c := *o
			c.SNI = a.out.States[i].SNI
			return &c
		}
		return o
	}
	a.out.States = slices.DeleteFunc(a.out.States, func(s State) bool {
		return s.Address == o.Address && s.SNI != o.SNI && s.Verdict == diag.Untested && len(s.Sightings) == 0 && len(s.Known) == 0
	})
	return o
}

// findings are what the check says, with what the monitor adds to it.
func (a *applied) findings(o *Outcome, st *State) []Finding {
	found := o.Findings
	switch {
	case o.Deep:
		st.Signature, st.Diagnosed = o.Signature, o.Findings
	case o.Signature == st.Signature && len(st.Diagnosed) > 0:
		found = st.Diagnosed // the full diagnosis explained the same outcome
	default:
		st.Signature, st.Diagnosed = "", nil
	}
	// Whether an end is near is for the thresholds of the endpoint to say.
	found = slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.Cause == "expires-soon" })
	if a.b.Endpoint.Kind == KindFile {
		found = slices.DeleteFunc(found, func(f Finding) bool { return moot(&a.b.Endpoint, o, &f) })
	}
	a.window(st, o)
	end, late := expiry(a.now, &a.b.Endpoint, o), overdue(a.now, &a.b.Endpoint, o, st.Renewal)
	if end != nil && (late == nil || end.Severity.Rank() > late.Severity.Rank()) {
		late = end
	}
	if late != nil {
		found = append(found, *late)
	}
	if f := a.ahead(st, o); f != nil {
		found = append(found, *f)
	}
	found = append(found, expectations(&a.b.Endpoint.Expect, o, st.Offered)...)
	if b := a.out.Watch.Baseline; b != nil {
		drifted, said := drift(a.now, b, o, st)
		found = append(found, drifted...)
		for _, s := range said {
			a.event(EventDrift, o.Address, "", s)
		}
		if o.Seen.Version != "" {
			found = append(found, a.offers(st)...)
		}
	}
	return found
}

// moot tells whether a finding means nothing for a file: who trusts it is not
// known unless the configuration says so, and a file with one certificate may
// have its issuers in another.
func moot(e *Endpoint, o *Outcome, f *Finding) bool {
	alone := !slices.ContainsFunc(o.Seen.Path, func(x Element) bool { return x.Role == "intermediate" })
	return slices.Contains([]string{"unknown-ca", "self-signed", "cert-lifetime-too-long"}, f.Cause) && e.CAFile == "" && e.Trust == "" || f.Cause == "incomplete-chain" && alone
}

// sight counts what was seen and what was not.
func (a *applied) sight(st *State, o *Outcome, found []Finding, first bool) {
	for _, f := range found {
		x := st.sighting(f.Key)
		if x == nil {
			st.Sightings = append(st.Sightings, Sighting{First: a.now, AtFirstSight: first})
			x = &st.Sightings[len(st.Sightings)-1]
			a.event(EventPending, o.Address, "", fmt.Sprintf("seen for the first time: %s (%s)", f.Summary, f.Cause))
			a.out.Hasten = a.out.Hasten || f.Network
		}
		x.Finding, x.Last, x.Missed, x.First = f, a.now, 0, earlier(x.First, a.now)
		x.Seen++
	}
	st.Sightings = slices.DeleteFunc(st.Sightings, func(x Sighting) bool {
		return !slices.ContainsFunc(found, func(f Finding) bool { return f.Key == x.Finding.Key }) && a.absent(st, o, &x)
	})
	for i := range st.Sightings {
		if x := &st.Sightings[i]; x.Last != a.now && couldSee(o, &x.Finding) {
			x.Missed++
		}
	}
}

// absent tells whether a finding has been missed often and long enough to be
// over. Each time that an incident came back doubles what is asked.
func (a *applied) absent(st *State, o *Outcome, x *Sighting) bool {
	if !couldSee(o, &x.Finding) {
		return false
	}
	if x.Finding.Certificate != "" && st.swaps(a.now) && a.now.Sub(x.Last) < day {
		return false // it was another machine's turn
	}
	need := a.tries()
	for _, inc := range a.incidents {
		if inc.Key == x.Finding.Key && inc.Open() && inc.Endpoint == a.b.Endpoint.ID {
			need <<= min(inc.Flaps, 4)
		}
	}
	if x.Missed+1 < need || a.now.Sub(earlier(x.Last, a.now)) < a.within() {
		return false
	}
	if !a.confirmed(x) {
		a.event(EventCleared, st.Address, "", fmt.Sprintf("seen %d times and not confirmed: %s", x.Seen, x.Finding.Summary))
	}
	return true
}

// couldSee tells whether a handshake that ended where this one did would have
// shown the finding: a server that is down has not renewed its certificate, and
// neither has who spoiled its file.
func couldSee(o *Outcome, f *Finding) bool {
	if o.Verdict == diag.OK || f.Network {
		return true
	}
	if f.Stage == diag.StageCertificate || f.Certificate != "" {
		return o.Seen.Leaf() != nil
	}
	return o.Verdict != diag.Failure || o.Stage.Rank() >= f.Stage.Rank()
}

func (a *applied) confirmed(x *Sighting) bool {
	return x.Seen >= a.tries() && a.now.Sub(x.First) >= a.within()
}

// resolution compares the addresses of the report with those that are known.
func (a *applied) resolution(rep Report) {
	if rep.Addresses == nil {
		return
	}
	a.out.States = slices.DeleteFunc(a.out.States, func(st State) bool {
		return st.Address == "" && len(st.Sightings) == 0
	})
	for i := range a.out.States {
		st := &a.out.States[i]
		switch {
		case st.Address == "": // the name did not resolve, and now it does
			st.Checked = a.now
			a.sight(st, &Outcome{Verdict: diag.OK}, nil, false)
		case slices.Contains(rep.Addresses, st.Address):
			st.Missing, st.MissingSince = 0, time.Time{}
		default:
			if st.Missing == 0 || st.MissingSince.After(a.now) {
				st.MissingSince = a.now
			}
			st.Missing++
		}
	}
	a.out.States = slices.DeleteFunc(a.out.States, func(st State) bool {
		gone := st.Missing >= goneChecks && a.now.Sub(st.MissingSince) >= goneAfter
		if gone {
			a.event(EventGone, st.Address, "", "the name no longer leads there")
		}
		return gone
	})
}
