// Package api is the monitor's HTTP API: it turns requests into calls of package
// service and answers into JSON, errors into problems (RFC 9457), and describes
// itself in OpenAPI 3.1. It decides nothing.
//
//	h := api.New(api.Options{Service: s, Keeper: keeper, Version: "1.2"})
//	http.Handle("/", h)
package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/server"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

// Options are what the API needs. Service and Keeper are required.
type Options struct {
	Service *service.Service
	Keeper  *access.Keeper
	Version string
	Log     *slog.Logger
	// Plain are routes that are no part of the typed API, but of its description.
	Plain []Plain
}

// Plain is a route that answers by itself.
type Plain struct {
	Method, Path string
	ID, Summary  string
	Type         string        // of the answer
	Scope        monitor.Scope // "" is open to everybody
	Query        []*huma.Param
	Handler      http.Handler
}

// Prefix is the path of the API.
const Prefix = "/api/v1"

// API answers requests. The requests it is given must carry an access.Origin.
type API struct {
	Options
	mux  *http.ServeMux
	huma huma.API
}

// New makes the API.
func New(o Options) *API {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{Options: o, mux: http.NewServeMux()}
	c := huma.DefaultConfig("tlswhy", o.Version)
	c.Info.Description = "What tlswhy serve knows and does. Errors are problem details (RFC 9457). " +
		"Lists come in pages: repeat the request with the cursor that an answer names as next."
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	// The description and its schemas are served here, behind the login.
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.RejectUnknownQueryParameters = true
	c.Transformers = append(c.Transformers, withoutBody)
	c.Servers = []*huma.Server{{URL: ".", Description: "relative to this document"}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token, made under /api/v1/tokens. Its scopes are those that an operation names."},
		"session": {Type: "apiKey", In: "cookie", Name: server.CookieSecure, Description: "The cookie of a login. Without TLS its name is " + server.CookiePlain + "."},
	}
	a.huma = humago.New(a.mux, c)
	a.endpoints()
	a.certificates()
	a.incidents()
	a.silences()
	a.channels()
	a.sources()
	a.others()
	a.accounts()
	for i := range o.Plain {
		a.plain(&o.Plain[i])
	}
	a.plain(&Plain{Method: http.MethodGet, Path: "/openapi.json", ID: "openapi", Summary: "This description", Type: "application/json", Scope: anybody, Handler: http.HandlerFunc(a.description)})
	return a
}

// withoutBody takes out of a problem what was sent in the body: a password that
// came under a wrong name is repeated nowhere.
func withoutBody(_ huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok {
		for _, d := range p.Errors {
			if strings.HasPrefix(d.Location, "body") {
				d.Value = nil
			}
		}
	}
	return v, nil
}

// anybody is the scope of what everybody who has logged in may do.
const anybody = monitor.Scope("any")

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if _, pattern := a.mux.Handler(r); pattern == "" {
		a.nothing(w, r)
		return
	}
	r, err := server.Authenticate(a.Keeper, r)
	if err != nil {
		a.refuse(w, err)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// Knows tells whether the API has an answer to requests of this path.
func (a *API) Knows(r *http.Request) bool {
	_, pattern := a.mux.Handler(r)
	return pattern != "" || strings.HasPrefix(r.URL.Path, "/api/")
}

// nothing answers for paths and methods that are not there. Who is nobody does
// not learn which they are.
func (a *API) nothing(w http.ResponseWriter, r *http.Request) {
	r, err := server.Authenticate(a.Keeper, r)
	if err == nil && access.From(r.Context()) == nil {
		err = access.ErrNobody
	}
	if err != nil {
		a.refuse(w, err)
		return
	}
	h, _ := a.mux.Handler(r)
	sort := &statusOnly{header: w.Header()}
	h.ServeHTTP(sort, r)
	if sort.status == http.StatusMethodNotAllowed {
		a.refuse(w, huma.NewError(sort.status, "this path does not take "+r.Method+", but "+w.Header().Get("Allow")))
		return
	}
	a.refuse(w, huma.NewError(http.StatusNotFound, "there is nothing here; the paths are in /openapi.json"))
}

// statusOnly keeps the status and headers of an answer.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(code int)        { s.status = code }
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }

// refuse writes an error that came before the typed API had its turn.
func (a *API) refuse(w http.ResponseWriter, err error) {
	var p huma.StatusError
	var h huma.HeadersError
	if err = a.problem(err); !errors.As(err, &p) {
		p = huma.Error500InternalServerError("")
	}
	if errors.As(err, &h) {
		for k, v := range h.GetHeaders() {
			w.Header()[k] = v
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.GetStatus())
	_ = json.NewEncoder(w).Encode(p) // whoever asked has left
}

// problem says an error as RFC 9457 does.
func (a *API) problem(err error) error {
	var forbidden *access.ForbiddenError
	var invalid *access.InvalidError
	var limited *access.LimitedError
	var busy *service.BusyError
	var lost *service.KeyLostError
	var own huma.StatusError
	switch {
	case errors.As(err, &own):
		return err
	case errors.Is(err, access.ErrNobody), errors.Is(err, access.ErrRefused):
		said := access.ErrNobody
		if errors.Is(err, access.ErrRefused) {
			said = access.ErrRefused
		}
		return huma.ErrorWithHeaders(huma.Error401Unauthorized(said.Error()), http.Header{"Www-Authenticate": {`Bearer realm="tlswhy"`}})
	case errors.As(err, &forbidden):
		return huma.Error403Forbidden(forbidden.Error())
	case errors.As(err, &invalid):
		return huma.Error422UnprocessableEntity(invalid.Error(), &huma.ErrorDetail{Location: "body." + invalid.Field, Message: invalid.Msg})
	case errors.As(err, &limited):
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests(limited.Error()), retryAfter(limited.After))
	case errors.As(err, &busy):
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable(busy.Error()), retryAfter(busy.After))
	case errors.As(err, &lost):
		return huma.Error409Conflict(lost.Error())
	case errors.Is(err, monitor.ErrNotFound):
		return huma.Error404NotFound("there is none of that name or id")
	case errors.Is(err, monitor.ErrReadOnly), errors.Is(err, access.ErrSetUpToken):
		return huma.Error403Forbidden(err.Error())
	case errors.Is(err, monitor.ErrExists), errors.Is(err, monitor.ErrLastAdmin), errors.Is(err, access.ErrSetUp):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, monitor.ErrChanged):
		return huma.Error412PreconditionFailed(err.Error() + ": read it again, and send the change with the new ETag")
	case errors.Is(err, monitor.ErrCursor), errors.Is(err, monitor.ErrSort):
		return huma.Error400BadRequest(err.Error())
	case errors.Is(err, context.Canceled):
		return huma.Error503ServiceUnavailable("the request was given up")
	}
	a.Log.Error("a request could not be answered", "err", err)
	return huma.Error500InternalServerError("the monitor could not do that; its log says why")
}

func retryAfter(d time.Duration) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(int(d/time.Second) + 1)}}
}

// operation describes one; errs are the statuses that it answers errors with
// beyond those that every operation has.
func operation(method, path, id, summary, tag string, scope monitor.Scope, errs ...int) huma.Operation {
	o := huma.Operation{Method: method, Path: Prefix + path, OperationID: id, Summary: summary, Tags: []string{tag}, MaxBodyBytes: 1 << 20}
	o.Errors = append(o.Errors, http.StatusInternalServerError)
	o.Errors = append(o.Errors, errs...)
	if scope != "" {
		o.Security = security(scope)
		o.Errors = append(o.Errors, http.StatusUnauthorized, http.StatusForbidden)
		o.Description = "Needs the scope " + string(scope) + "."
		if scope == anybody {
			o.Description = "For everybody who has logged in."
		}
	}
	slices.Sort(o.Errors)
	o.Errors = slices.Compact(o.Errors)
	return o
}

func security(scope monitor.Scope) []map[string][]string {
	scopes := []string{string(scope)}
	if scope == anybody {
		scopes = []string{}
	}
	return []map[string][]string{{"token": scopes}, {"session": {}}}
}

// register adds an operation whose errors become problems.
func register[I, O any](a *API, o huma.Operation, f func(ctx context.Context, in *I) (*O, error)) {
	huma.Register(a.huma, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, a.problem(err)
		}
		return out, nil
	})
}

// plain adds a route that answers by itself, and its description.
func (a *API) plain(p *Plain) {
	o := &huma.Operation{Method: p.Method, Path: p.Path, OperationID: p.ID, Summary: p.Summary, Tags: []string{"plain"}, Parameters: p.Query,
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{p.Type: {Schema: &huma.Schema{}}}}}}
	if p.Scope != "" {
		o.Security = security(p.Scope)
		problem := huma.SchemaFromType(a.huma.OpenAPI().Components.Schemas, reflect.TypeFor[huma.ErrorModel]())
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
			o.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/problem+json": {Schema: problem}}}
		}
	}
	a.huma.OpenAPI().AddOperation(o)
	a.mux.HandleFunc(p.Method+" "+p.Path, func(w http.ResponseWriter, r *http.Request) {
		if p.Scope != "" {
			if err := allowed(r.Context(), p.Scope); err != nil {
				a.refuse(w, err)
				return
			}
		}
		p.Handler.ServeHTTP(w, r)
	})
}

// allowed tells whether who asks may use a plain route. Metrics are open on
// this machine, as those of other exporters are.
func allowed(ctx context.Context, scope monitor.Scope) error {
	switch {
	case scope == monitor.ScopeMetrics && access.From(ctx) == nil && access.OriginOf(ctx).Here:
		return nil
	case scope != anybody:
		_, err := access.Require(ctx, scope)
		return err
	case access.From(ctx) == nil:
		return access.ErrNobody
	}
	return nil
}

// description serves the OpenAPI document.
func (a *API) description(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
	_ = json.NewEncoder(w).Encode(a.huma.OpenAPI()) // whoever asked has left
}

// answering gives an operation another status of success than 200 or 204.
func answering(o huma.Operation, status int) huma.Operation {
	o.DefaultStatus = status
	return o
}
