package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/relay"
	"github.com/tlswhy/tlswhy/internal/report"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// maxExplained bounds the failures of one run that are explained in full.
const maxExplained = 5

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
	observer *diagnose.Observer

	command []string
	code    int
	seen    int // conversations with TLS
	healthy int
	// deserted are those among them that the client left unused, for no reason
	// that our own connection met.
	deserted int
	found    []*diag.Diagnosis
	known    map[string]bool // failures that were explained already
	exit     int
}

func (p *program) newWitness(f *runFlags, client string) (*witness, error) {
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return nil, err
	}
	if color, err := p.color(f.color); err == nil {
		ro.Color = color && p.errTerminal && format == report.Text
	}
	observer, err := diagnose.NewObserver(diagnose.Options(o), p.lend(), time.Now())
	if err != nil {
		return nil, err
	}
	return &witness{p: p, o: o, format: format, ro: ro, file: f.report, offline: f.offline, client: client, observer: observer, known: map[string]bool{}}, nil
}

// judge explains one conversation, unless it went well or another one failed in
// the same way.
func (w *witness) judge(ctx context.Context, c *relay.Conversation) {
	if c.Plain || c.Attempt == nil && c.Err == "" {
		return
	}
	if c.Attempt == nil {
		w.unreached(ctx, c)
		return
	}
	a := c.Attempt
	if a.Sent == nil && a.BytesSent == 0 && a.BytesReceived == 0 {
		return // opened and left, as some clients do ahead of time
	}
	w.seen++
	if a.End.Kind == facts.EndCompleted || a.End.Stage == diag.StageApplication {
		w.stood(ctx, c)
		return
	}
	first := w.observer.Judge(ctx, a, c.Protocol, nil)
	if first.Verdict != diag.Failure {
		w.healthy++
		return
	}
	key := fmt.Sprint(c.Asked, " ", first.FirstFailure().ID, " ", a.End.Kind, a.End.Alert, a.End.By)
	if w.known[key] || len(w.found) >= maxExplained {
		return
	}
	w.known[key] = true
	d := first
	if own := w.experiment(ctx, c); own != nil {
		d = settle(first, own, a)
	}
	d.Notes = append(d.Notes, fmt.Sprintf("seen: the connection of %s to %s; %s", w.client, c.Asked, strings.ToLower(endOf(first))))
	if c.Via != "" {
		d.Notes = append(d.Notes, "the connection went through the proxy "+c.Via+", so that nothing was tried beyond it")
	}
	w.found = append(w.found, d)
}

// stood looks at a handshake that both sides finished, although the command
// failed: some clients check the certificate only then, and some servers ask
// for the client's only then, in what is encrypted.
func (w *witness) stood(ctx context.Context, c *relay.Conversation) {
	w.healthy++
	a := c.Attempt
	left := a.Seen.Left()
	if w.code == 0 || !left && (!a.Seen.Asked || a.IdentitySent) || w.known[c.Asked] || len(w.found) >= maxExplained {
		return
	}
	w.known[c.Asked] = true
	own := w.experiment(ctx, c)
	if own == nil || own.FirstFailure() == nil {
		if left {
			w.deserted++
		}
		return
	}
	note := "seen: " + w.client + " finished the handshake with " + c.Asked + ", "
	switch family := own.FirstFailure().Family; {
	case left && family == "certificate":
		note += "and left without a word, as clients do that check the certificate last"
	case !left && family == "client-auth":
		note += "was asked for a certificate, and sent none"
	default:
		return
	}
	own.Notes = append(own.Notes, note)
	w.found = append(w.found, own)
}

// endOf says how the watched connection ended.
func endOf(d *diag.Diagnosis) string {
	if len(d.Attempts) == 0 {
		return "nothing came back"
	}
	return d.Attempts[0].End
}

// unreached diagnoses a server to which no connection came about.
func (w *witness) unreached(ctx context.Context, c *relay.Conversation) {
	if w.known[c.Asked] || len(w.found) >= maxExplained {
		return
	}
	w.known[c.Asked] = true
	w.seen++
	if c.Via == "" && !w.offline {
		if d, err := diagnose.Run(ctx, c.Asked, diagnose.Options(w.o), w.p.lend()); err == nil && d.Verdict == diag.Failure {
			w.found = append(w.found, d)
			return
		}
	}
	fmt.Fprintf(w.p.stderr, "tlswhy: %s asked for %s, which could not be reached: %s\n", w.client, c.Asked, clean(c.Err))
}

// experiment diagnoses the server with the client's own hello; nil where that
// is not possible.
func (w *witness) experiment(ctx context.Context, c *relay.Conversation) *diag.Diagnosis {
	a := c.Attempt
	if w.offline || c.Via != "" || a.Sent == nil {
		return nil
	}
	host, port, err := net.SplitHostPort(c.Asked)
	if err != nil {
		return nil
	}
	name := cmp.Or(a.Sent.ServerName(), w.target, host)
	o := diagnose.Options(w.o)
	o.Connect, o.StartTLS = []string{a.Address}, c.Protocol
	o.Command = w.verify()
	env := w.p.lend()
	env.Hello, env.ClientName = a.Sent, w.client
	target := net.JoinHostPort(name, port)
	if alpn := a.Sent.ALPN(); len(alpn) > 0 && !slices.Contains(alpn, "http/1.1") && !slices.Contains(alpn, "h2") {
		target = "tls://" + target
	}
	d, err := diagnose.Run(ctx, target, o, env)
	if err != nil {
		return nil
	}
	return d
}

// verify is the command that shows whether the fix worked.
func (w *witness) verify() string {
	if len(w.command) == 0 {
		return ""
	}
	words := []string{"tlswhy", "run", "--"}
	for _, s := range w.command {
		words = append(words, shellQuote(s))
	}
	return strings.Join(words, " ")
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

// conclude prints what was found, or why nothing was.
func (w *witness) conclude() error {
	switch {
	case w.seen == 0:
		name := w.client
		fmt.Fprintf(w.p.stderr, "tlswhy: no connection of %s came through; it takes no proxy from its environment, or never got that far\n"+
			"        lead it through a port of ours: tlswhy run --listen 127.0.0.1:8443 HOST:PORT\n", name)
		return nil
	case len(w.found) == 0 && w.deserted > 0:
		fmt.Fprintf(w.p.stderr, "tlswhy: %s finished the handshake and left without a word, as programs do that refuse a certificate last (GnuTLS, for one);\n"+
			"        tlswhy finds nothing wrong with it: compare whom they trust (--ca FILE, --trust STORE)\n", w.client)
		return nil
	case len(w.found) == 0 && w.healthy > 0 && w.code != 0:
		fmt.Fprintf(w.p.stderr, "tlswhy: %s, and each of them was accepted by both sides; the failure is not in TLS\n", handshakes(w.healthy))
		return nil
	}
	return w.flush()
}

func handshakes(n int) string {
	if n == 1 {
		return "1 handshake was seen"
	}
	return fmt.Sprintf("%d handshakes were seen", n)
}

// flush prints the diagnoses that are waiting, to standard error or the file.
func (w *witness) flush() error {
	if len(w.found) == 0 {
		return nil
	}
	var b bytes.Buffer
	s := report.NewStream(&b, w.format, w.ro)
	for _, d := range w.found {
		w.exit = worse(w.exit, codeOf(d.Verdict, w.ro.Strict))
		if err := s.Add(d); err != nil {
			return badUsage("", "writing the report: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	w.found = nil
	if w.file == "" {
		_, err := io.Copy(w.p.stderr, &b)
		return err
	}
	if err := os.WriteFile(w.file, b.Bytes(), 0o644); err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	return nil
}
