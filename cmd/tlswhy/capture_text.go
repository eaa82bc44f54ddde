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
	"github.com/tlswhy/tlswhy/internal/facts"
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
	if r.format != report.Text || r.broken && t.Packets == 0 {
		return // standard error has said it
	}
	if r.live && len(r.order) > 0 {
		r.printf("\n")
	}
	all := t.complete + t.failed + t.left + t.partial
	switch {
	case all == 0 && t.midway == 0:
		r.entry("", fmt.Sprintf("no TLS handshake in %s of %s", counted(t.Packets, "packet"), counted(t.Connections, "TCP connection")))
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
	s := counted(t.Packets, "packet") + ", " + counted(t.Connections, "TCP connection")
	if t.First.After(facts.TLSBegan) {
		s += fmt.Sprintf(", %s from %s", shortDuration(t.Last.Sub(t.First)), t.First.UTC().Format("2006-01-02 15:04:05 UTC"))
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
	if t.Short > 0 {
		out = append(out, fmt.Sprintf("the snap length of the capture cut %s (to %d bytes at most); what is missing may hide failures: capture with tcpdump -s 0",
			counted(t.Short, "packet"), t.SnapLength))
	}
	if t.QUIC > 0 {
		out = append(out, fmt.Sprintf("%s QUIC (HTTP/3), which is not decoded: its failures are not among these; with HTTP/3 off the client uses TCP", are(t.QUIC, "packet")))
	}
	if t.UDP443 > 0 && t.QUIC == 0 {
		out = append(out, fmt.Sprintf("%s on UDP port 443 not decoded (QUIC, most likely)", counted(t.UDP443, "packet")))
	}
	if t.DTLS > 0 {
		out = append(out, fmt.Sprintf("%s DTLS, which is not decoded: its failures are not among these", are(t.DTLS, "packet")))
	}
	if t.OneSided > 0 {
		out = append(out, fmt.Sprintf("of %s one direction only was captured: the other takes another path, or the mirror port does not copy it", counted(t.OneSided, "connection")))
	}
	if t.HalfOpen > 0 {
		out = append(out, fmt.Sprintf("%s half-open: the server answers the SYN, and no client goes on (a scan, a forged address, or the answer is lost on the way back)", are(t.HalfOpen, "connection")))
	}
	if t.Untimed > 0 {
		out = append(out, fmt.Sprintf("%s without a time that can be true; their certificates are judged as of now (--at says otherwise)", counted(t.Untimed, "packet")))
	}
	for _, link := range slices.Sorted(maps.Keys(t.Links)) {
		out = append(out, fmt.Sprintf("%s of the link type %s cannot be read", counted(t.Links[link], "packet"), link))
	}
	if t.Undecoded > 0 && t.Undecoded*2 > t.Packets && len(t.Links) == 0 {
		out = append(out, fmt.Sprintf("in %s no TCP, UDP or ICMP was found", counted(t.Undecoded, "packet")))
	}
	if t.Evicted > 0 {
		out = append(out, fmt.Sprintf("%s given up for want of room: too many at a time", counted(t.Evicted, "connection")))
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
		rows = append(rows, []string{r.sign(g.d.Verdict), fmt.Sprint(g.count), g.key.client, shortened(clean(g.server()), 46), firstCause(g.d), packetList(g.packets, g.count)})
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

// server names the server as its clients do.
func (g *captureGroup) server() string {
	if g.key.sni == "" {
		return g.key.server
	}
	return g.key.sni + portOf(g.key.server)
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

// are is "1 packet is" or "2 packets are".
func are(n int, noun string) string {
	if n == 1 {
		return counted(n, noun) + " is"
	}
	return counted(n, noun) + " are"
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
		if n := a.Seen.Cut; n > 0 {
			text += fmt.Sprintf("; the snap length cut %s of it", counted(n, "byte"))
		} else if n := a.Seen.Lost; n > 0 && c.Outcome == capture.Partial {
			text += fmt.Sprintf("; %s missing", are(n, "byte"))
		}
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
	QUIC        int            `json:"quic"`
	DTLS        int            `json:"dtls"`
	HalfOpen    int            `json:"half_open"`
	OneSided    int            `json:"one_sided"`
	CutShort    int            `json:"cut_short"`
	First       time.Time      `json:"first"`
	Last        time.Time      `json:"last"`
	Causes      map[string]int `json:"causes"`
	Clients     map[string]int `json:"clients"` // failures of each
	Servers     map[string]int `json:"servers"` // failures at each
	Notes       []string       `json:"notes"`
}

func (r *captureRun) jsonSummary() {
	t := &r.total
	s := captureSummary{Schema: "tlswhy.capture/1", Packets: t.Packets, Connections: t.Connections, Complete: t.complete, Failed: t.failed, Left: t.left,
		Partial: t.partial, Midway: t.midway, UDP443: t.UDP443 + t.QUIC, QUIC: t.QUIC, DTLS: t.DTLS, HalfOpen: t.HalfOpen, OneSided: t.OneSided, CutShort: t.Short,
		First: t.First.UTC(), Last: t.Last.UTC(), Causes: map[string]int{}, Clients: map[string]int{}, Servers: map[string]int{}, Notes: r.remarks()}
	if s.Notes == nil {
		s.Notes = []string{}
	}
	for _, g := range r.order {
		if c := g.d.FirstFailure(); c != nil {
			s.Causes[c.ID] += g.count
			if !r.options.Redact {
				s.Clients[g.key.client] += g.count
				s.Servers[g.server()] += g.count
			}
		}
	}
	if err := json.NewEncoder(r.p.stdout).Encode(s); err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}
