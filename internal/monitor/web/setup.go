package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

// setupForm makes the first user.
type setupForm struct {
	Name     string
	Here     bool // no token is needed
	Mistakes map[string]string
}

func (s *Web) setupPage(w http.ResponseWriter, r *http.Request) error {
	empty, err := s.Keeper.NeedsSetUp(r.Context())
	if err != nil {
		return err
	}
	if !empty {
		http.Redirect(w, r, s.path("/"), http.StatusSeeOther)
		return nil
	}
	return s.render(w, r, "setup", &setupForm{Here: access.OriginOf(r.Context()).Here})
}

func (s *Web) setup(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	from := access.OriginOf(r.Context())
	f := &setupForm{Name: strings.TrimSpace(r.PostForm.Get("name")), Here: from.Here, Mistakes: map[string]string{}}
	password := r.PostForm.Get("password")
	if password != r.PostForm.Get("again-password") {
		f.Mistakes["again"] = "It is not the same."
		return s.renderStatus(w, r, http.StatusUnprocessableEntity, "setup", f)
	}
	err := s.Keeper.SetUp(r.Context(), f.Name, password, strings.TrimSpace(r.PostForm.Get("token-password")), from.Here, from.Address)
	if field, msg, ok := mistakeOf(err); ok {
		f.Mistakes[field] = msg
	} else if errors.Is(err, access.ErrSetUpToken) {
		f.Mistakes["token"] = "It is not the token of the log."
	} else if errors.Is(err, access.ErrSetUp) {
		return s.goTo(w, r, "/login")
	} else if err != nil {
		return err
	}
	if len(f.Mistakes) > 0 {
		return s.renderStatus(w, r, http.StatusUnprocessableEntity, "setup", f)
	}
	value, _, err := s.Keeper.Login(r.Context(), f.Name, password, from.Address, r.UserAgent())
	if err != nil {
		return err
	}
	s.letIn(w, r, value)
	return s.goTo(w, r, "/setup/endpoints")
}

func (s *Web) goTo(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, s.path(path), http.StatusSeeOther)
	return nil
}

// pasteForm is a list of endpoints that somebody pastes.
type pasteForm struct {
	List    string // what is left to be mended
	Lines   []service.Line
	Added   int
	Known   int
	Mistake string
	Setup   bool
}

// Wrong are the lines that could not be taken.
func (f *pasteForm) Wrong() (out []service.Line) {
	for _, l := range f.Lines {
		if l.Err != nil {
			out = append(out, l)
		}
	}
	return out
}

func (s *Web) pastePage(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, "paste", &pasteForm{Setup: inSetup(r)})
}

// inSetup tells whether a page is a step of the first run.
func inSetup(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/setup/") }

func (s *Web) paste(w http.ResponseWriter, r *http.Request) error {
	f := &pasteForm{List: r.PostFormValue("list"), Setup: inSetup(r)}
	lines, err := s.Service.Paste(r.Context(), f.List)
	if _, msg, ok := mistakeOf(err); ok {
		f.Mistake = msg
		return s.renderStatus(w, r, http.StatusUnprocessableEntity, "paste", f)
	}
	if err != nil {
		return err
	}
	f.Lines = lines
	var left []string
	for _, l := range lines {
		switch {
		case l.Err != nil:
			left = append(left, l.Text)
		case l.Known:
			f.Known++
		default:
			f.Added++
		}
	}
	f.List = strings.Join(left, "\n")
	if len(lines) == 0 {
		f.Mistake = "Write at least one line."
	}
	if f.Mistake != "" || len(left) > 0 {
		return s.renderStatus(w, r, http.StatusUnprocessableEntity, "paste", f)
	}
	said := fmt.Sprintf("%s added; the first checks are on their way.", count(f.Added, "endpoint"))
	if f.Known > 0 {
		said = fmt.Sprintf("%s added, %d were watched already.", count(f.Added, "endpoint"), f.Known)
	}
	if f.Setup {
		return s.done(w, r, "/setup/channel", said)
	}
	return s.done(w, r, "/endpoints", said)
}

func (s *Web) setupChannel(w http.ResponseWriter, r *http.Request) error {
	l, err := s.listChannels(r)
	if err != nil {
		return err
	}
	l.Setup = true
	return s.render(w, r, "channels", l)
}
