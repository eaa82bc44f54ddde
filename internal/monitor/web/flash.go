package web

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// flash is a word about what was just done, shown once.
type flash struct {
	Bad  bool
	Text string
}

// flashCookie is named like the session's, so that nobody else can set it where
// the connection is encrypted.
func flashCookie(r *http.Request) *http.Cookie {
	c := &http.Cookie{Name: "tlswhy-said", Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if access.OriginOf(r.Context()).Secure {
		c.Name, c.Secure = "__Host-tlswhy-said", true
	}
	return c
}

// done ends a change: it says what was done and goes on to a page.
func (s *Web) done(w http.ResponseWriter, r *http.Request, next, text string) error {
	return s.goOn(w, r, next, flash{Text: text})
}

// notDone is done for what could not be.
func (s *Web) notDone(w http.ResponseWriter, r *http.Request, next, text string) error {
	return s.goOn(w, r, next, flash{Bad: true, Text: text})
}

// maxFlash bounds a word; a cookie holds 4096 bytes.
const maxFlash = 1500

func (s *Web) goOn(w http.ResponseWriter, r *http.Request, next string, f flash) error {
	c := flashCookie(r)
	kind := "g"
	if f.Bad {
		kind = "b"
	}
	c.Value = kind + base64.RawURLEncoding.EncodeToString([]byte(f.Text[:min(len(f.Text), maxFlash)]))
	c.MaxAge = 60
	http.SetCookie(w, c)
	http.Redirect(w, r, s.path(local(next)), http.StatusSeeOther)
	return nil
}

// takeFlash returns what is to be said, once.
func (s *Web) takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	c := flashCookie(r)
	got, err := r.Cookie(c.Name)
	if err != nil || got.Value == "" || access.From(r.Context()) == nil {
		return nil
	}
	c.MaxAge = -1
	http.SetCookie(w, c)
	text, err := base64.RawURLEncoding.DecodeString(got.Value[1:])
	if err != nil {
		return nil
	}
	return &flash{Bad: got.Value[0] == 'b', Text: strings.ToValidUTF8(string(text), "")}
}
