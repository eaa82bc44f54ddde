package web

import (
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// funcs are what templates may call.
func (s *Web) funcs() template.FuncMap {
	return template.FuncMap{
		"path":     s.path,
		"asset":    s.asset,
		"moments":  moments,
		"when":     when,
		"relative": func(t time.Time) template.HTML { return relative(t, time.Now()) },
		"count":    count,
		"number":   number,
		"join":     strings.Join,
		"sign":     sign,
		"file":     func() string { return s.File },
		"dict":     dict,
		"ms":       func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) + " ms" },
		"has":      s.knows,
		"heading":  heading,
		"most":     most,
		"percent":  percent,
		"query":    url.QueryEscape,
		"issuer":   func(e monitor.Element) string { return monitor.IssuerName(&e) },
		"more":     func(s []string) int { return len(s) - 1 },
		"called":   called,

		"inc":          func(n int) int { return n + 1 },
		"dec":          func(n int) int { return n - 1 },
		"milliseconds": func() int64 { return time.Now().UnixMilli() },
		"weekly":       weekly,
		"list":         func(words ...string) []string { return words },
		"match":        matchText,
		"sentence":     sentence,
		"capital":      capital,
		"short":        short,
	}
}

// most is the largest count of groups.
func most(gs []monitor.Group) (n int) {
	for _, g := range gs {
		n = max(n, g.Count)
	}
	return n
}

// percent is a share that is seen unless it is nothing.
func percent(n, of int) int {
	if n == 0 || of == 0 {
		return 0
	}
	return max(1, n*100/of)
}

// called is a certificate's first name, or the common name of its subject.
func called(e monitor.Element) string {
	if len(e.Names) > 0 {
		return e.Names[0]
	}
	for _, rdn := range strings.Split(e.Subject, ",") {
		if cn, ok := strings.CutPrefix(strings.TrimSpace(rdn), "CN="); ok {
			return cn
		}
	}
	return e.Subject
}

// dict makes a map of pairs, for templates that take several values.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}

// when is a moment as UTC, which app.js turns into the reader's own time.
func when(t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format("2006-01-02 15:04") + ` UTC</time>`)
}

// written finds moments in a text, as programs write them.
var written = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\b`)

// moments is a text in which moments are shown as elsewhere.
func moments(s string) template.HTML {
	return template.HTML(written.ReplaceAllStringFunc(template.HTMLEscapeString(s), func(x string) string {
		t, err := time.Parse(time.RFC3339, x)
		if err != nil {
			return x
		}
		return string(when(t))
	})) // #nosec G203 -- escaped
}

// relative is how far away a moment is; the moment itself is behind it.
func relative(t, now time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	words := distance(now.Sub(t)) + " ago"
	if t.After(now) {
		words = "in " + distance(t.Sub(now))
	}
	return template.HTML(`<time data-relative datetime="` + t.Format(time.RFC3339) + `" title="` + t.Format("2006-01-02 15:04:05") + ` UTC">` + words + `</time>`)
}

// distance is a time in its largest unit.
func distance(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return count(int(d/time.Second), "second")
	case d < 2*time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < 2*day:
		return count(int(d/time.Hour), "hour")
	case d < 3*365*day:
		return count(int(d/day), "day")
	}
	return count(int(d/(365*day)), "year")
}

// count is "1 endpoint", "2,000 endpoints".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// number writes thousands with commas.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// sign is a state's mark, so that colour is never the only one.
func sign(state any) string {
	switch fmt.Sprint(state) {
	case string(monitor.StandCritical), "failure":
		return "✗"
	case string(monitor.StandWarning):
		return "!"
	case string(monitor.StandOK):
		return "✓"
	case string(monitor.StandUntested):
		return "?"
	}
	return "·"
}

// sentence makes one of words that begin small and end without a full stop.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return capital(s) + "."
}

// capital makes words begin with a capital letter.
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// short is the beginning of a fingerprint, enough to tell it from others.
func short(s string) string { return s[:min(len(s), 16)] }

// weekly is a time of the week in words.
func weekly(w *monitor.Weekly) string {
	days := "every day"
	if len(w.Days) > 0 {
		var names []string
		for _, d := range w.Days {
			names = append(names, d.String())
		}
		days = strings.Join(names, ", ")
	}
	zone := w.Zone
	if zone == "" {
		zone = "UTC"
	}
	return fmt.Sprintf("%s %02d:%02d to %02d:%02d, %s", days, w.From/60, w.From%60, w.To/60, w.To%60, zone)
}
