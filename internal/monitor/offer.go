package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// Offer is what a server offers at one address, by the last inventory of it.
type Offer struct {
	At       time.Time  `json:"at"`                 // of the last try
	Versions []Offering `json:"versions,omitempty"` // newest first
	Suites   []Offering `json:"suites,omitempty"`   // of all versions
	Groups   []Offering `json:"groups,omitempty"`
	DH       []Offering `json:"dh,omitempty"` // primes of Diffie-Hellman
	// Missed says why the last try found out too little to be compared: then the
	// rest is of the one before.
	Missed string `json:"missed,omitempty"`
}

// Offering is one thing that a server offers.
type Offering struct {
	Name string `json:"name"`
	Weak string `json:"weak,omitempty"` // why it should not be offered today
}

// MinInventory is the least time between two inventories of an address: each
// takes up to 90 connections.
const MinInventory = time.Hour

// weakVersions are those that servers should no longer offer.
var weakVersions = map[string]string{"SSL 2.0": "broken (DROWN)", "SSL 3.0": "broken (POODLE)", "TLS 1.0": "deprecated (RFC 8996)", "TLS 1.1": "deprecated (RFC 8996)"}

// Offered turns an inventory into what is compared with the next one: things that
// the server was seen to take. What it was not seen to do may only have been
// missed, and is left out.
func Offered(inv *diag.Inventory) *Offer {
	o := &Offer{At: inv.StartedAt.UTC()}
	switch {
	case inv.Verdict == diag.Failure || inv.Verdict == diag.Untested:
		o.Missed = inv.Outcome
		return o
	case len(inv.Notes) > 0:
		o.Missed = strings.Join(inv.Notes, "; ")
		return o
	}
	put := func(list *[]Offering, name, weak string) {
		if !slices.ContainsFunc(*list, func(x Offering) bool { return x.Name == name }) {
			*list = append(*list, Offering{name, weak})
		}
	}
	for _, v := range inv.Versions {
		modern := !strings.HasPrefix(v.Version, "SSL")
		if modern && (v.Offered == diag.Unknown || v.Offered == diag.Yes && !v.Complete) {
			return &Offer{At: o.At, Missed: strings.TrimSuffix("what it takes of "+v.Version+" could not be found out: "+v.Why, ": ")}
		}
		if v.Offered != diag.Yes {
			continue
		}
		put(&o.Versions, v.Version, weakVersions[v.Version])
		for _, s := range v.Suites {
			if modern {
				put(&o.Suites, s.Name, s.Weak)
			}
		}
	}
	for _, g := range inv.Groups {
		put(&o.Groups, g.Name, "")
	}
	for _, d := range inv.DH {
		put(&o.DH, fmt.Sprintf("Diffie-Hellman with %d bits", d.Bits), d.Weak)
	}
	return o
}

// all are the things that drift is judged by. Groups are left out: which of
// them are asked for follows from our own list.
func (o *Offer) all() []Offering {
	if o == nil {
		return nil
	}
	return slices.Concat(o.Versions, o.Suites, o.DH)
}

// Weak are those that should not be offered.
func (o *Offer) Weak() []Offering {
	return slices.DeleteFunc(o.all(), func(x Offering) bool { return x.Weak == "" })
}

// below is the lowest version on offer that is lower than the least, "" for none.
func (o *Offer) below(least string) string {
	if o == nil || len(o.Versions) == 0 {
		return ""
	}
	if v := o.Versions[len(o.Versions)-1].Name; v < least { // "SSL 3.0" < "TLS 1.0"
		return v
	}
	return ""
}

// learnOffer takes what is offered into the baseline.
func (b *Baseline) learnOffer(o *Offer) {
	for _, x := range o.all() {
		add(&b.Offers, x.Name)
	}
}

// takeOffer takes an inventory into the state of its address. What is new and
// good is said once; what is new and weak stays a finding, see offers.
func (a *applied) takeOffer(st *State, x *Offer) {
	if a.b.Endpoint.Inventory <= 0 {
		st.Offered = nil
		return
	}
	b := a.out.Watch.Baseline
	if x == nil || b == nil {
		return
	}
	old := st.Offered
	if x.Missed != "" && old != nil {
		c := *old
		c.At, c.Missed = x.At, x.Missed
		st.Offered = &c
		return
	}
	st.Offered = x
	if x.Missed != "" {
		return
	}
	now, before := names(x.all()), names(old.all())
	if gone := without(before, now); len(gone) > 0 {
		a.event(EventDrift, st.Address, "", "no longer offers "+listed(gone))
	}
	if b.Offers == nil || len(before) == 0 && !a.newcomer(st) {
		b.learnOffer(x)
		return
	}
	var more []string
	for _, o := range x.all() {
		if o.Weak == "" && !slices.Contains(b.Offers, o.Name) {
			more = append(more, o.Name)
			add(&b.Offers, o.Name)
		}
	}
	if len(more) > 0 {
		a.event(EventDrift, st.Address, "", "now also offers "+listed(more))
	}
	// What no address offers any more is news when it comes back.
	b.Offers = slices.DeleteFunc(b.Offers, func(name string) bool {
		return !slices.ContainsFunc(a.out.States, func(s State) bool { return slices.Contains(names(s.Offered.all()), name) })
	})
}

// newcomer tells whether the address joined an endpoint that was watched before.
func (a *applied) newcomer(st *State) bool {
	return slices.ContainsFunc(a.out.States, func(s State) bool { return s.First.Before(st.First) })
}

// offers finds what an address offers that is weak and was not offered before.
func (a *applied) offers(st *State) []Finding {
	b := a.out.Watch.Baseline
	if st.Offered == nil || b == nil {
		return nil
	}
	e := &a.b.Endpoint
	f := Finding{Key: "drift-offer", Cause: "drift-offer", Severity: Warning, Stage: diag.StageFinished, Verify: "tlswhy scan --connect " + st.Address + " " + e.Target,
		Fixes: []diag.Fix{{Side: "server", Action: "review-change", Text: "If nobody changed this on purpose, take it out of the server's configuration again: tlswhy scan prints the lines for its software. If it was on purpose, accept it as the new baseline."}}}
	if e.StartTLS != "" {
		f.Verify += " --starttls " + e.StartTLS
	}
	var weak []string
	for _, x := range st.Offered.Weak() {
		if !slices.Contains(b.Offers, x.Name) {
			weak = append(weak, x.Name)
			f.Evidence = append(f.Evidence, diag.Evidence{Text: fmt.Sprintf("the server took %s at %s: %s", x.Name, st.Offered.At.Format("2006-01-02 15:04 MST"), x.Weak), Where: st.Address})
		}
	}
	if len(weak) == 0 {
		return nil
	}
	f.Summary = "the server now also offers " + listed(weak)
	return []Finding{f}
}

func names(list []Offering) (out []string) {
	for _, x := range list {
		out = append(out, x.Name)
	}
	return out
}

// listed names the first few.
func listed(list []string) string {
	const few = 4
	if len(list) > few+1 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:few], ", "), len(list)-few)
	}
	return strings.Join(list, ", ")
}
