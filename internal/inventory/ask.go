package inventory

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// question is one hello and how far to follow the answer.
type question struct {
	hello   *tlswire.ClientHello
	stop    probe.Stop
	full    bool // parse certificates, check the proof of the key
	address string
	session *probe.Session
	keep    func(*probe.Session)
	request *probe.Request
}

// verdict is what an attempt says of what was offered.
type verdict uint8

const (
	unknown  verdict = iota // nothing: we were stopped, or the server is gone
	picked                  // a ServerHello, a HelloRetryRequest, or an SSLv2 hello
	declined                // an alert
	dropped                 // cut off, silence, or no TLS
)

// answer is an attempt and what it says. n numbers the connections in the
// order in which they began.
type answer struct {
	*facts.Attempt
	verdict verdict
	n       int
	guessed bool // taken for a refusal because others were
}

// cut says that the connection was ended without a word; silence may only be
// slowness.
func (a answer) cut() bool { return a.verdict == dropped && a.End.Kind != facts.EndTimeout }

// hello is the server's first word: the HelloRetryRequest or the ServerHello.
func (a answer) hello() *tlswire.ServerHello {
	if a.Retry != nil {
		return a.Retry
	}
	return a.ServerHello
}

// scan is one inventory under way.
type scan struct {
	o     Options
	ctx   context.Context
	gate  chan struct{} // as many as may be open
	alone sync.RWMutex  // held for writing by a connection that has no other beside it

	ride   ride          // of the signature schemes of TLS 1.2
	drops  atomic.Int32  // confirmed
	parted atomic.Bool   // see enumeration.apart
	flaky  atomic.Bool   // what was dropped was answered when asked again
	ready  chan struct{} // closed when all openings are done
	listed chan struct{} // closed when the server may have listed its groups
	mu     sync.Mutex
	n      int       // connections so far
	good   *question // that was answered; the control
	same   [2]uint16 // version and suite of that answer
	lastOK int       // number of the last connection that was answered
	pace   time.Duration
	rtt    time.Duration
	dead   string // why nothing more is asked
	size   int    // of the largest flight
	// refusals are the numbers of connections whose refusal something rests on.
	refusals []int
	result   *Result
}

// once makes one connection.
func (s *scan) once(ctx context.Context, q question, alone bool) answer {
	if alone {
		s.alone.Lock()
		defer s.alone.Unlock()
	} else {
		s.alone.RLock()
		defer s.alone.RUnlock()
	}
	select {
	case s.gate <- struct{}{}:
		defer func() { <-s.gate }()
	case <-ctx.Done():
	}
	spec, n, ok := s.spec(ctx, q)
	if !ok {
		return answer{Attempt: &facts.Attempt{End: facts.End{Kind: facts.EndCanceled}}}
	}
	a := answer{Attempt: s.o.Prober.Attempt(ctx, spec), n: n}
	a.verdict = judge(a.Attempt)
	s.note(q, a)
	return a
}

// spec turns a question into what the probe does, and counts it.
func (s *scan) spec(ctx context.Context, q question) (probe.Spec, int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead == "" && s.n >= s.o.Connections {
		s.dead = "the budget of connections is spent"
	}
	if s.dead != "" || ctx.Err() != nil {
		return probe.Spec{}, 0, false
	}
	s.n++
	spec := s.o.Spec
	spec.N, spec.Address, spec.Hello, spec.Stop = s.n, s.o.Address, q.hello, q.stop
	if q.address != "" {
		spec.Address = q.address
	}
	spec.Session, spec.Keep, spec.Request = q.session, q.keep, q.request
	spec.Light, spec.SkipKeyProof = !q.full, !q.full
	const large = 1 << 20 // clients end at 256 KiB; here it is to be seen, and said
	spec.Limits.Handshake, spec.Limits.Message = large, large
	t := s.patience()
	spec.Timeouts = probe.Timeouts{Connect: t, Preamble: t, Total: t}
	return spec, s.n, true
}

// patience is how long a connection may take: long until the server's pace is
// known.
func (s *scan) patience() time.Duration {
	if s.pace == 0 {
		return s.o.Timeout
	}
	return min(s.o.Timeout, max(1500*time.Millisecond, 8*s.pace))
}

// note keeps what every connection tells.
func (s *scan) note(q question, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.Connect > 0 && a.End.Stage != diag.StageConnect && (s.rtt == 0 || a.Connect < s.rtt) {
		s.rtt = a.Connect
	}
	if a.verdict != picked {
		return
	}
	s.lastOK = max(s.lastOK, a.n)
	s.pace = max(s.pace, a.Connect+a.End.After)
	s.size = max(s.size, a.BytesReceived)
	if h := a.hello(); h != nil && !q.hello.SSL2 {
		same := [2]uint16{uint16(chosen(a)), uint16(h.CipherSuite)}
		if s.good == nil {
			s.good, s.same = &question{hello: q.hello, stop: probe.StopAnswer}, same
		}
		if s.good.hello == q.hello && s.same != same {
			s.result.vary("the same hello was answered in different ways: several servers may stand behind this address")
		}
	}
	s.result.learn(a)
}

// judge says what an attempt tells of the hello's offers.
func judge(a *facts.Attempt) verdict {
	switch {
	case a.ServerHello != nil, a.Retry != nil, a.SSL2 != nil:
		return picked
	case a.End.Kind == facts.EndAlert:
		return declined
	case a.End.Stage == diag.StageClientHello && (a.End.Kind == facts.EndReset || a.End.Kind == facts.EndClosed || a.End.Kind == facts.EndTimeout ||
		a.End.Kind == facts.EndNotTLS || a.End.Kind == facts.EndMalformed):
		return dropped
	}
	return unknown
}

// ask makes one connection, and more where the answer alone says nothing: a
// connection that was cut off or stayed silent counts only when the server
// answers a control and then does the same again, alone.
func (s *scan) ask(q question) answer {
	a := s.once(s.ctx, q, false)
	if a.verdict == picked || a.verdict == declined || s.over() {
		return a
	}
	if q.hello.SSL2 && a.verdict == dropped {
		return a // the usual way to decline it
	}
	<-s.ready
	const enough = 2
	if a.cut() && s.drops.Load() >= enough && !s.flaky.Load() {
		a.guessed = true
		return a // it is how this server declines; conclude asks for a control
	}
	const stubborn = 4
	for try := 0; ; try++ {
		if !s.control() {
			a.verdict = unknown
			return a
		}
		if try > 0 && (try == stubborn || !s.flaky.Load()) {
			s.drops.Add(1)
			return a
		}
		cut := a.cut()
		if a = s.once(s.ctx, q, true); a.verdict != dropped {
			if cut && a.verdict == picked {
				s.flaky.Store(true)
			}
			return a
		}
	}
}

// over says that nothing more can be asked.
func (s *scan) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead != "" || s.ctx.Err() != nil
}

// pauses are how long a server that stopped answering is left alone.
var pauses = []time.Duration{0, 500 * time.Millisecond, 2 * time.Second, 4 * time.Second}

// control asks what was answered before. When even that is not answered any
// more, nothing else is asked: the server has banned us, or is gone.
func (s *scan) control() bool {
	s.mu.Lock()
	good := s.good
	s.mu.Unlock()
	if good == nil {
		return false
	}
	for _, pause := range pauses {
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return false
		}
		if s.over() {
			return false
		}
		a := s.once(s.ctx, *good, true)
		if a.verdict == picked {
			return true
		}
		if a.cut() {
			s.flaky.Store(true)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead == "" && s.ctx.Err() == nil {
		s.dead = "the server stopped answering what it had answered before: it limits or bans, or is gone"
	}
	return false
}

// guarded says whether the server has answered another hello after the
// connection n was begun.
func (s *scan) guarded(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastOK > n
}
