package service

import (
	"context"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// Deliveries are the messages about an incident with what became of them, the
// oldest first.
func (s *Service) Deliveries(ctx context.Context, incident string) ([]monitor.MessageStatus, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return nil, err
	}
	return s.Store.Deliveries(ctx, incident)
}

// Messages are the last messages of a channel ("" is of all), the newest first.
func (s *Service) Messages(ctx context.Context, channel string, n int) ([]monitor.MessageStatus, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return nil, err
	}
	return s.Store.Messages(ctx, channel, "", n)
}

// Message is the one of a key, such as that of a test.
func (s *Service) Message(ctx context.Context, key string) (monitor.MessageStatus, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.MessageStatus{}, err
	}
	ms, err := s.Store.Messages(ctx, "", key, 1)
	if err != nil {
		return monitor.MessageStatus{}, err
	}
	if len(ms) == 0 {
		return monitor.MessageStatus{}, monitor.ErrNotFound
	}
	return ms[0], nil
}
