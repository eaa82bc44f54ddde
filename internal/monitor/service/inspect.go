package service

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// Material is what somebody wants explained: typed, pasted or a file.
type Material struct {
	Name string    // of the file, "" for none
	Data io.Reader // read once, within the bounds of its kind
}

// The kinds of material, told by its content.
const (
	KindTarget        = "target"
	KindText          = "text"
	KindCapture       = "capture"
	KindConfiguration = "configuration"
	KindCertificate   = "certificate"
)

// Reading is what came of material.
type Reading struct {
	Kind   string
	Target string // of KindTarget, which is yet to be diagnosed
	Title  string // what to call it
	Found  []*diag.Diagnosis
	Notes  []string
}

// MaterialError says in words why material cannot be explained.
type MaterialError struct{ Msg string }

// Error implements error.
func (e *MaterialError) Error() string { return e.Msg }

// Run is a diagnosis that is under way, or that ended without a result.
type Run struct {
	ID, Title string
	By        string
	At        time.Time
	Doing     string         // the last thing that was begun
	Attempts  []diag.Attempt // that have ended, at most maxShown
	More      int            // of them that are not among Attempts
	Ended     bool
	Err       error // why nothing came of it
}

// The bounds of runs: what is shown of one, and how long one that ended is known.
const (
	maxShown    = 60
	maxRuns     = 200
	runKnownFor = 10 * time.Minute
	readingTime = 60 * time.Second
)

// Live is told how a diagnosis goes.
type Live struct {
	Doing   func(what string)
	Attempt func(a diag.Attempt) // from any goroutine
}

type liveKey struct{}

// LiveFrom is who wants to be told of a diagnosis while it runs, and to see it
// drawn.
func LiveFrom(ctx context.Context) (Live, bool) {
	l, ok := ctx.Value(liveKey{}).(Live)
	return l, ok
}

// runs are the diagnoses under way.
type runs struct {
	mu   sync.Mutex
	byID map[string]*Run
}

func (r *runs) add(x *Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = map[string]*Run{}
	}
	for id, old := range r.byID {
		if old.Ended && (x.At.Sub(old.At) > runKnownFor || len(r.byID) >= maxRuns) {
			delete(r.byID, id)
		}
	}
	r.byID[x.ID] = x
}

// change changes a run under the lock.
func (r *runs) change(x *Run, f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *runs) get(id string) (Run, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.byID[id]
	if x == nil {
		return Run{}, false
	}
	c := *x
	c.Attempts = append([]diag.Attempt{}, x.Attempts...)
	return c, true
}

// Inspect explains material, and returns the ID under which the answer is found:
// by Kept at once, or for a target first by Run. A *MaterialError, an
// *access.InvalidError or a *BusyError says why not.
func (s *Service) Inspect(ctx context.Context, m Material, r DiagnoseRequest) (id string, err error) {
	p, err := access.Require(ctx, monitor.ScopeDiagnose)
	if err != nil {
		return "", err
	}
	if s.Read == nil {
		return "", &MaterialError{"nothing is explained here"}
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return "", err
	}
	reading, cancel := context.WithTimeout(ctx, readingTime)
	defer cancel()
	found, err := s.Read(reading, m, r)
	leave()
	switch {
	case err != nil && reading.Err() != nil && ctx.Err() == nil:
		return "", &MaterialError{"reading it took too long: give a smaller part of it"}
	case err != nil:
		return "", err
	case found.Kind == KindTarget:
		r.Target = found.Target
		return s.start(ctx, p, r)
	}
	return s.keep(ctx, p, found)
}

// InspectEndpoint begins a full diagnosis of what is watched, reached as its
// checks reach it but for files that its source names; Run and Kept show it.
func (s *Service) InspectEndpoint(ctx context.Context, id string) (string, error) {
	p, err := access.Require(ctx, monitor.ScopeDiagnose)
	if err != nil {
		return "", err
	}
	d, err := s.Endpoint(ctx, id)
	if err != nil {
		return "", err
	}
	e := &d.Endpoint
	return s.start(ctx, p, DiagnoseRequest{Target: e.Target, Connect: e.Connect, SNI: e.SNI, StartTLS: e.StartTLS, Trust: e.Trust})
}

// start begins a diagnosis that goes on when the request has ended.
func (s *Service) start(ctx context.Context, p *access.Somebody, r DiagnoseRequest) (string, error) {
	r.Target = withoutCredentials(r.Target)
	if err := s.good(&monitor.Endpoint{Target: r.Target, Connect: r.Connect, StartTLS: r.StartTLS, Trust: r.Trust}); err != nil {
		return "", err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return "", err
	}
	x := &Run{ID: newID(), Title: r.Target, By: p.Name(), At: time.Now().UTC()}
	s.runs.add(x)
	going, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnosisTime)
	going = context.WithValue(going, liveKey{}, Live{
		Doing: func(what string) { s.runs.change(x, func() { x.Doing = what }) },
		Attempt: func(a diag.Attempt) {
			s.runs.change(x, func() {
				if len(x.Attempts) < maxShown {
					x.Attempts = append(x.Attempts, a)
				} else {
					x.More++
				}
			})
		}})
	s.going.Go(func() {
		defer leave()
		defer cancel()
		d, err := s.Diagnose(going, r)
		if err == nil {
			found := Reading{Kind: KindTarget, Title: r.Target, Found: []*diag.Diagnosis{d}}
			err = s.keepAs(going, p, x.ID, found)
		}
		s.runs.change(x, func() { x.Ended, x.Err = true, err })
	})
	return x.ID, nil
}

// Wait returns when no diagnosis is under way any more, or ctx ends.
func (s *Service) Wait(ctx context.Context) {
	done := make(chan struct{})
	go func() { s.going.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Run is a diagnosis that Inspect has begun, while it is under way or when it came
// to nothing; ErrNotFound for others.
func (s *Service) Run(ctx context.Context, id string) (Run, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return Run{}, err
	}
	if x, ok := s.runs.get(id); ok && (!x.Ended || x.Err != nil) {
		return x, nil
	}
	return Run{}, monitor.ErrNotFound
}

func (s *Service) keep(ctx context.Context, p *access.Somebody, found Reading) (string, error) {
	id := newID()
	return id, s.keepAs(ctx, p, id, found)
}

// keepAs keeps what was found. What is too large is kept without the bytes of the
// messages, and then with the worst diagnoses only.
func (s *Service) keepAs(ctx context.Context, p *access.Somebody, id string, found Reading) error {
	k := monitor.Kept{ID: id, At: time.Now().UTC(), By: p.Name(), Kind: found.Kind, Title: cut(found.Title), Verdict: diag.OK, Found: found.Found, Notes: found.Notes}
	for _, d := range found.Found {
		if c := d.FirstFailure(); c != nil && k.Cause == "" {
			k.Cause, k.Summary = c.ID, c.Summary
		}
		if worse(d.Verdict, k.Verdict) {
			k.Verdict = d.Verdict
		}
	}
	if len(found.Found) == 0 {
		k.Verdict = diag.Untested
	}
	err := s.Store.Keep(ctx, k)
	if errors.Is(err, monitor.ErrTooLarge) {
		k.Found = lighter(k.Found)
		k.Notes = append(k.Notes, "the bytes of the messages were too many to be kept")
		err = s.Store.Keep(ctx, k)
	}
	if errors.Is(err, monitor.ErrTooLarge) {
		const few = 10
		k.Found = k.Found[:min(len(k.Found), few)]
		k.Notes = append(k.Notes, "there was too much to be kept: these are the first")
		err = s.Store.Keep(ctx, k)
	}
	if err != nil {
		return err
	}
	return s.done(ctx, p, "diagnosed", k.Title, string(k.Verdict))
}

func worse(a, b diag.Verdict) bool {
	rank := map[diag.Verdict]int{diag.OK: 0, diag.Warning: 1, diag.Untested: 2, diag.Failure: 3}
	return rank[a] > rank[b]
}

// lighter are diagnoses without the bytes of messages.
func lighter(in []*diag.Diagnosis) []*diag.Diagnosis {
	var out []*diag.Diagnosis
	for _, d := range in {
		c := *d
		c.Attempts = append([]diag.Attempt{}, d.Attempts...)
		for i := range c.Attempts {
			msgs := append([]diag.Message{}, c.Attempts[i].Messages...)
			for k := range msgs {
				msgs[k].Raw, msgs[k].Fields = "", nil
			}
			c.Attempts[i].Messages = msgs
		}
		out = append(out, &c)
	}
	return out
}

// Kept is what was explained before.
func (s *Service) Kept(ctx context.Context, id string) (monitor.Kept, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Kept{}, err
	}
	return s.Store.Kept(ctx, id)
}

// BrowseKept lists what was explained, the newest first.
func (s *Service) BrowseKept(ctx context.Context, l monitor.List) (monitor.Page[monitor.Kept], error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Page[monitor.Kept]{}, err
	}
	return s.Store.BrowseKept(ctx, l)
}

// Shared is what a link leads to that somebody has made for strangers.
func (s *Service) Shared(ctx context.Context, share string) (monitor.Kept, error) {
	if !goodShare.MatchString(share) {
		return monitor.Kept{}, monitor.ErrNotFound
	}
	return s.Store.Shared(ctx, share)
}

var goodShare = regexp.MustCompile(`^[a-z2-7]{26}$`)

// Share makes a link for strangers, or takes it back.
func (s *Service) Share(ctx context.Context, id string, on bool) error {
	p, err := access.Require(ctx, monitor.ScopeDiagnose)
	if err != nil {
		return err
	}
	share, action := "", "diagnosis-unshared"
	if on {
		share, action = newID(), "diagnosis-shared"
	}
	if err := s.Store.ShareKept(ctx, id, share); err != nil {
		return notFound(err)
	}
	return s.done(ctx, p, action, id, "")
}

// RemoveKept forgets what was explained.
func (s *Service) RemoveKept(ctx context.Context, id string) error {
	p, err := access.Require(ctx, monitor.ScopeDiagnose)
	if err != nil {
		return err
	}
	if err := s.Store.RemoveKept(ctx, id); err != nil {
		return notFound(err)
	}
	return s.done(ctx, p, "diagnosis-removed", id, "")
}

func newID() string { return strings.ToLower(rand.Text()) }

const maxTitle = 200

func cut(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if r := []rune(s); len(r) > maxTitle {
		s = string(r[:maxTitle]) + "…"
	}
	return s
}

// withoutCredentials takes user, password and query out of a URL: they have
// nothing to do with TLS and are not to be kept.
func withoutCredentials(target string) string {
	target = strings.TrimSpace(target)
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		if i := strings.LastIndexByte(target, '@'); i >= 0 {
			return target[i+1:]
		}
		return target
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
