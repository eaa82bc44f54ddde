package access

import (
	"context"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Sessions are one's own that have not ended, the last used first.
func (k *Keeper) Sessions(ctx context.Context) ([]monitor.Session, error) {
	p := From(ctx)
	if p == nil {
		return nil, ErrNobody
	}
	all, err := k.accounts.Sessions(ctx, p.User)
	now := time.Now()
	return slices.DeleteFunc(all, func(s monitor.Session) bool { return ended(&s, now) }), err
}

// EndSession ends one of one's own sessions.
func (k *Keeper) EndSession(ctx context.Context, id string) error {
	all, err := k.Sessions(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(s monitor.Session) bool { return s.ID == id }) {
		return monitor.ErrNotFound
	}
	if err := k.accounts.RemoveSession(ctx, id); err != nil {
		return err
	}
	return k.Note(ctx, From(ctx), "session-ended", cut(id, 12), "")
}

// ended tells whether a session is over by its age, or for not being used.
func ended(s *monitor.Session, now time.Time) bool {
	return now.Sub(s.Created) > lastFor || now.Sub(s.Seen) > idleFor
}
