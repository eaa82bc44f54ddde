package config

import (
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// maintenance is the shape of a silence that is planned: once, from start to
// end, or every week.
type maintenance struct {
	At    place             `yaml:"-"`
	Name  string            `yaml:"name"`
	Match map[string]string `yaml:"match"`
	Start string            `yaml:"start"`
	End   string            `yaml:"end"`
	Days  []string          `yaml:"days"`
	From  string            `yaml:"from"`
	To    string            `yaml:"to"`
	Zone  string            `yaml:"zone"`
}

// forEver ends what has no end.
var forEver = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func (r *reader) maintenance(f *file) {
	for i := range f.Maintenance {
		m := &f.Maintenance[i]
		s := monitor.Silence{ID: m.Name, Match: m.Match, Until: forEver, By: "the configuration"}
		if m.Name == "" {
			r.problem(m.At.node, "the maintenance has no name")
		}
		if len(m.Match) == 0 {
			r.problem(m.At.node, `maintenance %q: match is missing; {endpoint: "*"} is everything`, m.Name)
		}
		weekly := m.From != "" || m.To != "" || len(m.Days) > 0
		if weekly == (m.Start != "" || m.End != "") {
			r.problem(m.At.node, "maintenance %q: give start and end, or from and to (and days, zone)", m.Name)
			continue
		}
		if weekly {
			s.Weekly = r.weekly(m)
		} else {
			s.From, s.Until = r.moment(m, m.Start), r.moment(m, m.End)
			if !s.From.Before(s.Until) {
				r.problem(m.At.node, "maintenance %q: it ends before it begins", m.Name)
			}
		}
		r.c.Rules.Maintenance = append(r.c.Rules.Maintenance, s)
	}
}

func (r *reader) moment(m *maintenance, text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.problem(m.At.node, "maintenance %q: %q is no time such as 2026-12-01T20:00:00Z", m.Name, text)
	}
	return t.UTC()
}

func (r *reader) weekly(m *maintenance) *monitor.Weekly {
	w := &monitor.Weekly{Zone: m.Zone, From: clock(m.From), To: clock(m.To)}
	for _, d := range m.Days {
		n := strings.Index("sun mon tue wed thu fri sat", strings.ToLower(d))
		if len(d) != 3 || n < 0 || n%4 != 0 {
			r.problem(m.At.node, "maintenance %q: %q is no day: mon tue wed thu fri sat sun", m.Name, d)
			continue
		}
		w.Days = append(w.Days, time.Weekday(n/4))
	}
	if err := w.Valid(); err != nil {
		r.problem(m.At.node, "maintenance %q: %v", m.Name, err)
	}
	return w
}

// clock reads 02:30 as minutes; 24:00 is the end of the day, -1 no time at all.
func clock(text string) int {
	if text == "24:00" {
		return 24 * 60
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return -1
	}
	return t.Hour()*60 + t.Minute()
}
