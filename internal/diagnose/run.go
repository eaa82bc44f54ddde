package diagnose

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/fetch"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/tlswire"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// The budget of one diagnosis, where the options set no other.
const (
	defaultTimeout     = 5 * time.Second         // of the first attempts
	afterFirst         = 2700 * time.Millisecond // of all that follows a timeout
	maxTotal           = 30 * time.Second
	slow               = 3 * time.Second        // an attempt that took so long counts as silence
	tooShort           = 300 * time.Millisecond // an answer later than that proves nothing
	defaultConnections = 40
	maxParallel        = 3                       // connections to one address at a time
	pauseFor           = 1500 * time.Millisecond // of facts.Later
	longest            = 3 * time.Second         // of one experiment, where nothing was slower
)

// Run diagnoses one target. The error is a *UsageError or a *FileError; all
// that concerns the peer is in the diagnosis. When ctx ends, what is known by
// then is judged.
func Run(ctx context.Context, target string, o Options, env Env) (*diag.Diagnosis, error) {
	if len(o.Via) > 1 {
		return runVias(ctx, target, o, env)
	}
	d, _, err := run(ctx, target, o, env)
	return d, err
}

// run is Run; tls tells whether any attempt got as far as TLS.
func run(ctx context.Context, target string, o Options, env Env) (d *diag.Diagnosis, tls bool, err error) {
	r, found, err := investigate(ctx, target, o, env)
	if err != nil {
		return nil, false, err
	}
	if other := r.second(ctx, o, env); other != nil {
		return other, true, nil
	}
	d = r.result(r.proxyItself(ctx, o, env, found))
	r.echoed(ctx, d)
	return d, r.behind(), nil
}

// investigate gathers the facts of a target and judges them.
func investigate(ctx context.Context, target string, o Options, env Env) (*runner, []diag.Cause, error) {
	started := time.Now()
	judged := o.At
	if judged.IsZero() {
		judged = started
	}
	p, want, err := prepare(target, o, env, judged)
	if err != nil {
		return nil, nil, err
	}
	c := &facts.Case{At: judged.UTC(), AtGiven: !o.At.IsZero(), Built: truststore.MozillaDate(), Want: want}
	r := &runner{plan: p, c: c, started: started}
	if want.Local == nil && !want.IdentityKeyMismatch {
		p.progress("resolving " + want.Name)
		if c.Lookup, r.not, err = p.lookup(ctx); err != nil {
			return nil, nil, err
		}
		p.lookupTLSA(ctx, &c.Want)
		r.lookupControls(ctx)
	}
	return r, r.loop(ctx), nil
}

func (p *plan) progress(s string) {
	if p.opts.Progress != nil {
		p.opts.Progress(s)
	}
}

// runner is one diagnosis under way.
type runner struct {
	*plan
	c       *facts.Case
	not     []diag.NotTested
	started time.Time
	fetcher *fetch.Fetcher
	walked  bool // for --locate

	connected atomic.Bool // the user's own hello had a connection to go by

	sessions sync.Map // by address: *probe.Session, for attempts that resume it
}

// loop asks the judge, makes what it names, and asks again.
func (r *runner) loop(ctx context.Context) []diag.Cause {
	for {
		found, ask := causes.Judge(r.c)
		if len(ask) == 0 {
			if r.askStores(found) || r.locate(ctx) {
				continue
			}
			return found
		}
		limit, left := r.deadline(), r.budget()-r.connections()
		if q := questions(ask); len(q) > 0 && len(ask) > left && ctx.Err() == nil && time.Until(limit) >= tooShort {
			r.batch(ctx, q, limit) // no connection to the server, hence beside its budget
			continue
		}
		if ctx.Err() != nil || len(ask) > left || time.Until(limit) < tooShort {
			r.c.Spent = true
			r.not = append(r.not, diag.NotTested{What: "further experiments", Reason: "the budget of connections or time is spent"})
			ask = ask[:max(0, min(len(ask), left))]
		}
		if ctx.Err() == nil && time.Until(limit) >= tooShort {
			r.batch(ctx, ask, limit)
		}
	}
}

// questions are those experiments that ask issuers about revocation.
func questions(ask []facts.Experiment) []facts.Experiment {
	return slices.DeleteFunc(slices.Clone(ask), func(e facts.Experiment) bool {
		return e.Kind != facts.Fetch || e.What != facts.FetchList && e.What != facts.FetchOCSP
	})
}

func (r *runner) connections() int { return len(r.c.Attempts) }

func (r *runner) budget() int {
	if r.opts.MaxConnections > 0 {
		return r.opts.MaxConnections
	}
	return max(defaultConnections, 12*len(r.c.Lookup.Addresses)) + r.opts.Repeat*len(r.c.Lookup.Addresses)
}

func (r *runner) timeout() time.Duration {
	if r.opts.Timeout > 0 {
		return r.opts.Timeout
	}
	return defaultTimeout
}

// deadline is when the diagnosis ends: soon after a silence, else much later.
func (r *runner) deadline() time.Time {
	if slices.ContainsFunc(r.c.Attempts, func(a *facts.Attempt) bool { return silent(a) || a.End.After >= slow }) {
		return r.started.Add(r.timeout() + r.after())
	}
	return r.started.Add(r.timeout() + maxTotal)
}

// after is how long may follow a silence: who is patient with the first attempt
// is so with the others.
func (r *runner) after() time.Duration { return max(afterFirst, r.timeout()/2) }

// mute tells whether the user's own hello met silence at this address: then
// silence is the rule there, and no reason to try again.
func (r *runner) mute(address string) bool {
	return slices.ContainsFunc(r.c.Attempts, func(a *facts.Attempt) bool {
		return (a.Address == address || r.isControl(address)) && a.Of.Changes == (facts.Changes{}) && silent(a)
	})
}

func silent(a *facts.Attempt) bool {
	return a.End.Kind == facts.EndTimeout || a.End.Kind == facts.EndNoConnect
}

// batch makes experiments side by side, a few per address at a time, and
// appends what came of them in the order in which they were asked for. One
// that timed out beside others is repeated alone, because some servers take
// one connection at a time.
func (r *runner) batch(ctx context.Context, ask []facts.Experiment, limit time.Time) {
	made := make([]*facts.Attempt, len(ask))
	fetched := make([]*facts.Fetched, len(ask))
	perAddress := map[string]chan struct{}{}
	busy := map[string]int{}
	for _, e := range ask {
		busy[e.Address]++
		if perAddress[e.Address] == nil {
			perAddress[e.Address] = make(chan struct{}, maxParallel)
		}
	}
	first := len(r.c.Attempts) == 0
	if r.fetcher == nil {
		r.fetcher = r.newFetcher()
	}
	bounded, cancel := context.WithDeadline(ctx, r.started.Add(r.timeout()+r.after()))
	defer cancel()
	var wg sync.WaitGroup
	for i, e := range ask {
		r.progress(r.words(e))
		if e.Kind == facts.Fetch {
			wg.Go(func() { fetched[i] = r.fetch(bounded, e) })
			continue
		}
		wg.Go(func() {
			slot := perAddress[e.Address]
			slot <- struct{}{}
			defer func() { <-slot }()
			made[i] = r.attempt(ctx, e, busy[e.Address] == 1, r.allowance(e, first, limit))
			r.tell(made[i])
		})
	}
	var early []*facts.Attempt
	if first {
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		early = r.meanwhile(ctx, done)
	}
	wg.Wait()
	made = append(made, early...)
	for _, f := range fetched {
		if f != nil {
			r.c.Fetches = append(r.c.Fetches, *f)
		}
	}
	for _, a := range made {
		if a != nil && r.hurried(a) || a != nil && silent(a) && over(ctx) {
			a.End.Kind = facts.EndCanceled // our or the caller's time was up, not the server's
		}
	}
	spoke := slices.ContainsFunc(made, func(a *facts.Attempt) bool { return a != nil && !silent(a) })
	for i, a := range made {
		if a != nil && silent(a) && !a.Alone && spoke && !r.mute(a.Address) && ctx.Err() == nil && time.Until(limit) > 0 {
			made[i] = r.attempt(ctx, ask[i], true, r.allowance(ask[i], false, limit))
		}
	}
	for _, a := range made {
		if a != nil {
			a.N = len(r.c.Attempts) + 1
			r.c.Attempts = append(r.c.Attempts, a)
		}
	}
}

// tell passes an attempt on to whoever looks on.
func (r *runner) tell(a *facts.Attempt) {
	if a != nil && r.env.Attempted != nil {
		r.env.Attempted(r.transcript(a, nil, false))
	}
}

// over tells whether the caller's time is up, or about to be.
func over(ctx context.Context) bool {
	const near = 20 * time.Millisecond
	limit, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(limit) < near
}

// allowance is how long one attempt may take: the first ones long, experiments
// a multiple of what the network was seen to need.
func (r *runner) allowance(e facts.Experiment, first bool, limit time.Time) time.Duration {
	d := r.timeout()
	if !first {
		least := time.Second
		if e.Changes.Path != "" && !r.went(e) {
			least = longest // nobody knows yet how long the other way takes
		}
		if r.answered(e) {
			least = longest // its silence would be news, and nobody waits while it is answered
		}
		slowest := r.slowest(e.Address)
		d = min(d, max(least, min(4*slowest, longest), slowest+slowest/2))
	}
	return max(min(d, time.Until(limit)), 50*time.Millisecond)
}

// went tells whether the way of an experiment was taken before.
func (r *runner) went(e facts.Experiment) bool {
	return slices.ContainsFunc(r.c.Attempts, func(a *facts.Attempt) bool {
		return a.Address == e.Address && a.Of.Changes.Path == e.Changes.Path && !silent(a)
	})
}

// answered tells whether the experiment is the repetition of one that the server
// answered.
func (r *runner) answered(e facts.Experiment) bool {
	e.Repeat = 0
	return slices.ContainsFunc(r.c.Attempts, func(a *facts.Attempt) bool {
		of := a.Of
		of.Repeat = 0
		return of == e && !silent(a)
	})
}

// slowest is the longest that a whole, unhurried exchange with the address took.
func (r *runner) slowest(address string) time.Duration {
	var d time.Duration
	for _, a := range r.c.Attempts {
		switch {
		case a.Address != address:
		case silent(a):
			d = max(d, firstWord(a))
		case a.End.Kind != facts.EndPreamble:
			d = max(d, a.Connect, a.End.After, beforeHello(a))
		}
	}
	return d
}

// hurried tells whether an attempt had less time than the address was seen to
// need for its greeting, or for the first word after it: then its silence is
// ours.
func (r *runner) hurried(a *facts.Attempt) bool {
	greeting := a.End.Kind == facts.EndPreamble && (a.End.Preamble == starttls.NoGreeting.String() || a.End.Preamble == starttls.Silent.String())
	if !greeting && a.End.Kind != facts.EndTimeout {
		return false
	}
	return slices.ContainsFunc(r.c.Attempts, func(b *facts.Attempt) bool {
		return b.Address == a.Address && (greeting && beforeHello(b) > a.End.After || !greeting && firstWord(b) > a.End.After)
	})
}

// beforeHello is how long it took until the hello could be sent, 0 where it
// never was.
func beforeHello(a *facts.Attempt) time.Duration {
	if len(a.Messages) == 0 {
		return 0
	}
	return a.Messages[0].At
}

// firstWord is how long the server took to begin its answer to the hello, or to
// hang up instead; 0 where it did neither.
func firstWord(a *facts.Attempt) time.Duration {
	var hello time.Duration
	for _, m := range a.Messages {
		if m.From == tlswire.SideServer {
			return m.At - hello
		}
		hello = m.At
	}
	if a.End.Kind == facts.EndClosed || a.End.Kind == facts.EndReset {
		return a.End.After
	}
	return 0
}

// attempt makes one connection.
func (r *runner) attempt(ctx context.Context, e facts.Experiment, alone bool, allowed time.Duration) *facts.Attempt {
	w := &r.c.Want
	spec := probe.Spec{Of: e, Address: e.Address, Alone: alone, Decompress: r.env.Decompress,
		Timeouts: probe.Timeouts{Connect: allowed, Preamble: allowed, Total: allowed}}
	if err := r.lead(ctx, &spec, e); err != nil {
		return &facts.Attempt{Of: e, Address: e.Address, Started: time.Now(), End: facts.End{Kind: facts.EndLocal, Stage: diag.StageResolve, Err: err.Error()}}
	}
	if e.Kind == facts.Plain {
		var say []byte
		if e.What == facts.PlainOwn {
			say, _ = starttls.FirstWords(w.Protocol)
		}
		if e.What == facts.PlainHTTP {
			say = plainRequest(w.Name, r.target.Path)
		}
		return r.prober().Plain(ctx, spec, say)
	}
	if err := speak(&spec, w, e); err != nil {
		return &facts.Attempt{Of: e, Address: e.Address, Started: time.Now(), End: facts.End{Kind: facts.EndLocal, Stage: diag.StageClientHello, Err: err.Error()}}
	}
	if e.Changes.Identity != "none" {
		spec.Identity = r.identity
	}
	if r.isControl(e.Address) {
		spec.Stop, spec.Preamble, spec.Wrap = probe.StopServerFlight, nil, nil // nobody there is asked for more than a certificate
		return probe.Prober{Source: r.source}.Attempt(ctx, spec)
	}
	if w.StartTLS == "" && w.Protocol == "https" && e.What != facts.Quiet {
		spec.Request = &probe.Request{Host: r.host(), Path: r.target.Path, UserAgent: "tlswhy"}
	}
	if words, ok := starttls.FirstWords(w.Protocol); ok {
		spec.Words = words
	}
	spec.ProxyHeader = e.Changes.Proxy != ""
	if e.Changes == (facts.Changes{}) && e.What == "" {
		spec.Connected = func() { r.connected.Store(true) }
		spec.Keep = func(s *probe.Session) { r.sessions.LoadOrStore(e.Address, s) }
	}
	if left, ok := r.sessions.Load(e.Session); ok && e.What == facts.Resume {
		spec.Session = left.(*probe.Session)
	}
	if e.What == facts.Later && !pause(ctx, pauseFor) {
		return &facts.Attempt{Of: e, Address: e.Address, Started: time.Now(), End: facts.End{Kind: facts.EndCanceled, Stage: diag.StageConnect}}
	}
	if good := r.healthy(e.Address); good != nil && (e.Changes != (facts.Changes{}) || good.End.Kind == facts.EndTimeout) {
		spec.Stop = probe.StopFinished // what the application says is known
	}
	return r.prober().Attempt(ctx, spec)
}

// speak fills in what an experiment says up to the handshake.
func speak(spec *probe.Spec, w *facts.Want, e facts.Experiment) error {
	hello, err := client.Apply(w.Hello, e.Changes)
	if err != nil {
		return err
	}
	spec.Hello, spec.Shape = hello, cutting(w, e.Changes)
	if p, ok := starttls.Lookup(w.StartTLS); ok && !e.Direct {
		spec.Preamble = probe.StartTLS(p, w.Name)
		if wrapper, ok := p.(starttls.Wrapper); ok {
			spec.Wrap = wrapper.Wrap
		}
	}
	return nil
}

// host is the Host header's value.
func (r *runner) host() string {
	name := r.c.Want.Name
	if a, err := netip.ParseAddr(name); err == nil && a.Is6() {
		name = "[" + name + "]"
	}
	return name
}

// healthy is the attempt in which the user's own hello went through at this
// address, or nil.
func (r *runner) healthy(address string) *facts.Attempt {
	i := slices.IndexFunc(r.c.Attempts, func(a *facts.Attempt) bool {
		return a.Address == address && a.Of.Kind == facts.Handshake && a.Of.Changes == (facts.Changes{}) && (a.End.Kind == facts.EndCompleted || a.End.Stage == diag.StageApplication)
	})
	if i < 0 {
		return nil
	}
	return r.c.Attempts[i]
}

// pause waits, and reports whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func plainRequest(host, path string) []byte {
	if path == "" {
		path = "/"
	}
	return []byte("GET " + strings.ReplaceAll(path, " ", "%20") + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: tlswhy\r\nConnection: close\r\n\r\n")
}

// words says what an experiment does.
func (r *runner) words(e facts.Experiment) string {
	if e.Kind == facts.Fetch {
		return "fetching " + e.URL
	}
	if e.What == facts.Resume {
		return "resuming a session at " + e.Address
	}
	if e.Changes == (facts.Changes{}) {
		return "connecting to " + e.Address
	}
	return "trying " + e.Address + " " + client.Describe(e.Changes, r.c.Want.Hello)
}
