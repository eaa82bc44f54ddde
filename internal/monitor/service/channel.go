package service

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// Vault seals what is secret; place says what it is. See package seal.
type Vault interface {
	Seal(place string, plain []byte) ([]byte, error)
	Open(place string, sealed []byte) ([]byte, error)
	// Lost tells that the key is gone, Renew makes a new one then.
	Lost() bool
	Renew() error
}

// Channel is a channel as a list shows it: without secrets.
type Channel struct {
	Name   string `json:"name" doc:"What routes call it" example:"ops-mail"`
	Type   string `json:"type" example:"email"`
	Source string `json:"source" enum:"file,api" doc:"Who decides on it: the configuration file or this API"`
	To     string `json:"to" doc:"Where it leads, secrets left out" example:"ops@example.com"`
	// Error is why nothing is delivered by it.
	Error string `json:"error,omitempty" doc:"Why it cannot be used"`
	// Of channels that were made here:
	Revision string       `json:"revision,omitempty"`
	Changed  *time.Time   `json:"changed,omitempty"`
	Options  *ChannelSpec `json:"options,omitempty" doc:"As it was sent, without what is secret"`
	Secrets  []string     `json:"secrets,omitempty" doc:"What it was given and is never shown" example:"[\"url\"]"`
}

// ChannelSpec is what somebody says of a channel. Which values count depends on
// the type. Secrets are never returned: what a change leaves out stays, as long
// as the channel leads to the same place.
type ChannelSpec struct {
	Type     string                    `json:"type" enum:"email,webhook,slack,teams,telegram,pagerduty,alertmanager"`
	URL      monitor.Secret            `json:"url,omitempty" maxLength:"2000" writeOnly:"true" doc:"Where to post; it may hold a token and is never returned"`
	Secret   monitor.Secret            `json:"secret,omitempty" maxLength:"2000" writeOnly:"true" doc:"Signs webhooks; the bot's token of telegram, the routing key of pagerduty"`
	Headers  map[string]monitor.Secret `json:"headers,omitempty" maxProperties:"20" writeOnly:"true" doc:"Go with every request"`
	Password monitor.Secret            `json:"password,omitempty" maxLength:"2000" writeOnly:"true"`
	Username string                    `json:"username,omitempty" maxLength:"200"`
	Server   string                    `json:"server,omitempty" maxLength:"300" doc:"Of e-mail: HOST:PORT" example:"mx.example.com:587"`
	TLS      string                    `json:"tls,omitempty" enum:"starttls,tls,none" doc:"Of e-mail: starttls where it is missing"`
	From     string                    `json:"from,omitempty" maxLength:"300"`
	To       []string                  `json:"to,omitempty" maxItems:"50" doc:"Mail addresses, or the one chat of telegram"`

	Template    string `json:"template,omitempty" maxLength:"20000" doc:"Of webhooks: Go's text/template of the body"`
	ContentType string `json:"content_type,omitempty" maxLength:"100" doc:"Of what the template makes"`

	Match       map[string]string `json:"match,omitempty" maxProperties:"20" doc:"What it hears of: endpoint, target, owner, cause, severity or a tag; all must be equal. Empty is everything"`
	MinSeverity monitor.Severity  `json:"min_severity,omitempty" enum:"warning,critical"`
	Rate        int               `json:"rate,omitempty" minimum:"1" maximum:"1000" doc:"Messages in ten minutes, beyond which they are joined to one digest; 30 where it is missing"`
}

// Route is the way to the channel: its own, beside those of the file.
func (c *ChannelSpec) Route(name string) monitor.Route {
	return monitor.Route{Match: c.Match, MinSeverity: c.MinSeverity, Channels: []string{name}, Continue: true}
}

// secrets are what is never shown.
func (c *ChannelSpec) secrets() map[string]string {
	out := map[string]string{"url": string(c.URL), "secret": string(c.Secret), "password": string(c.Password)}
	for k, v := range c.Headers {
		out["header "+k] = string(v)
	}
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}

// shown is the channel without them.
func (c ChannelSpec) shown() *ChannelSpec {
	c.URL, c.Secret, c.Password, c.Headers = "", "", "", nil
	return &c
}

// place is where a channel leads, as far as its secrets are concerned: they are
// sent nowhere else than where they were meant for.
func (c *ChannelSpec) place() string {
	u, err := url.Parse(string(c.URL))
	if err != nil {
		return string(c.URL)
	}
	return strings.Join([]string{c.Type, c.Server, c.TLS, u.Scheme, u.Host, c.Username}, "\x00")
}

// keep fills in the secrets that a change leaves out.
func (c *ChannelSpec) keep(old *ChannelSpec) error {
	if c.URL == "" && c.Type == old.Type {
		c.URL = old.URL
	}
	var left []string
	fill := func(what string, v *monitor.Secret, was monitor.Secret) {
		if *v == "" && was != "" {
			*v = was
			left = append(left, what)
		}
	}
	fill("secret", &c.Secret, old.Secret)
	fill("password", &c.Password, old.Password)
	if c.Headers == nil && len(old.Headers) > 0 {
		c.Headers = old.Headers
		left = append(left, "headers")
	}
	if len(left) > 0 && c.place() != old.place() {
		return invalid(left[0], "give it again: the channel leads to another place now")
	}
	return nil
}

// sealed is what is stored of a channel. The shown part is sealed as well: it
// says who is told of what.
type sealed struct {
	Options ChannelSpec       `json:"options"`
	Secrets map[string]string `json:"secrets"`
}

func place(name string) string { return "channel " + name }

// OpenChannel reads a channel that is kept.
func OpenChannel(v Vault, c *monitor.KeptChannel) (ChannelSpec, error) {
	raw, err := v.Open(place(c.Name), c.Sealed)
	if err != nil {
		return ChannelSpec{}, fmt.Errorf("the secrets of the channel cannot be read: %w", err)
	}
	var x sealed
	if err := json.Unmarshal(raw, &x); err != nil {
		return ChannelSpec{}, fmt.Errorf("the channel was written by another version: %w", err)
	}
	s := x.Options
	for k, v := range x.Secrets {
		switch k {
		case "url":
			s.URL = monitor.Secret(v)
		case "secret":
			s.Secret = monitor.Secret(v)
		case "password":
			s.Password = monitor.Secret(v)
		default:
			if s.Headers == nil {
				s.Headers = map[string]monitor.Secret{}
			}
			s.Headers[strings.TrimPrefix(k, "header ")] = monitor.Secret(v)
		}
	}
	return s, nil
}

// Describe is a kept channel as it is shown; spec is nil where it could not be
// opened.
func Describe(c *monitor.KeptChannel, spec *ChannelSpec, err error) Channel {
	out := Channel{Name: c.Name, Type: c.Type, Source: monitor.SourceAPI, Revision: c.Revision(), Changed: &c.Changed}
	if err != nil {
		out.Error = err.Error()
	}
	if spec != nil {
		out.To, out.Options, out.Secrets = Leads(spec.URL, spec.Server, spec.To), spec.shown(), slices.Sorted(maps.Keys(spec.secrets()))
	}
	return out
}

// Leads says where a channel leads: recipients, else the host of its URL, the
// rest of which may be a token.
func Leads(address monitor.Secret, server string, to []string) string {
	if len(to) > 0 {
		return strings.Join(to, ", ")
	}
	if u, err := url.Parse(string(address)); err == nil && address != "" {
		return u.Host
	}
	return server
}

var goodName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Channel is one of them.
func (s *Service) Channel(ctx context.Context, name string) (Channel, error) {
	all, err := s.ListChannels(ctx)
	if err != nil {
		return Channel{}, err
	}
	if i := slices.IndexFunc(all, func(c Channel) bool { return c.Name == name }); i >= 0 {
		return all[i], nil
	}
	return Channel{}, monitor.ErrNotFound
}

// AddChannel makes a channel. It is used at once.
func (s *Service) AddChannel(ctx context.Context, name string, spec ChannelSpec) (Channel, error) {
	p, err := access.Require(ctx, monitor.ScopeChannels)
	if err != nil {
		return Channel{}, err
	}
	if !goodName.MatchString(name) {
		return Channel{}, invalid("name", "small letters, digits, _ and -, at most 64")
	}
	if slices.ContainsFunc(s.Channels(), func(c Channel) bool { return c.Name == name }) {
		return Channel{}, monitor.ErrExists
	}
	kept, err := s.sealChannel(ctx, name, &spec)
	if err != nil {
		return Channel{}, err
	}
	if err := s.Store.AddChannel(ctx, kept); err != nil {
		return Channel{}, err
	}
	return s.channelChanged(ctx, p, "channel-added", name, spec.Type)
}

// ChangeChannel replaces a channel that was made here, if it still is as the
// revision says; "" does not ask. Secrets that are left out stay.
func (s *Service) ChangeChannel(ctx context.Context, name, revision string, spec ChannelSpec) (Channel, error) {
	p, err := access.Require(ctx, monitor.ScopeChannels)
	if err != nil {
		return Channel{}, err
	}
	old, err := s.kept(ctx, name)
	if err != nil {
		return Channel{}, err
	}
	if was, err := OpenChannel(s.Vault, old); err == nil { // else all is given anew
		if err := spec.keep(&was); err != nil {
			return Channel{}, err
		}
	}
	kept, err := s.sealChannel(ctx, name, &spec)
	if err != nil {
		return Channel{}, err
	}
	if err := s.Store.ChangeChannel(ctx, revision, kept); err != nil {
		return Channel{}, err
	}
	return s.channelChanged(ctx, p, "channel-changed", name, spec.Type)
}

// RemoveChannel removes a channel that was made here. What still waits for it is
// given up.
func (s *Service) RemoveChannel(ctx context.Context, name, revision string) error {
	p, err := access.Require(ctx, monitor.ScopeChannels)
	if err != nil {
		return err
	}
	if _, err := s.kept(ctx, name); err != nil {
		return err
	}
	if err := s.Store.RemoveChannel(ctx, name, revision); err != nil {
		return err
	}
	return errors.Join(s.ChannelsChanged(), s.done(ctx, p, "channel-removed", name, ""))
}

// kept is a channel that was made here; ErrReadOnly for one of the file.
func (s *Service) kept(ctx context.Context, name string) (*monitor.KeptChannel, error) {
	all, err := s.Store.KeptChannels(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(c monitor.KeptChannel) bool { return c.Name == name }); i >= 0 {
		return &all[i], nil
	}
	if slices.ContainsFunc(s.Channels(), func(c Channel) bool { return c.Name == name }) {
		return nil, monitor.ErrReadOnly
	}
	return nil, monitor.ErrNotFound
}

// sealChannel checks a channel and seals it.
func (s *Service) sealChannel(ctx context.Context, name string, spec *ChannelSpec) (monitor.KeptChannel, error) {
	for k := range spec.Match {
		if len(k) > 100 || len(spec.Match[k]) > 300 {
			return monitor.KeptChannel{}, invalid("match", "names of at most 100 bytes, values of at most 300")
		}
	}
	if spec.MinSeverity != "" && spec.MinSeverity.Rank() == 0 {
		return monitor.KeptChannel{}, invalid("min_severity", "warning or critical")
	}
	if err := s.CheckChannel(spec); err != nil {
		return monitor.KeptChannel{}, invalid("options", err.Error())
	}
	if s.Vault.Lost() {
		all, err := s.Store.KeptChannels(ctx)
		switch {
		case err != nil:
			return monitor.KeptChannel{}, err
		case len(all) > 0:
			return monitor.KeptChannel{}, &KeyLostError{}
		}
		// Nothing is left that the lost key has sealed.
		if err := s.Vault.Renew(); err != nil {
			return monitor.KeptChannel{}, err
		}
	}
	raw, err := json.Marshal(sealed{Options: *spec.shown(), Secrets: spec.secrets()})
	if err != nil {
		return monitor.KeptChannel{}, err
	}
	box, err := s.Vault.Seal(place(name), raw)
	return monitor.KeptChannel{Name: name, Type: spec.Type, Changed: time.Now().UTC(), Sealed: box}, err
}

// KeyLostError is a secret that cannot be sealed, because the key is gone while
// there is something that it has sealed.
type KeyLostError struct{}

// Error implements error.
func (*KeyLostError) Error() string {
	return "the key file of the secrets is gone: put it back and start the monitor again, or remove the channels that it sealed and make them anew; a new key is made then"
}

func (s *Service) channelChanged(ctx context.Context, p *access.Somebody, action, name, kind string) (Channel, error) {
	err := errors.Join(s.ChannelsChanged(), s.done(ctx, p, action, name, kind))
	if err != nil {
		return Channel{}, err
	}
	return s.Channel(context.WithoutCancel(access.With(ctx, p)), name)
}

// ListChannels lists the channels.
func (s *Service) ListChannels(ctx context.Context) ([]Channel, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return nil, err
	}
	return s.Channels(), nil
}

// TestChannel sends a message that says it is a test, and returns its key.
func (s *Service) TestChannel(ctx context.Context, name string) (string, error) {
	p, err := access.Require(ctx, monitor.ScopeChannels)
	if err != nil {
		return "", err
	}
	all := s.Channels()
	i := slices.IndexFunc(all, func(c Channel) bool { return c.Name == name })
	switch {
	case i < 0:
		return "", monitor.ErrNotFound
	case all[i].Error != "":
		return "", invalid("name", all[i].Error)
	}
	now := time.Now().UTC()
	key := "test-" + strings.ToLower(rand.Text()[:12])
	m := monitor.Message{Key: key, Channel: name, Kind: monitor.KindTest, Group: key, At: now, Due: now} // it waits for no other test
	if err := s.Store.Enqueue(ctx, m); err != nil {
		return "", err
	}
	if s.Changed != nil {
		s.Changed()
	}
	return m.Key, s.done(ctx, p, "channel-tested", name, "")
}
