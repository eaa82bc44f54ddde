package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// EndpointSpec is what somebody may say of an endpoint.
type EndpointSpec struct {
	Target    string            `json:"target" minLength:"1" maxLength:"2000" doc:"Host, host:port or URL" example:"shop.example.com"`
	Connect   []string          `json:"connect,omitempty" maxItems:"8" nullable:"false" doc:"Addresses HOST:PORT to dial instead of those of the name" example:"[\"192.0.2.10:443\"]"`
	Tags      map[string]string `json:"tags,omitempty" doc:"What routes, silences and lists match on"`
	Owner     string            `json:"owner,omitempty" maxLength:"200" doc:"Who looks after it" example:"web"`
	Runbook   string            `json:"runbook,omitempty" maxLength:"4000" doc:"Text or a link that alerts repeat"`
	Interval  Duration          `json:"interval,omitempty" doc:"Between two checks; 5m where it is missing"`
	Inventory Duration          `json:"inventory,omitempty" doc:"Between two inventories of each address, an hour at least; none where it is missing"`
	StartTLS  string            `json:"starttls,omitempty" maxLength:"40" doc:"Plaintext protocol before TLS" example:"smtp"`
	SNI       string            `json:"sni,omitempty" maxLength:"253" doc:"server_name to send; none sends none"`
	Trust     string            `json:"trust,omitempty" enum:"system,mozilla,apple,microsoft,android,java" doc:"Whose roots"`
	Pins      []string          `json:"pins,omitempty" maxItems:"20" nullable:"false" doc:"Expected keys or certificates: sha256/BASE64 or hexadecimal digits"`
	Expect    *ExpectSpec       `json:"expect,omitempty" doc:"What is demanded beyond a healthy handshake"`
}

// ExpectSpec is what the owner demands.
type ExpectSpec struct {
	Issuer     string   `json:"issuer,omitempty" maxLength:"200" doc:"Words that the issuer's name contains" example:"Let's Encrypt"`
	MinVersion string   `json:"min_version,omitempty" enum:"TLS 1.0,TLS 1.1,TLS 1.2,TLS 1.3" doc:"The negotiated version is at least that, and so is all that an inventory sees"`
	ALPN       string   `json:"alpn,omitempty" maxLength:"40" doc:"The protocol that is negotiated" example:"h2"`
	ClientCert *bool    `json:"client_cert,omitempty" doc:"Whether the server asks for a client certificate"`
	Names      []string `json:"names,omitempty" maxItems:"100" nullable:"false" doc:"Names that the certificate covers"`
	Key        string   `json:"key,omitempty" maxLength:"40" doc:"Beginning of the words for its key" example:"ECDSA"`
	Staple     bool     `json:"staple,omitempty" doc:"Whether an OCSP response must be stapled"`
	Warn       Duration `json:"warn,omitempty" doc:"Time left at which to warn; a fraction of the lifetime where it is missing"`
	Critical   Duration `json:"critical,omitempty" doc:"Time left at which it is critical"`
}

// EndpointBody is an endpoint as lists show it.
type EndpointBody struct {
	ID       string `json:"id" example:"9f86d081884c7d65"`
	Source   string `json:"source" doc:"Who decides on it: api, file, or the name of a source" example:"api"`
	ReadOnly bool   `json:"read_only" doc:"It can only be changed at its source"`
	Revision string `json:"revision" doc:"The ETag, without quotes"`
	Kind     string `json:"kind,omitempty" doc:"Missing for servers; file for files of certificates, source for sources of endpoints"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	EndpointSpec
	State    monitor.Standing `json:"state" enum:"critical,warning,untested,unchecked,ok" doc:"The worst that its last checks saw"`
	Severity monitor.Severity `json:"severity,omitempty" enum:"critical,warning" doc:"Of the worst open incident"`
	Issuer   string           `json:"issuer,omitempty" doc:"Who issued the certificate that ends first"`
	Expires  *time.Time       `json:"expires,omitempty" doc:"When the first certificate that it serves ends"`
	NextDue  *time.Time       `json:"next_due,omitempty" doc:"When it is checked next"`
}

// EndpointDetail is an endpoint with all that is known of it.
type EndpointDetail struct {
	EndpointBody
	Checks   int               `json:"checks" doc:"How often it was checked"`
	Baseline *monitor.Baseline `json:"baseline,omitempty" doc:"What is usual for it; anything else is drift"`
	States   []monitor.State   `json:"states" nullable:"false" doc:"What is known of each of its addresses"`
}

// EndpointOutput is the answer with one endpoint.
type EndpointOutput struct {
	ETag string `header:"ETag" doc:"Revision; send it as If-Match with a change"`
	Body EndpointDetail
}

// CreatedOutput says where the new endpoint is.
type CreatedOutput struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     EndpointDetail
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (s *EndpointSpec) endpoint() monitor.Endpoint {
	e := monitor.Endpoint{Target: strings.TrimSpace(s.Target), Connect: s.Connect, Tags: s.Tags, Owner: s.Owner, Runbook: s.Runbook, Interval: time.Duration(s.Interval), Inventory: time.Duration(s.Inventory), StartTLS: s.StartTLS, SNI: s.SNI, Trust: s.Trust, Pins: s.Pins}
	if x := s.Expect; x != nil {
		e.Expect = monitor.Expect{Issuer: x.Issuer, MinVersion: x.MinVersion, ALPN: x.ALPN, ClientCert: x.ClientCert, Names: x.Names, Key: x.Key, Staple: x.Staple, Warn: time.Duration(x.Warn), Critical: time.Duration(x.Critical)}
	}
	return e
}

func endpointBody(r monitor.EndpointRow) EndpointBody {
	e := &r.Endpoint
	b := EndpointBody{ID: e.ID, Source: r.Source, ReadOnly: r.Source != monitor.SourceAPI, Revision: r.Revision, Kind: e.Kind, Host: e.Host, Port: e.Port, State: r.State, Severity: r.Severity, Issuer: r.Issuer,
		Expires: optional(r.Expires), NextDue: optional(r.NextDue),
		EndpointSpec: EndpointSpec{Target: e.Target, Connect: e.Connect, Tags: e.Tags, Owner: e.Owner, Runbook: e.Runbook, Interval: Duration(e.Every()), Inventory: Duration(e.Inventory), StartTLS: e.StartTLS, SNI: e.SNI, Trust: e.Trust, Pins: e.Pins}}
	if e.Source != "" {
		b.Source = e.Source
	}
	x := &e.Expect
	spec := &ExpectSpec{Issuer: x.Issuer, MinVersion: x.MinVersion, ALPN: x.ALPN, ClientCert: x.ClientCert, Names: x.Names, Key: x.Key, Staple: x.Staple, Warn: Duration(x.Warn), Critical: Duration(x.Critical)}
	if x.Issuer+x.MinVersion+x.ALPN+x.Key != "" || x.ClientCert != nil || len(x.Names) > 0 || x.Staple || x.Warn > 0 || x.Critical > 0 {
		b.Expect = spec
	}
	return b
}

func endpointOutput(d monitor.EndpointDetail) *EndpointOutput {
	states := d.States
	if states == nil {
		states = []monitor.State{}
	}
	return &EndpointOutput{ETag: `"` + d.Revision + `"`, Body: EndpointDetail{EndpointBody: endpointBody(d.EndpointRow), Checks: d.Watch.Checks, Baseline: d.Watch.Baseline, States: states}}
}

// revision reads If-Match (RFC 9110, Section 13.1.1): one strong entity tag, or *
// for whatever is there.
func revision(ifMatch string) (string, error) {
	v := strings.TrimSpace(ifMatch)
	switch {
	case v == "*":
		return "", nil
	case len(v) > 2 && v[0] == '"' && v[len(v)-1] == '"' && !strings.ContainsAny(v[1:len(v)-1], `",`):
		return v[1 : len(v)-1], nil
	case v == "":
		return "", huma.NewError(http.StatusPreconditionRequired, `send If-Match with the ETag of what you have read, or "*" to overwrite whatever is there`)
	}
	return "", huma.Error400BadRequest("If-Match: one entity tag in double quotes, or *")
}

func (a *API) endpoints() {
	const tag = "endpoints"
	register(a, operation(http.MethodGet, "/endpoints", "list-endpoints", "List endpoints", tag, monitor.ScopeRead, 400, 422),
		func(ctx context.Context, in *struct {
			ListInput
			Q             string           `query:"q" maxLength:"200" doc:"Text in target, owner or tags"`
			Tag           []string         `query:"tag,explode" maxItems:"10" doc:"key=value, or a key alone for any value; all must match" example:"[\"env=prod\"]"`
			Owner         string           `query:"owner" maxLength:"200"`
			Source        string           `query:"source" maxLength:"100" doc:"file or api"`
			State         monitor.Standing `query:"state" enum:"critical,warning,untested,unchecked,ok"`
			Severity      monitor.Severity `query:"severity" enum:"critical,warning" doc:"Of the worst open incident"`
			Issuer        string           `query:"issuer" maxLength:"200" doc:"Text in the name of the issuer"`
			ExpiresBefore time.Time        `query:"expires_before" doc:"A certificate ends before that moment"`
			ExpiresWithin string           `query:"expires_within" maxLength:"40" doc:"A certificate ends within that time" example:"30d"`
		}) (*ListOutput[EndpointBody], error) {
			before, err := expiresBefore(in.ExpiresBefore, in.ExpiresWithin)
			if err != nil {
				return nil, err
			}
			p, err := a.Service.Endpoints(ctx, monitor.EndpointQuery{List: in.list(), Text: in.Q, Tags: tags(in.Tag), Owner: in.Owner, Source: in.Source, State: in.State, Severity: in.Severity, Issuer: in.Issuer, ExpiresBefore: before})
			return listed(p, in.Count, endpointBody), err
		})
	register(a, answering(operation(http.MethodPost, "/endpoints", "add-endpoint", "Watch something new", tag, monitor.ScopeEndpoints, 409, 422), http.StatusCreated),
		func(ctx context.Context, in *struct{ Body EndpointSpec }) (*CreatedOutput, error) {
			d, err := a.Service.AddEndpoint(ctx, in.Body.endpoint())
			if err != nil {
				return nil, err
			}
			o := endpointOutput(d)
			return &CreatedOutput{ETag: o.ETag, Body: o.Body, Location: Prefix + "/endpoints/" + d.Endpoint.ID}, nil
		})
	register(a, operation(http.MethodGet, "/endpoints/{id}", "get-endpoint", "One endpoint, with what its last checks saw", tag, monitor.ScopeRead, 304, 404),
		func(ctx context.Context, in *struct {
			IDInput
			IfNoneMatch string `header:"If-None-Match" doc:"Answer 304 where the endpoint's own values still have this ETag; its states may be others"`
		}) (*EndpointOutput, error) {
			d, err := a.Service.Endpoint(ctx, in.ID)
			if err == nil && in.IfNoneMatch == `"`+d.Revision+`"` {
				return nil, huma.Status304NotModified()
			}
			return endpointOutput(d), err
		})
	register(a, operation(http.MethodPut, "/endpoints/{id}", "change-endpoint", "Replace the values of an endpoint that was added here", tag, monitor.ScopeEndpoints, 400, 404, 412, 422, 428),
		func(ctx context.Context, in *struct {
			IDInput
			IfMatch string `header:"If-Match" doc:"ETag of what the change was made from, or *"`
			Body    EndpointSpec
		}) (*EndpointOutput, error) {
			rev, err := revision(in.IfMatch)
			if err != nil {
				return nil, err
			}
			d, err := a.Service.ChangeEndpoint(ctx, in.ID, rev, in.Body.endpoint())
			return endpointOutput(d), err
		})
	register(a, operation(http.MethodDelete, "/endpoints/{id}", "remove-endpoint", "Stop watching an endpoint that was added here", tag, monitor.ScopeEndpoints, 400, 404, 412),
		func(ctx context.Context, in *struct {
			IDInput
			IfMatch string `header:"If-Match" default:"*" doc:"ETag of what was read; * removes whatever is there"`
		}) (*struct{}, error) {
			rev, err := revision(in.IfMatch)
			if err != nil {
				return nil, err
			}
			return nil, a.Service.RemoveEndpoint(ctx, in.ID, rev)
		})
	register(a, answering(operation(http.MethodPost, "/endpoints/{id}/check", "check-endpoint", "Check an endpoint now; the answer comes before the check", tag, monitor.ScopeDiagnose, 404), http.StatusAccepted),
		func(ctx context.Context, in *IDInput) (*struct{}, error) { return nil, a.Service.CheckSoon(ctx, in.ID) })
	register(a, operation(http.MethodPost, "/endpoints/{id}/baseline", "accept-baseline", "Accept what is seen now as usual", tag, monitor.ScopeIncidents, 404),
		func(ctx context.Context, in *IDInput) (*struct{}, error) { return nil, a.Service.Accept(ctx, in.ID) })
	register(a, operation(http.MethodGet, "/endpoints/{id}/why", "explain-endpoint", "Why somebody was, or was not, told of it", tag, monitor.ScopeRead, 404),
		func(ctx context.Context, in *IDInput) (*Output[monitor.Explanation], error) {
			x, err := a.Service.Explain(ctx, in.ID)
			return &Output[monitor.Explanation]{x}, err
		})
}
