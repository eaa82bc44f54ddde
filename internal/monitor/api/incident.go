package api

import (
	"context"
	"net/http"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// CertificateBody is a certificate of the inventory.
type CertificateBody struct {
	monitor.Element
	FirstSeen time.Time `json:"first_seen"`
	Endpoints int       `json:"endpoints" doc:"How many endpoints serve it, or are verified by it"`
}

// CertificateDetail is a certificate with the places where it is served.
type CertificateDetail struct {
	CertificateBody
	Served []ServingBody `json:"served" nullable:"false"`
}

// ServingBody is a place where a certificate is served.
type ServingBody struct {
	Endpoint string   `json:"endpoint" doc:"Id of the endpoint"`
	Target   string   `json:"target"`
	Address  string   `json:"address" example:"192.0.2.10:443"`
	Chain    []string `json:"chain" nullable:"false" doc:"Fingerprints of the path there, leaf first"`
}

func certificateBody(r monitor.CertificateRow) CertificateBody {
	return CertificateBody{Element: r.Element, FirstSeen: r.FirstSeen, Endpoints: r.Endpoints}
}

func (a *API) certificates() {
	const tag = "certificates"
	register(a, operation(http.MethodGet, "/certificates", "list-certificates", "List the certificates that endpoints serve", tag, monitor.ScopeRead, 400, 422),
		func(ctx context.Context, in *struct {
			ListInput
			Q             string    `query:"q" maxLength:"200" doc:"Text in subject, names, serial or fingerprint"`
			Issuer        string    `query:"issuer" maxLength:"200" doc:"Text in the name of the issuer"`
			Endpoint      string    `query:"endpoint" maxLength:"100" doc:"Id of the endpoint that serves it"`
			Role          string    `query:"role" enum:"leaf,intermediate,missing,root" doc:"Roots are only listed when asked for"`
			ExpiresBefore time.Time `query:"expires_before"`
			ExpiresWithin string    `query:"expires_within" maxLength:"40" example:"30d"`
		}) (*ListOutput[CertificateBody], error) {
			before, err := expiresBefore(in.ExpiresBefore, in.ExpiresWithin)
			if err != nil {
				return nil, err
			}
			p, err := a.Service.Certificates(ctx, monitor.CertificateQuery{List: in.list(), Text: in.Q, Issuer: in.Issuer, Endpoint: in.Endpoint, Role: in.Role, ExpiresBefore: before})
			return listed(p, in.Count, certificateBody), err
		})
	register(a, operation(http.MethodGet, "/certificates/{fingerprint}", "get-certificate", "One certificate, and where it is served", tag, monitor.ScopeRead, 404),
		func(ctx context.Context, in *struct {
			Fingerprint string `path:"fingerprint" maxLength:"100" doc:"SHA-256 of the certificate, in hexadecimal digits"`
		}) (*Output[CertificateDetail], error) {
			c, where, err := a.Service.Certificate(ctx, in.Fingerprint)
			if err != nil {
				return nil, err
			}
			d := CertificateDetail{CertificateBody: certificateBody(c), Served: []ServingBody{}}
			for _, v := range where {
				d.Served = append(d.Served, ServingBody(v))
			}
			return &Output[CertificateDetail]{d}, nil
		})
}

func (a *API) incidents() {
	const tag = "incidents"
	register(a, operation(http.MethodGet, "/incidents", "list-incidents", "List incidents, the newest first", tag, monitor.ScopeRead, 400, 422),
		func(ctx context.Context, in *struct {
			ListInput
			Q        string           `query:"q" maxLength:"200" doc:"Text in target, owner, cause or summary"`
			Endpoint string           `query:"endpoint" maxLength:"100"`
			Owner    string           `query:"owner" maxLength:"200"`
			Cause    string           `query:"cause" maxLength:"100" example:"cert-expired"`
			Severity monitor.Severity `query:"severity" enum:"critical,warning"`
			State    string           `query:"state" enum:"open,acknowledged,resolved" doc:"acknowledged are those that are open, too"`
		}) (*ListOutput[monitor.Incident], error) {
			p, err := a.Service.Incidents(ctx, monitor.IncidentQuery{List: in.list(), Text: in.Q, Endpoint: in.Endpoint, Owner: in.Owner, Cause: in.Cause, Severity: in.Severity, State: in.State})
			return listed(p, in.Count, same[monitor.Incident]), err
		})
	register(a, operation(http.MethodGet, "/incidents/{id}", "get-incident", "One incident: cause, evidence, fix", tag, monitor.ScopeRead, 404),
		func(ctx context.Context, in *IDInput) (*Output[monitor.Incident], error) {
			x, err := a.Service.Incident(ctx, in.ID)
			return &Output[monitor.Incident]{x}, err
		})
	register(a, operation(http.MethodPost, "/incidents/{id}/acknowledge", "acknowledge-incident", "Say that you look after it", tag, monitor.ScopeIncidents, 404, 422),
		func(ctx context.Context, in *struct {
			IDInput
			Body struct {
				Note string `json:"note,omitempty" maxLength:"4000" example:"renewing by hand"`
			}
		}) (*Output[monitor.Incident], error) {
			x, err := a.Service.Acknowledge(ctx, in.ID, in.Body.Note)
			return &Output[monitor.Incident]{x}, err
		})
	register(a, operation(http.MethodPost, "/incidents/{id}/comments", "comment-incident", "Add a remark to its history", tag, monitor.ScopeIncidents, 404, 422),
		func(ctx context.Context, in *struct {
			IDInput
			Body struct {
				Text string `json:"text" minLength:"1" maxLength:"4000" example:"the CA was down"`
			}
		}) (*struct{}, error) {
			return nil, a.Service.Comment(ctx, in.ID, in.Body.Text)
		})
	register(a, operation(http.MethodGet, "/events", "list-events", "List what happened, the newest first", "events", monitor.ScopeRead, 400, 422),
		func(ctx context.Context, in *struct {
			ListInput
			Endpoint string    `query:"endpoint" maxLength:"100"`
			Incident string    `query:"incident" maxLength:"100"`
			Kind     string    `query:"kind" maxLength:"40" example:"opened"`
			After    time.Time `query:"after" doc:"At that moment or later"`
			Before   time.Time `query:"before"`
		}) (*ListOutput[monitor.Event], error) {
			p, err := a.Service.Events(ctx, monitor.EventQuery{List: in.list(), Endpoint: in.Endpoint, Incident: in.Incident, Kind: in.Kind, After: in.After, Before: in.Before})
			return listed(p, in.Count, same[monitor.Event]), err
		})
}
