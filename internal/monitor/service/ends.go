package service

import (
	"context"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// Ends counts leaf certificates by when they end.
func (s *Service) Ends(ctx context.Context, q monitor.EndsQuery) (monitor.Ends, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Ends{}, err
	}
	return s.Store.Ends(ctx, q)
}
