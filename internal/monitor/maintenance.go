package monitor

import (
	"fmt"
	"slices"
	"time"
)

// Weekly is a time of the week at which a silence holds, again and again.
type Weekly struct {
	Days []time.Weekday `json:"days,omitempty"` // on which it begins; none is every day
	// From and To are minutes since midnight; To before From is of the next day.
	From int `json:"from"`
	To   int `json:"to"`
	// Zone is a name of the IANA database, "" is UTC. Hours that a clock skips or
	// repeats are those of that day's clock.
	Zone string `json:"zone,omitempty"`
}

// Valid says what is wrong with it.
func (w *Weekly) Valid() error {
	const most = 24 * 60
	if w.From < 0 || w.From >= most || w.To < 0 || w.To > most || w.From == w.To {
		return fmt.Errorf("from and to must be two times of a day, such as 02:00 and 04:00")
	}
	if _, err := time.LoadLocation(w.Zone); err != nil {
		return fmt.Errorf("the time zone %q is unknown: write one such as Europe/Berlin", w.Zone)
	}
	return nil
}

// holds tells whether it holds at the moment, and until when.
func (w *Weekly) holds(now time.Time) (until time.Time, ok bool) {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return until, false
	}
	local := now.In(zone)
	for _, back := range []int{0, 1} { // what began yesterday may still hold
		y, m, d := local.AddDate(0, 0, -back).Date()
		begin := time.Date(y, m, d, 0, w.From, 0, 0, zone)
		end := time.Date(y, m, d, 0, w.To, 0, 0, zone)
		if w.To < w.From {
			end = time.Date(y, m, d+1, 0, w.To, 0, 0, zone)
		}
		day := time.Date(y, m, d, 12, 0, 0, 0, zone).Weekday()
		if !now.Before(begin) && now.Before(end) && (len(w.Days) == 0 || slices.Contains(w.Days, day)) {
			return end.UTC(), true
		}
	}
	return until, false
}

// holding is the silence that keeps an incident from being told now, of those
// that people set and of the maintenance in the configuration.
func (r *Rules) holding(now time.Time, silences []Silence, e *Endpoint, i *Incident) (name string, until time.Time) {
	for _, set := range [][]Silence{silences, r.Maintenance} {
		for k := range set {
			if s := &set[k]; s.Covers(now, e, i) {
				until = s.Until
				if s.Weekly != nil {
					until, _ = s.Weekly.holds(now)
				}
				return s.ID, until
			}
		}
	}
	return "", until
}
