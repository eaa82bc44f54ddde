package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/capture"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/report"
)

// captureRun gathers what one or more captures show.
type captureRun struct {
	p        *program
	ctx      context.Context
	observer *diagnose.Observer
	format   report.Format
	options  report.Options
	stream   *report.Stream
	list     bool // the healthy ones too
	live     bool // standard input: tell at once
	broken   bool // a capture could not be read to its end
	writeErr error

	groups  map[groupKey]*captureGroup
	order   []*captureGroup
	servers map[string]*captureServer // by address
	total   captureTotals
	dropped int // failures beyond maxGroups
}

// groupKey holds the failures together that are one for a person.
type groupKey struct {
	client, server, sni string
	end                 string
}

// captureGroup is one failure, seen once or many times.
type captureGroup struct {
	key      groupKey
	first    *capture.Connection
	packets  []int // that hold the ends, the first ones
	count    int
	last     time.Time
	later    *success
	d        *diag.Diagnosis
	reported bool
}

// success is a handshake that worked.
type success struct {
	at      time.Time
	packet  int
	attempt *facts.Attempt
}

// captureServer keeps what worked with one server, for comparison.
type captureServer struct{ worked []success }

// Bounds of what is kept.
const (
	maxGroups  = 2000
	maxWorked  = 4 // handshakes per server that differ
	maxServers = 5000
	maxPackets = 8 // named per group
)

// captureTotals are the counts over all captures.
type captureTotals struct {
	capture.Stats         // summed up
	complete, failed      int
	left, partial, midway int
}

// add takes one connection.
func (r *captureRun) add(c *capture.Connection) {
	t := &r.total
	switch c.Outcome {
	case capture.Complete:
		t.complete++
		r.worked(c)
	case capture.Left:
		t.left++
		r.worked(c)
		if len(c.Attempt.Chain) > 0 {
			r.failure(c)
		}
		return
	case capture.Turned:
		t.complete++
		r.failure(c)
		return
	case capture.Partial:
		t.partial++
	case capture.Midway:
		t.midway++
	case capture.Failed:
		t.failed++
		r.failure(c)
		return
	}
	if r.list {
		r.line(c)
	}
}

// worked remembers a handshake for comparison, and that it came after a
// failure of the same client.
func (r *captureRun) worked(c *capture.Connection) {
	s := success{at: c.Attempt.Started, packet: c.Attempt.Seen.First, attempt: c.Attempt}
	server := r.servers[c.Attempt.Address]
	if server == nil && len(r.servers) < maxServers {
		server = &captureServer{}
		r.servers[c.Attempt.Address] = server
	}
	if server != nil && len(server.worked) < maxWorked && !slices.ContainsFunc(server.worked, func(x success) bool { return sameShape(x.attempt, c.Attempt) }) {
		kept := *c.Attempt
		kept.Messages = slices.Clone(kept.Messages)
		for i := range kept.Messages {
			kept.Messages[i].Raw = nil
		}
		s.attempt = &kept
		server.worked = append(server.worked, s)
	}
	for _, g := range r.order {
		if g.later == nil && g.key.client == c.Client.Addr().String() && g.key.server == c.Attempt.Address && g.key.sni == sniOf(c.Attempt) {
			g.later = &s
		}
	}
}

// sameShape compares what two handshakes came to.
func sameShape(a, b *facts.Attempt) bool {
	return a.Version == b.Version && sniOf(a) == sniOf(b) && a.ServerHello != nil && b.ServerHello != nil &&
		a.ServerHello.CipherSuite == b.ServerHello.CipherSuite && causes.AgreedGroup(a) == causes.AgreedGroup(b)
}

// leafOf tells certificates apart.
func leafOf(chain []*chain.Certificate) string {
	if len(chain) == 0 {
		return ""
	}
	return string(chain[0].SHA256[:8])
}

func sniOf(a *facts.Attempt) string {
	if a.Sent == nil {
		return ""
	}
	return a.Sent.ServerName()
}

// failure puts a connection into its group.
func (r *captureRun) failure(c *capture.Connection) {
	a := c.Attempt
	key := groupKey{client: c.Client.Addr().String(), server: a.Address, sni: sniOf(a),
		end: fmt.Sprint(c.Outcome, a.End.Kind, a.End.Stage, a.End.By, a.End.Alert, a.Version, a.Seen.AlertSized, a.Seen.Asked, a.IdentitySent, c.StartTLS, leafOf(a.Chain), leafOf(a.Seen.Identity))}
	g := r.groups[key]
	if g == nil {
		if len(r.groups) >= maxGroups {
			r.dropped++
			return
		}
		g = &captureGroup{key: key, first: c}
		r.groups[key] = g
		r.order = append(r.order, g)
	}
	g.count++
	g.last = a.Started
	if len(g.packets) < maxPackets {
		g.packets = append(g.packets, a.Seen.EndPacket)
	}
	if !r.live {
		return
	}
	if !g.reported {
		r.judge(g)
		r.report(g)
		return
	}
	if g.d != nil && g.d.Verdict == diag.Failure && r.format == report.Text && !r.options.Redact {
		r.printf("%s %s  again, for the %s time (packet %d)\n", r.sign(diag.Failure), clean(g.d.Target.Input), ordinal(g.count), a.Seen.EndPacket)
	}
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n, suffix)
}

// judge explains a group; a client that left without a word is a failure only
// where something speaks for one.
func (r *captureRun) judge(g *captureGroup) {
	var others []*facts.Attempt
	if s := r.servers[g.key.server]; s != nil {
		for _, w := range s.worked {
			if w.attempt != g.first.Attempt {
				others = append(others, w.attempt)
			}
		}
	}
	g.d = r.observer.Judge(r.ctx, g.first.Attempt, g.first.StartTLS, others)
	g.first.Attempt.Messages = nil
	if g.d.Verdict != diag.Failure {
		return
	}
	switch g.first.Outcome { // what looked complete was not
	case capture.Left:
		r.total.left -= g.count
		r.total.failed += g.count
	case capture.Turned:
		r.total.complete -= g.count
		r.total.failed += g.count
	}
}

// observed writes into a diagnosis where it was seen.
func (g *captureGroup) observed() {
	a := g.first.Attempt
	o := &diag.Observed{Client: g.key.client, Count: g.count, Packets: slices.Clone(g.packets), FirstPacket: a.Seen.First, LastPacket: a.Seen.Last,
		First: a.Started.UTC(), Last: g.last.UTC(), Outcome: g.first.Outcome.String()}
	if l := g.later; l != nil && l.at.After(a.Started) {
		o.Later = fmt.Sprintf("the same client got through to it %s later, at packet %d: %s", shortDuration(l.at.Sub(a.Started)), l.packet, agreedOn(l.attempt))
	}
	g.d.Observed = o
	g.d.Notes = append(g.d.Notes, o.Text())
}

func agreedOn(a *facts.Attempt) string {
	s := a.Version.String()
	if a.ServerHello != nil {
		s += ", " + a.ServerHello.CipherSuite.String()
	}
	return s
}

func shortDuration(d time.Duration) string {
	if d >= time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

// report prints one group, where there is something to report.
func (r *captureRun) report(g *captureGroup) {
	g.reported = true
	if g.d.Verdict != diag.Failure && g.d.Verdict != diag.Warning {
		return
	}
	g.observed()
	if err := r.stream.Add(g.d); err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}

// close judges what is left, prints it all and says how it went.
func (r *captureRun) close() error {
	slices.SortStableFunc(r.order, func(a, b *captureGroup) int { return cmp.Compare(b.count, a.count) })
	for _, g := range r.order {
		if !g.reported {
			r.judge(g)
		}
	}
	r.order = slices.DeleteFunc(r.order, func(g *captureGroup) bool { return g.d.Verdict != diag.Failure && g.d.Verdict != diag.Warning })
	slices.SortStableFunc(r.order, func(a, b *captureGroup) int { return verdictRank(a.d.Verdict) - verdictRank(b.d.Verdict) })
	if !r.live {
		r.summary()
	}
	for _, g := range r.order {
		if !g.reported {
			r.report(g)
		}
	}
	if r.live {
		r.summary()
	}
	healthy := len(r.order) == 0 && !r.broken
	switch {
	case r.format == report.JSON:
		r.jsonSummary()
	case r.format == report.Nagios && healthy:
		r.printf("TLSWHY OK - %s, none failed\n", counted(r.total.complete, "TLS handshake"))
	case r.format != report.Text && r.writeErr == nil:
		r.writeErr = r.stream.Close()
	}
	code := exitHealthy
	switch {
	case r.writeErr != nil:
		return badUsage("", "writing the report: %v", r.writeErr)
	case r.total.failed > 0:
		code = exitFailure
	case r.broken:
		code = exitUsage
	}
	if r.format == report.Nagios && !healthy {
		code = pluginCode(r.stream.NagiosCode(), code)
	}
	return exitError(code)
}

func verdictRank(v diag.Verdict) int {
	return slices.Index([]diag.Verdict{diag.Failure, diag.Warning, diag.OK}, v)
}

// count adds the figures of one capture.
func (r *captureRun) count(s *capture.Stats) { r.total.Add(s) }
