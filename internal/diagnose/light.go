package diagnose

import (
	"context"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// Light makes the checks of a monitor, which looks at the same servers again
// and again. A look is one connection with the user's own hello. The first one,
// and any that met something new, is judged like every diagnosis; what it saw
// gets a digest. A later look that is told the digest makes the handshake only,
// and where it meets the same, it says so and judges nothing: the caller knows
// until when the verdict holds. The zero value is ready; it is safe for
// concurrent use.
type Light struct {
	Env Env

	stock  probe.Stock
	stores truststore.Cache
}

// Sight is what a look saw.
type Sight struct {
	// Same says that the digest is the one that was known: nothing else is set
	// then, except MS.
	Same bool
	// Digest stands for what was seen, "" for what has to be judged each time;
	// Until is when the same may be judged otherwise.
	Digest    string
	Until     time.Time
	MS        float64
	Diagnosis *diag.Diagnosis
}

// Look looks at one address of a target, "" lets it find one. known is the
// digest of an earlier look whose verdict still holds, or "". The error is that
// of Run.
func (l *Light) Look(ctx context.Context, target string, o Options, address, known string) (Sight, error) {
	if address != "" {
		o.Connect = []string{address}
	}
	// A client certificate is looked at by what comes after the handshake.
	judged := address == "" || o.CertFile != ""
	if known != "" && !judged {
		a, err := l.glance(ctx, target, o, address)
		if err != nil {
			return Sight{}, err
		}
		if a.Request == nil && a.Digest() == known {
			return Sight{Same: true, Digest: known, MS: ms(a.Connect + a.End.After)}, nil
		}
	}
	s, _, err := l.judge(ctx, target, o, !judged)
	return s, err
}

// judge makes a look that is judged, and hands over the chain that was sent;
// known says that it may have a digest.
func (l *Light) judge(ctx context.Context, target string, o Options, known bool) (Sight, []*chain.Certificate, error) {
	o.MaxConnections = 1
	env := l.Env
	env.Environ = nil // a monitor's way is its own, not that of who started it
	env.Stores = &l.stores
	r, found, err := investigate(ctx, target, o, env)
	if err != nil {
		return Sight{}, nil, err
	}
	if other := r.second(ctx, o, env); other != nil {
		return Sight{Diagnosis: other, MS: other.DurationMS}, nil, nil // the protocol was guessed
	}
	s := Sight{Diagnosis: r.result(found)}
	s.MS = s.Diagnosis.DurationMS
	if len(r.c.Attempts) != 1 {
		return s, nil, nil
	}
	a := r.c.Attempts[0]
	s.MS = ms(a.Connect + a.End.After)
	if known && a.Request == nil {
		s.Digest, s.Until = a.Digest(), standing(r.c.At, a)
	}
	return s, a.Chain, nil
}

// glance makes the handshake and no more.
func (l *Light) glance(ctx context.Context, target string, o Options, address string) (*facts.Attempt, error) {
	_, w, err := begin(target, o, l.Env)
	if err != nil {
		return nil, err
	}
	e := facts.Experiment{Address: address}
	spec := probe.Spec{Of: e, Address: address, Decompress: l.Env.Decompress, Light: true, Stock: &l.stock}
	if err := speak(&spec, &w, e); err != nil {
		return nil, err
	}
	return probe.Attempt(ctx, spec), nil
}

// standing is until when a verdict stands, as far as the calendar goes: rules
// change at midnight, certificates begin and end.
func standing(at time.Time, a *facts.Attempt) time.Time {
	const day = 24 * time.Hour
	until := at.UTC().Truncate(day).Add(day)
	for _, c := range a.Chain {
		for _, t := range []time.Time{c.NotBefore, c.NotAfter} {
			if t.After(at) && t.Before(until) {
				until = t
			}
		}
	}
	return until
}
