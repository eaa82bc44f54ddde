package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// axis is when certificates end: each of them with its renewal window where
// they are few, else how many in each part of the axis.
type axis struct {
	From, To time.Time
	Picture  template.HTML
	Spans    []zoom
	Earlier  string
	Later    string
	Ends     monitor.Ends
	Few      bool
	Count    int
}

// zoom is a choice of the axis' length.
type zoom struct {
	Name, URL string
	Here      bool
}

var axisSpans = []struct {
	name string
	days int
}{{"30 days", 30}, {"90 days", 90}, {"1 year", 365}, {"3 years", 3 * 365}, {"30 years", 30 * 365}}

// Figures of the drawing, in user units of the SVG.
const (
	axisWidth  = 1000
	axisLeft   = 250 // of the rows: where names end
	barsHeight = 150
	rowHeight  = 19
	fewEnough  = 50 // certificates that have a row each
	axisBins   = 60
)

// timelineOf reads the axis that a query asks for; the default begins a little
// before now.
func (s *Web) timelineOf(r *http.Request, v url.Values) (*axis, error) {
	now := time.Now().UTC()
	days, err := strconv.Atoi(v.Get("days"))
	if err != nil || days < 1 || days > 100*365 {
		days = 90
	}
	from, err := time.Parse(time.DateOnly, v.Get("from"))
	if err != nil || from.Year() < 1950 || from.Year() > 9000 {
		from = now.AddDate(0, 0, -max(1, days/15)).Truncate(24 * time.Hour)
	}
	t := &axis{From: from, To: from.AddDate(0, 0, days)}
	t.Ends, err = s.Service.Ends(r.Context(), monitor.EndsQuery{Now: now, From: t.From, To: t.To, Bins: axisBins})
	if err != nil {
		return nil, err
	}
	for _, b := range t.Ends.Bins {
		t.Count += b.Count
	}
	address := func(from time.Time, days int) string {
		return s.path("/certificates/timeline") + "?" + url.Values{"from": {from.Format(time.DateOnly)}, "days": {strconv.Itoa(days)}}.Encode()
	}
	for _, x := range axisSpans {
		t.Spans = append(t.Spans, zoom{x.name, s.path("/certificates/timeline") + "?days=" + strconv.Itoa(x.days), x.days == days && v.Get("from") == ""})
	}
	t.Earlier, t.Later = address(t.From.AddDate(0, 0, -days/2-1), days), address(t.From.AddDate(0, 0, days/2+1), days)
	if t.Few = t.Count <= fewEnough; t.Few {
		p, err := s.Service.Certificates(r.Context(), monitor.CertificateQuery{Role: "leaf", EndsFrom: t.From, ExpiresBefore: t.To, List: monitor.List{Limit: fewEnough}})
		if err != nil {
			return nil, err
		}
		t.Picture = t.rows(p.Items, now, func(fingerprint string) string { return s.path("/certificates", fingerprint) })
		return t, nil
	}
	t.Picture = t.bars(now, func(b monitor.Bin) string {
		if days <= axisBins { // a day is as near as it goes
			return s.path("/certificates") + "?" + url.Values{"role": {"leaf"}, "from": {b.From.Format(time.DateOnly)}, "before": {b.From.AddDate(0, 0, 1).Format(time.DateOnly)}}.Encode()
		}
		return address(b.From, max(1, int(b.To.Sub(b.From).Hours()/24)+1))
	})
	return t, nil
}

// x is where a moment lies on an axis that begins at left.
func (t *axis) x(at time.Time, left int) float64 {
	share := float64(at.Sub(t.From)) / float64(t.To.Sub(t.From))
	return float64(left) + min(max(share, 0), 1)*float64(axisWidth-left)
}

// drawing writes SVG; what is not a number is escaped.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = template.HTMLEscapeString(a)
		case float64:
			args[i] = strconv.FormatFloat(a, 'f', 1, 64)
		}
	}
	fmt.Fprintf(d, format, args...)
}

func (t *axis) begin(d *drawing, height int, label string) {
	d.add(`<svg class="axis" viewBox="0 0 %d %d" role="group" aria-label="%s">`, axisWidth, height, label)
}

// ticks draws the dates, and where now is.
func (t *axis) ticks(d *drawing, now time.Time, left, bottom int) {
	for _, at := range t.dates() {
		x := t.x(at, left)
		d.add(`<line class="tick" x1="%v" y1="0" x2="%v" y2="%d"/><text class="date" x="%v" y="%d">%s</text>`, x, x, bottom, x+3, bottom+15, at.Format(t.layout()))
	}
	if now.After(t.From) && now.Before(t.To) {
		x := t.x(now, left)
		const room = 30 // of the word
		d.add(`<line class="now" x1="%v" y1="0" x2="%v" y2="%d"/><text class="date nowtext" x="%v" y="%d">now</text>`, x, x, bottom+16, min(x+3, axisWidth-room), bottom+28)
	}
}

func (t *axis) layout() string {
	if t.To.Sub(t.From) > 3*366*24*time.Hour {
		return "2006"
	}
	if t.To.Sub(t.From) > 120*24*time.Hour {
		return "2006-01"
	}
	return "01-02"
}

// dates are where the axis has its marks: at most a dozen.
func (t *axis) dates() []time.Time {
	years, months, days := 0, 0, 0
	switch span := int(t.To.Sub(t.From).Hours() / 24); {
	case span > 12*365:
		years = 5
	case span > 3*366:
		years = 1
	case span > 400:
		months = 3
	case span > 120:
		months = 1
	case span > 40:
		days = 14
	case span > 12:
		days = 3
	default:
		days = 1
	}
	at := t.From.Truncate(24 * time.Hour)
	switch {
	case years > 0:
		at = time.Date(t.From.Year()/years*years, 1, 1, 0, 0, 0, 0, time.UTC)
	case months > 0:
		at = time.Date(t.From.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	var out []time.Time
	const most = 40
	for ; at.Before(t.To) && len(out) < most; at = at.AddDate(years, months, days) {
		if !at.Before(t.From) {
			out = append(out, at)
		}
	}
	return out
}

// bars draws how many end in each part of the axis.
func (t *axis) bars(now time.Time, link func(monitor.Bin) string) template.HTML {
	var d drawing
	most := 1
	for _, b := range t.Ends.Bins {
		most = max(most, b.Count)
	}
	t.begin(&d, barsHeight+32, fmt.Sprintf("%d certificates by when they end, from %s to %s", t.Count, t.From.Format(time.DateOnly), t.To.Format(time.DateOnly)))
	t.ticks(&d, now, 0, barsHeight)
	d.add(`<line class="tick" x1="0" y1="14" x2="%d" y2="14"/><text class="date" x="3" y="11">%s</text>`, axisWidth, number(most))
	for _, b := range t.Ends.Bins {
		if b.Count == 0 {
			continue
		}
		x, width := t.x(b.From, 0), t.x(b.To, 0)-t.x(b.From, 0)
		height := max(3, float64(b.Count)/float64(most)*(barsHeight-14))
		due := 0.0
		if b.Due > 0 {
			due = max(3, height*float64(b.Due)/float64(b.Count))
		}
		class := "life"
		if b.To.Before(now) {
			class = "over"
		}
		said := fmt.Sprintf("%s from %s to %s", count(b.Count, "certificate"), b.From.Format(time.DateOnly), b.To.Format(time.DateOnly))
		if b.Due > 0 {
			said += fmt.Sprintf("; of %d the renewal is due", b.Due)
		}
		d.add(`<a href="%s"><title>%s</title><rect class="%s" x="%v" y="%v" width="%v" height="%v"/>`, link(b), said, class, x+0.5, barsHeight-height, max(width-1, 1), height)
		if due > 0 && class == "life" {
			d.add(`<rect class="due" x="%v" y="%v" width="%v" height="%v"/>`, x+0.5, barsHeight-due, max(width-1, 1), due)
		}
		d.add(`</a>`)
	}
	d.add(`</svg>`)
	return template.HTML(d.String()) // #nosec G203 -- add escapes
}

// rows draws each certificate: its life, and the window of its renewal.
func (t *axis) rows(cs []monitor.CertificateRow, now time.Time, link func(string) string) template.HTML {
	var d drawing
	bottom := len(cs)*rowHeight + 4
	t.begin(&d, bottom+32, fmt.Sprintf("%d certificates that end from %s to %s", len(cs), t.From.Format(time.DateOnly), t.To.Format(time.DateOnly)))
	t.ticks(&d, now, axisLeft, bottom)
	for i := range cs {
		c := &cs[i].Element
		y := i * rowHeight
		begin, due, end := t.x(c.NotBefore, axisLeft), t.x(monitor.RenewalDue(c), axisLeft), t.x(c.NotAfter, axisLeft)
		class, said := "window", "renewal from "+monitor.RenewalDue(c).Format(time.DateOnly)
		switch {
		case !now.Before(c.NotAfter):
			class, said = "over", "has ended"
		case now.After(monitor.RenewalDue(c)):
			class, said = "due", "the renewal is due since "+monitor.RenewalDue(c).Format(time.DateOnly)
		}
		d.add(`<a href="%s"><title>%s ends %s; %s</title><text class="label" x="%d" y="%d">%s</text>`, link(c.Fingerprint), called(*c), c.NotAfter.Format("2006-01-02 15:04 UTC"), said, axisLeft-8, y+14, middle(called(*c), 36))
		d.add(`<rect class="life" x="%v" y="%d" width="%v" height="7"/><rect class="%s" x="%v" y="%d" width="%v" height="11"/></a>`, begin, y+6, max(due-begin, 0), class, due, y+4, max(end-due, 2))
	}
	d.add(`</svg>`)
	return template.HTML(d.String()) // #nosec G203 -- add escapes
}

// middle cuts a name in the middle: its ends tell names apart.
func middle(s string, most int) string {
	r := []rune(strings.ToValidUTF8(s, "?"))
	if len(r) <= most {
		return string(r)
	}
	return string(r[:most/2]) + "…" + string(r[len(r)-most/2+1:])
}

func (s *Web) timelinePage(w http.ResponseWriter, r *http.Request) error {
	t, err := s.timelineOf(r, r.URL.Query())
	if err != nil {
		return err
	}
	return s.render(w, r, "timeline", t)
}
