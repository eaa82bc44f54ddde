package alert

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// maxItems is how many incidents a text spells out; the others are counted.
const maxItems = 20

// Subject is a message in one line.
func Subject(m *monitor.Message) string {
	if len(m.Items) == 0 {
		return "tlswhy: test of this channel"
	}
	i := &m.Items[0].Incident
	switch {
	case m.Kind == monitor.KindSummary:
		over := 0
		for n := range m.Items {
			if !m.Items[n].Incident.Open() {
				over++
			}
		}
		return fmt.Sprintf("[tlswhy] many alerts: %s, %d of them over", count(len(m.Items)+m.More, "incident"), over)
	case m.Kind == monitor.KindDigest:
		return fmt.Sprintf("[tlswhy] %s at first sight", count(len(m.Items), "problem"))
	case len(m.Items) > 1:
		return fmt.Sprintf("[tlswhy] %s: %s and %d more: %s", word(m.Kind, i), i.Target, len(m.Items)-1, i.Finding.Cause)
	}
	return fmt.Sprintf("[tlswhy] %s: %s: %s", word(m.Kind, i), i.Target, i.Finding.Summary)
}

func word(k monitor.Kind, i *monitor.Incident) string {
	if k == monitor.KindResolved {
		return "RESOLVED"
	}
	return strings.ToUpper(string(i.Severity))
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Text is a message in full: for each incident the cause, the evidence, the
// fix, how to verify it, and what changed since the last good check.
func Text(m *monitor.Message) string {
	if len(m.Items) == 0 {
		return "This is a test. Alerts of tlswhy arrive here.\n"
	}
	var b strings.Builder
	if m.Kind == monitor.KindSummary {
		return summary(m)
	}
	for n := range m.Items {
		if n == maxItems {
			fmt.Fprintf(&b, "\n... and %d more.\n", len(m.Items)-n)
			break
		}
		if n > 0 {
			b.WriteString("\n----\n\n")
		}
		item(&b, m.Kind, &m.Items[n])
	}
	return b.String()
}

// summary is a line for each incident, those that last before those that are
// over.
func summary(m *monitor.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "More alerts than this channel takes in %v: they come in one message every %v.\n", monitor.RateWindow, monitor.SummaryEvery)
	for _, over := range []bool{false, true} {
		for n := range m.Items {
			it := &m.Items[n]
			i := &it.Incident
			if i.Open() == over {
				continue
			}
			fmt.Fprintf(&b, "\n%s: %s: %s (%s)", word(m.KindOf(it), i), i.Target, i.Finding.Summary, i.Finding.Cause)
			if it.Page != "" {
				fmt.Fprintf(&b, " %s", it.Page)
			}
		}
	}
	if m.More > 0 {
		fmt.Fprintf(&b, "\n... and %d more.", m.More)
	}
	b.WriteString("\n")
	return b.String()
}

func item(b *strings.Builder, k monitor.Kind, it *monitor.Item) {
	i := &it.Incident
	f := &i.Finding
	fmt.Fprintf(b, "%s: %s\n%s (%s)\n", word(k, i), i.Target, f.Summary, f.Cause)
	if k == monitor.KindResolved {
		fmt.Fprintf(b, "Over since %s, after %s: %s.\n", stamp(i.Resolved), monitor.Span(i.Resolved.Sub(i.Opened)), i.Why)
		page(b, it)
		return
	}
	fmt.Fprintf(b, "Since %s", stamp(i.Opened))
	if !i.LastGood.IsZero() {
		fmt.Fprintf(b, "; the last good check was at %s", stamp(i.LastGood))
	}
	b.WriteString(".\n")
	if len(i.Addresses) > 0 && i.Addresses[0] != "" {
		fmt.Fprintf(b, "At: %s\n", strings.Join(i.Addresses, ", "))
	}
	for n, e := range f.Evidence {
		if n == 0 {
			b.WriteString("\nEvidence\n")
		}
		fmt.Fprintf(b, "  %s (%s)\n", e.Text, e.Where)
	}
	for n, c := range i.Changed {
		if n == 0 {
			b.WriteString("\nChanged since the last good check\n")
		}
		fmt.Fprintf(b, "  %s\n", c)
	}
	for n, x := range f.Fixes {
		if n == 0 {
			b.WriteString("\nFix\n")
		}
		fmt.Fprintf(b, "  %s\n", strings.TrimSpace(x.Side+" "+x.For+": "+x.Text))
		for _, code := range []string{x.Config, x.Command} {
			for line := range strings.Lines(code) {
				fmt.Fprintf(b, "      %s\n", strings.TrimRight(line, "\n"))
			}
		}
	}
	if f.Verify != "" {
		fmt.Fprintf(b, "\nVerify\n  %s\n", f.Verify)
	}
	if it.Runbook != "" {
		fmt.Fprintf(b, "\nRunbook\n  %s\n", it.Runbook)
	}
	if i.Owner != "" {
		fmt.Fprintf(b, "\nOwner: %s\n", i.Owner)
	}
	fmt.Fprintf(b, "Incident %s\n", i.ID)
	page(b, it)
}

func page(b *strings.Builder, it *monitor.Item) {
	if it.Page != "" {
		fmt.Fprintf(b, "%s\n", it.Page)
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// cut shortens a text to so many bytes, at the end of a word where one is near,
// else of a character, and says so.
func cut(s string, most int) string {
	const tail, near = "\n... (cut)", 60
	if len(s) <= most {
		return s
	}
	s = s[:max(0, most-len(tail))]
	for len(s) > 0 && !utf8.ValidString(s[len(s)-min(len(s), utf8.UTFMax):]) {
		s = s[:len(s)-1]
	}
	if i := strings.LastIndexAny(s, " \n"); i > 0 && i > len(s)-near {
		s = s[:i]
	}
	return s + tail
}

// fit cuts a text until what becomes of it has the size that a receiver takes.
func fit(s string, most int, size func(string) int) string {
	for n := len(s); ; n = n * 9 / 10 {
		if t := cut(s, n); size(t) <= most || n == 0 {
			return t
		}
	}
}
