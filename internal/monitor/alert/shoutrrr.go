package alert

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// shoutrrr hands messages to the services that the library of that name knows,
// for those that have no channel of their own here. Its sends take no context
// and its errors are words, so the end of the wait is an ambiguous answer, and
// every other failure is worth another try.
type shoutrrr struct {
	service types.Service
	scheme  string
	secrets []string
	busy    chan struct{} // holds one while a send runs, after its wait too
}

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
	return s, nil
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
