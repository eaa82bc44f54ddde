package diagnose

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
)

// The bounds of a walk.
const (
	maxHops      = 30
	maxWalk      = 24 // connections
	walkWait     = 700 * time.Millisecond
	walkWaitMost = 1500 * time.Millisecond
)

// locate finds out how far the user's own hello gets where it is cut off. It
// reports whether there is something new to judge.
func (r *runner) locate(ctx context.Context) bool {
	if !r.opts.Locate || r.walked || ctx.Err() != nil {
		return false
	}
	r.walked = true
	i := slices.IndexFunc(r.c.Attempts, func(a *facts.Attempt) bool {
		return a.Of.Changes == (facts.Changes{}) && a.Of.Kind == facts.Handshake && a.Of.What == "" && a.End.Stage == diag.StageClientHello && a.BytesReceived == 0 &&
			(a.End.Kind == facts.EndReset || a.End.Kind == facts.EndClosed || a.End.Kind == facts.EndTimeout) && !r.isControl(a.Address)
	})
	switch {
	case i < 0:
		return false // nothing is cut off
	case !probe.CanLimitHops, r.ways.proxy != nil, r.env.Dial != nil:
		r.not = append(r.not, diag.NotTested{What: "where the ClientHello ends (--locate)", Reason: "it takes Linux and a connection that is not led through a proxy"})
		return false
	}
	w := &walker{r: r, ctx: ctx, bad: r.c.Attempts[i], walk: facts.Walk{Address: r.c.Attempts[i].Address}}
	for _, a := range r.c.Attempts {
		if a.Address == w.bad.Address && a.ServerHello != nil && a.Of.Kind == facts.Handshake && a.Of.What == "" && !a.Of.Direct && a.Of.Changes.MSS == "" && a.Of.Changes.Path == "" {
			w.good = a
			break
		}
	}
	if w.bad.End.Kind == facts.EndTimeout && !w.shrink() {
		r.not = append(r.not, diag.NotTested{What: "where the ClientHello ends (--locate)", Reason: "where nothing answers, that takes a hello in one packet that vanishes, and one that does not"})
		return false
	}
	w.run()
	r.notes = append(r.notes, fmt.Sprintf("--locate: %d further connections to %s, whose ClientHello had a hop limit of 1 to %d", w.walk.Connections, w.walk.Address, w.farthest))
	if w.walk.Ends == 0 {
		r.not = append(r.not, diag.NotTested{What: "where the ClientHello ends (--locate)", Reason: "the end did not come again, or the routers on the way do not say when they give a packet up"})
		return false
	}
	if !w.walk.Before() {
		text := fmt.Sprintf("--locate: the hello meets its end from a hop limit of %d on", w.walk.Ends)
		if w.walk.Answers > 0 {
			text += fmt.Sprintf(", and the server answers others from %d on: it is the server, or what stands right before it", w.walk.Answers)
		}
		r.notes = append(r.notes, text)
	}
	r.c.Walk = &w.walk
	return true
}

// walker makes the connections of one walk.
type walker struct {
	r         *runner
	ctx       context.Context
	bad, good *facts.Attempt // good is a hello that works, nil for none
	walk      facts.Walk
	farthest  int
}

// fateOf is how a hello with few hops fared.
type fateOf uint8

const (
	silentOnTheWay fateOf = iota
	expired               // a router gave it up, and said so
	ended                 // as without a limit
	answered
)

// shrink takes hellos that fit into one packet: of several, only the one with the
// name may vanish, and the others expire on the way. It reports whether both are
// known.
func (w *walker) shrink() bool {
	small := facts.Changes{Shape: "compact"}
	i := slices.IndexFunc(w.r.c.Attempts, func(a *facts.Attempt) bool {
		return a.Address == w.bad.Address && a.Of.Changes == small && a.Of.Kind == facts.Handshake && a.End.Kind == facts.EndTimeout && a.BytesReceived == 0
	})
	if i < 0 || w.good == nil {
		return false
	}
	good := *w.good
	good.Of.Changes.Shape = small.Shape
	w.bad, w.good = w.r.c.Attempts[i], &good
	return true
}

// run walks by halves: what holds for a number of hops holds for more.
func (w *walker) run() {
	if w.good != nil {
		w.walk.Answers = w.least(1, maxHops, func(n int) bool { return w.try(w.good, n) == answered })
		if w.walk.Answers == 0 {
			return
		}
	}
	top := maxHops
	if w.walk.Answers > 0 {
		top = w.walk.Answers
	}
	if w.bad.End.Kind != facts.EndTimeout {
		w.walk.Ends = w.least(1, top, func(n int) bool { return w.try(w.bad, n) == ended })
	} else if w.good != nil {
		n := w.least(1, top, func(n int) bool { return w.try(w.bad, n) != expired })
		// A router that says nothing looks the same: the other hello must expire there.
		if n > 0 && (n == top || w.try(w.good, n) == expired && w.try(w.bad, n) == silentOnTheWay) {
			w.walk.Ends = n
		}
	}
	// Both again: the box, or the way, may change with every connection.
	if w.walk.Before() && w.bad.End.Kind != facts.EndTimeout && (w.try(w.bad, w.walk.Ends) != ended || w.try(w.good, w.walk.Ends) == answered) {
		w.walk.Ends = 0
	}
}

// least is the smallest number for which holds does, 0 for none. Small numbers
// are tried first, since most boxes are near.
func (w *walker) least(low, top int, holds func(int) bool) int {
	high := low
	for !holds(high) {
		if high == top || w.ctx.Err() != nil || w.walk.Connections >= maxWalk {
			return 0
		}
		low, high = high+1, min(2*high, top)
	}
	for low < high {
		if mid := (low + high) / 2; holds(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// try sends one hello with few hops.
func (w *walker) try(like *facts.Attempt, hops int) fateOf {
	if w.walk.Connections >= maxWalk || w.ctx.Err() != nil {
		return silentOnTheWay
	}
	w.walk.Connections++
	w.farthest = max(w.farthest, hops)
	w.r.progress(fmt.Sprintf("sending a ClientHello with a hop limit of %d", hops))
	wait := min(max(walkWait, 4*like.Connect), walkWaitMost)
	spec := probe.Spec{Of: like.Of, Address: like.Address, Alone: true, Hops: hops, Stop: probe.StopServerHello,
		Timeouts: probe.Timeouts{Connect: walkWaitMost, Preamble: walkWaitMost, Total: wait}}
	if err := speak(&spec, &w.r.c.Want, like.Of); err != nil {
		return silentOnTheWay
	}
	a := w.r.prober().Attempt(w.ctx, spec)
	switch {
	case a.ServerHello != nil || a.Retry != nil:
		return answered
	case a.End.Kind == facts.EndUnreachable && a.End.Stage == diag.StageClientHello:
		if like == w.bad {
			w.walk.Last = max(w.walk.Last, hops)
		}
		return expired
	case a.End.Kind == facts.EndReset || a.End.Kind == facts.EndClosed:
		return ended
	}
	return silentOnTheWay
}
