// Package alert tells people and programs of incidents: one file per channel.
// A channel makes one try; the outbox repeats it. What a try says depends on
// the message alone, so that every try says the same.
//
//	ch, err := alert.New(alert.Options{Type: "slack", URL: "https://hooks.example.com/x"})
//	retry, err := ch.Notify(ctx, message)
package alert

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Options describe a channel. Which of them count depends on Type.
type Options struct {
	Type string

	// URL is where HTTP channels send; it may carry a token. telegram and
	// pagerduty have one of their own; that of shoutrrr names a service.
	URL monitor.Secret
	// Secret signs webhooks; it is the bot's token of telegram and the routing key
	// of pagerduty.
	Secret monitor.Secret
	// Header goes with every request of an HTTP channel.
	Header map[string]monitor.Secret
	// Template (text/template) makes the body of a webhook, of ContentType.
	Template, ContentType string

	// E-mail: the server as HOST:PORT, whether to use TLS (starttls, the default;
	// tls from the first byte; none), and who from.
	Server string
	TLS    string
	From   string
	// To are mail addresses, or the one chat of telegram.
	To []string

	// Username and Password are for e-mail and, as Basic authentication, for HTTP
	// channels. CAFile are the only trust anchors of either.
	Username string
	Password monitor.Secret
	CAFile   string

	// Command is the program of exec, and its arguments.
	Command []string

	// Repeat is how often alertmanager is told again of what is open; 0 is a
	// minute.
	Repeat time.Duration

	// ExternalURL is where the monitor's own pages are, "" for nowhere.
	ExternalURL string
	// Client makes the requests; nil is one without a guard. Redirects are never
	// followed.
	Client *http.Client
	// Control judges the addresses of mail servers as they are dialled, and those
	// of shoutrrr's hosts before it sends (see net.Dialer); nil lets all pass.
	Control func(network, address string, c syscall.RawConn) error
}

// makers make a channel of each type.
var makers = map[string]func(Options) (monitor.Channel, error){
	"email":   func(o Options) (monitor.Channel, error) { return newEmail(o) },
	"webhook": func(o Options) (monitor.Channel, error) { return newWebhook(o) },
	"slack": func(o Options) (monitor.Channel, error) {
		s, err := newSender(&o, "")
		return &slack{s}, err
	},
	"teams": func(o Options) (monitor.Channel, error) {
		s, err := newSender(&o, "")
		return &teams{s}, err
	},
	"telegram":  func(o Options) (monitor.Channel, error) { return newTelegram(o) },
	"pagerduty": func(o Options) (monitor.Channel, error) { return newPagerduty(o) },
	"alertmanager": func(o Options) (monitor.Channel, error) {
		s, err := newSender(&o, "")
		if err == nil {
			s.url = strings.TrimSuffix(s.url, "/")
		}
		return &alertmanager{sender: s, external: o.ExternalURL, every: cmp.Or(o.Repeat, amEvery)}, err
	},
	"exec":     func(o Options) (monitor.Channel, error) { return newHook(o) },
	"shoutrrr": func(o Options) (monitor.Channel, error) { return newShoutrrr(o) },
}

// LocalOnly tells whether channels of a type may be made by the monitor's own
// file only: they run programs, or reach the network by ways that no guard sees.
func LocalOnly(kind string) bool { return kind == "exec" || kind == "shoutrrr" }

// rate is how many messages a person reads in monitor.RateWindow.
const rate = 30

// Rate is how many messages channels of a type take in monitor.RateWindow before
// they become summaries: said is the configuration's, 0 for none. A program takes
// any number; PagerDuty and Alertmanager keep an incident each, and would not
// know one from a summary.
func Rate(kind string, said int) (int, error) {
	switch kind {
	case "pagerduty", "alertmanager":
		if said != 0 {
			return 0, fmt.Errorf("rate: %s groups by itself, and is told of each incident", kind)
		}
		return 0, nil
	case "webhook", "exec":
		return said, nil
	}
	return cmp.Or(said, rate), nil
}

// Types are the types of channels.
func Types() []string { return slices.Sorted(maps.Keys(makers)) }

// New makes a channel, or says what its options lack.
func New(o Options) (monitor.Channel, error) {
	newOne, ok := makers[o.Type]
	if !ok {
		return nil, fmt.Errorf("type %q is none of %s", o.Type, strings.Join(Types(), ", "))
	}
	ch, err := newOne(o)
	if err != nil {
		return nil, err
	}
	if o.ExternalURL == "" {
		return ch, nil
	}
	l := linked{ch, strings.TrimRight(o.ExternalURL, "/")}
	if r, ok := ch.(monitor.Repeater); ok {
		return struct {
			linked
			monitor.Repeater
		}{l, r}, nil
	}
	return l, nil
}

// linked is a channel whose messages name the page of each incident.
type linked struct {
	monitor.Channel
	base string
}

// Notify implements monitor.Channel.
func (l linked) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	m.Items = slices.Clone(m.Items)
	for i := range m.Items {
		m.Items[i].Page = l.base + "/incidents/" + url.PathEscape(m.Items[i].Incident.ID)
	}
	return l.Channel.Notify(ctx, m)
}
