package alert

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// slack posts to an incoming webhook
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type slack struct{ url string }

// maxSlack stays below the 3000 characters of one section block.
const maxSlack = 2900

var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Notify implements monitor.Channel.
func (s *slack) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	color := "#2eb67d"
	if m.Kind != monitor.KindResolved && len(m.Items) > 0 {
		color = map[monitor.Severity]string{monitor.Critical: "#e01e5a", monitor.Warning: "#ecb22e"}[m.Items[0].Incident.Severity]
	}
	text := slackEscape.Replace(cut(Text(&m), maxSlack-500))
	body, err := json.Marshal(map[string]any{
		"text": slackEscape.Replace(cut(Subject(&m), 300)),
		"attachments": []any{map[string]any{"color": color, "blocks": []any{
			map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": "```\n" + strings.ReplaceAll(cut(text, maxSlack), "```", "'''") + "\n```"}}}}},
	})
	if err != nil {
		return false, err
	}
	return post(ctx, s.url, body, nil)
}
