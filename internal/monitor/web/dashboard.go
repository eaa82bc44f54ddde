package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Source is where endpoints come from, beside the file and these pages.
type Source struct {
	Name      string
	Endpoints int
	Loaded    time.Time // the last good reading
	Error     string    // what is wrong with it now, "" for nothing
}

// dashboard is what needs attention, and how the monitor itself is.
type dashboard struct {
	Overview  monitor.Overview
	Health    monitor.Health
	Incidents []monitor.Incident // the worst first
	More      int                // open ones that are not among them
	Ends      []monitor.CertificateRow
	Timeline  *axis
	Checked   time.Time // when checks last came in; zero since the start
	Sources   []Source
	Standings []monitor.Standing
}

// The lengths of the dashboard's lists.
const (
	dashboardIncidents = 15
	dashboardEnds      = 8
)

func (s *Web) dashboard(w http.ResponseWriter, r *http.Request) (err error) {
	ctx := r.Context()
	d := dashboard{Checked: s.hub.lastNudge(), Standings: monitor.Standings}
	if d.Overview, err = s.Service.Overview(ctx); err != nil {
		return err
	}
	if d.Health, err = s.Service.Health(ctx); err != nil {
		return err
	}
	for _, severity := range []monitor.Severity{monitor.Critical, monitor.Warning} {
		left := dashboardIncidents - len(d.Incidents)
		if left == 0 {
			break
		}
		p, err := s.Service.Incidents(ctx, monitor.IncidentQuery{State: "open", Severity: severity, List: monitor.List{Limit: left}})
		if err != nil {
			return err
		}
		d.Incidents = append(d.Incidents, p.Items...)
	}
	d.More = max(0, d.Health.Open-len(d.Incidents))
	ends, err := s.Service.Certificates(ctx, monitor.CertificateQuery{Role: "leaf", List: monitor.List{Limit: dashboardEnds}})
	if err != nil {
		return err
	}
	d.Ends = ends.Items
	if d.Timeline, err = s.timelineOf(r, url.Values{}); err != nil {
		return err
	}
	if s.Sources != nil {
		d.Sources = s.Sources()
	}
	return s.render(w, r, "dashboard", &d)
}

// Headline is the page in a sentence.
func (d *dashboard) Headline() string {
	broken, soon := d.Overview.States[monitor.StandCritical], d.Overview.States[monitor.StandWarning]
	switch {
	case d.Overview.Endpoints == 0:
		return "Nothing is watched yet"
	case broken > 0 && soon > 0:
		return count(broken, "endpoint") + map[bool]string{true: " is", false: " are"}[broken == 1] + " broken, " + number(soon) + " more " + map[bool]string{true: "needs", false: "need"}[soon == 1] + " a look"
	case broken > 0:
		return count(broken, "endpoint") + map[bool]string{true: " is", false: " are"}[broken == 1] + " broken"
	case soon > 0:
		return "Nothing is broken, " + count(soon, "endpoint") + map[bool]string{true: " needs", false: " need"}[soon == 1] + " a look"
	case d.Overview.States[monitor.StandUnchecked] == d.Overview.Endpoints:
		return "The first checks are under way"
	case d.Overview.States[monitor.StandUnchecked] > 0 || d.Overview.States[monitor.StandUntested] > 0:
		return "Nothing is broken as far as could be tested"
	case d.Overview.Endpoints == 1:
		return "The one endpoint is well"
	}
	return "All " + count(d.Overview.Endpoints, "endpoint") + " are well"
}

// Ended tells whether a certificate is over.
func (d *dashboard) Ended(c monitor.CertificateRow) bool { return !time.Now().Before(c.NotAfter) }

// Standing is how many endpoints are in a state.
func (d *dashboard) Standing(x monitor.Standing) int { return d.Overview.States[x] }

// Well tells whether the monitor itself does its work.
func (d *dashboard) Well() bool {
	for _, s := range d.Sources {
		if s.Error != "" {
			return false
		}
	}
	return !(d.Late() || d.Stuck())
}

// Late tells whether checks do not keep up, Stuck whether messages do not leave.
func (d *dashboard) Late() bool {
	return d.Health.Overdue > 10 && d.Health.Overdue > d.Health.Endpoints/10
}

// Stuck tells whether a message has waited for long.
func (d *dashboard) Stuck() bool {
	return d.Health.Outbox > 0 && time.Since(d.Health.Oldest) > 10*time.Minute
}
