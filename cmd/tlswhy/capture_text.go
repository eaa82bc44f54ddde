package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/capture"
	"github.com/tlswhy/tlswhy/internal/report"
)

func (r *captureRun) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(r.p.stdout, format, args...); err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}

// sign is the sign of a verdict, in ASCII where needed.
func (r *captureRun) sign(v diag.Verdict) string {
	switch {
	case v == diag.Failure && r.options.ASCII:
		return "X"
	case v == diag.Failure:
		return "✗"
	case v == diag.Warning:
		return "!"
	case r.options.ASCII:
		return "+"
	}
	return "✓"
}

func (r *captureRun) entry(lead, text string) {
	if err := report.Entry(r.p.stdout, lead, text, r.options); err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}

// summary says in one line how many handshakes failed, then why, by client,
// server and cause.
func (r *captureRun) summary() {
	t := &r.total
	if r.format != report.Text || r.broken && t.packets == 0 {
		return // standard error has said it
	}
	if r.live && len(r.order) > 0 {
		r.printf("\n")
	}
	all := t.complete + t.failed + t.left + t.partial
	switch {
	case all == 0 && t.midway == 0:
		r.entry("", fmt.Sprintf("no TLS handshake in %s of %s", counted(t.packets, "packet"), counted(t.connections, "TCP connection")))
	case t.failed == 0:
		r.entry(r.sign(diag.OK)+" ", fmt.Sprintf("%s, none failed", counted(all, "TLS handshake")))
	default:
		r.entry(r.sign(diag.Failure)+" ", fmt.Sprintf("%d of %s failed", t.failed, counted(all, "TLS handshake")))
	}
	r.entry("  ", r.figures())
	for _, note := range r.remarks() {
		r.entry("  note: ", note)
	}
	if len(r.order) == 0 || r.options.Redact {
		r.printf("\n")
		return
	}
	r.printf("\n")
	r.table()
	if !r.live && !r.options.Quiet {
		r.printf("\n")
	}
}

// figures are the counts in one sentence.
func (r *captureRun) figures() string {
	t := &r.total
	parts := []string{}
	for _, x := range []struct {
		n    int
		text string
	}{{t.complete, "complete"}, {t.failed, "failed"}, {t.left, "complete, and the client left without a request"},
		{t.partial, "not wholly in the capture"}, {t.midway, "begun before the capture"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.text))
		}
	}
	s := counted(t.packets, "packet") + ", " + counted(t.connections, "TCP connection")
	if !t.first.IsZero() {
		s += fmt.Sprintf(", %s from %s", shortDuration(t.last.Sub(t.first)), t.first.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s
}

// remarks say what the capture could not show.
func (r *captureRun) remarks() []string {
	t := &r.total
	var out []string
	if t.cut {
		out = append(out, "packets were cut short when they were captured; what is missing may hide failures: capture with tcpdump -s 0")
	}
	if t.udp > 0 {
		out = append(out, fmt.Sprintf("%s on UDP port 443 (QUIC, most likely) not analysed", counted(t.udp, "packet")))
	}
	for _, link := range slices.Sorted(maps.Keys(t.links)) {
		out = append(out, fmt.Sprintf("%s of the link type %s cannot be read", counted(t.links[link], "packet"), link))
	}
	if t.undecoded > 0 && t.undecoded*2 > t.packets && len(t.links) == 0 {
		out = append(out, fmt.Sprintf("in %s no TCP, UDP or ICMP was found", counted(t.undecoded, "packet")))
	}
	if t.evicted > 0 {
		out = append(out, fmt.Sprintf("%s given up for want of room: too many at a time", counted(t.evicted, "connection")))
	}
	if r.dropped > 0 {
		out = append(out, fmt.Sprintf("%s of further kinds not listed", counted(r.dropped, "failure")))
	}
	return out
}

// table lists the groups: how often, who, to whom, why.
func (r *captureRun) table() {
	rows := [][]string{{"", "times", "client", "server", "cause", "packets"}}
	for _, g := range r.order {
		server := g.key.sni
		if server == "" {
			server = hostOf(g.key.server)
		}
		rows = append(rows, []string{r.sign(g.d.Verdict), fmt.Sprint(g.count), g.key.client, clean(shortened(server, 40)) + portOf(g.key.server), firstCause(g.d), packetList(g.packets, g.count)})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		r.printf("%s\n", strings.TrimRight(b.String(), " "))
	}
}

func portOf(address string) string {
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		return address[i:]
	}
	return ""
}

func shortened(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func firstCause(d *diag.Diagnosis) string {
	for _, c := range d.Causes {
		if c.Severity != diag.SeverityInfo {
			return c.ID + ", " + string(c.Confidence)
		}
	}
	return "unexplained"
}

// packetList names the first packets of a group.
func packetList(packets []int, count int) string {
	const most = 3
	var out []string
	for _, n := range packets[:min(len(packets), most)] {
		out = append(out, fmt.Sprint(n))
	}
	if count > len(out) {
		out = append(out, "...")
	}
	return strings.Join(out, " ")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// line prints a connection that has nothing to explain.
func (r *captureRun) line(c *capture.Connection) {
	if r.format != report.Text || r.options.Redact {
		return
	}
	a := c.Attempt
	text := fmt.Sprintf("%v to %v", c.Client, c.Server)
	if sni := sniOf(a); sni != "" {
		text += " for " + clean(sni)
	}
	if a.ServerHello != nil {
		text += ", " + agreedOn(a)
	}
	text += fmt.Sprintf(", packets %d to %d", a.Seen.First, a.Seen.Last)
	sign := r.sign(diag.OK)
	if c.Outcome != capture.Complete {
		sign = "?"
		text += map[capture.Outcome]string{capture.Partial: ": not wholly in the capture", capture.Midway: ": begun before the capture"}[c.Outcome]
	}
	r.entry(sign+" ", text)
}

// captureSummary is the last line of the JSON.
type captureSummary struct {
	Schema      string         `json:"schema"`
	Packets     int            `json:"packets"`
	Connections int            `json:"connections"`
	Complete    int            `json:"complete"`
	Failed      int            `json:"failed"`
	Left        int            `json:"left"`
	Partial     int            `json:"partial"`
	Midway      int            `json:"midway"`
	UDP443      int            `json:"udp_443"`
	First       time.Time      `json:"first"`
	Last        time.Time      `json:"last"`
	Causes      map[string]int `json:"causes"`
	Notes       []string       `json:"notes"`
}

func (r *captureRun) jsonSummary() {
	t := &r.total
	s := captureSummary{Schema: "tlswhy.capture/1", Packets: t.packets, Connections: t.connections, Complete: t.complete, Failed: t.failed, Left: t.left,
		Partial: t.partial, Midway: t.midway, UDP443: t.udp, First: t.first.UTC(), Last: t.last.UTC(), Causes: map[string]int{}, Notes: r.remarks()}
	if s.Notes == nil {
		s.Notes = []string{}
	}
	for _, g := range r.order {
		if c := g.d.FirstFailure(); c != nil {
			s.Causes[c.ID] += g.count
		}
	}
	if err := json.NewEncoder(r.p.stdout).Encode(s); err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}
