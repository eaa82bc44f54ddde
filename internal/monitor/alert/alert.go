// Package alert tells people and programs of incidents: one file per channel.
// A channel makes one try; the outbox repeats it. What a try says depends on
// the message alone, so that every try says the same.
//
//	ch, err := alert.New(alert.Options{Type: "slack", URL: "https://hooks.example.com/x"})
//	retry, err := ch.Notify(ctx, message)
package alert

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Options describe a channel. Which of them count depends on Type.
type Options struct {
	Type string // email, webhook, slack, alertmanager

	URL    monitor.Secret // of webhook, slack and alertmanager; it may carry a token
	Secret monitor.Secret // signs webhooks

	// E-mail: the server as HOST:PORT, whether to use TLS (starttls, the default;
	// tls from the first byte; none), and who from and to.
	Server   string
	TLS      string
	CAFile   string
	Username string
	Password monitor.Secret
	From     string
	To       []string

	// ExternalURL is where the monitor's own pages are, "" for nowhere.
	ExternalURL string
}

// Types are the types of channels.
var Types = []string{"email", "webhook", "slack", "alertmanager"}

// New makes a channel, or says what its options lack.
func New(o Options) (monitor.Channel, error) {
	if slices.Contains([]string{"webhook", "slack", "alertmanager"}, o.Type) {
		u, err := url.Parse(string(o.URL))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, errors.New("url must be a whole http or https address")
		}
	}
	switch o.Type {
	case "email":
		return newEmail(o)
	case "webhook":
		return &webhook{url: string(o.URL), secret: string(o.Secret)}, nil
	case "slack":
		return &slack{url: string(o.URL)}, nil
	case "alertmanager":
		return &alertmanager{url: strings.TrimSuffix(string(o.URL), "/") + "/api/v2/alerts", external: o.ExternalURL}, nil
	}
	return nil, fmt.Errorf("type %q is none of %s", o.Type, strings.Join(Types, ", "))
}
