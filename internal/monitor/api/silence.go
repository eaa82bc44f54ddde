package api

import (
	"context"
	"net/http"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

// SilenceSpec is what somebody says of a silence. One that begins later is a
// maintenance window.
type SilenceSpec struct {
	From  *time.Time        `json:"from,omitempty" doc:"Now where it is missing"`
	Until time.Time         `json:"until"`
	Match map[string]string `json:"match" minProperties:"1" maxProperties:"20" doc:"endpoint, target, owner, cause, severity or a tag; all must be equal"`
	Note  string            `json:"note,omitempty" maxLength:"4000" example:"moving to the new load balancer"`
}

func (s *SilenceSpec) silence(id string) monitor.Silence {
	x := monitor.Silence{ID: id, Until: s.Until, Match: s.Match, Note: s.Note}
	if s.From != nil {
		x.From = *s.From
	}
	return x
}

func (a *API) silences() {
	const tag = "silences"
	type one = Output[monitor.Silence]
	register(a, operation(http.MethodGet, "/silences", "list-silences", "List silences and maintenance windows", tag, monitor.ScopeRead),
		func(ctx context.Context, in *struct {
			Over bool `query:"over" doc:"Also those that are over"`
		}) (*ListOutput[monitor.Silence], error) {
			all, err := a.Service.Silences(ctx, in.Over)
			return listed(monitor.Page[monitor.Silence]{Items: all}, false, same[monitor.Silence]), err
		})
	register(a, answering(operation(http.MethodPost, "/silences", "add-silence", "Keep matching incidents from being told", tag, monitor.ScopeSilences, 422), http.StatusCreated),
		func(ctx context.Context, in *struct{ Body SilenceSpec }) (*one, error) {
			x, err := a.Service.SetSilence(ctx, in.Body.silence(""))
			return &one{x}, err
		})
	register(a, operation(http.MethodGet, "/silences/{id}", "get-silence", "One silence", tag, monitor.ScopeRead, 404),
		func(ctx context.Context, in *IDInput) (*one, error) {
			x, err := a.Service.Silence(ctx, in.ID)
			return &one{x}, err
		})
	register(a, operation(http.MethodPut, "/silences/{id}", "change-silence", "Replace a silence", tag, monitor.ScopeSilences, 404, 422),
		func(ctx context.Context, in *struct {
			IDInput
			Body SilenceSpec
		}) (*one, error) {
			x, err := a.Service.SetSilence(ctx, in.Body.silence(in.ID))
			return &one{x}, err
		})
	register(a, operation(http.MethodDelete, "/silences/{id}", "remove-silence", "End a silence; what it held back is told then", tag, monitor.ScopeSilences, 404),
		func(ctx context.Context, in *IDInput) (*struct{}, error) {
			return nil, a.Service.RemoveSilence(ctx, in.ID)
		})
}

// others are what fits nowhere else.
func (a *API) others() {
	register(a, operation(http.MethodPost, "/diagnose", "diagnose", "Diagnose a target now", "diagnose", monitor.ScopeDiagnose, 422, 503),
		func(ctx context.Context, in *struct{ Body service.DiagnoseRequest }) (*Output[*diag.Diagnosis], error) {
			d, err := a.Service.DiagnoseNow(ctx, in.Body)
			return &Output[*diag.Diagnosis]{d}, err
		})
	register(a, operation(http.MethodGet, "/health", "get-health", "How the monitor itself is", "monitor", monitor.ScopeRead),
		func(ctx context.Context, _ *struct{}) (*Output[monitor.Health], error) {
			h, err := a.Service.Health(ctx)
			return &Output[monitor.Health]{h}, err
		})
}
