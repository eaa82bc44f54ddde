package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/proxy"
	"github.com/tlswhy/tlswhy/internal/relay"
	"github.com/tlswhy/tlswhy/internal/report"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// maxExplained bounds the failures of one run that are explained in full, and
// together how many of them are looked into at a time.
const (
	maxExplained = 8
	together     = 3
)

// witness turns the conversations of a watched client into diagnoses.
type witness struct {
	p        *program
	o        options
	format   report.Format
	ro       report.Options
	file     string // of --report
	offline  bool
	client   string // what to call it
	target   string // name of the one target; "" = what the client asks for
	protocol string // of the one target
	relay    string // where the one target is reached through us
	observer *diagnose.Observer
	ignored  func(proxy.Request) string // a proxy variable that the client does not look at

	command []string
	code    int
	count   diag.Run
	// deserted are handshakes that the client left unused, for no reason that
	// our own connection met.
	deserted int
	waiting  []*failure // not explained yet
	known    map[string]*failure
	found    []*diag.Diagnosis
	printed  int // of found
	exit     int
}

// failure is one kind of failure of the client's, with all connections that met it.
type failure struct {
	c     *relay.Conversation
	first *diag.Diagnosis // what the connection itself shows; nil where it shows nothing
	times int
	look  func(context.Context, *failure) *diag.Diagnosis
	d     *diag.Diagnosis
}

// newWitness watches a client; verify is the command that shows whether a fix
// worked.
func (p *program) newWitness(f *runFlags, client, verify string) (*witness, error) {
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return nil, err
	}
	o.Command = verify
	if color, err := p.color(f.color); err == nil {
		ro.Color = color && p.errTerminal && format == report.Text
	}
	observer, err := diagnose.NewObserver(diagnose.Options(o), p.lend(), time.Now())
	if err != nil {
		return nil, err
	}
	return &witness{p: p, o: o, format: format, ro: ro, file: f.report, offline: f.offline, client: client, observer: observer,
		known: map[string]*failure{}}, nil
}

// judge sorts one conversation: it went well, or failed in a way that is known,
// or in a new one.
func (w *witness) judge(c *relay.Conversation) {
	a := c.Attempt
	switch {
	case c.Err != nil:
		w.count.Connections++
		w.count.Unreached++
		w.fail(c, nil, fmt.Sprint(c.Asked, c.Via, c.Trouble), w.unreached)
		return
	case a == nil || a.Sent == nil && a.BytesSent == 0 && a.BytesReceived == 0:
		return // opened and left, as some clients do ahead of time
	}
	w.count.Connections++
	if a.Seen.GaveBy == facts.EndCanceled {
		w.count.Open++
	}
	if c.Plain && !speaksTLS(a) {
		w.count.Plain++
		return
	}
	if a.End.Kind == facts.EndCompleted || a.End.Stage == diag.StageApplication {
		w.stood(c)
		return
	}
	d := w.observer.Judge(context.Background(), a, c.Protocol, nil)
	if d.Verdict != diag.Failure {
		return // nothing had gone wrong when it ended
	}
	w.count.Failed++
	w.fail(c, d, fmt.Sprint(c.Asked, " ", d.FirstFailure().ID, " ", a.End.Kind, a.End.Alert, a.End.By), w.failed)
}

// speaksTLS reports that a request in clear was refused by a server of TLS.
func speaksTLS(a *facts.Attempt) bool {
	return a.End.Preamble == "speaks TLS" && slices.ContainsFunc(a.Preamble, func(l facts.PreambleLine) bool {
		return l.From == tlswire.SideServer && strings.HasPrefix(l.Text, "HTTP/1.") && strings.Contains(l.Text, " 400")
	})
}

// fail notes a failure.
func (w *witness) fail(c *relay.Conversation, d *diag.Diagnosis, key string, look func(context.Context, *failure) *diag.Diagnosis) {
	if f := w.known[key]; f != nil {
		f.times++
		return
	}
	f := &failure{c: c, first: d, times: 1, look: look}
	if len(w.known) >= maxExplained {
		w.count.Unexplained++
		return
	}
	w.known[key] = f
	w.waiting = append(w.waiting, f)
}

// explain looks into all that waits, a few at a time; the order stays.
func (w *witness) explain(ctx context.Context) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, together)
	for _, f := range w.waiting {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			f.d = f.look(ctx, f)
		})
	}
	wg.Wait()
	for _, f := range w.waiting {
		if f.d == nil {
			continue
		}
		if f.c.Err == nil && f.first == nil { // it looked well
			w.count.Handshakes -= f.times
			w.count.Failed += f.times
		}
		if f.times > 1 {
			f.d.Notes = append(f.d.Notes, fmt.Sprintf("%d connections of %s failed in this way", f.times, w.client))
		}
		if note := w.misnamed(f.c); note != "" {
			f.d.Notes = append(f.d.Notes, note)
		}
		w.found = append(w.found, f.d)
	}
	w.waiting = nil
}

// failed explains a handshake that did not come about.
func (w *witness) failed(ctx context.Context, f *failure) *diag.Diagnosis {
	d := f.first
	if own := w.experiment(ctx, f.c); own != nil {
		d = settle(f.first, own, f.c.Attempt)
	}
	d.Notes = append(d.Notes, fmt.Sprintf("seen: the connection of %s to %s; %s", w.client, f.c.Asked, endOf(f.first)))
	if f.c.Via != "" {
		d.Notes = append(d.Notes, "all connections went through the proxy "+f.c.Via+", as those of "+w.client+" do")
	}
	return d
}

// stood looks at a handshake that both sides finished, although the command
// failed: some clients check the certificate only then, and some servers ask
// for the client's only then, in what is encrypted.
func (w *witness) stood(c *relay.Conversation) {
	w.count.Handshakes++
	a := c.Attempt
	left := a.Seen.Left()
	if w.code == 0 && len(w.command) > 0 || !left && (!a.Seen.Asked || a.IdentitySent) {
		return
	}
	w.fail(c, nil, c.Asked+" stood", func(ctx context.Context, f *failure) *diag.Diagnosis {
		own := w.experiment(ctx, c)
		if own == nil || own.FirstFailure() == nil {
			if left {
				w.deserted++
			}
			return nil
		}
		note := "seen: " + w.client + " finished the handshake with " + c.Asked + ", "
		switch family := own.FirstFailure().Family; {
		case left && family == "certificate":
			note += "and left without a word, as clients do that check the certificate last"
		case !left && family == "client-auth":
			note += "was asked for a certificate, and sent none"
		default:
			return nil
		}
		own.Notes = append(own.Notes, note)
		return own
	})
}

// endOf says how the watched connection ended.
func endOf(d *diag.Diagnosis) string {
	if len(d.Attempts) == 0 {
		return "nothing came back"
	}
	return d.Attempts[0].End
}

// unreached diagnoses a server to which no connection came about, or the proxy
// before it.
func (w *witness) unreached(ctx context.Context, f *failure) *diag.Diagnosis {
	c := f.c
	var d *diag.Diagnosis
	switch {
	case c.Trouble == proxy.Refuses:
		d = w.observer.Judge(ctx, c.Attempt, "", nil)
	case w.offline || c.Trouble == proxy.Unknown:
	default:
		target := c.Asked
		if c.Trouble == proxy.Away || c.Trouble == proxy.TLS {
			target = c.Via
		}
		o := diagnose.Options(w.o)
		env := w.p.lend()
		env.Environ = nil
		d, _ = diagnose.Run(ctx, target, o, env)
	}
	if d == nil || d.Verdict != diag.Failure {
		fmt.Fprintf(w.p.stderr, "tlswhy: %s asked for %s, which could not be reached: %s\n", w.client, c.Asked, clean(c.Err.Error()))
		return nil
	}
	switch {
	case c.Trouble == proxy.Refuses:
		d.Notes = append(d.Notes, "the proxy is "+c.Via+", which "+w.client+" takes from its environment")
	case c.Via != "":
		d.FirstFailure().Fixes = []diag.Fix{{Side: "client", Action: "use-proxy", Text: "Start the proxy at " + c.Via + ", or correct the variable that names it; without a proxy in this network, unset it.",
			Command: "env | grep -i _proxy | sed 's#//[^@]*@#//...@#'"}}
		d.Notes = append(d.Notes, fmt.Sprintf("%s is the proxy that %s takes from its environment; %s itself was not asked", c.Via, w.client, c.Asked))
	}
	if w.relay == "" {
		d.Notes = append(d.Notes, "what "+w.client+" says of a proxy (\"502\", SOCKS) are the words of tlswhy's own proxy, which handed this on")
	}
	if w.ignored != nil {
		if name := w.ignored(c.Request); name != "" {
			d.Notes = append(d.Notes, fmt.Sprintf("%s is set, but %s does not look at it: the connection went directly, as it does without tlswhy", name, w.client))
		}
	}
	return d
}

// experiment diagnoses the server with the client's own hello; nil where that
// is not possible.
func (w *witness) experiment(ctx context.Context, c *relay.Conversation) *diag.Diagnosis {
	a := c.Attempt
	if w.offline || a.Sent == nil {
		return nil
	}
	host, port, err := net.SplitHostPort(c.Asked)
	if err != nil {
		return nil
	}
	name := cmp.Or(a.Sent.ServerName(), w.target, host)
	o := diagnose.Options(w.o)
	o.Connect, o.StartTLS = []string{a.Address}, c.Protocol
	env := w.p.lend()
	env.Hello, env.ClientName = a.Sent, w.client
	env.Environ = nil // the client's way is known
	if c.Via != "" {
		env.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return c.Dial(ctx) }
	}
	target := net.JoinHostPort(name, port)
	if alpn := a.Sent.ALPN(); len(alpn) > 0 && !slices.Contains(alpn, "http/1.1") && !slices.Contains(alpn, "h2") {
		target = "tls://" + target
	}
	d, err := diagnose.Run(ctx, target, o, env)
	if err != nil {
		return nil
	}
	return w.trusting(ctx, d, target, o, env)
}

// misnamed tells of a client that asked for our own name because it was pointed
// at us: what follows from that is no fault of the server's.
func (w *witness) misnamed(c *relay.Conversation) string {
	hint := w.keepName()
	if hint == "" || c.Attempt == nil || c.Attempt.Sent == nil {
		return ""
	}
	sni := c.Attempt.Sent.ServerName()
	if strings.EqualFold(sni, w.target) {
		return ""
	}
	asked := "for " + sni
	if sni == "" {
		asked = "for no name"
	}
	return fmt.Sprintf("the client asks %s instead of %s, since it was pointed at %s; unless it does so without tlswhy, too, let it keep the name: %s",
		asked, w.target, w.relay, hint)
}

// settle joins what was seen with what experiments tell. The client's own
// connection has the last word: a certificate that it accepted is not at fault,
// and a server that ended the connection did not do so over its own.
func settle(seen, own *diag.Diagnosis, a *facts.Attempt) *diag.Diagnosis {
	byServer := a.End.By != tlswire.SideClient && a.Seen.AlertSized != tlswire.SideClient
	var causes []diag.Cause
	for _, c := range own.Causes {
		if c.Severity == diag.SeverityFailure && c.Family == "certificate" && (a.Seen.Accepted || byServer) {
			continue
		}
		causes = append(causes, c)
	}
	first := seen.FirstFailure().ID
	at := slices.IndexFunc(causes, func(c diag.Cause) bool { return c.Severity == diag.SeverityFailure && c.ID == first })
	if at < 0 {
		at = slices.IndexFunc(causes, func(c diag.Cause) bool {
			return c.Severity == diag.SeverityFailure && (byServer || c.Family == "certificate" || c.Stage.Rank() >= diag.StageServerHello.Rank())
		})
	}
	if at < 0 {
		return seen // our own connection fares otherwise: what was seen is all there is
	}
	lead := causes[at]
	own.Causes = append([]diag.Cause{lead}, slices.Delete(causes, at, at+1)...)
	own.Verdict = diag.Failure
	return own
}
