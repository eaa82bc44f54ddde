// Package service is what people and programs may ask of a running monitor, one
// method for each thing. The API and the web pages stand on it: it checks who
// asks (access.Require), that what they send makes sense, and writes the audit.
// It knows no HTTP and no SQL.
//
//	s := service.New(service.Options{Store: store, Keeper: keeper, ...})
//	page, err := s.Endpoints(ctx, monitor.EndpointQuery{Owner: "web"})
package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// Store is all that the service needs of one.
type Store interface {
	monitor.Store
	monitor.Browser
	monitor.Editor
	monitor.ChannelEditor
	monitor.Archive
}

// Options lend the service what it does not know itself. Fields may be nil
// where their use is not needed.
type Options struct {
	Store   Store
	Keeper  *access.Keeper
	Vantage string
	Version string
	Rules   func() *monitor.Rules
	// Parse takes a target apart.
	Parse func(target string) (host string, port int, err error)
	// Diagnose is the engine; the target was typed by somebody.
	Diagnose func(ctx context.Context, r DiagnoseRequest) (*diag.Diagnosis, error)
	// Read explains material: what is no target at once. The request says how.
	Read func(ctx context.Context, m Material, r DiagnoseRequest) (Reading, error)
	// StartTLS tells whether there is such a plaintext preamble.
	StartTLS func(protocol string) bool
	// Channels are those that are in use, by any source.
	Channels func() []Channel
	// Vault seals the secrets of channels; CheckChannel says what is wrong with
	// one, and ChannelsChanged takes what is stored into use.
	Vault           Vault
	CheckChannel    func(*ChannelSpec) error
	ChannelsChanged func() error
	// Sources are those of endpoints; Confirm believes what one has lost.
	Sources func() []Source
	Confirm func(ctx context.Context, source string) error
	// Changed is called after an endpoint was added or changed.
	Changed func()
}

// Service answers. It is safe for concurrent use.
type Service struct {
	Options
	room  chan struct{} // of diagnoses
	runs  runs
	going sync.WaitGroup // the runs
}

// New makes a Service.
func New(o Options) *Service { return &Service{Options: o, room: make(chan struct{}, diagnoses)} }

// BusyError says that there is no room for more of it now.
type BusyError struct{ After time.Duration }

// Error implements error.
func (e *BusyError) Error() string { return "too many are under way: try again in a moment" }

// done writes the audit for something that was done.
func (s *Service) done(ctx context.Context, p *access.Somebody, action, object, text string) error {
	return s.Keeper.Note(ctx, p, action, object, text)
}

// Health is how the monitor is.
func (s *Service) Health(ctx context.Context) (monitor.Health, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Health{}, err
	}
	return s.Store.Health(ctx, time.Now())
}

// Endpoints lists endpoints.
func (s *Service) Endpoints(ctx context.Context, q monitor.EndpointQuery) (monitor.Page[monitor.EndpointRow], error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Page[monitor.EndpointRow]{}, err
	}
	return s.Store.BrowseEndpoints(ctx, q)
}

// Overview sums endpoints and certificates up.
func (s *Service) Overview(ctx context.Context) (monitor.Overview, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Overview{}, err
	}
	return s.Store.Overview(ctx)
}

// Endpoint is one of them with all that is known.
func (s *Service) Endpoint(ctx context.Context, id string) (monitor.EndpointDetail, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.EndpointDetail{}, err
	}
	return s.Store.Endpoint(ctx, id)
}

// AddEndpoint watches something new.
func (s *Service) AddEndpoint(ctx context.Context, e monitor.Endpoint) (monitor.EndpointDetail, error) {
	p, err := access.Require(ctx, monitor.ScopeEndpoints)
	if err != nil {
		return monitor.EndpointDetail{}, err
	}
	if err := s.good(&e); err != nil {
		return monitor.EndpointDetail{}, err
	}
	e.ID, e.Source = monitor.NewID(&e), monitor.SourceAPI
	if err := s.Store.AddEndpoint(ctx, time.Now(), s.Vantage, e); err != nil {
		return monitor.EndpointDetail{}, err
	}
	return s.changed(ctx, p, "endpoint-added", &e)
}

// ChangeEndpoint replaces the values of an endpoint that was added here, if it
// still is as the revision says; "" does not ask. What makes it another endpoint
// cannot be changed: its history would be another's.
func (s *Service) ChangeEndpoint(ctx context.Context, id, revision string, e monitor.Endpoint) (monitor.EndpointDetail, error) {
	p, err := access.Require(ctx, monitor.ScopeEndpoints)
	if err != nil {
		return monitor.EndpointDetail{}, err
	}
	old, err := s.Store.Endpoint(ctx, id)
	if err != nil {
		return old, err
	}
	if old.Source != monitor.SourceAPI {
		return old, monitor.ErrReadOnly
	}
	if err := s.good(&e); err != nil {
		return old, err
	}
	if e.ID = monitor.NewID(&e); e.ID != id {
		return old, &access.InvalidError{Field: "target", Msg: "another target, starttls, sni, connect or trust makes it another endpoint: add that one and remove this"}
	}
	e.Source = monitor.SourceAPI
	if err := s.Store.ChangeEndpoint(ctx, time.Now(), s.Vantage, revision, e); err != nil {
		return old, err
	}
	return s.changed(ctx, p, "endpoint-changed", &e)
}

func (s *Service) changed(ctx context.Context, p *access.Somebody, action string, e *monitor.Endpoint) (monitor.EndpointDetail, error) {
	if s.Changed != nil {
		s.Changed()
	}
	d, err := s.Store.Endpoint(ctx, e.ID)
	return d, errors.Join(err, s.done(ctx, p, action, e.ID, e.Target))
}

// RemoveEndpoint stops watching an endpoint that was added here.
func (s *Service) RemoveEndpoint(ctx context.Context, id, revision string) error {
	p, err := access.Require(ctx, monitor.ScopeEndpoints)
	if err != nil {
		return err
	}
	if err := s.Store.RemoveEndpoint(ctx, time.Now(), id, revision); err != nil {
		return err
	}
	return s.done(ctx, p, "endpoint-removed", id, "")
}

// CheckSoon has an endpoint checked now.
func (s *Service) CheckSoon(ctx context.Context, id string) error {
	p, err := access.Require(ctx, monitor.ScopeDiagnose)
	if err != nil {
		return err
	}
	if err := s.Store.CheckSoon(ctx, time.Now(), id); err != nil {
		return err
	}
	return s.done(ctx, p, "endpoint-checked", id, "")
}

// Accept makes what is seen of an endpoint now its baseline.
func (s *Service) Accept(ctx context.Context, id string) error {
	p, err := access.Require(ctx, monitor.ScopeIncidents)
	if err != nil {
		return err
	}
	if err := s.Store.Accept(ctx, time.Now().UTC(), id, p.Name()); err != nil {
		return err
	}
	return s.done(ctx, p, "baseline-accepted", id, "")
}

// Certificates lists what is served.
func (s *Service) Certificates(ctx context.Context, q monitor.CertificateQuery) (monitor.Page[monitor.CertificateRow], error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Page[monitor.CertificateRow]{}, err
	}
	return s.Store.BrowseCertificates(ctx, q)
}

// Certificate is one of them, and where it is served.
func (s *Service) Certificate(ctx context.Context, fingerprint string) (monitor.CertificateRow, []monitor.Serving, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.CertificateRow{}, nil, err
	}
	return s.Store.Certificate(ctx, fingerprint)
}
