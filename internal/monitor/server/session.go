package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// The names of the session's cookie. Browsers take one that begins with __Host-
// only over TLS, for this host and from it (RFC 6265bis, Section 4.1.3.2).
const (
	CookieSecure = "__Host-tlswhy"
	CookiePlain  = "tlswhy"
)

func cookieName(o access.Origin) string {
	if o.Secure {
		return CookieSecure
	}
	return CookiePlain
}

// Cookie carries a session; an empty value ends it. SameSite=Lax lets a link in
// an alert open a page without another login.
func Cookie(o access.Origin, value string) http.Cookie {
	c := http.Cookie{Name: cookieName(o), Value: value, Path: "/", HttpOnly: true, Secure: o.Secure, SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// Authenticate finds out who asks, by token or session. A request without either
// is nobody's; a token that is not good is an error. The request must carry an
// access.Origin.
func Authenticate(k *access.Keeper, r *http.Request) (*http.Request, error) {
	ctx := r.Context()
	from := access.OriginOf(ctx)
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "bearer") {
			return r, access.ErrNobody
		}
		p, err := k.ByToken(ctx, strings.TrimSpace(token), from.Address)
		if err != nil {
			return r, err
		}
		return r.WithContext(access.With(ctx, p)), nil
	}
	c, err := r.Cookie(cookieName(from))
	if err != nil {
		return r, nil
	}
	p, err := k.BySession(ctx, c.Value, from.Address)
	switch {
	case errors.Is(err, access.ErrNobody):
		return r, nil // a session that has ended must not keep its owner from logging in
	case err != nil:
		return r, err
	}
	return r.WithContext(access.With(ctx, p)), nil
}
