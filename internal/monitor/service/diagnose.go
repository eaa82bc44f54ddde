package service

import (
	"context"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// DiagnoseRequest is what somebody wants diagnosed now: the options of tlswhy
// diagnose that name no file.
type DiagnoseRequest struct {
	Target     string   `json:"target" minLength:"1" maxLength:"2000" doc:"Host, host:port or URL" example:"shop.example.com"`
	Connect    []string `json:"connect,omitempty" maxItems:"8" doc:"Addresses HOST:PORT to dial instead of those of the name"`
	SNI        string   `json:"sni,omitempty" maxLength:"253" doc:"server_name to send; none sends none"`
	StartTLS   string   `json:"starttls,omitempty" maxLength:"40" doc:"Plaintext protocol before TLS" example:"smtp"`
	Client     string   `json:"client,omitempty" maxLength:"100" doc:"Speak and judge as this client" example:"Java 8u151"`
	Trust      string   `json:"trust,omitempty" enum:"system,mozilla,apple,microsoft,android,java" doc:"Whose roots"`
	MinVersion string   `json:"tls_min,omitempty" enum:"ssl3,1.0,1.1,1.2,1.3" doc:"Lowest version to offer"`
	MaxVersion string   `json:"tls_max,omitempty" enum:"ssl3,1.0,1.1,1.2,1.3" doc:"Highest version to offer"`
	ALPN       string   `json:"alpn,omitempty" maxLength:"200" doc:"Application protocols, separated by commas, or none"`
	Server     string   `json:"server,omitempty" maxLength:"40" doc:"Whose fixes to give where the server software is not recognised" example:"nginx"`
}

// The bounds of diagnoses on request.
const (
	diagnoses     = 4 // at a time
	diagnosisWait = 5 * time.Second
	diagnosisTime = 40 * time.Second
)

// DiagnoseNow makes a full diagnosis. A *BusyError says that there is no room.
func (s *Service) DiagnoseNow(ctx context.Context, r DiagnoseRequest) (*diag.Diagnosis, error) {
	p, err := access.Require(ctx, monitor.ScopeDiagnose)
	if err != nil {
		return nil, err
	}
	// The request is judged as that of an endpoint would be.
	if err := s.good(&monitor.Endpoint{Target: r.Target, Connect: r.Connect, StartTLS: r.StartTLS, Trust: r.Trust}); err != nil {
		return nil, err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	diagnosing, cancel := context.WithTimeout(ctx, diagnosisTime)
	defer cancel()
	d, err := s.Diagnose(diagnosing, r)
	if err != nil {
		return nil, err
	}
	return d, s.done(ctx, p, "diagnosed", r.Target, string(d.Verdict))
}

// enter waits for room for one more diagnosis. leave makes it free, once.
func (s *Service) enter(ctx context.Context) (leave func(), err error) {
	wait := time.NewTimer(diagnosisWait)
	defer wait.Stop()
	select {
	case s.room <- struct{}{}:
		return sync.OnceFunc(func() { <-s.room }), nil
	case <-wait.C:
		return nil, &BusyError{After: diagnosisWait}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
