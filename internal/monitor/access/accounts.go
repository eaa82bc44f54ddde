package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// ChangePassword replaces one's own password; all other sessions end.
func (k *Keeper) ChangePassword(ctx context.Context, old, password string) error {
	p := From(ctx)
	if p == nil || p.Session == "" {
		return ErrNobody // a token changes no password
	}
	if err := k.limits.take(p.Address, p.User); err != nil {
		return err
	}
	u, err := k.accounts.User(ctx, p.User)
	if err != nil {
		return err
	}
	ok, _, err := k.hasher.check(ctx, u.Hash, old)
	switch {
	case err != nil:
		return err
	case !ok:
		return errors.Join(ErrRefused, k.Note(ctx, p, "password-refused", p.User, ""))
	}
	k.limits.forgive(p.Address, p.User)
	if err := goodPassword(u.Name, password); err != nil {
		return err
	}
	if u.Hash, err = k.hasher.hash(ctx, password); err != nil {
		return err
	}
	if err := k.accounts.ChangeUser(ctx, u, p.Session); err != nil {
		return err
	}
	return k.Note(ctx, p, "password-changed", p.User, "")
}

// Users are all of them.
func (k *Keeper) Users(ctx context.Context) ([]monitor.User, error) {
	if _, err := Require(ctx, monitor.ScopeAdmin); err != nil {
		return nil, err
	}
	return k.accounts.Users(ctx)
}

// AddUser makes a user.
func (k *Keeper) AddUser(ctx context.Context, name, password string, role monitor.Role) (monitor.User, error) {
	p, err := Require(ctx, monitor.ScopeAdmin)
	if err != nil {
		return monitor.User{}, err
	}
	u, err := k.newUser(ctx, name, password, role)
	if err == nil {
		err = k.accounts.AddUser(ctx, u, false)
	}
	if err != nil {
		return monitor.User{}, err
	}
	return u, k.Note(ctx, p, "user-added", name, string(role))
}

// ChangeUser changes the role of a user, locks them out or in, or gives them
// another password ("" keeps it). Their sessions end.
func (k *Keeper) ChangeUser(ctx context.Context, name string, role monitor.Role, disabled bool, password string) (monitor.User, error) {
	p, err := Require(ctx, monitor.ScopeAdmin)
	if err != nil {
		return monitor.User{}, err
	}
	u, err := k.accounts.User(ctx, name)
	if err != nil {
		return u, err
	}
	if len(role.Scopes()) == 0 {
		return u, &InvalidError{"role", "viewer, operator or admin"}
	}
	what := []string{string(role)}
	if u.Role, u.Disabled = role, disabled; disabled {
		what = append(what, "disabled")
	}
	if password != "" {
		if err := goodPassword(name, password); err != nil {
			return u, err
		}
		if u.Hash, err = k.hasher.hash(ctx, password); err != nil {
			return u, err
		}
		what = append(what, "new password")
	}
	keep := ""
	if name == p.User {
		keep = p.Session
	}
	if err := k.accounts.ChangeUser(ctx, u, keep); err != nil {
		return u, err
	}
	return u, k.Note(ctx, p, "user-changed", name, strings.Join(what, ", "))
}

// RemoveUser removes a user, with sessions and tokens.
func (k *Keeper) RemoveUser(ctx context.Context, name string) error {
	p, err := Require(ctx, monitor.ScopeAdmin)
	if err != nil {
		return err
	}
	if err := k.accounts.RemoveUser(ctx, name); err != nil {
		return err
	}
	return k.Note(ctx, p, "user-removed", name, "")
}

// maxTokenLife bounds what a token may be made for.
const maxTokenLife = 5 * 366 * 24 * time.Hour

// NewToken makes a token of one's own, with scopes that one has, and returns
// the secret, which is told only now. A zero expires is never.
func (k *Keeper) NewToken(ctx context.Context, name string, scopes []monitor.Scope, expires time.Time) (string, monitor.Token, error) {
	p := From(ctx)
	now := time.Now().UTC()
	switch {
	case p == nil:
		return "", monitor.Token{}, ErrNobody
	case p.Token != "":
		return "", monitor.Token{}, &ForbiddenError{"a session: a token makes no tokens"}
	case strings.TrimSpace(name) == "" || len(name) > 100:
		return "", monitor.Token{}, &InvalidError{"name", "1 to 100 bytes that say what it is for"}
	case len(scopes) == 0:
		return "", monitor.Token{}, &InvalidError{"scopes", "at least one"}
	case !expires.IsZero() && (!expires.After(now) || expires.Sub(now) > maxTokenLife):
		return "", monitor.Token{}, &InvalidError{"expires", "a moment within the next five years"}
	}
	for _, s := range scopes {
		if !slices.Contains(monitor.Scopes, s) {
			return "", monitor.Token{}, &InvalidError{"scopes", "unknown scope " + string(s)}
		}
		if !slices.Contains(p.scopes, s) {
			return "", monitor.Token{}, &ForbiddenError{s}
		}
	}
	value := secret("api")
	slices.Sort(scopes)
	t := monitor.Token{ID: digest(value)[:12], Hash: digest(value), Name: name, User: p.User, Scopes: slices.Compact(scopes), Created: now, Expires: expires.UTC()}
	if expires.IsZero() {
		t.Expires = time.Time{}
	}
	if err := k.accounts.AddToken(ctx, t); err != nil {
		return "", t, err
	}
	return value, t, k.Note(ctx, p, "token-added", t.ID, name)
}

// Tokens are one's own, or everybody's for an admin.
func (k *Keeper) Tokens(ctx context.Context) ([]monitor.Token, error) {
	p := From(ctx)
	if p == nil {
		return nil, ErrNobody
	}
	ts, err := k.accounts.Tokens(ctx)
	return slices.DeleteFunc(ts, func(t monitor.Token) bool {
		return t.User != p.User && !slices.Contains(p.scopes, monitor.ScopeAdmin)
	}), err
}

// RemoveToken ends a token.
func (k *Keeper) RemoveToken(ctx context.Context, id string) error {
	ts, err := k.Tokens(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(ts, func(t monitor.Token) bool { return t.ID == id })
	if i < 0 {
		return monitor.ErrNotFound
	}
	if err := k.accounts.RemoveToken(ctx, id); err != nil {
		return err
	}
	return k.Note(ctx, From(ctx), "token-removed", id, ts[i].Name)
}

// Audit is what was done.
func (k *Keeper) Audit(ctx context.Context, q monitor.AuditQuery) (monitor.Page[monitor.Audit], error) {
	if _, err := Require(ctx, monitor.ScopeAdmin); err != nil {
		return monitor.Page[monitor.Audit]{}, err
	}
	return k.accounts.BrowseAudit(ctx, q)
}
