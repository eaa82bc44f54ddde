package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// silenceList are the silences, in the order in which they matter.
type silenceList struct {
	Holding, Coming, Over []monitor.Silence
	File                  []monitor.Silence // maintenance of the configuration
}

func (s *Web) silences(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Service.Silences(r.Context(), true)
	if err != nil {
		return err
	}
	l := silenceList{File: s.Service.Rules().Maintenance}
	now := time.Now()
	for _, x := range all {
		switch {
		case !now.Before(x.Until):
			l.Over = append(l.Over, x)
		case now.Before(x.From):
			l.Coming = append(l.Coming, x)
		default:
			l.Holding = append(l.Holding, x)
		}
	}
	slices.Reverse(l.Over)
	l.Over = l.Over[:min(len(l.Over), 20)]
	return s.render(w, r, "silences", l)
}

// silenceForm is a silence as it is typed.
type silenceForm struct {
	ID, Match, For, From, Until, Note string
	Back                              string
	Mistakes                          map[string]string
}

// spans are how long a silence may hold from its beginning.
var spans = []choice{{Value: "1h", Name: "1 hour"}, {Value: "4h", Name: "4 hours"}, {Value: "24h", Name: "1 day"}, {Value: "72h", Name: "3 days"}, {Value: "168h", Name: "1 week"}, {Value: "672h", Name: "4 weeks"}}

// Spans are the choices, with the chosen one marked.
func (f *silenceForm) Spans() []choice { return chosen(spans, f.For) }

// stampForm is how browsers write a moment; the pages say that it is UTC.
const stampForm = "2006-01-02T15:04"

func (s *Web) newSilence(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	return s.render(w, r, "silence", &silenceForm{Match: q.Get("match"), Back: local(q.Get("back"))})
}

func (s *Web) silence(w http.ResponseWriter, r *http.Request) error {
	x, err := s.Service.Silence(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.render(w, r, "silence", &silenceForm{ID: x.ID, Match: matchText(x.Match, "\n"), From: x.From.UTC().Format(stampForm), Until: x.Until.UTC().Format(stampForm), Note: x.Note})
}

// matchText writes what a silence covers.
func matchText(match map[string]string, between string) string {
	var lines []string
	for k, v := range match {
		lines = append(lines, k+"="+v)
	}
	slices.Sort(lines)
	return strings.Join(lines, between)
}

// parseMatch reads lines such as owner=web.
func parseMatch(text string) (map[string]string, error) {
	match := map[string]string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if k, v = strings.TrimSpace(k), strings.TrimSpace(v); !ok || k == "" || v == "" {
			return nil, fmt.Errorf("%q is no line such as owner=web", line)
		}
		match[k] = v
	}
	return match, nil
}

func (s *Web) setSilence(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v := r.PostForm.Get
	f := &silenceForm{ID: v("id"), Match: v("match"), For: v("for"), From: v("from"), Until: v("until"), Note: v("note"), Back: local(v("back")), Mistakes: map[string]string{}}
	x := monitor.Silence{ID: f.ID, Note: strings.TrimSpace(f.Note)}
	var err error
	if x.Match, err = parseMatch(f.Match); err != nil {
		f.Mistakes["match"] = err.Error()
	}
	moment := func(field, text string) (t time.Time) {
		if text == "" {
			return t
		}
		t, err := time.Parse(stampForm, text)
		if err != nil {
			f.Mistakes[field] = "Write a moment such as 2026-12-24T18:00."
		}
		return t
	}
	x.From, x.Until = moment("from", f.From), moment("until", f.Until)
	if x.Until.IsZero() && f.Mistakes["until"] == "" {
		d, err := time.ParseDuration(f.For)
		if err != nil {
			f.Mistakes["for"] = "Choose one."
		}
		begin := x.From
		if begin.IsZero() {
			begin = time.Now()
		}
		x.Until = begin.Add(d)
	}
	if len(f.Mistakes) == 0 {
		x, err = s.Service.SetSilence(r.Context(), x)
		if field, msg, ok := mistakeOf(err); ok {
			f.Mistakes[field] = msg
		} else if err != nil {
			return err
		}
	}
	if len(f.Mistakes) > 0 {
		return s.renderStatus(w, r, http.StatusUnprocessableEntity, "silence", f)
	}
	next := f.Back
	if next == "/" {
		next = "/settings/silences"
	}
	return s.done(w, r, next, "The silence holds for "+matchText(x.Match, ", ")+" until "+x.Until.UTC().Format("2006-01-02 15:04")+" UTC.")
}

func (s *Web) askEndSilence(w http.ResponseWriter, r *http.Request) error {
	x, err := s.Service.Silence(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.render(w, r, "sure", confirm{Title: "End this silence?", Text: "It covers " + matchText(x.Match, ", ") + ". What it held back, and is still wrong, is told then.",
		Action: "/settings/silences/" + x.ID + "/end", Button: "End the silence", Back: "/settings/silences"})
}

func (s *Web) endSilence(w http.ResponseWriter, r *http.Request) error {
	if err := s.Service.RemoveSilence(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return s.done(w, r, "/settings/silences", "The silence has ended.")
}
