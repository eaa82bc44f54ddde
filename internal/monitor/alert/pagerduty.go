package alert

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// pagerduty sends events to the Events API v2
// (https://developer.pagerduty.com/docs/events-api-v2-overview). The incident's
// id is the dedup_key: a repeated event changes nothing, and the end finds its
// beginning.
type pagerduty struct {
	*sender
	key, external string
}

// The bounds of an event's fields; the whole may have 512 KB.
const (
	maxPagerSummary = 1024
	maxPagerText    = 32 << 10
)

func newPagerduty(o Options) (*pagerduty, error) {
	if o.Secret == "" {
		return nil, errors.New("secret must be the integration's routing key")
	}
	s, err := newSender(&o, "https://events.pagerduty.com/v2/enqueue")
	if err != nil {
		return nil, err
	}
	return &pagerduty{sender: s, key: string(o.Secret), external: o.ExternalURL}, nil
}

// Notify implements monitor.Channel: an event for each incident.
func (p *pagerduty) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	if len(m.Items) == 0 { // a test rings and is over
		if retry, err := p.send(ctx, p.event("trigger", "tlswhy-test", Subject(&m), "tlswhy", "info", m.At, nil)); err != nil {
			return retry, err
		}
		return p.send(ctx, p.event("resolve", "tlswhy-test", Subject(&m), "tlswhy", "info", m.At, nil))
	}
	for n := range m.Items {
		it := &m.Items[n]
		i := &it.Incident
		action := "trigger"
		if m.Kind == monitor.KindResolved {
			action = "resolve"
		}
		one := monitor.Message{Kind: m.Kind, Items: []monitor.Item{*it}}
		details := map[string]any{"text": cut(Text(&one), maxPagerText), "cause": i.Finding.Cause, "verify": i.Finding.Verify, "addresses": i.Addresses, "tags": it.Tags, "runbook": it.Runbook, "owner": i.Owner}
		if retry, err := p.send(ctx, p.event(action, i.ID, i.Target+": "+i.Finding.Summary, i.Target, string(i.Severity), i.Opened, details)); err != nil {
			return retry, err // events that were accepted are the same when they are sent again
		}
	}
	return false, nil
}

func (p *pagerduty) event(action, key, summary, source, severity string, at time.Time, details map[string]any) map[string]any {
	e := map[string]any{"routing_key": p.key, "event_action": action, "dedup_key": key, "client": "tlswhy",
		"payload": map[string]any{"summary": cut(summary, maxPagerSummary), "source": source, "severity": severity, "timestamp": at.UTC().Format(time.RFC3339), "custom_details": details}}
	if p.external != "" {
		e["client_url"] = p.external
	}
	return e
}

func (p *pagerduty) send(ctx context.Context, event map[string]any) (bool, error) {
	body, err := json.Marshal(event)
	if err != nil {
		return false, err
	}
	_, retry, err := p.post(ctx, "", body, nil)
	return retry, err
}
