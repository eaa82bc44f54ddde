package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// telegram sends by the Bot API (https://core.telegram.org/bots/api#sendmessage).
// The bot's token is part of the address.
type telegram struct {
	*sender
	token, chat string
}

// maxTelegram is the length of one message in UTF-16 code units.
const maxTelegram = 4096

func newTelegram(o Options) (*telegram, error) {
	if o.Secret == "" || strings.ContainsAny(string(o.Secret), "/?# ") {
		return nil, errors.New("secret must be the token of the bot, such as 123456:ABC-DEF")
	}
	if len(o.To) != 1 {
		return nil, errors.New("to must be one chat: its id, or @name of a channel")
	}
	s, err := newSender(&o, "https://api.telegram.org")
	if err != nil {
		return nil, err
	}
	s.url = strings.TrimSuffix(s.url, "/")
	return &telegram{sender: s, token: string(o.Secret), chat: o.To[0]}, nil
}

// Notify implements monitor.Channel. Without a parse mode nothing in the text
// is markup.
func (t *telegram) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	text := fit(Subject(&m)+"\n\n"+Text(&m), maxTelegram, func(s string) int { return len(utf16.Encode([]rune(s))) })
	body, err := json.Marshal(map[string]any{"chat_id": t.chat, "text": text, "link_preview_options": map[string]any{"is_disabled": true}})
	if err != nil {
		return false, err
	}
	said, retry, err := t.post(ctx, "/bot"+t.token+"/sendMessage", body, nil)
	if err == nil {
		return false, nil
	}
	var answer struct {
		Parameters struct {
			RetryAfter int   `json:"retry_after"`
			MigrateTo  int64 `json:"migrate_to_chat_id"`
		}
	}
	if json.Unmarshal(said, &answer) != nil {
		return retry, err
	}
	var more *monitor.DeliveryError
	if n := answer.Parameters.RetryAfter; n > 0 && errors.As(err, &more) {
		more.After = max(more.After, time.Duration(min(n, 86400))*time.Second)
	}
	if id := answer.Parameters.MigrateTo; id != 0 {
		err = fmt.Errorf("%w (the group has a new id: set to: [\"%d\"])", err, id)
	}
	return retry, err
}
