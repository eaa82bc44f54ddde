package main

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// bulkFlags are the options for long lists of targets.
type bulkFlags struct {
	light    bool
	resume   string
	rate     int
	rateNets int
}

func (f *bulkFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.light, "light", false, "one handshake per target; a full diagnosis where it is bad")
	fs.StringVar(&f.resume, "resume", "", "file that remembers which targets of a list are done")
	positive(fs, &f.rate, "rate", "targets begun per second")
	positive(fs, &f.rateNets, "rate-per-network", "targets begun per second and network")
}

// bulk is what a long list of targets needs beyond a few: no target twice, a
// pace, and a memory of what is done. A nil bulk is that of a few targets.
type bulk struct {
	mu         sync.Mutex // guards what admit writes: an interrupted reader goes on beside the end
	seen       map[uint64]struct{}
	duplicates int
	again      []string // where the first of them are
	resume     *journal
	pace       *pace // of all targets; nil for none
	nets       *networks
	quick      *diagnose.Quick // nil: every target is diagnosed in full
	size       int64           // bytes of the list, 0 where that is not known
	read       atomic.Int64
	passed     atomic.Int64 // bytes of the list that earlier runs did
}

// lightMemory is where collecting garbage begins to matter more than speed, in
// bytes: what a list of millions needs to live is less.
const lightMemory = 120 << 20

// bulk makes what the options ask for.
func (f *bulkFlags) bulk(p *program, of *diagnoseFlags) (*bulk, error) {
	switch {
	case f.light && of.verbose > 0:
		return nil, badUsage("leave one of them out", "--light and -v exclude each other")
	case f.resume != "" && of.targets == "":
		return nil, badUsage("add --targets FILE", "--resume is for lists")
	}
	b := &bulk{seen: map[uint64]struct{}{}}
	if info, err := os.Stat(of.targets); err == nil && info.Mode().IsRegular() {
		b.size = info.Size()
	}
	if f.light {
		env := p.lend()
		if p.keys != nil {
			p.keys(&env)
		}
		env.Environ, env.Stores = nil, &truststore.Cache{}
		b.quick = &diagnose.Quick{Light: &diagnose.Light{Env: env}}
		debug.SetGCPercent(400) // a check leaves little that lives longer
		if p.env("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(lightMemory)
		}
	}
	if f.rate > 0 {
		b.pace = &pace{gap: time.Second / time.Duration(f.rate)}
	}
	if f.rateNets > 0 {
		b.nets = &networks{gap: time.Second / time.Duration(f.rateNets), of: map[netip.Prefix]*pace{}}
	}
	if f.resume != "" {
		var err error
		if b.resume, err = openJournal(f.resume); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// admit tells whether a target of the list is to be worked on; the error ends
// the reading.
func (b *bulk) admit(t *target) (bool, error) {
	if b == nil {
		return true, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read.Add(int64(len(t.input)) + 1)
	if b.resume != nil {
		mark, done, err := b.resume.read(*t)
		if err != nil || done {
			_ = b.duplicate(*t)
			b.passed.Store(b.read.Load())
			return false, err
		}
		t.mark = mark
	}
	return t.err != nil || !b.duplicate(*t), nil
}

// turn waits until a target may begin; false means that the end came first.
func (b *bulk) turn(ctx context.Context, t target, o options) bool {
	if b == nil {
		return true
	}
	return b.nets.wait(ctx, t, o) && b.pace.wait(ctx)
}

// check diagnoses a target, in full or by one handshake.
func (b *bulk) check(ctx context.Context, p *program, input string, o *options) (*diag.Diagnosis, error) {
	if b == nil || b.quick == nil {
		return p.diagnose(ctx, input, o)
	}
	return b.quick.Check(ctx, input, diagnose.Options(*o))
}

// journalled says that the list can be gone on with later.
func (b *bulk) journalled() bool { return b != nil && b.resume != nil }

// window is how many results may wait for an earlier, slower target.
func (b *bulk) window(parallel int) int {
	if b != nil && b.quick != nil {
		return parallel * aheadLight
	}
	return parallel * ahead
}

// goOn says how an interrupted list is gone on with.
func (b *bulk) goOn() string {
	if !b.journalled() {
		return ""
	}
	return "; the same command goes on where this one stopped"
}

// done notes that a target's report is written; early says that an earlier
// target is not done.
func (b *bulk) done(t target, early bool) error {
	switch {
	case !b.journalled() || t.mark.n == 0:
		return nil
	case early:
		return b.resume.doneToo(t.mark)
	}
	return b.resume.done(t.mark)
}

// sum says what was left out of the list.
func (b *bulk) sum(w io.Writer) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.duplicates > 0 {
		more := ""
		if n := b.duplicates - len(b.again); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		fmt.Fprintf(w, "tlswhy: targets that were named before are left out: %d, at %s%s\n", b.duplicates, strings.Join(b.again, ", "), more)
	}
	if b.resume == nil {
		return
	}
	if n := b.resume.skip + len(b.resume.also); n > 0 {
		fmt.Fprintf(w, "tlswhy: targets that were done before are left out: %d\n", min(n, b.resume.n))
	}
}

func (b *bulk) close() {
	if b.resume != nil {
		b.resume.f.Close()
	}
}

// maxSeen bounds the targets of which duplicates are recognised: some 40 bytes
// each.
const maxSeen = 4_000_000

// maxAgain is how many of the duplicates are named.
const maxAgain = 10

// duplicate tells whether a target was there before.
func (b *bulk) duplicate(t target) bool {
	h := fnv.New64a()
	_, _ = io.WriteString(h, t.input)
	sum := h.Sum64()
	if _, again := b.seen[sum]; again {
		if b.duplicates++; len(b.again) < maxAgain {
			b.again = append(b.again, cmp.Or(t.where, "the command line"))
		}
		return true
	}
	if len(b.seen) < maxSeen {
		b.seen[sum] = struct{}{}
	}
	return false
}

// pace lets so many begin per second.
type pace struct {
	mu   sync.Mutex
	gap  time.Duration
	next time.Time
}

// wait waits for its turn; false means that ctx ended first.
func (p *pace) wait(ctx context.Context) bool {
	if p == nil {
		return ctx.Err() == nil
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	turn := p.next
	p.next = turn.Add(p.gap)
	p.mu.Unlock()
	if d := turn.Sub(now); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// networks holds a pace for each network: /24 of IPv4, /48 of IPv6.
type networks struct {
	gap time.Duration
	mu  sync.Mutex
	of  map[netip.Prefix]*pace
}

// maxNetworks bounds the networks that are remembered at a time.
const maxNetworks = 100_000

// wait waits for the turn of the network in which a target's first address is.
// A name that cannot be resolved has none.
func (n *networks) wait(ctx context.Context, t target, o options) bool {
	if n == nil {
		return ctx.Err() == nil
	}
	addr, ok := firstAddress(ctx, t.input, o)
	if !ok {
		return ctx.Err() == nil
	}
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return ctx.Err() == nil
	}
	n.mu.Lock()
	p := n.of[prefix]
	if p == nil {
		if len(n.of) >= maxNetworks {
			now := time.Now()
			for k, old := range n.of {
				if old.next.Before(now) {
					delete(n.of, k)
				}
			}
		}
		p = &pace{gap: n.gap}
		n.of[prefix] = p
	}
	n.mu.Unlock()
	return p.wait(ctx)
}

// firstAddress is where a target is asked.
func firstAddress(ctx context.Context, input string, o options) (netip.Addr, bool) {
	if len(o.Connect) > 0 {
		host, _, err := net.SplitHostPort(o.Connect[0])
		if err != nil {
			host = o.Connect[0]
		}
		input = host
	} else if t, err := diagnose.ParseTarget(input); err == nil {
		input = t.Name
	}
	if a, err := netip.ParseAddr(input); err == nil {
		return a.Unmap(), true
	}
	network := "ip"
	if o.Network != "" {
		network = o.Network
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, network, input)
	if err != nil || len(addrs) == 0 {
		return netip.Addr{}, false
	}
	return addrs[0].Unmap(), true
}
