package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/api"
)

// The bounds of asking a monitor.
const (
	askTime    = 20 * time.Second
	maxReply   = 16 << 20
	staleFor   = 3 // intervals without a check
	staleLeast = 10 * time.Minute
)

// asker asks a running monitor.
type asker struct {
	url, token string
	client     *http.Client
}

// asker makes one for the monitor that the options or the environment name.
func (p *program) asker(f *checkFlags) (*asker, error) {
	at := cmp.Or(f.monitor, p.env("TLSWHY_MONITOR"))
	if at == "" {
		return nil, badUsage("say which with --monitor URL", "only a running monitor knows whom it told")
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, badUsage("the monitor's address, such as http://127.0.0.1:8470", "--monitor %q is no URL to ask", at)
	}
	token, err := p.token(f.tokenFile)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: http.DefaultTransport, Timeout: askTime}
	if f.opts.CAFile != "" {
		if client, err = trusting(client, f.opts.CAFile); err != nil {
			return nil, badUsage("name a file of CA certificates", "--ca: %v", err)
		}
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token goes nowhere else
	return &asker{url: strings.TrimSuffix(at, "/") + api.Prefix, token: token, client: client}, nil
}

// monitorError is a monitor that does not say what was asked for: nothing is
// known of the endpoint.
type monitorError struct{ msg string }

// Error implements error.
func (e *monitorError) Error() string { return e.msg }

// look asks for an endpoint and says what the monitor knows of it.
func (a *asker) look(ctx context.Context, name string) (*diag.Diagnosis, error) {
	e, err := a.find(ctx, name)
	var silent *monitorError
	if errors.As(err, &silent) {
		return untestedFor(name, silent.msg), nil
	}
	if err != nil {
		return nil, err
	}
	return known(e, time.Now().UTC()), nil
}

// find is the endpoint of an id, a target or a host.
func (a *asker) find(ctx context.Context, name string) (*api.EndpointDetail, error) {
	var page api.ListBody[api.EndpointBody]
	if err := a.get(ctx, "/endpoints?limit=1000&q="+url.QueryEscape(name), &page); err != nil {
		return nil, err
	}
	id := ""
	for _, of := range []func(x *api.EndpointBody) bool{func(x *api.EndpointBody) bool { return x.Target == name }, func(x *api.EndpointBody) bool { return x.Host == name }} {
		found := 0
		for i := range page.Items {
			if x := &page.Items[i]; of(x) {
				id = x.ID
				found++
			}
		}
		if found > 1 {
			return nil, badUsage("name its target as the monitor does, or its id", "the monitor watches %d endpoints of %q", found, name)
		}
		if found == 1 {
			break
		}
	}
	e := &api.EndpointDetail{}
	err := a.get(ctx, "/endpoints/"+url.PathEscape(cmp.Or(id, name)), e)
	if errors.Is(err, errNoSuch) {
		return nil, badUsage("name its target as the monitor does, or its id", "the monitor watches no %q", name)
	}
	return e, err
}

var errNoSuch = errors.New("there is none of that id")

// get reads an answer of the API.
func (a *asker) get(ctx context.Context, path string, to any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.client.Do(req)
	if err != nil {
		return &monitorError{fmt.Sprintf("the monitor at %s gives no answer: %v", a.url, unwrapURL(err))}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	switch {
	case err != nil:
		return &monitorError{fmt.Sprintf("the answer of the monitor at %s broke off: %v", a.url, err)}
	case resp.StatusCode == http.StatusNotFound:
		return errNoSuch
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return badUsage("give it a token with the scope read", "the monitor at %s does not take the token", a.url)
	case resp.StatusCode != http.StatusOK:
		return &monitorError{fmt.Sprintf("the monitor at %s answers %s", a.url, resp.Status)}
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return &monitorError{fmt.Sprintf("what answers at %s is no monitor of tlswhy: %v", a.url, err)}
	}
	return nil
}

func untestedFor(name, why string) *diag.Diagnosis {
	now := time.Now().UTC()
	return &diag.Diagnosis{Schema: diag.Schema, Target: diag.Target{Input: withoutCredentials(name)}, Verdict: diag.Untested, StartedAt: now, JudgedAt: now, Tool: toolInfo(),
		Causes: []diag.Cause{{ID: "monitor-silent", Family: "transport", Severity: diag.SeverityFailure, Confidence: diag.Proven, Stage: diag.StageResolve, Summary: why}}}
}

// known is what a monitor knows of an endpoint, as a diagnosis. An endpoint that
// it has not checked as it should is untested: silence is not health.
func known(e *api.EndpointDetail, now time.Time) *diag.Diagnosis {
	var last time.Time
	d := &diag.Diagnosis{Schema: diag.Schema, Target: diag.Target{Input: e.Target, Name: e.Host, Port: e.Port, SNI: e.SNI}, Verdict: diag.OK, StartedAt: now, JudgedAt: now, Tool: toolInfo(), Causes: []diag.Cause{}}
	var seen []monitor.Sighting
	tested := false
	note := ""
	for i := range e.States {
		st := &e.States[i]
		if st.Checked.After(last) {
			last = st.Checked
		}
		tested = tested || st.Verdict != diag.Untested
		note = cmp.Or(note, st.Note)
		for _, x := range st.Sightings {
			if k := slices.IndexFunc(seen, func(y monitor.Sighting) bool { return y.Finding.Key == x.Finding.Key }); x.Missed == 0 && k < 0 {
				seen = append(seen, x)
			} else if x.Missed == 0 && x.Finding.Severity.Rank() > seen[k].Finding.Severity.Rank() {
				seen[k] = x
			}
		}
		if len(d.Certificates) == 0 {
			for n, c := range st.Now.Path {
				d.Certificates = append(d.Certificates, diag.Certificate{Role: c.Role, Source: "sent", Position: n, Subject: c.Subject, Issuer: c.Issuer, Serial: c.Serial, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
					Names: c.Names, Key: c.Key, Fingerprint: c.Fingerprint, Problems: []string{}, Ahead: c.Ahead})
			}
		}
	}
	stale := max(staleFor*time.Duration(e.Interval), staleLeast)
	switch {
	case last.IsZero():
		return untestedFor(e.Target, "the monitor has not checked it yet")
	case now.Sub(last) > stale:
		return untestedFor(e.Target, fmt.Sprintf("the monitor last checked it %s ago, at %s: is it running?", monitor.Span(now.Sub(last)), last.UTC().Format(time.RFC3339)))
	case !tested && len(seen) == 0:
		return untestedFor(e.Target, "the monitor cannot test it: "+note)
	}
	d.StartedAt = last.UTC()
	judged(d, seen)
	return d
}
