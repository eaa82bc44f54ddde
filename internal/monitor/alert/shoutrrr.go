package alert

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// shoutrrr hands messages to the services that the library of that name knows,
// for those that have no channel of their own here. Its sends take no context
// and its errors are words, so the end of the wait is an ambiguous answer, and
// every other failure is worth another try. It dials by itself, too: where its
// first request goes is judged beforehand, and redirects are not.
type shoutrrr struct {
	service types.Service
	scheme  string
	secrets []string
	busy    chan struct{} // holds one while a send runs, after its wait too
	host    string        // where it sends to, "" for the address of a public service
	control func(network, address string, c syscall.RawConn) error
}

// hosted are the services whose URL names a host; that of the others holds a
// token in its place, which is no business of the DNS.
var hosted = []string{"bark", "generic", "gotify", "matrix", "mattermost", "ntfy", "opsgenie", "rocketchat", "signal", "smtp", "zulip"}

// maxShoutrrr fits the narrowest of the services; the library cuts what is
// still too long for one.
const maxShoutrrr = 1900

func newShoutrrr(o Options) (*shoutrrr, error) {
	raw := string(o.URL)
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || rest == "" {
		return nil, errors.New("url must be one of shoutrrr's, such as ntfy://ntfy.sh/topic")
	}
	service, err := (&router.ServiceRouter{}).Locate(raw)
	s := &shoutrrr{service: service, scheme: scheme, busy: make(chan struct{}, 1)}
	s.secrets = append(strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("/@:?&=", r) }), raw, rest, url.QueryEscape(raw))
	if err != nil {
		return nil, fmt.Errorf("url of %s: %s", scheme, s.hide(err))
	}
	kind, _, _ := strings.Cut(scheme, "+") // generic+https
	if u, err := url.Parse(raw); err == nil && o.Control != nil && slices.Contains(hosted, kind) {
		s.host, s.control = u.Hostname(), o.Control
	}
	return s, nil
}

// reach says whether the addresses of the host may be dialled. What cannot be
// resolved is left to the library to complain of.
func (s *shoutrrr) reach(ctx context.Context) error {
	if s.host == "" {
		return nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", s.host)
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if err := s.control("tcp", netip.AddrPortFrom(a.Unmap(), 443).String(), nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *shoutrrr) hide(err error) string {
	x := sender{secrets: s.secrets}
	return x.hide([]byte(err.Error()))
}

// Notify implements monitor.Channel.
func (s *shoutrrr) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return true, &monitor.DeliveryError{Err: fmt.Errorf("%s has not ended the send before: %w", s.scheme, ctx.Err())}
	}
	if err := s.reach(ctx); err != nil {
		<-s.busy
		return true, fmt.Errorf("%s: %w", s.scheme, err)
	}
	result := make(chan error, 1)
	go func() {
		params := &types.Params{}
		params.SetTitle(cut(Subject(&m), 200))
		err := s.service.Send(cut(Text(&m), maxShoutrrr), params)
		<-s.busy
		result <- err
	}()
	select {
	case err := <-result:
		if err == nil {
			return false, nil
		}
		return true, fmt.Errorf("%s: %s", s.scheme, s.hide(err))
	case <-ctx.Done():
		return true, &monitor.DeliveryError{Err: fmt.Errorf("%s gave no answer: %w", s.scheme, ctx.Err()), Ambiguous: true}
	}
}
