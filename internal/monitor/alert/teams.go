package alert

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// teams posts an Adaptive Card to a workflow of Microsoft Teams, "Post to a
// channel when a webhook request is received"
// (https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook).
type teams struct{ *sender }

// maxTeams keeps the card below the 28 KB of one message, escapes counted.
const maxTeams = 20 << 10

func encoded(s string) int {
	raw, err := json.Marshal(s)
	if err != nil {
		return len(s)
	}
	return len(raw)
}

// Notify implements monitor.Channel.
func (t *teams) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	color := "Good"
	if m.Kind != monitor.KindResolved && len(m.Items) > 0 {
		color = map[monitor.Severity]string{monitor.Critical: "Attention", monitor.Warning: "Warning"}[m.Items[0].Incident.Severity]
	}
	card := map[string]any{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "msteams": map[string]any{"width": "Full"},
		"body": []any{
			// Text runs, unlike text blocks, know no Markdown: nothing to escape.
			map[string]any{"type": "RichTextBlock", "inlines": []any{map[string]any{"type": "TextRun", "text": cut(Subject(&m), 300), "weight": "Bolder", "size": "Medium", "color": color}}},
			map[string]any{"type": "RichTextBlock", "inlines": []any{map[string]any{"type": "TextRun", "text": fit(Text(&m), maxTeams, encoded), "fontType": "Monospace"}}},
		}}
	body, err := json.Marshal(map[string]any{"type": "message",
		"attachments": []any{map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card}}})
	if err != nil {
		return false, err
	}
	said, retry, err := t.post(ctx, "", body, nil)
	if err == nil && strings.Contains(string(said), "HTTP error 429") { // connectors of old say it in a 200
		return true, &monitor.DeliveryError{Err: errors.New("the receiver answered 200 and says in it that it is too busy")}
	}
	return retry, err
}
