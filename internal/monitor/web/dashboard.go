package web

import (
	"net/http"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// dashboard is what needs attention, and how the monitor itself is.
type dashboard struct {
	Health monitor.Health
}

func (s *Web) dashboard(w http.ResponseWriter, r *http.Request) error {
	h, err := s.Service.Health(r.Context())
	if err != nil {
		return err
	}
	return s.render(w, r, "dashboard", dashboard{Health: h})
}
