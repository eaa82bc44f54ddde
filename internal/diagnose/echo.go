package diagnose

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/echo"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/proxy"
)

// EchoEnd is an echo server to send ClientHellos to, and its secret.
type EchoEnd struct {
	Address string // HOST:PORT
	Secret  echo.Secret
	Wait    time.Duration // for the answer to one hello; 0 = 1.5 s
}

// settle is how long a part of a hello may take to the other end after its
// connection was cut off here.
const settle = 200 * time.Millisecond

// echoed sends the client's hello and its variants to the echo server, one
// after the other, and adds what arrived of them to the diagnosis.
func (r *runner) echoed(ctx context.Context, d *diag.Diagnosis) {
	end := r.env.Echo
	if end == nil || r.c.Want.Hello == nil || r.c.Want.Local != nil {
		return
	}
	wait := end.Wait
	if wait == 0 {
		wait = 1500 * time.Millisecond
	}
	d.Echo = &diag.Echo{Address: end.Address, Hellos: []diag.EchoHello{}}
	r.progress("asking the echo server at " + end.Address)
	address, err := r.echoAddress(ctx, end.Address)
	var c *echo.Client
	if err == nil {
		c, err = echo.Dial(ctx, r.echoDialer(), address, end.Secret)
	}
	if err != nil {
		d.Echo.Err = err.Error()
		d.NotTested = append(d.NotTested, diag.NotTested{What: "the echo server at " + end.Address, Reason: err.Error()})
		return
	}
	defer c.Close()
	d.Echo.Channel, d.Echo.From = c.Channel, c.From
	send := func(ch facts.Changes) bool {
		h, attempt, err := r.echoOne(ctx, c, address, ch, wait)
		if err == nil && len(d.Echo.Hellos) == 0 && slices.Contains([]string{echo.Short, echo.Lost, echo.Unheard}, h.Fate) {
			h, attempt, err = r.echoOne(ctx, c, address, ch, wait) // loss does that, too, but seldom twice
		}
		if err != nil {
			d.NotTested = append(d.NotTested, diag.NotTested{What: "further hellos to the echo server", Reason: err.Error()})
			return false
		}
		attempt.N = len(d.Attempts) + 1
		h.Attempt = attempt.N
		d.Attempts = append(d.Attempts, r.transcript(attempt, nil, false))
		d.Echo.Hellos = append(d.Echo.Hellos, h)
		return true
	}
	own := facts.Changes{}
	if !send(own) {
		return
	}
	next := r.afterOwn(end.Address, d.Echo.Hellos[0].Fate)
	for i := 0; i < len(next) && send(next[i]); i++ {
	}
	r.judgeEcho(d)
}

// echoDialer reaches the server on the way of the hellos: through the proxy that
// leads to the target, where there is one.
func (r *runner) echoDialer() echo.Dialer {
	if r.ways.proxy == nil {
		return r.prober().Connect
	}
	way := proxy.Way{Proxy: r.ways.proxy, Roots: r.ways.roots, Dial: r.prober().Connect}
	return func(ctx context.Context, _, address string) (net.Conn, error) { return way.Connect(ctx, address) }
}

// echoAddress finds the server; a proxy that resolves names is asked for its name.
func (r *runner) echoAddress(ctx context.Context, hostPort string) (string, error) {
	host, port, hasPort, err := splitHost(hostPort)
	if err != nil || !hasPort {
		return "", fmt.Errorf("%q is no HOST:PORT", hostPort)
	}
	if resolvesItself(r.ways.proxy) {
		return net.JoinHostPort(host, strconv.Itoa(port)), nil
	}
	addrs, _, err := r.plan.addresses(ctx, host, port)
	if err != nil {
		return "", err
	}
	i := max(0, slices.IndexFunc(addrs, r.reaches))
	if len(addrs) == 0 {
		return "", fmt.Errorf("%s has no address", host)
	}
	return net.JoinHostPort(addrs[i].String(), strconv.Itoa(port)), nil
}

// otherName asks for the echo server by its own name, or by none.
func (r *runner) otherName(address string) facts.Changes {
	host, _, _, _ := splitHost(address)
	if _, err := netip.ParseAddr(host); err != nil && host != r.c.Want.Hello.ServerName() {
		return facts.Changes{SNI: host}
	}
	return facts.Changes{SNI: "none"}
}

// Hellos that a box may treat otherwise than the client's own.
var (
	helloTLS12 = facts.Changes{Version: "1.2"}
	helloLarge = facts.Changes{Size: "3000"}
	helloCut   = facts.Changes{Segments: "300"}
	helloMSS   = facts.Changes{MSS: "700"}
)

// afterOwn are the hellos that tell more, once it is known what became of the
// client's own.
func (r *runner) afterOwn(address, fate string) []facts.Changes {
	switch fate {
	case echo.Same:
		return []facts.Changes{helloTLS12, helloLarge, helloCut}
	case echo.Short, echo.Lost, echo.Unheard:
		out := []facts.Changes{r.otherName(address), helloTLS12}
		if probe.CanClamp {
			out = append(out, helloMSS)
		}
		return out
	}
	return []facts.Changes{r.otherName(address)}
}

// echoOne sends one hello and asks what arrived of it.
func (r *runner) echoOne(ctx context.Context, c *echo.Client, address string, ch facts.Changes, wait time.Duration) (diag.EchoHello, *facts.Attempt, error) {
	e := facts.Experiment{Address: address, Changes: ch}
	spec := probe.Spec{Of: e, Address: address, Alone: true, Stop: probe.StopServerFlight, Timeouts: probe.Timeouts{Connect: wait, Total: wait}}
	h := diag.EchoHello{Hello: client.Describe(ch, r.c.Want.Hello), Pieces: []int{}, Change: []string{}}
	if ch == (facts.Changes{}) {
		h.Hello = ""
	}
	r.progress("asking the echo server what arrives " + h.Hello)
	if err := speak(&spec, &r.c.Want, e); err != nil {
		return h, nil, err
	}
	spec.Preamble, spec.Wrap = nil, nil // the echo server speaks TLS from the first byte
	if err := r.lead(ctx, &spec, e); err != nil {
		return h, nil, err
	}
	a := r.prober().Attempt(ctx, spec)
	came, err := c.Arrivals(ctx)
	if err != nil {
		return h, a, err
	}
	if len(came) == 0 && a.ServerHello == nil && pause(ctx, settle) { // what is cut off here may be on its way there
		if came, err = c.Arrivals(ctx); err != nil {
			return h, a, err
		}
	}
	sent := echo.Sent{Answered: a.ServerHello != nil || a.Retry != nil}
	for _, m := range a.Messages {
		if m.Name == "ClientHello" && sent.Hello == nil {
			sent.Hello = m.Raw
		}
	}
	if len(a.Chain) > 0 {
		sent.Leaf = hex.EncodeToString(a.Chain[0].SHA256[:])
	}
	h.Sent = len(sent.Hello)
	fate, arrival, diffs := echo.Fate(sent, came, c.From)
	h.Fate, h.Change = fate, append(h.Change, diffs...)
	if arrival != nil {
		h.Pieces, h.From = arrival.Pieces, arrival.From
		h.Joined = ch.Segments != "" && len(arrival.Pieces) == 1 && arrival.Segments <= 1
	}
	return h, a, nil
}

// echoOf is what became of a hello; "" where it was not sent.
func echoOf(d *diag.Diagnosis, words string) string {
	for _, h := range d.Echo.Hellos {
		if h.Hello == words {
			return h.Fate
		}
	}
	return ""
}

// judgeEcho draws the conclusion, which needs no guess: both ends were heard.
func (r *runner) judgeEcho(d *diag.Diagnosis) {
	if len(d.Echo.Hellos) == 0 {
		return
	}
	own := d.Echo.Hellos[0]
	words := func(ch facts.Changes) string { return echoOf(d, client.Describe(ch, r.c.Want.Hello)) }
	name, tls12, small := words(r.otherName(d.Echo.Address)), words(helloTLS12), words(helloMSS)
	c := diag.Cause{Family: "middlebox", Severity: diag.SeverityWarning, Confidence: diag.Proven, Stage: diag.StageClientHello, Addresses: []string{},
		Affects: []string{"every client on this path"}, Verify: r.c.Want.Command}
	deed, id := "silently drops", "middlebox-blackhole"
	if a := d.Attempts[own.Attempt-1]; a.EndKind == "reset" || a.EndKind == "closed" {
		deed, id = "cuts off", "middlebox-reset"
	}
	see := func(format string, args ...any) {
		c.Evidence = append(c.Evidence, diag.Evidence{Text: fmt.Sprintf(format, args...), Where: fmt.Sprintf("attempt %d", own.Attempt)})
	}
	switch sni := r.c.Want.Hello.ServerName(); own.Fate {
	case echo.Same:
		d.Notes = append(d.Notes, r.echoNote(d))
		return
	case echo.Remade, echo.Elsewhere:
		c.ID, c.Stage = "middlebox-inspection", diag.StageCertificate
		c.Summary = "TLS ends at something on the path: it makes a connection of its own to the server"
		if own.Fate == echo.Elsewhere {
			c.Summary = "something on the path answers in the server's place"
			see("the ClientHello was answered here, and nothing of that sort was sent at the other end")
		} else {
			see("what arrived at the other end is another ClientHello")
		}
	case echo.Rewritten:
		c.ID, c.Summary = "middlebox-downgrade", "something on the path rewrites ClientHellos"
		see("the ClientHello arrived with other bytes than it was sent")
	case echo.Short, echo.Lost, echo.Unheard:
		what := map[string]string{echo.Short: "only a part of the ClientHello arrived at the other end", echo.Lost: "nothing of the ClientHello arrived at the other end",
			echo.Unheard: "the ClientHello arrived and was answered, but the answer did not come back"}[own.Fate]
		see("%s: %s", what, d.Attempts[own.Attempt-1].End)
		switch {
		case small == echo.Same:
			c.ID, c.Summary = "pmtu-blackhole", "large packets vanish on the path: the same ClientHello arrives in small ones"
		case tls12 == echo.Same && own.Fate != echo.Unheard:
			c.ID, c.Summary = "hello-too-large", "a box on the path breaks on this ClientHello: one of TLS 1.2, which is smaller, arrives"
		case name == echo.Same && sni != "":
			c.ID, c.Summary = id, fmt.Sprintf("something on the path %s connections that name %s", deed, sni)
		case name != echo.Same && name != "":
			c.ID, c.Summary = id, fmt.Sprintf("something on the path %s TLS connections, whatever their name", deed)
		default:
			return
		}
	}
	for _, x := range own.Change {
		see("%s", x)
	}
	for _, h := range d.Echo.Hellos[1:] {
		c.Evidence = append(c.Evidence, diag.Evidence{Text: h.Hello + ": " + fateWords[h.Fate], Where: fmt.Sprintf("attempt %d", h.Attempt)})
	}
	if _, port, _, _ := splitHost(d.Echo.Address); port != r.c.Want.Port {
		c.NotRuledOut = append(c.NotRuledOut, fmt.Sprintf("the echo server is at port %d, the target at port %d: a box may treat them otherwise", port, r.c.Want.Port))
	}
	c.NotRuledOut = append(c.NotRuledOut, "where it stands between here and "+d.Echo.Address)
	if page, ok := causes.PageOf(c.ID); ok {
		c.Family = page.Family
		c.Fixes = causes.RenderFixes(page.Fixes, nil, nil, causes.FixParams{Name: r.c.Want.Name, Port: r.c.Want.Port, SNI: r.c.Want.Hello.ServerName(), Protocol: r.c.Want.Protocol, StartTLS: r.c.Want.StartTLS})
	}
	r.placeEcho(d, c)
}

// fateWords say what became of a hello.
var fateWords = map[string]string{
	echo.Same: "arrives as it was sent", echo.Rewritten: "arrives rewritten", echo.Remade: "another one arrives in its place", echo.Short: "only a part arrives",
	echo.Lost: "does not arrive", echo.Unheard: "arrives, but the answer does not come back", echo.Elsewhere: "does not arrive, and yet somebody answers",
}

// onThePath are the verdicts that a fault of the path explains.
var onThePath = []string{"connection-reset", "eof-during-handshake", "handshake-timeout", "sni-unrecognized", "hello-too-large", "hello-intolerance", "version-intolerance",
	"middlebox-reset", "middlebox-blackhole", "middlebox-inspection", "middlebox-downgrade", "pmtu-blackhole", "captive-portal", "inconsistent-endpoints",
	"unknown-ca", "self-signed", "incomplete-chain", "decrypt-error", "protocol-violation", "unexplained"}

// placeEcho puts the finding where it belongs: in the place of a failure that it
// explains, else behind all failures.
func (r *runner) placeEcho(d *diag.Diagnosis, c diag.Cause) {
	first := d.FirstFailure()
	if first == nil || !slices.Contains(onThePath, first.ID) {
		d.Causes = append(d.Causes, c)
		if d.Verdict == diag.OK {
			d.Verdict = diag.Warning
		}
		return
	}
	c.Severity, c.Addresses, c.Stage = diag.SeverityFailure, first.Addresses, first.Stage
	c.Evidence = append(c.Evidence, first.Evidence...)
	d.Causes = slices.DeleteFunc(d.Causes, func(x diag.Cause) bool { return x.Severity == diag.SeverityFailure && slices.Contains(onThePath, x.ID) })
	d.Causes = append([]diag.Cause{c}, d.Causes...)
}

// echoNote says that the path is in order as far as the echo server, and what
// it does all the same.
func (r *runner) echoNote(d *diag.Diagnosis) string {
	note := "the client's own ClientHello arrives at the echo server " + d.Echo.Address + " byte for byte"
	for _, h := range d.Echo.Hellos[1:] {
		if h.Fate != echo.Same {
			note += "; " + h.Hello + ", it " + fateWords[h.Fate]
		}
		if h.Joined {
			note += "; sent in several segments it arrives in one piece: something on the path, such as a proxy, makes connections of its own"
		}
	}
	return note
}
