package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

// channelList are the channels with the last message of each.
type channelList struct {
	Channels []service.Channel
	Last     map[string]*monitor.MessageStatus
	Kinds    []channelKind
	Setup    bool // it is a step of the first run
}

// channelKind is a type of channel, with the fields that its form has.
type channelKind struct {
	Type, Name, Hint string
	Fields           []channelField
}

// channelField is one of them; what is Secret is never shown again.
type channelField struct {
	Name, Label, Hint, Example string
	Secret, Optional           bool
	Options                    []choice
}

// channelKinds are those that can be made here.
var channelKinds = []channelKind{
	{"email", "E-mail", "Plain text by your mail server.", []channelField{
		{Name: "to", Label: "To", Hint: "One or more addresses, separated by commas.", Example: "ops@example.com"},
		{Name: "from", Label: "From", Example: "tlswhy@example.com"},
		{Name: "server", Label: "Mail server", Hint: "HOST:PORT", Example: "mx.example.com:587"},
		{Name: "tls", Label: "Encryption", Options: []choice{{Value: "starttls", Name: "STARTTLS (port 587 or 25)"}, {Value: "tls", Name: "TLS from the first byte (port 465)"}, {Value: "none", Name: "none"}}},
		{Name: "username", Label: "User name", Optional: true}, {Name: "password", Label: "Password", Secret: true, Optional: true},
	}},
	{"slack", "Slack", "An incoming webhook; Mattermost and Rocket.Chat take the same.", []channelField{{Name: "url", Label: "Address of the webhook", Secret: true, Example: "https://hooks.slack.com/services/…"}}},
	{"teams", "Microsoft Teams", "A workflow that posts to a channel when a webhook request is received.", []channelField{{Name: "url", Label: "Address of the workflow", Secret: true}}},
	{"telegram", "Telegram", "A bot writes to a chat.", []channelField{{Name: "secret", Label: "Token of the bot", Secret: true}, {Name: "to", Label: "Id of the chat", Example: "-1001234567890"}}},
	{"pagerduty", "PagerDuty", "Events API v2.", []channelField{{Name: "secret", Label: "Integration key", Secret: true}}},
	{"webhook", "Webhook", "The whole message as JSON, signed, to a program of yours.", []channelField{
		{Name: "url", Label: "Address", Secret: true, Example: "https://hooks.example.com/tls"}, {Name: "secret", Label: "Secret that signs", Secret: true, Optional: true},
	}},
	{"alertmanager", "Alertmanager", "Alerts are kept firing for as long as the incident lasts.", []channelField{
		{Name: "url", Label: "Address", Secret: true, Example: "http://alertmanager.example.com:9093"}, {Name: "username", Label: "User name", Optional: true}, {Name: "password", Label: "Password", Secret: true, Optional: true},
	}},
}

func (s *Web) listChannels(r *http.Request) (*channelList, error) {
	l := &channelList{Last: map[string]*monitor.MessageStatus{}, Kinds: channelKinds}
	var err error
	if l.Channels, err = s.Service.ListChannels(r.Context()); err != nil {
		return nil, err
	}
	last, err := s.Service.Messages(r.Context(), "", 200)
	for i := range last {
		if l.Last[last[i].Channel] == nil {
			l.Last[last[i].Channel] = &last[i]
		}
	}
	return l, err
}

func (s *Web) channels(w http.ResponseWriter, r *http.Request) error {
	l, err := s.listChannels(r)
	if err != nil {
		return err
	}
	return s.render(w, r, "channels", l)
}

// channelPage is a channel with its form and its last messages.
type channelPage struct {
	Kind     channelKind
	Channel  *service.Channel // nil of a new one
	Name     string
	Values   map[string]string // of the fields that are no secret, and match, severity
	Given    []string          // secrets that are kept
	Revision string
	Next     string // where to go when it is done
	Messages []monitor.MessageStatus
	Mistakes map[string]string
}

// Kept tells whether a secret is there already.
func (p *channelPage) Kept(field string) bool { return slices.Contains(p.Given, field) }

func kindNamed(name string) (channelKind, bool) {
	i := slices.IndexFunc(channelKinds, func(k channelKind) bool { return k.Type == name })
	if i < 0 {
		return channelKind{Type: name, Name: name}, false
	}
	return channelKinds[i], true
}

func (s *Web) newChannel(w http.ResponseWriter, r *http.Request) error {
	k, ok := kindNamed(r.URL.Query().Get("type"))
	if !ok {
		return monitor.ErrNotFound
	}
	return s.render(w, r, "channel", &channelPage{Kind: k, Name: k.Type, Values: map[string]string{}, Next: local(r.URL.Query().Get("next"))})
}

func (s *Web) channel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Service.Channel(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	p := &channelPage{Channel: &c, Name: c.Name, Revision: c.Revision, Given: c.Secrets, Values: map[string]string{}}
	p.Kind, _ = kindNamed(c.Type)
	if o := c.Options; o != nil {
		p.Values = map[string]string{"to": strings.Join(o.To, ", "), "from": o.From, "server": o.Server, "tls": o.TLS, "username": o.Username,
			"match": matchText(o.Match, "\n"), "severity": string(o.MinSeverity)}
	}
	return s.showChannel(w, r, http.StatusOK, p)
}

func (s *Web) showChannel(w http.ResponseWriter, r *http.Request, status int, p *channelPage) error {
	if p.Channel != nil {
		var err error
		if p.Messages, err = s.Service.Messages(r.Context(), p.Name, 20); err != nil {
			return err
		}
	}
	return s.renderStatus(w, r, status, "channel", p)
}

// setChannel makes a channel, or changes one that was made here.
func (s *Web) setChannel(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v := func(field string) string { return strings.TrimSpace(r.PostForm.Get(field)) }
	p := &channelPage{Name: v("name"), Revision: v("revision"), Next: local(v("next")), Mistakes: map[string]string{},
		Values: map[string]string{"match": v("match"), "severity": v("severity")}}
	old := r.PathValue("name")
	if old != "" {
		c, err := s.Service.Channel(r.Context(), old)
		if err != nil {
			return err
		}
		p.Channel, p.Name, p.Given = &c, old, c.Secrets
	}
	var ok bool
	if p.Kind, ok = kindNamed(v("type")); !ok {
		return monitor.ErrNotFound
	}
	for _, f := range p.Kind.Fields {
		if !f.Secret {
			p.Values[f.Name] = v(f.Name)
		}
	}
	spec := service.ChannelSpec{Type: p.Kind.Type, URL: monitor.Secret(v("url")), Secret: monitor.Secret(v("secret")), Password: monitor.Secret(r.PostForm.Get("password")),
		Username: v("username"), Server: v("server"), TLS: v("tls"), From: v("from"), MinSeverity: monitor.Severity(v("severity")),
		To: strings.FieldsFunc(v("to"), func(c rune) bool { return c == ',' || c == ' ' || c == ';' })}
	var err error
	if spec.Match, err = parseMatch(p.Values["match"]); err != nil {
		p.Mistakes["match"] = err.Error()
		return s.showChannel(w, r, http.StatusUnprocessableEntity, p)
	}
	if c := p.Channel; c != nil && c.Options != nil { // what this form does not show stays
		spec.Template, spec.ContentType, spec.Rate = c.Options.Template, c.Options.ContentType, c.Options.Rate
	}
	if old == "" {
		_, err = s.Service.AddChannel(r.Context(), p.Name, spec)
	} else {
		_, err = s.Service.ChangeChannel(r.Context(), old, p.Revision, spec)
	}
	var lost *service.KeyLostError
	field, msg, wrong := mistakeOf(err)
	switch {
	case wrong:
		p.Mistakes[field] = msg
	case errors.Is(err, monitor.ErrExists):
		p.Mistakes["name"] = "There is a channel of that name."
	case errors.Is(err, monitor.ErrChanged):
		p.Mistakes["options"] = "Somebody else has changed it meanwhile. Load the page again to see what it is now."
	case errors.As(err, &lost):
		p.Mistakes["options"] = lost.Error()
	case err != nil:
		return err
	}
	if len(p.Mistakes) > 0 {
		return s.showChannel(w, r, http.StatusUnprocessableEntity, p)
	}
	next := p.Next
	if next == "/" {
		next = "/settings/channels/" + p.Name
	}
	return s.done(w, r, next, "The channel "+p.Name+" is in use. Send a test to see whether it arrives.")
}

// testWait is how long a page waits for the first try of a test.
const testWait = 12 * time.Second

func (s *Web) testChannel(w http.ResponseWriter, r *http.Request) error {
	name, next := r.PathValue("name"), local(r.PostFormValue("next"))
	if next == "/" {
		next = "/settings/channels"
	}
	key, err := s.Service.TestChannel(r.Context(), name)
	if err != nil {
		return err
	}
	m, err := s.outcome(r.Context(), key)
	switch {
	case err != nil:
		return err
	case m.State == "sent":
		return s.done(w, r, next, "The test was accepted by "+name+".")
	case len(m.Tried) > 0:
		return s.notDone(w, r, next, "The test did not reach "+name+": "+m.Last)
	}
	return s.done(w, r, next, "The test for "+name+" is on its way. Load this page again to see what became of it.")
}

// outcome waits for what comes of the first try of a message.
func (s *Web) outcome(ctx context.Context, key string) (monitor.MessageStatus, error) {
	end := time.NewTimer(testWait)
	defer end.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		m, err := s.Service.Message(ctx, key)
		if err != nil || len(m.Tried) > 0 {
			return m, err
		}
		select {
		case <-ctx.Done():
			return m, ctx.Err()
		case <-end.C:
			return m, nil
		case <-again.C:
		}
	}
}

func (s *Web) askRemoveChannel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Service.Channel(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	if c.Source != monitor.SourceAPI {
		return monitor.ErrReadOnly
	}
	return s.render(w, r, "sure", confirm{Title: "Remove the channel " + c.Name + "?", Text: "Nobody is told by it from then on, and what still waits for it is given up. Its secrets are forgotten.",
		Action: "/settings/channels/" + c.Name + "/remove", Button: "Remove the channel", Back: "/settings/channels/" + c.Name})
}

func (s *Web) removeChannel(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := s.Service.RemoveChannel(r.Context(), name, ""); err != nil {
		return err
	}
	return s.done(w, r, "/settings/channels", "The channel "+name+" was removed.")
}
