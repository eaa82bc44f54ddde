package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Observer judges connections that other clients made: a capture or a relay
// saw them. It asks nothing of anybody. It is safe for concurrent use.
type Observer struct {
	plan plan
	want facts.Want // what all cases share
	now  time.Time  // stands in for packets without a time
}

// NewObserver loads the trust anchors of the options, which stand in for the
// clients' own. at is the moment as of which they are taken. The error is a
// *UsageError or a *FileError.
func NewObserver(o Options, env Env, at time.Time) (*Observer, error) {
	x := &Observer{plan: plan{opts: o, env: env}, now: at}
	if err := x.plan.software(&x.want); err != nil {
		return nil, err
	}
	if err := x.plan.loadAnchors(&x.want, at); err != nil {
		return nil, err
	}
	if l := x.want.Local; l != nil {
		return nil, &FileError{File: l.File, Role: l.Role, Err: fmt.Errorf("%s: %s", l.File, l.Problem)}
	}
	if !x.want.AnchorsPrivate {
		x.want.AnchorsFrom += " of this machine, which need not be the client's"
	}
	return x, nil
}

// Judge explains one connection. Others are handshakes that worked with the
// same server. protocol is the dialogue before TLS, "" for none.
func (x *Observer) Judge(ctx context.Context, a *facts.Attempt, protocol string, others []*facts.Attempt) *diag.Diagnosis {
	w := x.want
	w.Hello = a.Sent
	w.Client = facts.Client{Name: "the client", MinVersion: tlswire.SSL3, MaxVersion: tlswire.TLS13, MinRSABits: 2048, MinDHBits: 2048}
	if h := a.Sent; h != nil {
		w.Client.MaxVersion, w.Client.SendsSNI = h.MaxVersion(), h.ServerName() != ""
		w.Client.MinVersion = max(h.MinVersion(), tlswire.SSL3)
		w.Name = h.ServerName()
	}
	w.Identity = a.Seen.Identity
	x.target(&w, a, protocol)
	at := a.Started.UTC()
	if at.Before(facts.TLSBegan) {
		at = x.now.UTC()
	}
	if !x.plan.opts.At.IsZero() {
		at = x.plan.opts.At.UTC()
	}
	a.N, a.Of = 1, facts.Experiment{Address: a.Address}
	c := &facts.Case{At: at, Want: w, Attempts: []*facts.Attempt{a}, Others: others, Spent: true,
		Lookup: facts.Lookup{Name: w.Name, Addresses: []string{a.Address}, Given: true}}
	d := Gathered(ctx, c, x.plan.opts, x.plan.env, false, x.plan.notes...)
	d.StartedAt = a.Started.UTC()
	return d
}

// target names the server as a command line would, and the command that tries
// it live.
func (x *Observer) target(w *facts.Want, a *facts.Attempt, protocol string) {
	if a.Seen.Target != "" {
		x.asked(w, a)
		return
	}
	address, err := netip.ParseAddrPort(a.Address)
	if err != nil {
		return
	}
	w.Port = int(address.Port())
	name := w.Name
	if name == "" {
		name = address.Addr().String()
		if address.Addr().Is6() {
			name = "[" + name + "]"
		}
	}
	w.Input = fmt.Sprintf("%s:%d", name, w.Port)
	words := []string{"tlswhy"}
	if w.Name != "" {
		words = append(words, "--connect", a.Address)
	}
	if _, ok := starttls.Lookup(protocol); ok {
		w.StartTLS, w.Protocol = protocol, protocol
		words = append(words, "--starttls", protocol)
	} else if t, err := ParseTarget(w.Input); err == nil {
		w.Protocol, w.Guessed = t.Protocol, true
	}
	if x.plan.opts.CAFile != "" {
		words = append(words, "--ca", Quote(x.plan.opts.CAFile))
	}
	w.Command = cmp.Or(x.plan.opts.Command, strings.Join(append(words, Quote(w.Input)), " "))
}

// asked names the server as the client did when it asked a proxy for it: the
// address is the proxy's.
func (x *Observer) asked(w *facts.Want, a *facts.Attempt) {
	w.Input = a.Seen.Target
	if host, port, err := net.SplitHostPort(a.Seen.Target); err == nil {
		w.Name = cmp.Or(w.Name, host)
		w.Port, _ = strconv.Atoi(port)
	}
	w.Command = cmp.Or(x.plan.opts.Command, "tlswhy "+Quote(w.Input))
}
