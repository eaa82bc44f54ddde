package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/alert"
	"github.com/tlswhy/tlswhy/internal/monitor/config"
	"github.com/tlswhy/tlswhy/internal/monitor/seal"
	monitorservice "github.com/tlswhy/tlswhy/internal/monitor/service"
)

// keyName is the file in the monitor's data folder without which the secrets in
// its database cannot be read.
const keyName = "tlswhy.key"

// openVault opens what seals the secrets of the database.
func openVault(ctx context.Context, store memory, f *serveFlags) (*seal.Vault, error) {
	kept, err := store.KeptChannels(ctx)
	if err != nil {
		return nil, err
	}
	return seal.Open(cmp.Or(f.secretKey, filepath.Join(f.data, keyName)), len(kept) > 0)
}

// told are the channels in use: those of the file, and beside them those that
// were made by the API.
type told struct {
	mu     sync.Mutex
	file   map[string]monitor.Channel
	routes []monitor.Route // of the API's
	rates  map[string]int
	shown  []monitorservice.Channel
	made   map[string]monitor.Channel // of the API's, by name and revision
	broken error                      // why the secrets cannot be read
}

// set makes the channels of the file the ones in use, beside the API's.
func (t *told) set(ctx context.Context, s *service, file map[string]monitor.Channel) error {
	t.mu.Lock()
	t.file, t.made = file, nil // what may be reached may have changed
	t.mu.Unlock()
	return t.reload(ctx, s)
}

// reload takes into use what is stored.
func (t *told) reload(ctx context.Context, s *service) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, err := s.store.KeptChannels(ctx)
	if err != nil {
		return err
	}
	c := s.config.Load()
	all, shown := map[string]monitor.Channel{}, []monitorservice.Channel{}
	rates := map[string]int{}
	for name, ch := range t.file {
		all[name] = ch
		x := c.Channels[name]
		rates[name], _ = alert.Rate(x.Type, x.Rate) // checked when it was read
		shown = append(shown, monitorservice.Channel{Name: name, Type: x.Type, Source: monitor.SourceFile, To: monitorservice.Leads(x.URL, x.Server, x.To)})
	}
	made := map[string]monitor.Channel{}
	t.routes, t.broken = nil, nil
	for i := range kept {
		k := &kept[i]
		spec, err := monitorservice.OpenChannel(s.vault, k)
		opened := &spec
		var ch monitor.Channel
		switch _, taken := t.file[k.Name]; {
		case err != nil:
			opened, t.broken = nil, err
		case taken:
			err = fmt.Errorf("the configuration file has a channel of this name, which is used instead")
		default:
			id := k.Name + " " + k.Revision()
			if ch = t.made[id]; ch == nil {
				ch, err = alert.New(keptOptions(s, &spec))
			}
			made[id] = ch
		}
		shown = append(shown, monitorservice.Describe(k, opened, err))
		if err != nil {
			s.log.Error("a channel cannot be used", "channel", k.Name, "err", err)
			continue
		}
		all[k.Name] = ch
		rates[k.Name], _ = alert.Rate(spec.Type, spec.Rate)
		t.routes = append(t.routes, spec.Route(k.Name))
	}
	slices.SortFunc(shown, func(a, b monitorservice.Channel) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(b.Source, a.Source))
	})
	t.shown, t.made, t.rates = shown, made, rates
	s.deliver.Set(ctx, all)
	return nil
}

// list are the channels without what is secret in them.
func (t *told) list() []monitorservice.Channel {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.shown)
}

// ways are the routes to the channels of the API, beside those of the file, and
// the rates of all. Neither is written to later.
func (t *told) ways() ([]monitor.Route, map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.routes, t.rates
}

// unreadable is why the secrets of channels cannot be read, or nil.
func (t *told) unreadable() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.broken
}

// fileChannels makes the channels of the configuration.
func fileChannels(c *config.Config) (map[string]monitor.Channel, error) {
	out := map[string]monitor.Channel{}
	for name, ch := range c.Channels {
		made, err := alert.New(channelOptions(&ch, c))
		if err != nil {
			return nil, fmt.Errorf("channel %q: %w", name, err)
		}
		out[name] = made
	}
	return out, nil
}

// keptOptions are those of a channel of the API. Whatever it dials is judged by
// the rule for what the API adds; no proxy hides the address.
func keptOptions(s *service, x *monitorservice.ChannelSpec) alert.Options {
	o := keptValues(x)
	p := s.outside()
	o.ExternalURL, o.Client = s.config.Load().ExternalURL, &http.Client{Transport: p.Transport()}
	o.Control = p.Control
	return o
}

func keptValues(x *monitorservice.ChannelSpec) alert.Options {
	return alert.Options{Type: x.Type, URL: x.URL, Secret: x.Secret, Header: x.Headers, Template: x.Template, ContentType: x.ContentType,
		Server: x.Server, TLS: x.TLS, From: x.From, To: x.To, Username: x.Username, Password: x.Password}
}

// checkKept says what is wrong with a channel that somebody sends.
func checkKept(x *monitorservice.ChannelSpec) error {
	if alert.LocalOnly(x.Type) {
		return fmt.Errorf("channels of type %s are made by the configuration file only", x.Type)
	}
	if _, err := alert.New(keptValues(x)); err != nil {
		return err
	}
	_, err := alert.Rate(x.Type, x.Rate)
	return err
}
