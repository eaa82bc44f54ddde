package alert

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// slack posts to an incoming webhook
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type slack struct{ *sender }

// maxSlack stays below the 3000 characters of one section block.
const maxSlack = 2900

var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Notify implements monitor.Channel.
func (s *slack) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	color := "#2eb67d"
	if m.Kind != monitor.KindResolved && len(m.Items) > 0 {
		color = map[monitor.Severity]string{monitor.Critical: "#e01e5a", monitor.Warning: "#ecb22e"}[m.Items[0].Incident.Severity]
	}
	text := fit(strings.ReplaceAll(Text(&m), "```", "'''"), maxSlack, func(s string) int { return utf8.RuneCountInString(slackEscape.Replace(s)) })
	body, err := json.Marshal(map[string]any{
		"text": slackEscape.Replace(cut(Subject(&m), 300)),
		"attachments": []any{map[string]any{"color": color, "blocks": []any{
			map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": "```\n" + slackEscape.Replace(text) + "\n```"}}}}},
	})
	if err != nil {
		return false, err
	}
	_, retry, err := s.post(ctx, "", body, nil)
	return retry, err
}
