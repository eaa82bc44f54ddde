package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Schema is the value of "schema" in the body of a webhook. It is additive.
const Schema = "tlswhy.alert/1"

// webhook posts the whole message as JSON, or what a template makes of it. The
// signature is the HMAC-SHA-256 of the timestamp, a full stop and the body, so
// that a receiver can refuse what is old or not ours; the Idempotency-Key tells
// it what it has had.
type webhook struct {
	*sender
	secret   string
	template *template.Template
	kind     string // Content-Type of what the template makes
}

func newWebhook(o Options) (*webhook, error) {
	s, err := newSender(&o, "")
	if err != nil {
		return nil, err
	}
	w := &webhook{sender: s, secret: string(o.Secret), kind: o.ContentType}
	if o.Template == "" {
		return w, nil
	}
	if w.template, err = template.New("template").Option("missingkey=error").Funcs(functions).Parse(o.Template); err != nil {
		return nil, err
	}
	// A mistake is told now and not in the night of the first alert.
	if _, err := w.fill(&monitor.Message{Key: "example", Kind: monitor.KindOpened, Items: []monitor.Item{{Incident: monitor.Incident{Severity: monitor.Critical}}}}); err != nil {
		return nil, err
	}
	return w, nil
}

// functions are what templates may call: json makes a value of any text.
var functions = template.FuncMap{
	"json": func(v any) (string, error) {
		raw, err := json.Marshal(v)
		return string(raw), err
	},
	"cut":   func(n int, s string) string { return cut(s, n) },
	"upper": strings.ToUpper,
}

// payload is a message as JSON.
func payload(m *monitor.Message) ([]byte, error) {
	items := m.Items
	if items == nil {
		items = []monitor.Item{}
	}
	return json.Marshal(map[string]any{"schema": Schema, "key": m.Key, "kind": m.Kind, "at": m.At, "subject": Subject(m), "text": Text(m), "items": items})
}

// maxBody bounds what a template makes.
const maxBody = 1 << 20

func (w *webhook) fill(m *monitor.Message) ([]byte, error) {
	if w.template == nil {
		return payload(m)
	}
	var b bytes.Buffer
	err := w.template.Execute(&b, map[string]any{"Key": m.Key, "Kind": m.Kind, "At": m.At, "Subject": Subject(m), "Text": Text(m), "Items": m.Items})
	if err == nil && b.Len() > maxBody {
		err = fmt.Errorf("it makes %d bytes, more than %d", b.Len(), maxBody)
	}
	if err == nil && (w.kind == "" || w.kind == "application/json") && !json.Valid(b.Bytes()) {
		err = errors.New("it makes no valid JSON: write {{json .Text}} for a text with its quotes, or set content_type")
	}
	if err != nil {
		return nil, fmt.Errorf("the template: %w", err)
	}
	return b.Bytes(), nil
}

// Notify implements monitor.Channel.
func (w *webhook) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	body, err := w.fill(&m)
	if err != nil {
		return false, err
	}
	header := map[string]string{"Idempotency-Key": m.Key}
	if w.template != nil && w.kind != "" {
		header["Content-Type"] = w.kind
	}
	if w.secret != "" {
		at := strconv.FormatInt(m.At.Unix(), 10)
		header["X-Tlswhy-Timestamp"] = at
		header["X-Tlswhy-Signature"] = "sha256=" + Sign(w.secret, at, body)
	}
	_, retry, err := w.post(ctx, "", body, header)
	return retry, err
}

// Sign makes the signature of a webhook.
func Sign(secret, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(timestamp + "."))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}
