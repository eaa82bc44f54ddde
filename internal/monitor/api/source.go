package api

import (
	"context"
	"net/http"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

func (a *API) sources() {
	const tag = "sources"
	register(a, operation(http.MethodGet, "/sources", "list-sources", "List the sources of endpoints, and how they are", tag, monitor.ScopeRead),
		func(ctx context.Context, _ *struct{}) (*ListOutput[service.Source], error) {
			all, err := a.Service.ListSources(ctx)
			return listed(monitor.Page[service.Source]{Items: all}, false, same[service.Source]), err
		})
	register(a, operation(http.MethodPost, "/sources/{name}/confirm", "confirm-source", "Believe a source that has lost many endpoints: they are no longer watched", tag, monitor.ScopeEndpoints, 404),
		func(ctx context.Context, in *struct {
			Name string `path:"name" maxLength:"200"`
		}) (*struct{}, error) {
			return nil, a.Service.ConfirmSource(ctx, in.Name)
		})
}
