package alert

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// alertmanager posts to Prometheus' Alertmanager, API v2. An alert ends there
// by itself when nobody repeats it, hence Every.
type alertmanager struct {
	*sender
	external string
	every    time.Duration
}

const (
	amEvery = time.Minute
	amLasts = 5 * time.Minute
)

// Every implements monitor.Repeater.
func (a *alertmanager) Every() time.Duration { return a.every }

// lasts is how long an alert fires that nobody repeats.
func (a *alertmanager) lasts() time.Duration { return max(amLasts, 5*a.every) }

// amAlert is a postableAlert of api/v2/openapi.yaml in prometheus/alertmanager.
type amAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Notify implements monitor.Channel. The labels are an alert's identity; the
// severity is one of them, so a change of it ends one alert and begins another.
func (a *alertmanager) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	now := time.Now().UTC()
	alerts := []amAlert{}
	add := func(it *monitor.Item, s monitor.Severity, ends time.Time) {
		alerts = append(alerts, a.alert(m.Kind, it, s, ends))
	}
	for n := range m.Items {
		it := &m.Items[n]
		switch severity := it.Incident.Notified; m.Kind {
		case monitor.KindResolved:
			add(it, monitor.Warning, now)
			add(it, monitor.Critical, now)
		case monitor.KindEscalated:
			add(it, monitor.Warning, now)
			add(it, severity, now.Add(a.lasts()))
		default:
			add(it, severity, now.Add(a.lasts()))
		}
	}
	if len(m.Items) == 0 {
		alerts = append(alerts, amAlert{Labels: map[string]string{"alertname": "tlswhy-test", "severity": "none"},
			Annotations: map[string]string{"summary": Subject(&m)}, StartsAt: m.At, EndsAt: now.Add(a.lasts())})
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		return false, err
	}
	_, retry, err := a.post(ctx, "/api/v2/alerts", body, nil)
	return retry, err
}

// maxAnnotation keeps what Alertmanager hands on within what its receivers take.
const maxAnnotation = 8 << 10

func (a *alertmanager) alert(k monitor.Kind, it *monitor.Item, s monitor.Severity, ends time.Time) amAlert {
	i := &it.Incident
	labels := map[string]string{}
	for key, v := range maps.All(it.Tags) {
		labels[labelName(key)] = v
	}
	maps.Copy(labels, map[string]string{"alertname": "tlswhy", "severity": string(s), "incident": i.ID, "problem": i.Key, "target": i.Target, "vantage": i.Vantage})
	if i.Owner != "" {
		labels["owner"] = i.Owner
	}
	one := monitor.Message{Kind: k, Items: []monitor.Item{*it}}
	out := amAlert{Labels: labels, StartsAt: i.Opened, EndsAt: ends, GeneratorURL: cmp.Or(it.Page, a.external),
		Annotations: map[string]string{"summary": i.Target + ": " + i.Finding.Summary, "description": cut(Text(&one), maxAnnotation), "cause": i.Finding.Cause, "verify": i.Finding.Verify}}
	if it.Runbook != "" {
		out.Annotations["runbook"] = it.Runbook
	}
	return out
}

// labelName makes a name that matches [a-zA-Z_][a-zA-Z0-9_]*.
func labelName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s
}
