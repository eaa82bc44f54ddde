package monitor

import (
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// Most checks see what the check before saw. Apply marks the states for which
// the same once more would change nothing but times, and until when: State.Calm.
// Unchanged then does for such a report what Apply would do, without reading a
// state. A rule that depends on the time of day has to shorten Calm, or to live
// with being asked once in MaxCalm.

// MaxCalm is how long a state stays calm at most: then it is judged again,
// whatever a check sees.
const MaxCalm = time.Hour

// calm marks the states of which the same may be said unread.
func (a *applied) calm() {
	open := slices.ContainsFunc(a.incidents, func(i Incident) bool { return i.Open() && i.Endpoint == a.b.Endpoint.ID })
	for i := range a.out.States {
		st := &a.out.States[i]
		if open || st.Digest == "" || st.Missing > 0 || len(st.Sightings) > 0 || len(st.Diagnosed) > 0 || st.Verdict != diag.OK && st.Verdict != diag.Warning {
			st.Calm = time.Time{}
			continue
		}
		if st.Checked == a.now {
			st.Calm = earlier(st.Calm, a.now.Add(MaxCalm))
		}
		for k := range st.Now.Path {
			e := &st.Now.Path[k]
			if warn, _ := thresholds(e.Lifetime(), &a.b.Endpoint.Expect); !e.Anchor {
				st.Calm = earlier(st.Calm, e.NotAfter.Add(-warn))
			}
		}
	}
}

// recall is what an outcome that is the same as before stands for; nil when
// nothing like it is known.
func (a *applied) recall(o *Outcome) *Outcome {
	i := slices.IndexFunc(a.out.States, func(s State) bool { return s.Address == o.Address && s.SNI == o.SNI && s.Digest == o.Digest })
	if i < 0 || o.Digest == "" {
		return nil
	}
	st := &a.out.States[i]
	return &Outcome{Address: o.Address, SNI: o.SNI, Verdict: st.Verdict, Stage: diag.StageApplication, Reached: true, Seen: st.Now, Digest: o.Digest, Until: st.Calm, MS: o.MS, Offer: o.Offer}
}

// Calm is what has to be known of one address for Unchanged.
type Calm struct {
	Address, SNI, Digest string
	Until                time.Time // State.Calm
}

// Quiet is what has to be known of an endpoint for Unchanged.
type Quiet struct {
	Now      time.Time
	Endpoint string
	Every    time.Duration // Endpoint.Every
	Checks   int           // before this one
	Known    []Calm        // all addresses
	Reach    map[string]Reach
}

// Unchanged tells whether a report changes nothing but times, and then when the
// next check is due and who answered: Apply would say the same, and that Checked
// and Good of the addresses in the report are Now. It writes into q.Reach.
func Unchanged(q Quiet, rep *Report) (next time.Time, ok bool) {
	if len(rep.Outcomes) == 0 {
		return next, false
	}
	for i := range q.Known {
		if !slices.Contains(rep.Addresses, q.Known[i].Address) || q.Known[i].Until.IsZero() {
			return next, false
		}
	}
	for i := range rep.Outcomes {
		o := &rep.Outcomes[i]
		k := slices.IndexFunc(q.Known, func(c Calm) bool { return c.Address == o.Address && c.SNI == o.SNI })
		if !o.Same || o.Offer != nil || o.Digest == "" || k < 0 || q.Known[k].Digest != o.Digest || !q.Now.Before(q.Known[k].Until) || q.Reach[ScopeOf(o.Address)].Offline {
			return next, false
		}
	}
	for i := range rep.Outcomes {
		scope := ScopeOf(rep.Outcomes[i].Address)
		r := q.Reach[scope]
		r.Scope, r.LastGood, r.Failing = scope, q.Now, nil
		q.Reach[scope] = r
	}
	return jittered(q.Now, q.Endpoint, q.Every, q.Checks+1), true
}
