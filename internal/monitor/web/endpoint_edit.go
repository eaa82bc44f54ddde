package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/report"
)

// endpointForm is the page on which an endpoint is added or changed.
type endpointForm struct {
	ID       string // "" of a new one
	Target   string
	Revision string
	Values   url.Values
	Was      url.Values // the values that the editing began with
	Mistakes map[string]string
	Error    string
	// Both are fields that somebody else changed as well; Theirs counts those that
	// only they changed, which were taken over.
	Both   []collision
	Theirs []string
	Test   *test
	Groups []group
}

// collision is a field that two people changed.
type collision struct{ Label, Mine, Theirs string }

// test is what a diagnosis of what was typed found.
type test struct {
	Sign, Headline string
	Report         template.HTML
	Error          string
}

// Value is what a field shows.
func (f *endpointForm) Value(name string) string { return f.Values.Get(name) }

// Began is what it was when the editing began.
func (f *endpointForm) Began(name string) string { return f.Was.Get(name) }

// Open tells whether a folded group shows something.
func (f *endpointForm) Open(g group) bool {
	for _, in := range g.Inputs {
		if f.Values.Get(in.Name) != "" || f.Mistakes[in.Name] != "" {
			return true
		}
	}
	return !g.Folded
}

func (s *Web) newEndpoint(w http.ResponseWriter, r *http.Request) error {
	v := url.Values{}
	for _, in := range inputs() { // a link may fill fields in
		v.Set(in.Name, r.URL.Query().Get(in.Name))
	}
	return s.endpointForm(w, r, http.StatusOK, &endpointForm{Values: v})
}

func (s *Web) endpointForm(w http.ResponseWriter, r *http.Request, status int, f *endpointForm) error {
	f.Groups = form
	return s.renderStatus(w, r, status, "endpoint-form", f)
}

// sent reads a form that was sent: the endpoint, as far as it can be understood,
// and the page to show where it cannot.
func (s *Web) sent(r *http.Request, stored *monitor.Endpoint) (monitor.Endpoint, *endpointForm, error) {
	if err := r.ParseForm(); err != nil {
		return monitor.Endpoint{}, nil, err
	}
	f := &endpointForm{Values: url.Values{}, Was: url.Values{}, Revision: r.PostForm.Get("revision")}
	var e monitor.Endpoint
	if stored != nil {
		e = *stored
		e.Source = ""
		f.ID, f.Target = e.ID, e.Target
	}
	for _, in := range inputs() {
		f.Values.Set(in.Name, typed(r.PostForm, in.Name))
		f.Was.Set(in.Name, typed(r.PostForm, "was."+in.Name))
		if stored != nil && in.Identity {
			f.Values.Set(in.Name, in.get(stored))
		}
	}
	f.Mistakes = read(&e, r.PostForm, stored != nil)
	return e, f, nil
}

// judge adds what the service has to say; false when something is wrong.
func (s *Web) judge(ctx context.Context, e monitor.Endpoint, f *endpointForm) (bool, error) {
	if len(f.Mistakes) > 0 {
		return false, nil
	}
	err := s.Service.Judge(ctx, e, f.ID == "")
	var invalid *access.InvalidError
	switch {
	case errors.As(err, &invalid):
		blame(f.Mistakes, invalid)
	case errors.Is(err, monitor.ErrExists):
		f.Mistakes["target"] = "it is watched already, reached in the same way"
	case err != nil:
		return false, err
	}
	return len(f.Mistakes) == 0, nil
}

func (s *Web) addEndpoint(w http.ResponseWriter, r *http.Request) error {
	e, f, err := s.sent(r, nil)
	if err != nil {
		return err
	}
	good, err := s.judge(r.Context(), e, f)
	if err != nil {
		return err
	}
	if !good {
		return s.endpointForm(w, r, http.StatusUnprocessableEntity, f)
	}
	d, err := s.Service.AddEndpoint(r.Context(), e)
	if err != nil {
		return err
	}
	return s.done(w, r, "/endpoints/"+d.Endpoint.ID, d.Endpoint.Target+" is watched now; its first check is under way.")
}

// judgeEndpoint answers while somebody types: the mistakes alone.
func (s *Web) judgeEndpoint(w http.ResponseWriter, r *http.Request) error {
	e, f, err := s.formOf(r)
	if err != nil {
		return err
	}
	if _, err := s.judge(r.Context(), e, f); err != nil {
		return err
	}
	if f.Values.Get("target") == "" {
		delete(f.Mistakes, "target") // is still to come
	}
	f.Groups = form
	return s.fragment(w, r, "endpoint-form", "mistakes", f)
}

// formOf reads the form of a new endpoint, or of the one that it names.
func (s *Web) formOf(r *http.Request) (monitor.Endpoint, *endpointForm, error) {
	if err := r.ParseForm(); err != nil {
		return monitor.Endpoint{}, nil, err
	}
	id := r.PostForm.Get("id")
	if id == "" {
		return s.sent(r, nil)
	}
	d, err := s.Service.Endpoint(r.Context(), id)
	if err != nil {
		return monitor.Endpoint{}, nil, err
	}
	return s.sent(r, &d.Endpoint)
}

// testEndpoint diagnoses what was typed, without storing it.
func (s *Web) testEndpoint(w http.ResponseWriter, r *http.Request) error {
	e, f, err := s.formOf(r)
	if err != nil {
		return err
	}
	good, err := s.judge(r.Context(), e, f)
	if err != nil {
		return err
	}
	f.Test = &test{}
	if f.Mistakes["target"] == "it is watched already, reached in the same way" {
		good = true
	}
	if !good {
		f.Test.Error = "Correct what is marked first."
	} else if err := s.try(r.Context(), &e, f.Test); err != nil {
		return err
	}
	f.Groups = form
	if r.Header.Get("HX-Request") != "" {
		return s.fragment(w, r, "endpoint-form", "test", f)
	}
	return s.endpointForm(w, r, http.StatusOK, f)
}

func (s *Web) try(ctx context.Context, e *monitor.Endpoint, t *test) error {
	d, err := s.Service.DiagnoseNow(ctx, service.DiagnoseRequest{Target: e.Target, Connect: e.Connect, SNI: e.SNI, StartTLS: e.StartTLS, Trust: e.Trust})
	var invalid *access.InvalidError
	var busy *service.BusyError
	switch {
	case errors.As(err, &invalid):
		t.Error = invalid.Msg
		return nil
	case errors.As(err, &busy):
		t.Error = busy.Error()
		return nil
	case err != nil:
		return err
	}
	t.Sign, t.Headline = report.Headline(d)
	t.Report, err = report.View{Headless: true}.Render(d)
	return err
}

func (s *Web) editEndpoint(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Service.Endpoint(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if d.Source != monitor.SourceAPI {
		return monitor.ErrReadOnly
	}
	v := values(&d.Endpoint)
	return s.endpointForm(w, r, http.StatusOK, &endpointForm{ID: d.Endpoint.ID, Target: d.Endpoint.Target, Revision: d.Revision, Values: v, Was: v})
}

// changeEndpoint stores an edit. Where somebody else was faster, what only they
// changed is taken over, what both changed is shown, and nothing is stored yet.
func (s *Web) changeEndpoint(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), r.PathValue("id")
	d, err := s.Service.Endpoint(ctx, id)
	if errors.Is(err, monitor.ErrNotFound) {
		return s.removedMeanwhile(w, r)
	}
	if err != nil {
		return err
	}
	e, f, err := s.sent(r, &d.Endpoint)
	if err != nil {
		return err
	}
	if d.Source != monitor.SourceAPI {
		return monitor.ErrReadOnly
	}
	if f.Revision != d.Revision {
		return s.bothChanged(w, r, f, &d)
	}
	good, err := s.judge(ctx, e, f)
	if err != nil {
		return err
	}
	if !good {
		return s.endpointForm(w, r, http.StatusUnprocessableEntity, f)
	}
	switch d, err = s.Service.ChangeEndpoint(ctx, id, f.Revision, e); {
	case errors.Is(err, monitor.ErrChanged):
		if d, err = s.Service.Endpoint(ctx, id); err != nil {
			return err
		}
		return s.bothChanged(w, r, f, &d)
	case err != nil:
		return err
	}
	return s.done(w, r, "/endpoints/"+id, "Saved at "+time.Now().UTC().Format("15:04 UTC")+".")
}

// bothChanged merges what two people typed, field by field.
func (s *Web) bothChanged(w http.ResponseWriter, r *http.Request, f *endpointForm, now *monitor.EndpointDetail) error {
	theirs := values(&now.Endpoint)
	for _, in := range inputs() {
		mine, was, other := f.Values.Get(in.Name), f.Was.Get(in.Name), theirs.Get(in.Name)
		switch {
		case mine == other || in.Identity:
		case mine == was:
			f.Values.Set(in.Name, other)
			f.Theirs = append(f.Theirs, in.Label)
		case other != was:
			f.Both = append(f.Both, collision{in.Label, mine, other})
		}
	}
	f.Was, f.Revision = theirs, now.Revision
	return s.endpointForm(w, r, http.StatusConflict, f)
}

// removedMeanwhile keeps what was typed about an endpoint that is gone.
func (s *Web) removedMeanwhile(w http.ResponseWriter, r *http.Request) error {
	_, f, err := s.sent(r, nil)
	if err != nil {
		return err
	}
	for _, in := range inputs() {
		if in.Identity {
			f.Values.Set(in.Name, f.Was.Get(in.Name))
		}
	}
	f.Mistakes, f.Error = nil, "It was removed while you edited it. What you had entered is below: add it again, or leave."
	return s.endpointForm(w, r, http.StatusConflict, f)
}
