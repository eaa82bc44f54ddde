package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// settings leads to what can be set.
func (s *Web) settings(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, "settings", nil)
}

// confirm is a page that asks before something is destroyed.
type confirm struct {
	Title, Text  string
	Action, Back string // without the prefix
	Button       string
}

// account is what everybody may do about their own login.
type account struct {
	Sessions []monitor.Session
	This     string // the session that asks
	Tokens   []monitor.Token
	Everyone bool // Tokens are everybody's
	Scopes   []choice
	Now      time.Time

	Made     *monitor.Token // just now
	Secret   string         // of Made, shown this once
	Token    string         // name that was typed
	Life     string
	Mistakes map[string]string // by field
}

// lives are how long a token may be made for.
var lives = []choice{{Value: "30", Name: "30 days"}, {Value: "90", Name: "90 days"}, {Value: "365", Name: "a year"}, {Value: "0", Name: "until it is removed"}}

// Lives are the choices, with the chosen one marked.
func (a *account) Lives() []choice { return chosen(lives, a.Life) }

// chosen marks one of several choices, the first by default.
func chosen(cs []choice, value string) []choice {
	out := append([]choice{}, cs...)
	on := 0
	for i := range out {
		if out[i].Value == value {
			on = i
		}
	}
	out[on].On = true
	return out
}

// scopeWords say what a token may do.
var scopeWords = map[monitor.Scope]string{
	monitor.ScopeRead: "see everything", monitor.ScopeMetrics: "fetch metrics and /probe", monitor.ScopeDiagnose: "diagnose and check now", monitor.ScopeEndpoints: "add, change and remove endpoints",
	monitor.ScopeIncidents: "acknowledge, comment, accept drift", monitor.ScopeSilences: "set silences", monitor.ScopeChannels: "test and change channels", monitor.ScopeAdmin: "look after users and the audit",
}

func (s *Web) account(w http.ResponseWriter, r *http.Request) error {
	return s.showAccount(w, r, http.StatusOK, &account{})
}

func (s *Web) showAccount(w http.ResponseWriter, r *http.Request, status int, a *account) error {
	ctx := r.Context()
	p := access.From(ctx)
	var err error
	if a.Sessions, err = s.Keeper.Sessions(ctx); err != nil {
		return err
	}
	if a.Tokens, err = s.Keeper.Tokens(ctx); err != nil {
		return err
	}
	a.This, a.Now, a.Everyone = p.Session, time.Now(), p.Role == monitor.Admin
	ticked := map[string]bool{}
	for _, v := range r.PostForm["scope"] {
		ticked[v] = true
	}
	for _, x := range p.Scopes() {
		a.Scopes = append(a.Scopes, choice{Value: string(x), Name: scopeWords[x], On: ticked[string(x)]})
	}
	w.Header().Set("Cache-Control", "no-store") // a token is shown once
	return s.renderStatus(w, r, status, "account", a)
}

func (s *Web) changePassword(w http.ResponseWriter, r *http.Request) error {
	fresh := r.PostFormValue("new-password")
	a := &account{Mistakes: map[string]string{}}
	if fresh != r.PostFormValue("again-password") {
		a.Mistakes["again"] = "It is not the same as the new one."
		return s.showAccount(w, r, http.StatusUnprocessableEntity, a)
	}
	err := s.Keeper.ChangePassword(r.Context(), r.PostFormValue("old-password"), fresh)
	if _, msg, ok := mistakeOf(err); ok {
		a.Mistakes["new"] = msg
	} else if errors.Is(err, access.ErrRefused) {
		a.Mistakes["old"] = "It is not your password."
	} else if err != nil {
		return err
	}
	if len(a.Mistakes) > 0 {
		return s.showAccount(w, r, http.StatusUnprocessableEntity, a)
	}
	return s.done(w, r, "/settings/account", "Your password was changed. All your other sessions have ended.")
}

func (s *Web) endSession(w http.ResponseWriter, r *http.Request) error {
	err := s.Keeper.EndSession(r.Context(), r.PathValue("id"))
	if err != nil && !errors.Is(err, monitor.ErrNotFound) {
		return err
	}
	return s.done(w, r, "/settings/account", "That session has ended.")
}

func (s *Web) addToken(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	a := &account{Token: r.PostForm.Get("name"), Life: r.PostForm.Get("life"), Mistakes: map[string]string{}}
	var scopes []monitor.Scope
	for _, x := range r.PostForm["scope"] {
		scopes = append(scopes, monitor.Scope(x))
	}
	var expires time.Time
	switch a.Life {
	case "30":
		expires = time.Now().AddDate(0, 0, 30)
	case "90":
		expires = time.Now().AddDate(0, 0, 90)
	case "365":
		expires = time.Now().AddDate(1, 0, 0)
	}
	secret, t, err := s.Keeper.NewToken(r.Context(), strings.TrimSpace(a.Token), scopes, expires)
	if field, msg, ok := mistakeOf(err); ok {
		a.Mistakes[field] = msg
		return s.showAccount(w, r, http.StatusUnprocessableEntity, a)
	}
	if err != nil {
		return err
	}
	return s.showAccount(w, r, http.StatusOK, &account{Made: &t, Secret: secret})
}

func (s *Web) askRemoveToken(w http.ResponseWriter, r *http.Request) error {
	ts, err := s.Keeper.Tokens(r.Context())
	if err != nil {
		return err
	}
	for _, t := range ts {
		if t.ID == r.PathValue("id") {
			return s.render(w, r, "sure", confirm{Title: "Remove the token " + t.Name + "?", Text: "Programs that use it are refused from then on. It cannot be brought back.",
				Action: "/settings/tokens/" + t.ID + "/remove", Button: "Remove the token", Back: "/settings/account"})
		}
	}
	return monitor.ErrNotFound
}

func (s *Web) removeToken(w http.ResponseWriter, r *http.Request) error {
	if err := s.Keeper.RemoveToken(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return s.done(w, r, "/settings/account", "The token was removed.")
}

// auditPage is what was done.
type auditPage struct {
	monitor.AuditQuery
	Page        monitor.Page[monitor.Audit]
	First, Next string
}

func (s *Web) audit(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	a := &auditPage{AuditQuery: monitor.AuditQuery{Who: q.Get("who"), Action: q.Get("action"), List: monitor.List{Cursor: q.Get("cursor"), Limit: 100}}}
	var err error
	if a.Page, err = s.Keeper.Audit(r.Context(), a.AuditQuery); err != nil {
		return err
	}
	q.Del("cursor")
	if a.Cursor != "" {
		a.First = s.path("/settings/audit") + "?" + q.Encode()
	}
	if a.Page.Next != "" {
		q.Set("cursor", a.Page.Next)
		a.Next = s.path("/settings/audit") + "?" + q.Encode()
	}
	return s.render(w, r, "audit", a)
}
