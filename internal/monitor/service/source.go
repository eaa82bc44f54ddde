package service

import (
	"context"
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// Source is a place that names endpoints, and how it is.
type Source struct {
	Name      string     `json:"name" example:"cmdb"`
	Endpoints int        `json:"endpoints" doc:"That are watched because of it"`
	Loaded    *time.Time `json:"loaded,omitempty" doc:"When it was read last"`
	Error     string     `json:"error,omitempty" doc:"Why it cannot be read; what it named stays"`
	Held      *int       `json:"held,omitempty" doc:"So many endpoints it names now, fewer than are believed before somebody confirms it"`
	Since     *time.Time `json:"since,omitempty" doc:"Of error or held"`
}

// ListSources lists the sources of endpoints.
func (s *Service) ListSources(ctx context.Context) ([]Source, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return nil, err
	}
	if s.Sources == nil {
		return []Source{}, nil
	}
	return s.Sources(), nil
}

// ConfirmSource believes a source that names far fewer endpoints than before:
// the others are no longer watched. ErrNotFound when nothing is held.
func (s *Service) ConfirmSource(ctx context.Context, name string) error {
	p, err := access.Require(ctx, monitor.ScopeEndpoints)
	if err != nil {
		return err
	}
	if s.Confirm == nil {
		return monitor.ErrNotFound
	}
	if err := s.Confirm(context.WithoutCancel(ctx), name); err != nil {
		if errors.Is(err, monitor.ErrNotFound) {
			return monitor.ErrNotFound
		}
		return err
	}
	return s.done(ctx, p, "source-confirmed", name, "")
}
