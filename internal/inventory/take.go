package inventory

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// versions are those that are asked for, newest first.
var versions = []tlswire.Version{tlswire.TLS13, tlswire.TLS12, tlswire.TLS11, tlswire.TLS10, tlswire.SSL3, tlswire.SSL2}

// Take makes the inventory of one address. It always returns a result; what it
// could not find out is in Unknown.
func Take(ctx context.Context, o Options) *Result {
	start := time.Now()
	o.Open, o.Connections = cmp.Or(o.Open, defaultOpen), cmp.Or(o.Connections, defaultConnections)
	if o.ALPN == nil {
		o.ALPN = []string{"h2", "http/1.1", "http/1.0"}
	}
	o.Timeout, o.Total = cmp.Or(o.Timeout, defaultTimeout), cmp.Or(o.Total, defaultTotal)
	ctx, cancel := context.WithTimeout(ctx, o.Total)
	defer cancel()
	r := &Result{name: o.Name, Properties: map[string]Property{}, GroupsComplete: map[tlswire.Version]bool{}, SchemesComplete: map[tlswire.Version]bool{}}
	s := &scan{o: o, ctx: ctx, gate: make(chan struct{}, o.Open), ready: make(chan struct{}), listed: make(chan struct{}), result: r}
	s.run()
	r.Connections, r.RTT, r.Took = s.n, s.rtt, time.Since(start)
	return r
}

// run opens each version, then looks at all that is behind those that opened.
func (s *scan) run() {
	s.progress("asking for versions")
	opened := make([]answer, len(versions))
	var openings, rest sync.WaitGroup
	ctx, cancel := context.WithCancel(s.ctx) // of openings that stay silent beside others that answer
	defer cancel()
	for _, v := range versions {
		s.result.Versions = append(s.result.Versions, &Version{Version: v})
	}
	for i, v := range versions {
		begin := openings.Go
		if v < tlswire.TLS10 {
			begin = rest.Go // nobody waits for these
		}
		begin(func() {
			opened[i] = s.once(ctx, question{hello: s.opening(v), stop: s.follow(v)}, false)
			if opened[i].verdict != picked || v < tlswire.TLS10 {
				return
			}
			time.AfterFunc(s.patienceNow(), cancel)
			rest.Go(func() { s.version(s.result.Versions[i], opened[i], opened[i].Sent.CipherSuites) })
		})
	}
	openings.Wait()
	close(s.ready)
	if !s.answered() && s.ctx.Err() == nil {
		s.small(opened)
	}
	for i, v := range s.result.Versions {
		if v.Version >= tlswire.TLS10 && opened[i].verdict != picked && opened[i].Attempt != nil {
			rest.Go(func() { s.reopen(v, opened[i]) })
		}
	}
	v := look(opened)
	rest.Go(func() { s.properties(v) })
	rest.Wait()
	s.misnamed(v)
	for i, v := range s.result.Versions {
		if v.Version < tlswire.TLS10 {
			s.ancient(v, opened[i])
		}
	}
	s.conclude(opened)
}

// answered says whether any hello was answered yet.
func (s *scan) answered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.good != nil
}

// opening is the first hello of a version.
func (s *scan) opening(v tlswire.Version) *tlswire.ClientHello {
	if v == tlswire.SSL2 {
		return ssl2Hello()
	}
	o := s.wide(v)
	o.suites = weakFirst(o.suites)
	return s.hello(o)
}

// follow is how far the answers of a version are read.
func (s *scan) follow(v tlswire.Version) probe.Stop {
	const large = 64 << 10 // certificates that are not worth seeing time and again
	s.mu.Lock()
	defer s.mu.Unlock()
	if v == tlswire.TLS13 || s.size > large {
		return probe.StopAnswer
	}
	return probe.StopServerFlight
}

func (s *scan) patienceNow() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.patience()
}

// small is for servers that answer none of the large hellos.
func (s *scan) small(opened []answer) {
	for i, v := range versions {
		if v < tlswire.TLS10 || s.over() {
			continue
		}
		a := s.once(s.ctx, question{hello: s.hello(narrow(v)), stop: s.follow(v)}, true)
		if a.verdict == picked {
			opened[i] = a
			s.result.Versions[i].narrow = true
			s.version(s.result.Versions[i], a, a.Sent.CipherSuites)
		}
		if a.End.Kind == facts.EndTimeout || a.verdict == unknown {
			return // five more of these would not tell more
		}
	}
}

// reopen asks again for a version whose first answer was no ServerHello, where
// that answer does not settle it.
func (s *scan) reopen(v *Version, a answer) {
	if v.Offered == Yes {
		return
	}
	if !s.answered() {
		s.refuse(v, a)
		return
	}
	if a.verdict == declined && a.End.Alert.Description == tlswire.AlertProtocolVersion {
		s.refuse(v, a)
		return
	}
	// It may be one of the suites, the length of the lists, or the
	// HelloRetryRequest, that it does not take.
	o := s.wide(v.Version)
	o.suites = slices.DeleteFunc(o.suites, func(c tlswire.CipherSuite) bool { f := family(c); return f == "DHE" || f == "other" })
	var b answer
	if len(o.suites) > 0 {
		b = s.ask(question{hello: s.hello(o), stop: s.follow(v.Version)})
	}
	if len(o.suites) == 0 || b.verdict != picked || chosen(b) != v.Version {
		o = narrow(v.Version)
		b = s.ask(question{hello: s.hello(o), stop: s.follow(v.Version)})
		v.narrow = b.verdict == picked
	}
	if b.verdict == picked && chosen(b) == v.Version {
		s.version(v, b, b.Sent.CipherSuites)
		return
	}
	s.refuse(v, b)
}

// refuse notes that a version is not offered, or that nobody knows.
func (s *scan) refuse(v *Version, a answer) {
	v.How = how(a)
	v.refusal, v.guessed = a.n, a.guessed
	v.Offered = No
	if a.verdict == unknown || a.verdict == picked {
		v.Offered = Unknown
	}
	if a.verdict == picked {
		v.Offered, v.How = No, "answers with "+chosen(a).String()
	}
}

// ancient is what the one question about SSL 2.0 or 3.0 has told.
func (s *scan) ancient(v *Version, a answer) {
	if a.Attempt == nil {
		v.How = "not asked"
		return
	}
	switch {
	case a.verdict == picked && chosen(a) == v.Version && v.Version == tlswire.SSL2:
		v.Offered, v.SSL2, v.Complete = Yes, slices.Clone(a.SSL2.Specs), true
		if len(a.SSL2.Specs) == 0 {
			v.Offered, v.How = No, "answers, and offers no cipher kind"
		}
	case a.verdict == picked && chosen(a) == v.Version:
		s.version(v, a, a.Sent.CipherSuites)
	default:
		s.refuse(v, a)
	}
}

// chosen is the version of the server's first word.
func chosen(a answer) tlswire.Version {
	switch {
	case a.SSL2 != nil:
		return tlswire.SSL2
	case a.hello() != nil:
		return a.hello().NegotiatedVersion()
	}
	return 0
}

// how says how a refusal looked.
func how(a answer) string {
	switch {
	case a.verdict == declined:
		return "alert " + a.End.Alert.Description.String()
	case a.End.Kind == facts.EndTimeout:
		return "no answer"
	case a.End.Kind == facts.EndClosed:
		return "connection closed"
	case a.End.Kind == facts.EndReset:
		return "connection reset"
	case a.End.Kind == facts.EndCanceled:
		return "no answer"
	}
	return "ended: " + a.End.Kind.String()
}

// conclude guards the refusals by a last control, and takes back those that
// nothing guards.
func (s *scan) conclude(opened []answer) {
	r := s.result
	if s.good == nil && slices.ContainsFunc(r.Versions, func(v *Version) bool { return v.Offered == Yes }) {
		s.good = &question{hello: ssl2Hello(), stop: probe.StopAnswer} // all that it answers
	}
	r.Reached = s.good != nil
	r.observed()
	if !r.Reached {
		r.End = telling(opened)
		for _, v := range r.Versions {
			v.Offered = Unknown
		}
		return
	}
	last := 0
	for _, v := range r.Versions {
		if v.Offered == No || v.Complete {
			last = max(last, v.refusal)
		}
	}
	for _, n := range s.refusals {
		last = max(last, n)
	}
	if !s.guarded(last) && !s.over() {
		s.control()
	}
	for _, v := range r.Versions {
		atRandom := v.guessed && s.flaky.Load()
		if s.guarded(v.refusal) && !atRandom || v.Offered == Yes && v.Version == tlswire.SSL2 {
			continue
		}
		if v.Complete = false; atRandom {
			v.How = "it cuts off connections at random"
		}
		if v.Offered == No {
			v.Offered = Unknown
		}
	}
	if s.o.Quick {
		r.gap("the server's order of suites, resumption below TLS 1.3, an unknown name, further signature schemes of TLS 1.2", "left out to be quick")
	}
	if s.flaky.Load() {
		r.vary("connections were cut off that were answered when they were tried again")
	}
	why := cmp.Or(s.dead, "the time is up")
	if errors.Is(s.ctx.Err(), context.Canceled) {
		why = "interrupted"
	}
	if len(r.Certificates) == 0 {
		r.gap("certificates", "none was sent, or they could not be read")
	}
	for _, v := range r.Versions {
		switch {
		case v.Offered == Unknown:
			r.gap(v.Version.String(), cmp.Or(why, v.How))
		case v.Offered == Yes && !v.Complete:
			r.gap("further cipher suites of "+v.Version.String(), cmp.Or(v.How, why))
		}
	}
}

// telling is the attempt that says most of why there was no answer: the one
// that got farthest.
func telling(opened []answer) *facts.Attempt {
	var best *facts.Attempt
	for _, a := range opened {
		if a.Attempt != nil && a.End.Kind != facts.EndCanceled && (best == nil || a.End.Stage.Rank() > best.End.Stage.Rank() || a.End.Stage.Rank() == best.End.Stage.Rank() && a.End.Kind == facts.EndAlert) {
			best = a.Attempt
		}
	}
	return best
}

// vary notes what differed between connections.
func (r *Result) vary(what string) {
	if !slices.Contains(r.Varies, what) {
		r.Varies = append(r.Varies, what)
	}
}

func (r *Result) gap(what, why string) {
	for _, g := range r.Unknown {
		if g.What == what {
			return
		}
	}
	r.Unknown = append(r.Unknown, Gap{what, why})
}

func (s *scan) progress(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.Progress != nil {
		s.o.Progress(what)
	}
}
