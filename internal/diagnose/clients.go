package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// Roster says about which clients Clients speaks, and how it finds out.
type Roster struct {
	Profiles []*client.Profile
	// Replay sends every client's hello instead of predicting what comes of it;
	// Every is the pause between two of them, so many of which are under way at
	// a time as Parallel says (default 4).
	Replay   bool
	Every    time.Duration
	Parallel int
}

// Clients tells which known clients can connect to a target. It learns what the
// server negotiates and predicts how it answers each client's hello; the judge
// then says how that client takes the answer. The error is that of Run.
func Clients(ctx context.Context, target string, o Options, env Env, of Roster) (*diag.Clients, error) {
	started := time.Now()
	at := o.At
	if at.IsZero() {
		at = started
	}
	o.Client = ""
	if env.Stores == nil {
		env.Stores = &truststore.Cache{}
	}
	p, w, err := prepare(target, o, env, at)
	if err != nil {
		return nil, err
	}
	r := &runner{plan: p, started: started, c: &facts.Case{At: at.UTC(), AtGiven: !o.At.IsZero(), Want: w}}
	d := &diag.Clients{Schema: diag.ClientsSchema, Replayed: of.Replay, Clients: []diag.KnownClient{}, NotTested: []diag.NotTested{}, Notes: slices.Clone(p.notes),
		StartedAt: started.UTC(), Tool: Tool(),
		Target: diag.Target{Input: w.Input, Name: w.Name, Port: w.Port, Protocol: w.Protocol, StartTLS: w.StartTLS, SNI: w.Hello.ServerName()}}
	if w.Local != nil || w.IdentityKeyMismatch {
		found, _ := causes.Judge(r.c)
		return r.nobody(d, of, found), nil
	}
	p.progress("resolving " + w.Name)
	var not []diag.NotTested
	if r.c.Lookup, not, err = p.lookup(ctx); err != nil {
		return nil, err
	}
	d.NotTested = append(d.NotTested, not...)
	var seen survey
	for _, address := range r.c.Lookup.Addresses {
		p.progress("learning what " + address + " negotiates")
		if seen = r.survey(ctx, address); seen.spoke {
			d.Address = address
			break
		}
		d.Connections += seen.connections
	}
	d.Connections += seen.connections
	if !seen.spoke {
		return r.silent(ctx, d, of)
	}
	for _, other := range r.c.Lookup.Addresses {
		if other != d.Address {
			d.NotTested = append(d.NotTested, diag.NotTested{What: other, Reason: "one address is asked; --connect names another"})
		}
	}
	if seen.asks {
		d.Notes = append(d.Notes, "the server asks for a client certificate; every client is taken to have one that it accepts")
	}
	if !of.Replay {
		d.NotTested = append(d.NotTested, diag.NotTested{What: "the clients themselves", Reason: "their outcomes are predicted from what the server negotiates; --replay sends their hellos"})
	}
	d.Clients = make([]diag.KnownClient, len(of.Profiles))
	r.each(ctx, of, func(i int, profile *client.Profile) {
		d.Clients[i] = r.fares(ctx, target, profile, seen, d.Address, of.Replay)
	})
	d.Older = older(of.Profiles, d.Clients)
	d.Notes = orEmpty(d.Notes)
	d.DurationMS = ms(time.Since(started))
	return d, nil
}

// each runs over the profiles, several at a time.
func (r *runner) each(ctx context.Context, of Roster, f func(int, *client.Profile)) {
	parallel := of.Parallel
	if parallel <= 0 {
		parallel = maxParallel
	}
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i, profile := range of.Profiles {
		if of.Replay && i > 0 && of.Every > 0 {
			pause(ctx, of.Every)
		}
		slots <- struct{}{}
		r.progress("trying " + profile.Name)
		wg.Go(func() {
			defer func() { <-slots }()
			f(i, profile)
		})
	}
	wg.Wait()
}

// fares tells how one client fares.
func (r *runner) fares(ctx context.Context, target string, profile *client.Profile, seen survey, address string, replay bool) diag.KnownClient {
	k := known(profile)
	o, env := r.opts, r.env
	o.Client, o.Progress, env.Profile = profile.Name, nil, profile
	if o.CAFile == "" && o.Trust == "" {
		o.Trust = profile.Roots()
	}
	p, w, err := begin(target, o, env)
	if err == nil {
		err = p.loadAnchors(&w, r.c.At)
	}
	if err != nil { // the options are those of the reference client, which went through
		k.Outcome, k.End = diag.ClientUnknown, err.Error()
		return k
	}
	if o.CAFile == "" && o.Trust == profile.Roots() {
		forget(&w, profile)
	}
	k.Trust = w.AnchorsFrom
	w.Identity, w.Command = r.c.Want.Identity, p.command()
	one := &runner{plan: p, started: time.Now(), c: &facts.Case{At: r.c.At, AtGiven: r.c.AtGiven, Built: truststore.MozillaDate(), Want: w,
		Lookup: facts.Lookup{Name: w.Name, Addresses: []string{address}, Given: true}}}
	one.foretell(ctx, seen, &k)
	if replay {
		one.replay(ctx, &k)
	}
	return k
}

// forget leaves out the roots that an old client does not have.
func forget(w *facts.Want, profile *client.Profile) {
	has := slices.DeleteFunc(slices.Clone(w.Anchors), func(c *chain.Certificate) bool { return profile.Lacks(c.Subject.CN(), c.NotBefore) })
	if n := len(w.Anchors) - len(has); n > 0 {
		w.Anchors, w.AnchorsFrom = has, fmt.Sprintf("%s, without %d that %s does not have yet", w.AnchorsFrom, n, profile.Name)
	}
}

// foretell judges what the hello is expected to meet.
func (r *runner) foretell(ctx context.Context, seen survey, k *diag.KnownClient) {
	site := seen.site(r.c.Want.Name)
	answer := func(h *tlswire.ClientHello, e facts.Experiment) *facts.Attempt {
		a := predict(site, h, e)
		a.Site, a.Because = nil, facts.Line{} // nobody wrote a line that one could name
		return a
	}
	if out := client.Negotiate(r.c.Want.Hello, r.c.Want.Client, &site.Server); out.Unknown {
		k.Outcome = diag.ClientUnknown
		return
	}
	first := answer(r.c.Want.Hello, facts.Experiment{Address: r.c.Lookup.Addresses[0]})
	first.N = 1
	r.c.Attempts, r.c.Spent = []*facts.Attempt{first}, true
	found, _ := causes.Judge(r.c)
	if failure(found) != nil {
		r.c.Spent = false // ask on, for what would have helped
		found = r.expect(ctx, answer, false)
	}
	fare(k, first, failure(found))
}

// replay sends the hello.
func (r *runner) replay(ctx context.Context, k *diag.KnownClient) {
	expected, why := k.Outcome, k.Cause
	r.c.Attempts, r.c.Spent = nil, false
	r.opts.MaxConnections = 1
	found := r.loop(ctx)
	if len(r.c.Attempts) == 0 || r.c.Attempts[0].End.Kind == facts.EndCanceled {
		fare(k, nil, nil)
		k.Outcome, k.End = diag.ClientUnknown, "it was not sent: the run ended before"
		return
	}
	fare(k, r.c.Attempts[0], failure(found))
	k.End = causes.EndText(r.c.Attempts[0])
	a := r.c.Attempts[0]
	ours := a.End.Kind == facts.EndLocal && a.ServerHello != nil // what this client could compute, and we cannot
	unasked := k.Cause != nil && k.Cause.ID == "client-cert-required" && r.c.Want.Identity == nil
	switch {
	case ours || unasked:
		k.Outcome, k.Cause = expected, why
	case k.Outcome != expected:
		k.Predicted = expected
	case why != nil:
		k.Cause = why // it rests on more than this connection
	}
}

// fare says how a client fares that met this and, if it failed, why.
func fare(k *diag.KnownClient, a *facts.Attempt, failed *diag.Cause) {
	k.Outcome, k.Version, k.Suite, k.Group, k.Cause = diag.ClientConnects, "", "", "", failed
	if failed != nil {
		k.Outcome = diag.ClientFails
	}
	if a == nil || a.ServerHello == nil {
		return
	}
	k.Version, k.Suite = a.Version.String(), a.ServerHello.CipherSuite.String()
	if share, ok := a.ServerHello.KeyShare(); ok {
		k.Group = share.Group.String()
	} else if a.KeyExchange != nil && a.KeyExchange.Group != 0 {
		k.Group = a.KeyExchange.Group.String()
	}
}

// silent is the result where no hello of ours was answered: no client connects,
// for the reason that a diagnosis finds.
func (r *runner) silent(ctx context.Context, d *diag.Clients, of Roster) (*diag.Clients, error) {
	o := r.opts
	o.Progress = nil
	x, err := Run(ctx, d.Target.Input, o, r.env)
	if err != nil {
		return nil, err
	}
	d.Notes, d.NotTested = append(d.Notes, x.Notes...), append(d.NotTested, x.NotTested...)
	return r.nobody(d, of, x.Causes), nil
}

// nobody fills in a result that is the same for every client.
func (r *runner) nobody(d *diag.Clients, of Roster, found []diag.Cause) *diag.Clients {
	why := failure(found)
	for _, profile := range of.Profiles {
		k := known(profile)
		fare(&k, nil, why)
		if why == nil {
			k.Outcome = diag.ClientUnknown
		}
		d.Clients = append(d.Clients, k)
	}
	d.Older = older(of.Profiles, d.Clients)
	d.Notes = orEmpty(d.Notes)
	d.DurationMS = ms(time.Since(r.started))
	return d
}

// older groups the clients that are not in use any more by how they fare, those
// that connect first.
func older(profiles []*client.Profile, all []diag.KnownClient) []diag.ClientGroup {
	out := []diag.ClientGroup{}
	of := map[*client.Profile]int{} // index of its group
	var users []*client.Profile
	for i, p := range profiles {
		k := all[i]
		if p.Current {
			continue
		}
		users = append(users, p)
		g := diag.ClientGroup{Outcome: k.Outcome, Count: 1}
		if k.Cause != nil {
			g.Cause, g.Summary = k.Cause.ID, k.Cause.Summary
		}
		if n := slices.IndexFunc(out, func(o diag.ClientGroup) bool { return o.Outcome == g.Outcome && o.Cause == g.Cause }); n >= 0 {
			out[n].Count++
			of[p] = n
			continue
		}
		of[p] = len(out)
		out = append(out, g)
	}
	for n := range out {
		out[n].Clients = client.Ranges(users, func(p *client.Profile) bool { return of[p] == n })
	}
	slices.SortStableFunc(out, func(a, b diag.ClientGroup) int {
		return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), -cmp.Compare(a.Count, b.Count))
	})
	return out
}

// known is what a profile says of itself.
func known(p *client.Profile) diag.KnownClient {
	k := diag.KnownClient{Name: p.Name, Also: orEmpty(p.Also), Family: p.Family, Platform: p.Platform, Release: p.Version, Released: p.Released, Captured: p.Captured, Current: p.Current}
	if k.Released == "unknown" {
		k.Released = ""
	}
	return k
}

// failure is the first cause that breaks the client.
func failure(found []diag.Cause) *diag.Cause {
	i := slices.IndexFunc(found, func(c diag.Cause) bool { return c.Severity == diag.SeverityFailure })
	if i < 0 {
		return nil
	}
	return &found[i]
}
