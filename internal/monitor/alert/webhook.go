package alert

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Schema is the value of "schema" in the body of a webhook. It is additive.
const Schema = "tlswhy.alert/1"

// webhook posts the whole message as JSON. The signature is the HMAC-SHA-256 of
// the timestamp, a full stop and the body, so that a receiver can refuse what is
// old or not ours; the Idempotency-Key tells it what it has had.
type webhook struct{ url, secret string }

// Notify implements monitor.Channel.
func (w *webhook) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	items := m.Items
	if items == nil {
		items = []monitor.Item{}
	}
	body, err := json.Marshal(map[string]any{"schema": Schema, "key": m.Key, "kind": m.Kind, "at": m.At, "subject": Subject(&m), "text": Text(&m), "items": items})
	if err != nil {
		return false, err
	}
	header := map[string]string{"Idempotency-Key": m.Key}
	if w.secret != "" {
		at := strconv.FormatInt(m.At.Unix(), 10)
		header["X-Tlswhy-Timestamp"] = at
		header["X-Tlswhy-Signature"] = "sha256=" + Sign(w.secret, at, body)
	}
	return post(ctx, w.url, body, header)
}

// Sign makes the signature of a webhook.
func Sign(secret, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(timestamp + "."))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}
