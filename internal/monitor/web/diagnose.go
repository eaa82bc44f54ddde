package web

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/report"
)

// The bounds of what is sent in to be explained; what is in it has bounds of its
// own (service.Material).
const (
	maxUpload  = 65 << 20
	uploadTime = 5 * time.Minute
)

// diagnoseForm is the page on which everything begins.
type diagnoseForm struct {
	Text    string
	Server  string
	Servers []string
	Mistake string
	Recent  []monitor.Kept
	Most    int // bytes of a file
}

func (s *Web) diagnosePage(w http.ResponseWriter, r *http.Request) error {
	return s.askWhat(w, r, http.StatusOK, diagnoseForm{Text: r.URL.Query().Get("target")})
}

// Said is what came of one that did not fail.
func (f *diagnoseForm) Said(k monitor.Kept) string {
	switch k.Verdict {
	case diag.OK:
		return "nothing is wrong"
	case diag.Warning:
		return "works, with something to know"
	}
	return "could not be tested"
}

const recentlyKept = 10

func (s *Web) askWhat(w http.ResponseWriter, r *http.Request, status int, f diagnoseForm) error {
	p, err := s.Service.BrowseKept(r.Context(), monitor.List{Limit: recentlyKept})
	if err != nil {
		return err
	}
	f.Recent, f.Servers, f.Most = p.Items, s.Servers, maxUpload
	return s.renderStatus(w, r, status, "diagnose", &f)
}

// diagnose takes what was typed, pasted or chosen. A file is read as it comes, and
// is never kept.
func (s *Web) diagnose(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength > maxUpload {
		w.Header().Set("Connection", "close")
		return &http.MaxBytesError{Limit: maxUpload}
	}
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	f, m, err := material(r)
	if err != nil {
		return err
	}
	id, err := s.Service.Inspect(r.Context(), m, service.DiagnoseRequest{Server: f.Server})
	var bad *service.MaterialError
	var invalid *access.InvalidError
	var busy *service.BusyError
	switch {
	case errors.As(err, &bad):
		f.Mistake = bad.Msg
	case errors.As(err, &invalid):
		f.Mistake = invalid.Error()
	case errors.As(err, &busy):
		retryAfter(w, busy.After)
		f.Mistake = "Four diagnoses are under way, and there is room for no more: try again in a moment."
		return s.askWhat(w, r, http.StatusServiceUnavailable, f)
	case err != nil:
		return err
	default:
		http.Redirect(w, r, s.path("/diagnose", id), http.StatusSeeOther)
		return nil
	}
	return s.askWhat(w, r, http.StatusUnprocessableEntity, f)
}

// material takes the form apart: its fields stand before the file, which is left
// to be read.
func material(r *http.Request) (f diagnoseForm, m service.Material, err error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		if err := r.ParseForm(); err != nil {
			return f, m, asLarge(err)
		}
		f.Text, f.Server = r.PostForm.Get("text"), r.PostForm.Get("server")
		return f, service.Material{Data: strings.NewReader(f.Text)}, nil
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return f, m, &access.InvalidError{Field: "form", Msg: "it cannot be read"}
	}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, service.Material{Data: strings.NewReader(f.Text)}, nil
		}
		if err != nil {
			return f, m, asLarge(err)
		}
		if p.FormName() == "file" && p.FileName() != "" {
			var first [1]byte
			if n, _ := io.ReadFull(p, first[:]); n == 1 {
				return f, service.Material{Name: p.FileName(), Data: &file{io.MultiReader(bytes.NewReader(first[:]), p)}}, nil
			}
			continue
		}
		const longest = 1<<20 + 1
		v, err := io.ReadAll(io.LimitReader(p, longest))
		if err != nil {
			return f, m, asLarge(err)
		}
		switch p.FormName() {
		case "text":
			f.Text = string(v)
		case "server":
			f.Server = string(v)
		}
	}
}

// file says in words why a file ended early.
type file struct{ r io.Reader }

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = asLarge(err)
	}
	return n, err
}

func asLarge(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return large
	case errors.Is(err, multipart.ErrMessageTooLarge):
		return &http.MaxBytesError{Limit: maxUpload}
	}
	return &access.InvalidError{Field: "form", Msg: "it ended before all of it had come"}
}

// answer is a diagnosis that was made, or is being made.
type answer struct {
	monitor.Kept
	Run    *service.Run // under way, or without a result
	Words  string       // why there is none
	Drawn  []drawn
	Server string // whose fixes are chosen
	Query  string // of the choice
	Public bool   // a stranger reads it
}

// drawn is one diagnosis of an answer.
type drawn struct {
	Sign, Label, Headline string
	Verdict               diag.Verdict
	Servers               []string
	Picture               template.HTML
	Target                string // that may be diagnosed live, "" for none
}

// maxDrawn bounds the pictures of one page.
const maxDrawn = 12

// diagnosis shows an answer, or how far it is.
func (s *Web) diagnosis(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	k, err := s.Service.Kept(r.Context(), id)
	if errors.Is(err, monitor.ErrNotFound) {
		return s.running(w, r, id)
	}
	if err != nil {
		return err
	}
	a, err := s.answer(r, k)
	if err != nil {
		return err
	}
	return s.render(w, r, "diagnosis", a)
}

// running shows a diagnosis that is under way.
func (s *Web) running(w http.ResponseWriter, r *http.Request, id string) error {
	run, err := s.Service.Run(r.Context(), id)
	if err != nil {
		if k, again := s.Service.Kept(r.Context(), id); again == nil { // it has just ended
			a, err := s.answer(r, k)
			if err != nil {
				return err
			}
			return s.render(w, r, "diagnosis", a)
		}
		return err
	}
	a := &answer{Run: &run}
	a.ID, a.Title, a.At, a.By = run.ID, run.Title, run.At, run.By
	if run.Ended {
		a.Words = "the monitor could not do it; its log says why"
		var invalid *access.InvalidError
		if errors.As(run.Err, &invalid) {
			a.Words = invalid.Msg
		} else {
			s.Log.Error("a diagnosis came to nothing", "target", run.Title, "err", run.Err)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.render(w, r, "diagnosis", a)
}

// answer draws what was kept.
func (s *Web) answer(r *http.Request, k monitor.Kept) (*answer, error) {
	a := &answer{Kept: k, Server: r.URL.Query().Get("for")}
	if a.Server != "" {
		a.Query = "?" + url.Values{"for": {a.Server}}.Encode()
	}
	for i, d := range k.Found {
		if i == maxDrawn {
			break
		}
		picture, err := report.View{Server: a.Server, Headless: true, Copy: true, Prefix: string(rune('a' + i))}.Render(d)
		if err != nil {
			return nil, err
		}
		x := drawn{Label: report.Label(d), Verdict: d.Verdict, Servers: report.Servers(d), Picture: picture}
		x.Sign, x.Headline = report.Headline(d)
		if k.Kind == service.KindText && d.Next != nil && d.Target.Name != "" || k.Kind == service.KindTarget && d.Target.Address == "" {
			x.Target = d.Target.Input
		}
		a.Drawn = append(a.Drawn, x)
	}
	return a, nil
}

// More is how many diagnoses are not drawn.
func (a *answer) More() int { return len(a.Found) - len(a.Drawn) }

// shared shows an answer to whoever has its link.
func (s *Web) shared(w http.ResponseWriter, r *http.Request) error {
	k, err := s.Service.Shared(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	a, err := s.answer(r, k)
	if err != nil {
		return err
	}
	a.Public = true
	return s.render(w, r, "diagnosis", a)
}

// download gives an answer as one file.
func (s *Web) download(w http.ResponseWriter, r *http.Request) error {
	formats := map[string]struct {
		format report.Format
		kind   string
	}{"html": {report.HTML, "text/html; charset=utf-8"}, "json": {report.JSON, "application/json"}}
	name, ext, _ := strings.Cut(r.PathValue("file"), ".")
	f, ok := formats[ext]
	if !ok || name != "report" {
		return monitor.ErrNotFound
	}
	k, err := s.Service.Kept(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	out := report.NewStream(&b, f.format, report.Options{})
	for _, d := range k.Found {
		if err := out.Add(d); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "tlswhy-" + k.At.UTC().Format("20060102-1504") + "." + ext}))
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b.Bytes()) // whoever asked has left
	return nil
}

func (s *Web) share(w http.ResponseWriter, r *http.Request) error {
	id, on := r.PathValue("id"), r.FormValue("on") == "yes"
	if err := s.Service.Share(r.Context(), id, on); err != nil {
		return err
	}
	said := "The link leads nowhere any more."
	if on {
		said = "Whoever has the link can read this diagnosis now, until you take it back."
	}
	return s.done(w, r, "/diagnose/"+url.PathEscape(id), said)
}

func (s *Web) forgetAsk(w http.ResponseWriter, r *http.Request) error {
	k, err := s.Service.Kept(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.render(w, r, "diagnosis-remove", k)
}

func (s *Web) forget(w http.ResponseWriter, r *http.Request) error {
	if err := s.Service.RemoveKept(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return s.done(w, r, "/diagnose", "The diagnosis was removed.")
}
