package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// writeMarkdown writes a report for an issue or a chat: CommonMark with
// GitHub's tables.
func writeMarkdown(w io.Writer, d *diag.Diagnosis, o Options) error {
	var b strings.Builder
	sign, _ := headSign(d)
	fmt.Fprintf(&b, "## %s %s: %s\n\n", sign, md(label(d.Target)), md(headline(d)))
	lead := leading(d)
	if lead != nil {
		fmt.Fprintf(&b, "%s, %s\n\n", mdCode(lead.ID), md(string(lead.Confidence)))
	} else if s := agreed(d); s != "" {
		fmt.Fprintf(&b, "%s\n\n", md(s))
	}
	if d.Compared != nil {
		mdCompared(&b, d.Compared, o.Verbose > 0)
	}
	mdLadder(&b, d)
	if lead != nil {
		mdCause(&b, lead, o)
	}
	for _, c := range others(d, o.Verbose > 0) {
		fmt.Fprintf(&b, "### %s: %s\n\n%s, %s, %s\n\n", severitySign(c.Severity), md(c.Summary), mdCode(c.ID), md(string(c.Severity)), md(string(c.Confidence)))
		mdCause(&b, c, o)
	}
	mdTables(&b, d, o)
	if d.Compared != nil && d.Next != nil {
		fmt.Fprintf(&b, "**Next**: %s\n\n", md(d.Next.Text))
		mdFence(&b, d.Next.Command, false)
	}
	for _, n := range d.NotTested {
		fmt.Fprintf(&b, "- not tested: %s (%s)\n", md(n.What), md(n.Reason))
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "- note: %s\n", md(n))
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

func severitySign(s diag.Severity) string {
	switch s {
	case diag.SeverityFailure:
		return "✗"
	case diag.SeverityWarning:
		return "!"
	}
	return "·"
}

func mdLadder(b *strings.Builder, d *diag.Diagnosis) {
	if len(d.Handshake.Steps) == 0 {
		return
	}
	b.WriteString("| | step | from | | at |\n|---|---|---|---|---|\n")
	for _, s := range d.Handshake.Steps {
		sign, _ := statusSign(s.Status)
		text := stepText(s)
		if text == "" && s.Status == diag.StatusNever {
			text = "never happened"
		}
		if len(s.Notes) > 0 {
			text += "; " + strings.Join(s.Notes, "; ")
		}
		when := ""
		if s.AtMS != nil {
			when = milliseconds(*s.AtMS)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", sign, md(s.Name), md(s.From), md(text), md(when))
	}
	b.WriteString("\n")
}

func mdCause(b *strings.Builder, c *diag.Cause, o Options) {
	list := func(name string, items []string) {
		if len(items) == 0 {
			return
		}
		fmt.Fprintf(b, "**%s**\n\n", name)
		for _, s := range items {
			fmt.Fprintf(b, "- %s\n", s)
		}
		b.WriteString("\n")
	}
	var evidence, not, affected []string
	for _, e := range c.Evidence {
		s := md(e.Text)
		if e.Where != "" {
			s += " (" + md(e.Where) + ")"
		}
		evidence = append(evidence, s)
	}
	for _, s := range c.NotRuledOut {
		not = append(not, md(s))
	}
	if who := whom(c, o.Verbose > 0); who != "" {
		affected = []string{md(who)}
	}
	list("Evidence", evidence)
	list("Not ruled out", not)
	list("Affected", affected)
	groups := groupFixes(c.Fixes)
	if o.Verbose == 0 {
		groups = examples(groups)
	}
	for i, g := range groups {
		title := "Fix"
		if i > 0 {
			title = "Or"
		}
		if g.Where != "" {
			title += " " + md(g.Where)
		}
		fmt.Fprintf(b, "**%s**\n\n", title)
		for n, f := range g.Fixes {
			if len(g.Fixes) > 1 {
				fmt.Fprintf(b, "%d. ", n+1)
			}
			fmt.Fprintf(b, "%s\n\n", md(f.Text))
			for _, block := range []string{f.Config, f.Command} {
				if block != "" {
					mdFence(b, block, len(g.Fixes) > 1)
				}
			}
		}
	}
	if c.Verify != "" {
		b.WriteString("**Verify**\n\n")
		mdFence(b, c.Verify, false)
	}
}

func mdTables(b *strings.Builder, d *diag.Diagnosis, o Options) {
	if addressesDiffer(d) {
		b.WriteString("| address | outcome | |\n|---|---|---|\n")
		for _, a := range d.Addresses {
			fmt.Fprintf(b, "| %s | %s | %s |\n", md(a.Address), md(a.Outcome), md(a.Text))
		}
		b.WriteString("\n")
	}
	lead := leading(d)
	if len(d.Attempts) > 0 && (o.Verbose > 0 || lead != nil && lead.ID == "unexplained") {
		b.WriteString("| attempt | address | change | end | took |\n|---|---|---|---|---|\n")
		for _, a := range d.Attempts {
			what := a.Change
			if what == "" {
				what = "your own hello"
			}
			fmt.Fprintf(b, "| %d | %s | %s | %s | %s |\n", a.N, md(a.Address), md(what), md(a.End), md(milliseconds(a.DurationMS)))
		}
		b.WriteString("\n")
	}
}

// mdEscapes are the characters that Markdown gives a meaning to anywhere in a
// line, mdFirst those that mean something at its beginning.
const (
	mdEscapes = "\\`*[]|~&$"
	mdFirst   = "#+->=_"
)

// md is text in which Markdown sees nothing but text, on one line.
func md(s string) string {
	s = safeLine(strings.Join(strings.Fields(s), " "))
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '<': // an entity, since a backslash does not stop every renderer
			b.WriteString("&lt;")
			continue
		case r == '@': // no mention of a stranger
			b.WriteString("&#64;")
			continue
		case strings.ContainsRune(mdEscapes, r), i == 0 && strings.ContainsRune(mdFirst, r), r == '_' && !inWord(s, i):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "://", "&#58;//")
}

// inWord says that the byte at i has letters or digits on both sides; there an
// underscore is no emphasis.
func inWord(s string, i int) bool {
	return i > 0 && i+1 < len(s) && alnum(s[i-1]) && alnum(s[i+1])
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// mdCode is a code span whose fence is longer than any run of backticks in it.
func mdCode(s string) string {
	s = safeLine(s)
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// mdFence writes a fenced block; its fence is longer than any in it.
func mdFence(b *strings.Builder, s string, indented bool) {
	s = strings.Trim(safeBlock(s), "\n")
	fence := strings.Repeat("`", max(3, longestRun(s, '`')+1))
	indent := ""
	if indented {
		indent = "   "
	}
	for _, l := range append(append([]string{fence}, strings.Split(s, "\n")...), fence) {
		b.WriteString(indent + l + "\n")
	}
	b.WriteString("\n")
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] == c {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}
