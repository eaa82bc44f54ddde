package storetest

import (
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// channels examines a monitor.ChannelEditor.
func channels(b bench) {
	e, ok := b.Store.(monitor.ChannelEditor)
	if !ok {
		b.Skip("the store keeps no channels")
	}
	c := monitor.KeptChannel{Name: "mail", Type: "email", Changed: Start, Sealed: []byte{1, 0, 0xff}}
	b.ok(e.AddChannel(b.Context(), c))
	if err := e.AddChannel(b.Context(), c); !errors.Is(err, monitor.ErrExists) {
		b.Errorf("added twice: got %v", err)
	}
	old := c.Revision()
	c.Sealed = []byte{2}
	b.ok(e.ChangeChannel(b.Context(), old, c))
	if err := e.ChangeChannel(b.Context(), old, c); !errors.Is(err, monitor.ErrChanged) {
		b.Errorf("changed with an old revision: got %v", err)
	}
	got, err := e.KeptChannels(b.Context())
	b.ok(err)
	if len(got) != 1 || got[0].Name != "mail" || got[0].Revision() != c.Revision() || !got[0].Changed.Equal(Start) {
		b.Errorf("got %+v", got)
	}
	// What waits goes with the channel, and stays in its history.
	b.endpoints(1)
	b.check(Start, "cert-expired")
	b.check(Start.Add(10*time.Minute), "cert-expired")
	if err := e.RemoveChannel(b.Context(), "mail", old); !errors.Is(err, monitor.ErrChanged) {
		b.Errorf("removed with an old revision: got %v", err)
	}
	b.ok(e.RemoveChannel(b.Context(), "mail", ""))
	h, err := b.Health(b.Context(), Start)
	b.ok(err)
	sent, err := b.Store.(monitor.Browser).Messages(b.Context(), "mail", "", 10)
	b.ok(err)
	if h.Outbox != 0 || len(sent) != 1 || sent[0].State != "failed" {
		b.Errorf("got %+v and %+v", h, sent)
	}
	// Nor does the end of what it was told of wait for it.
	for n := range 4 {
		b.check(Start.Add(time.Duration(20+10*n)*time.Minute), "")
	}
	h, err = b.Health(b.Context(), Start)
	b.ok(err)
	if h.Open != 0 || h.Outbox != 0 {
		b.Errorf("after the end got %+v", h)
	}
	for name, err := range map[string]error{"changed": e.ChangeChannel(b.Context(), "", c), "removed": e.RemoveChannel(b.Context(), "mail", "")} {
		if !errors.Is(err, monitor.ErrNotFound) {
			b.Errorf("%s what is not there: got %v", name, err)
		}
	}
}
