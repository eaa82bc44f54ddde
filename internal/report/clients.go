package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// ClientsStream prints how known clients fare with one target after another.
// Formats without a table take each client for a target: those in use today, and
// with all the others; they are written by Close.
type ClientsStream struct {
	*Stream // of the formats that are one document
	all     bool
	n       int
}

// NewClientsStream returns a stream that writes to w; all lists the older
// clients singly, too.
func NewClientsStream(w io.Writer, f Format, all bool, o Options) *ClientsStream {
	return &ClientsStream{all: all, Stream: NewStream(w, f, o)}
}

// Add prints d, or keeps it until Close.
func (s *ClientsStream) Add(d *diag.Clients) error {
	if s.n++; s.n > 1 && (s.format == Text || s.format == Markdown) {
		if _, err := io.WriteString(s.w, "\n"); err != nil {
			return err
		}
	}
	switch s.format {
	case JSON:
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(d); err != nil {
			return fmt.Errorf("encoding the clients: %w", err)
		}
		_, err := s.w.Write(append(escapeJSON(bytes.TrimRight(b.Bytes(), "\n")), '\n'))
		return err
	case Text:
		p := newPrinter(s.o)
		p.clients(d, s.all)
		return p.flush(s.w)
	case CSV:
		return clientsCSV(s.w, d, s.n == 1)
	case Markdown:
		return clientsMarkdown(s.w, d, s.all)
	}
	for _, k := range d.Clients {
		if !s.all && !k.Current {
			continue
		}
		if err := s.Stream.Add(asDiagnosis(d, k)); err != nil {
			return err
		}
	}
	return nil
}

// Close writes what was kept.
func (s *ClientsStream) Close() error {
	if s.format == CSV {
		return nil
	}
	return s.Stream.Close()
}

// asDiagnosis is what concerns one client.
func asDiagnosis(d *diag.Clients, k diag.KnownClient) *diag.Diagnosis {
	x := &diag.Diagnosis{Schema: diag.Schema, Target: d.Target, Verdict: diag.OK, Notes: d.Notes, NotTested: d.NotTested, StartedAt: d.StartedAt, JudgedAt: d.StartedAt, Tool: d.Tool}
	x.Target.Client, x.Target.Trust, x.Target.Input = k.Name, k.Trust, k.Name+" to "+d.Target.Input
	x.Target.Name, x.Target.Protocol = "", ""
	switch k.Outcome {
	case diag.ClientFails:
		x.Verdict = diag.Failure
	case diag.ClientUnknown:
		x.Verdict = diag.Untested
	}
	if k.Cause != nil {
		x.Causes = []diag.Cause{*k.Cause}
	}
	return x
}

// The columns of the text.
const (
	clientColumn = 34
	causeColumn  = 24
)

func (p *printer) clients(d *diag.Clients, all bool) {
	current, older := 0, 0
	for _, k := range d.Clients {
		if k.Current {
			current++
		} else {
			older++
		}
	}
	failing, total := d.Failing()
	sign, st := "✓", green
	if failing > 0 {
		sign, st = "✗", red
	}
	var words []string
	if current > 0 {
		words = append(words, fmt.Sprintf("%d of %d clients in use today", current-failing, current))
	}
	if older > 0 {
		words = append(words, fmt.Sprintf("%d of %d older ones", older-(total-failing), older))
	}
	where := label(d.Target)
	if d.Address != "" {
		where += " at " + d.Address
	}
	p.item(item{lead: p.paint(st, p.glyph(sign)) + " ", leadWidth: 2, text: strings.Join(words, " and ") + " can connect to " + where})
	how := fmt.Sprintf("predicted from %s", plural(d.Connections, "connection"))
	if d.Replayed {
		how = "each hello was sent; the reasons rest on " + plural(d.Connections, "connection") + " more"
	}
	if d.Address != "" {
		p.item(item{indent: 2, text: how, style: dim})
	}
	p.blank()
	for _, k := range d.Clients {
		if all || k.Current {
			p.known(k)
		}
	}
	if all {
		p.clientNotes(d)
		return
	}
	if len(d.Older) > 0 {
		if current > 0 {
			p.blank()
		}
		p.item(item{indent: 2, text: "no longer in use, as far as is known (--all lists them one by one):", style: bold})
	}
	for _, g := range d.Older {
		lead, text := "✓ ", fmt.Sprintf("%d connect: %s", g.Count, strings.Join(g.Clients, ", "))
		st := green
		switch g.Outcome {
		case diag.ClientFails:
			lead, st = "✗ ", red
			text = fmt.Sprintf("%d: %s. %s: %s", g.Count, g.Cause, strings.Join(g.Clients, ", "), g.Summary)
		case diag.ClientUnknown:
			lead, st = "? ", yellow
			text = fmt.Sprintf("%d not known: %s", g.Count, strings.Join(g.Clients, ", "))
		}
		p.item(item{indent: 2, lead: p.paint(st, p.glyph(strings.TrimSpace(lead))) + " ", leadWidth: 2, text: text})
	}
	p.clientNotes(d)
}

// known prints one client.
func (p *printer) known(k diag.KnownClient) {
	sign, st, text := "✓", green, clientAgreed(k)
	switch {
	case k.Outcome == diag.ClientFails && k.Cause != nil:
		sign, st, text = "✗", red, k.Cause.ID+": "+k.Cause.Summary
	case k.Outcome == diag.ClientFails:
		sign, st, text = "✗", red, k.End
	case k.Outcome == diag.ClientUnknown:
		sign, st, text = "?", yellow, "not known: too little was seen of the server"
		if k.End != "" {
			text = "not known: " + k.End
		}
	}
	if k.Predicted != "" {
		text += " (predicted: " + k.Predicted + ")"
	}
	lead := p.paint(st, p.glyph(sign)) + " " + padRight(p.bounded(k.Name, clientColumn-2), clientColumn)
	p.item(item{indent: 2, lead: lead, leadWidth: clientColumn + 2, text: text})
}

func clientAgreed(k diag.KnownClient) string {
	words := []string{k.Version}
	for _, s := range []string{k.Suite, k.Group} {
		if s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, ", ")
}

func padRight(s string, n int) string { return s + strings.Repeat(" ", max(0, n-columns(s))) }

func (p *printer) clientNotes(d *diag.Clients) {
	if len(d.Notes) == 0 && len(d.NotTested) == 0 {
		return
	}
	p.blank()
	for _, n := range d.Notes {
		p.item(item{indent: 2, lead: "note ", leadWidth: 12, text: n})
	}
	for _, n := range d.NotTested {
		p.item(item{indent: 2, lead: "not tested ", leadWidth: 12, text: n.What + ": " + n.Reason})
	}
}

// clientColumns are the columns of the CSV form. New ones are added at the end.
var clientColumns = []string{"target", "address", "client", "family", "release", "released", "captured", "current", "outcome", "version", "cipher_suite", "group", "cause", "summary", "trust", "end", "predicted"}

func clientsCSV(w io.Writer, d *diag.Clients, header bool) error {
	out := csv.NewWriter(w)
	if header {
		if err := out.Write(clientColumns); err != nil {
			return err
		}
	}
	for _, k := range d.Clients {
		id, summary := "", ""
		if k.Cause != nil {
			id, summary = k.Cause.ID, k.Cause.Summary
		}
		line := []string{label(d.Target), d.Address, k.Name, k.Family, k.Release, k.Released, k.Captured, strconv.FormatBool(k.Current), k.Outcome, k.Version, k.Suite, k.Group, id, summary, k.Trust, k.End, k.Predicted}
		for i, s := range line {
			line[i] = harmless(safeLine(s))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func clientsMarkdown(w io.Writer, d *diag.Clients, all bool) error {
	var b strings.Builder
	cell := func(s string) string { return md(s) }
	fmt.Fprintf(&b, "# Clients of %s\n\n| client | in use | outcome | version | cipher suite | group | why not |\n|---|---|---|---|---|---|---|\n", cell(label(d.Target)))
	for _, k := range d.Clients {
		if !all && !k.Current {
			continue
		}
		why := ""
		if k.Cause != nil {
			why = k.Cause.ID + ": " + k.Cause.Summary
		}
		use := "no"
		if k.Current {
			use = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", cell(k.Name), use, k.Outcome, cell(k.Version), cell(k.Suite), cell(k.Group), cell(why))
	}
	if !all && len(d.Older) > 0 {
		b.WriteString("\nNo longer in use:\n\n")
		for _, g := range d.Older {
			fmt.Fprintf(&b, "- %d %s %s: %s\n", g.Count, g.Outcome, cell(g.Cause), cell(strings.Join(g.Clients, ", ")))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
