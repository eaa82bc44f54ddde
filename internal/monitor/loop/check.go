package loop

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// check looks at every address of an endpoint, and has those that are bad in a
// new way diagnosed in full, once for each way.
func (w *Watcher) check(ctx context.Context, work monitor.Work) monitor.Report {
	e := &work.Endpoint
	rep := monitor.Report{Endpoint: e.ID, At: time.Now()}
	if e.Kind != monitor.KindServer {
		rep.Outcomes = []monitor.Outcome{w.look(ctx, e, "", false, lightCheck)}
		return rep
	}
	byAddress, err := w.addresses(ctx, e)
	if err != nil || len(byAddress) == 0 {
		rep.Outcomes = []monitor.Outcome{w.look(ctx, e, "", false, lightCheck)}
		return rep
	}
	rep.Addresses = slices.Sorted(maps.Keys(byAddress))
	tried := rotate(rep.Addresses, work.Known)
	rep.Outcomes = make([]monitor.Outcome, len(tried))
	var wg sync.WaitGroup
	for i, addr := range tried {
		check := func() {
			w.pace.wait(ctx, byAddress[addr])
			rep.Outcomes[i] = w.glance(ctx, e, addr, work.Known[addr])
		}
		if len(tried) == 1 {
			check()
			break
		}
		wg.Go(check)
	}
	wg.Wait()
	w.deepen(ctx, work, rep.Outcomes)
	w.survey(ctx, work, rep.Outcomes)
	return rep
}

// addresses are those to dial, with the machine that each belongs to.
func (w *Watcher) addresses(ctx context.Context, e *monitor.Endpoint) (map[string]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	places := e.Connect
	if len(places) == 0 {
		places = []string{net.JoinHostPort(e.Host, strconv.Itoa(e.Port))}
	}
	out := map[string]netip.Addr{}
	for _, p := range places {
		host, port, err := net.SplitHostPort(p)
		if err != nil {
			return nil, err
		}
		addrs := []netip.Addr{}
		if a, err := netip.ParseAddr(host); err == nil {
			addrs = append(addrs, a)
		} else if addrs, err = w.Resolve(ctx, host); err != nil {
			return nil, err
		}
		for _, a := range addrs {
			out[net.JoinHostPort(a.Unmap().String(), port)] = a.Unmap()
		}
	}
	return out, nil
}

// rotate picks the addresses to try: all, or those whose last check is the
// longest ago.
func rotate(all []string, known map[string]monitor.KnownAddress) []string {
	if len(all) <= monitor.MaxAddresses {
		return all
	}
	tried := slices.Clone(all)
	slices.SortStableFunc(tried, func(a, b string) int {
		return cmp.Or(known[a].Checked.Compare(known[b].Checked), cmp.Compare(a, b))
	})
	return tried[:monitor.MaxAddresses]
}

// glance makes a light check.
func (w *Watcher) glance(ctx context.Context, e *monitor.Endpoint, addr string, known monitor.KnownAddress) monitor.Outcome {
	g, ok := w.Checker.(monitor.Glancer)
	if !ok {
		return w.look(ctx, e, addr, false, lightCheck)
	}
	ctx, cancel := context.WithTimeout(ctx, lightCheck)
	defer cancel()
	s, err := g.Glance(ctx, e, addr, known.Digest)
	switch {
	case err != nil:
		return w.untested(e, addr, err)
	case s.Same:
		return monitor.Outcome{Address: addr, SNI: known.SNI, Same: true, Digest: s.Digest, MS: s.MS}
	}
	o := monitor.Observe(s.Diagnosis, addr, false)
	o.Digest, o.Until, o.MS = s.Digest, s.Until, s.MS
	return o
}

// untested is the outcome of our own inability.
func (w *Watcher) untested(e *monitor.Endpoint, addr string, err error) monitor.Outcome {
	w.log().Warn("an endpoint cannot be tested", "target", e.Target, "address", addr, "err", err)
	return monitor.Outcome{Address: addr, SNI: e.SNI, Verdict: diag.Untested, Note: err.Error()}
}

// look makes one diagnosis and says what came of it.
func (w *Watcher) look(ctx context.Context, e *monitor.Endpoint, addr string, deep bool, limit time.Duration) monitor.Outcome {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d, err := w.Checker.Check(ctx, e, addr, deep)
	if err != nil {
		return w.untested(e, addr, err)
	}
	return monitor.Observe(d, addr, deep)
}

// deepen replaces the findings of bad outcomes by those of a full diagnosis,
// where none is known yet. The first report waits for it a few seconds only;
// what was not ready by then is made at the next check.
func (w *Watcher) deepen(ctx context.Context, work monitor.Work, outcomes []monitor.Outcome) {
	made := map[string]monitor.Outcome{}
	for i := range outcomes {
		o := &outcomes[i]
		known := work.Known[o.Address]
		if o.Verdict != diag.Failure || known.Signature == o.Signature {
			continue
		}
		full, ok := made[o.Signature]
		if !ok {
			limit := firstDeep
			if known.Verdict == diag.Failure {
				limit = deepCheck
			}
			full = w.look(ctx, &work.Endpoint, o.Address, true, limit)
			made[o.Signature] = full
		}
		if full.Verdict == diag.Failure && len(full.Findings) > 0 {
			o.Findings, o.Deep, o.Diagnosis = full.Findings, true, full.Diagnosis
		}
	}
}
