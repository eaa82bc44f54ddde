package source

import (
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// itself is the source as an endpoint, so that its trouble is confirmed, told,
// silenced and resolved like any other.
func (s *state) itself() monitor.Endpoint {
	e := monitor.Endpoint{Kind: monitor.KindSource, Source: s.spec.Name, Target: "source " + s.spec.Name, Interval: max(min(s.spec.Refresh, monitor.DefaultInterval), time.Minute)}
	e.ID = monitor.NewID(&e)
	return e
}

// Check says how a source is, as a diagnosis of the endpoint that stands for it.
func (m *Manager) Check(name string) *diag.Diagnosis {
	d := &diag.Diagnosis{Schema: diag.Schema, Target: diag.Target{Input: "source " + name, Name: name, Protocol: "source"}, Verdict: diag.Untested, Causes: []diag.Cause{}}
	for _, s := range m.Sources() {
		if s.Name != name {
			continue
		}
		d.Verdict = diag.OK
		switch {
		case s.Error != "":
			warn(d, "source-failing", fmt.Sprintf("the source %q of endpoints fails: %s", name, s.Error),
				diag.Evidence{Text: fmt.Sprintf("it fails since %s; the %d endpoints that it named before are still watched", stamp(s.Since), s.Endpoints), Where: "source " + name},
				diag.Fix{Side: "client", Action: "mend-source", Text: "Mend what the source says. Endpoints that were added there since are not watched yet."})
		case s.Held != nil:
			warn(d, "source-shrunk", fmt.Sprintf("the source %q names %d endpoints, before %d: the loss is held until somebody confirms it", name, *s.Held, s.Endpoints),
				diag.Evidence{Text: "since " + stamp(s.Since) + "; all endpoints of before are still watched", Where: "source " + name},
				diag.Fix{Side: "client", Action: "confirm-loss", Text: "If they were removed on purpose, acknowledge this incident, and the loss is believed within minutes; or raise max_shrink of the source. If not, mend the source."})
		case s.Loaded.IsZero():
			d.Verdict = diag.Untested // it has not answered yet
		}
	}
	return d
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func warn(d *diag.Diagnosis, id, summary string, seen diag.Evidence, fix diag.Fix) {
	d.Verdict = diag.Warning
	d.Causes = append(d.Causes, diag.Cause{ID: id, Severity: diag.SeverityWarning, Confidence: diag.Proven, Summary: summary, Evidence: []diag.Evidence{seen}, Fixes: []diag.Fix{fix}})
}
