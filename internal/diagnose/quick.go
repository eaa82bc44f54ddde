package diagnose

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// Quick checks many targets, most of them healthy. Each gets one handshake to
// one of its addresses. What a server shows there that was found healthy
// before, with a certificate that covers the name, is not judged again; what is
// new is judged, and what fails is diagnosed in full. No request is sent after
// the handshake. Light must be set; it is safe for concurrent use.
type Quick struct {
	Light *Light

	mu    sync.Mutex
	known map[string]*healthy
}

// healthy is what was seen of a server that has no failure.
type healthy struct {
	until time.Time
	leaf  *chain.Certificate
	d     *diag.Diagnosis
}

// maxHealthy bounds what is kept: a few kilobytes each.
const maxHealthy = 20_000

// Check checks one target. The error is that of Run.
func (q *Quick) Check(ctx context.Context, target string, o Options) (*diag.Diagnosis, error) {
	started := time.Now()
	p, w, err := begin(target, o, q.Light.Env)
	if err != nil {
		return nil, err
	}
	l, _, err := p.lookup(ctx)
	if err != nil {
		return nil, err
	}
	// What depends on the name beyond the certificate, on the client's own
	// certificate, or on what others say is judged each time.
	special := o.CertFile != "" || o.Proxy != "" || len(o.TLSA) > 0 || o.Revocation != "" && o.Revocation != "off" || !o.At.IsZero() || len(l.Addresses) == 0
	if special || ctx.Err() != nil {
		return Run(ctx, target, o, q.Light.Env)
	}
	address, asked := l.Addresses[0], o.Connect
	a, err := q.Light.glance(ctx, target, o, address)
	if err != nil {
		return nil, err
	}
	if a.End.Kind != facts.EndCompleted && a.End.Kind != facts.EndStopped { // bad, or silent
		return Run(ctx, target, o, q.Light.Env)
	}
	key := w.Protocol + " " + w.StartTLS + " "
	if digest := a.Digest(); digest != "" && a.Request == nil {
		if h := q.get(key + digest); h != nil && chain.MatchName(h.leaf, w.Name).OK {
			d := *h.d
			d.Target = diag.Target{Input: w.Input, Name: w.Name, Port: w.Port, Protocol: w.Protocol, StartTLS: w.StartTLS, SNI: w.Hello.ServerName(), Client: w.Client.Name, Trust: d.Target.Trust}
			d.StartedAt, d.JudgedAt, d.DurationMS = started.UTC(), started.UTC(), ms(time.Since(started))
			return &d, nil
		}
	}
	o.Connect = []string{address}
	s, sent, err := q.Light.judge(ctx, target, o, true)
	if err != nil {
		return nil, err
	}
	if s.Diagnosis.Verdict == diag.Failure || s.Diagnosis.Verdict == diag.Untested {
		o.Connect = asked
		return Run(ctx, target, o, q.Light.Env)
	}
	if s.Digest != "" && len(sent) > 0 {
		q.put(key+s.Digest, &healthy{until: s.Until, leaf: sent[0], d: brief(s.Diagnosis)})
	}
	return s.Diagnosis, nil
}

// brief is what two servers that show the same have in common.
func brief(d *diag.Diagnosis) *diag.Diagnosis {
	b := &diag.Diagnosis{Schema: d.Schema, Verdict: d.Verdict, Causes: slices.Clone(d.Causes), Notes: []string{"not judged by itself: another server showed the same and was found healthy"}, Tool: d.Tool, Target: d.Target}
	for i := range b.Causes {
		b.Causes[i].Addresses, b.Causes[i].Verify = nil, "" // of the other one
	}
	return b
}

func (q *Quick) get(key string) *healthy {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.known[key]; h != nil && time.Now().Before(h.until) {
		return h
	}
	return nil
}

func (q *Quick) put(key string, h *healthy) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known == nil || len(q.known) >= maxHealthy {
		q.known = map[string]*healthy{}
	}
	q.known[key] = h
}
