package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// NagiosCode is the exit code of a plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3
// UNKNOWN. With strict a warning is critical.
// https://www.monitoring-plugins.org/doc/guidelines.html
func NagiosCode(v diag.Verdict, strict bool) int {
	switch v {
	case diag.OK:
		return 0
	case diag.Warning:
		if strict {
			return 2
		}
		return 1
	case diag.Failure:
		return 2
	}
	return 3
}

var nagiosWords = [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

// nagiosRank orders codes: critical is worse than unknown.
var nagiosRank = [...]int{0, 1, 3, 2}

// WorstNagios is the worst of two plugin codes: CRITICAL over UNKNOWN over
// WARNING over OK.
func WorstNagios(a, b int) int {
	if nagiosRank[b] > nagiosRank[a] {
		return b
	}
	return a
}

// NagiosCode is the exit code that goes with the line which Close writes.
func (s *Stream) NagiosCode() int {
	if len(s.held) == 0 {
		return NagiosCode(diag.Untested, s.o.Strict)
	}
	code := 0
	for _, d := range s.held {
		code = WorstNagios(code, NagiosCode(d.Verdict, s.o.Strict))
	}
	return code
}

// writeNagios writes one line and the performance data; of several targets the
// worst speaks, the others are counted.
func writeNagios(w io.Writer, ds []*diag.Diagnosis, o Options) error {
	worst, code := (*diag.Diagnosis)(nil), 0
	bad := 0
	for _, d := range ds {
		c := NagiosCode(d.Verdict, o.Strict)
		if c != 0 {
			bad++
		}
		if worst == nil || nagiosRank[c] > nagiosRank[code] {
			worst, code = d, c
		}
	}
	if worst == nil {
		_, err := io.WriteString(w, "TLSWHY UNKNOWN - no target\n")
		return err
	}
	text := label(worst.Target) + ": " + headline(worst)
	c := leading(worst)
	if c == nil {
		if list := others(worst, false); len(list) > 0 {
			c = list[0]
			text = label(worst.Target) + ": " + c.Summary
		} else if s := agreed(worst); s != "" {
			text += " (" + s + ")"
		}
	}
	if c != nil {
		text += " [" + c.ID + ", " + string(c.Confidence) + "]"
		if len(c.Fixes) > 0 && c.Fixes[0].Text != "" {
			text += "; fix: " + c.Fixes[0].Text
		}
	}
	if len(ds) > 1 {
		text = fmt.Sprintf("%d of %d targets with trouble; %s", bad, len(ds), text)
	}
	_, err := fmt.Fprintf(w, "TLSWHY %s - %s | %s\n", nagiosWords[code], nagiosText(text), perfdata(ds))
	return err
}

// nagiosText is one line without the sign that begins the performance data.
func nagiosText(s string) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "|", "/")), " ")
	return shorten(safeLine(s), 1000)
}

// perfdata is how long the diagnosis took and how many days the certificate is
// still valid.
func perfdata(ds []*diag.Diagnosis) string {
	var out []string
	for _, d := range ds {
		prefix := ""
		if len(ds) > 1 {
			prefix = label(d.Target) + " "
		}
		out = append(out, fmt.Sprintf("%s=%.3fs;;;0", perfLabel(prefix+"time"), d.DurationMS/1000))
		if n, ok := daysLeft(d); ok {
			out = append(out, fmt.Sprintf("%s=%d", perfLabel(prefix+"days_left"), n))
		}
	}
	return strings.Join(out, " ")
}

// perfLabel quotes a label; neither quote nor equals sign may stand in it.
func perfLabel(s string) string {
	s = strings.NewReplacer("'", "", "=", "", "|", "").Replace(safeLine(s))
	if strings.ContainsAny(s, " ") {
		return "'" + s + "'"
	}
	return s
}
