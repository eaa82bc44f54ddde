// Package access says who comes in and what they may do: passwords, sessions,
// API tokens, roles, and limits on guessing. It keeps nothing itself but the
// counts of guesses; the rest is in a monitor.Accounts. It knows no HTTP.
//
//	k := access.New(store)
//	secret, who, err := k.Login(ctx, "ann", password, address, agent)
//	who, err = k.BySession(ctx, secret)
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Errors that callers tell apart.
var (
	// ErrRefused says no more than that: not whether the name or the password is
	// wrong.
	ErrRefused = errors.New("the name or the password is wrong")
	// ErrNobody is a request without a session or token, or with one that has ended.
	ErrNobody = errors.New("log in, or send a token")
	// ErrSetUp is a set-up that has been done, or is not allowed from there.
	ErrSetUp = errors.New("the set-up is done")
	// ErrSetUpToken is a set-up from elsewhere without the token of the log.
	ErrSetUpToken = errors.New("the set-up from another machine needs the token that the monitor wrote to its log when it started")
)

// ForbiddenError is something that somebody may not do.
type ForbiddenError struct{ Scope monitor.Scope }

// Error implements error.
func (e *ForbiddenError) Error() string { return fmt.Sprintf("this needs the scope %q", e.Scope) }

// InvalidError is a value that cannot be taken.
type InvalidError struct{ Field, Msg string }

// Error implements error.
func (e *InvalidError) Error() string { return e.Field + ": " + e.Msg }

// LimitedError is a guess too many.
type LimitedError struct{ After time.Duration }

// Error implements error.
func (e *LimitedError) Error() string {
	return fmt.Sprintf("too many attempts: try again in %v", e.After.Round(time.Second))
}

// Somebody is who asks.
type Somebody struct {
	User    string
	Role    monitor.Role
	Token   string // its name, "" for a session
	Session string // its ID, "" for a token
	Address string
	scopes  []monitor.Scope
}

// Scopes are what they may do.
func (p *Somebody) Scopes() []monitor.Scope { return p.scopes }

// Name is who it is in the audit.
func (p *Somebody) Name() string {
	if p.Token != "" {
		return fmt.Sprintf("token %s of %s", p.Token, p.User)
	}
	return p.User
}

type contextKey struct{}

// With lends somebody to what is done with ctx.
func With(ctx context.Context, p *Somebody) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From is who asks, or nil.
func From(ctx context.Context) *Somebody {
	p, _ := ctx.Value(contextKey{}).(*Somebody)
	return p
}

// Require returns who asks if they may do that; else ErrNobody or a
// *ForbiddenError.
func Require(ctx context.Context, scope monitor.Scope) (*Somebody, error) {
	p := From(ctx)
	switch {
	case p == nil:
		return nil, ErrNobody
	case !slices.Contains(p.scopes, scope):
		return nil, &ForbiddenError{scope}
	}
	return p, nil
}

// The life of a session: it ends when it was not used for idleFor, and in any
// case after lastFor.
const (
	idleFor = 24 * time.Hour
	lastFor = 7 * 24 * time.Hour
	// touch is how exactly the last use is noted.
	touch = time.Minute
)

// Keeper lets people and programs in. It is safe for concurrent use.
type Keeper struct {
	accounts monitor.Accounts
	setUp    string // token of the first set-up
	hasher   hasher
	limits   limits
}

// New makes a Keeper.
func New(accounts monitor.Accounts) *Keeper {
	return &Keeper{accounts: accounts, setUp: secret("setup"), hasher: newHasher()}
}

// secret makes something that nobody guesses: 130 bits after a word that says
// what it is, so that a scanner for leaked secrets finds it.
func secret(what string) string { return "tlswhy_" + what + "_" + strings.ToLower(rand.Text()) }

// digest is what is stored of a secret. It has too many bits to be guessed, so
// that a fast hash is enough.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// SetUpToken is what the set-up from another machine needs.
func (k *Keeper) SetUpToken() string { return k.setUp }

// NeedsSetUp tells whether there is no user yet.
func (k *Keeper) NeedsSetUp(ctx context.Context) (bool, error) {
	users, err := k.accounts.Users(ctx)
	return len(users) == 0, err
}

// SetUp makes the first user, an admin. here says that the request comes from
// this machine and needs no token.
func (k *Keeper) SetUp(ctx context.Context, name, password, token string, here bool, address string) error {
	if err := k.limits.take(address, ""); err != nil {
		return err
	}
	if !here && digest(token) != digest(k.setUp) {
		return ErrSetUpToken
	}
	u, err := k.newUser(ctx, name, password, monitor.Admin)
	if err != nil {
		return err
	}
	if err := k.accounts.AddUser(ctx, u, true); err != nil {
		if errors.Is(err, monitor.ErrExists) {
			return ErrSetUp
		}
		return err
	}
	k.limits.forgive(address, "")
	return k.audit(ctx, name, address, "set-up", name, "")
}

var goodName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)

func (k *Keeper) newUser(ctx context.Context, name, password string, role monitor.Role) (monitor.User, error) {
	if !goodName.MatchString(name) {
		return monitor.User{}, &InvalidError{"name", "1 to 64 small letters, digits and . _ @ -"}
	}
	if len(role.Scopes()) == 0 {
		return monitor.User{}, &InvalidError{"role", "viewer, operator or admin"}
	}
	if err := goodPassword(name, password); err != nil {
		return monitor.User{}, err
	}
	hash, err := k.hasher.hash(ctx, password)
	return monitor.User{Name: name, Role: role, Hash: hash, Created: time.Now().UTC()}, err
}

// goodPassword asks for length and nothing else (NIST SP 800-63B, Section
// 3.1.1.2, asks for 15 without a second factor; 12 is a compromise with what
// people do).
func goodPassword(name, password string) error {
	n := len([]rune(password))
	switch {
	case n < 12:
		return &InvalidError{"password", "at least 12 characters"}
	case len(password) > 1000:
		return &InvalidError{"password", "at most 1000 bytes"}
	case strings.Contains(strings.ToLower(password), name) && n < len(name)+8:
		return &InvalidError{"password", "more than the name and a few characters"}
	case len(slices.Compact(slices.Sorted(slices.Values([]rune(password))))) < 5:
		return &InvalidError{"password", "at least five different characters"}
	}
	return nil
}

// Login returns the secret that the browser keeps.
func (k *Keeper) Login(ctx context.Context, name, password, address, agent string) (string, *Somebody, error) {
	if err := k.limits.take(address, name); err != nil {
		return "", nil, errors.Join(err, k.audit(ctx, name, address, "login-limited", name, ""))
	}
	u, err := k.accounts.User(ctx, name)
	if err != nil && !errors.Is(err, monitor.ErrNotFound) {
		return "", nil, err
	}
	// An unknown name takes as long as a wrong password.
	ok, stale, err := k.hasher.check(ctx, u.Hash, password)
	if err != nil {
		return "", nil, err
	}
	if !ok || u.Disabled {
		return "", nil, errors.Join(ErrRefused, k.audit(ctx, name, address, "login-refused", name, ""))
	}
	k.limits.forgive(address, name)
	now := time.Now().UTC()
	if err := k.accounts.SweepSessions(ctx, now.Add(-lastFor), now.Add(-idleFor)); err != nil {
		return "", nil, err
	}
	value := secret("session")
	s := monitor.Session{ID: digest(value), User: u.Name, Created: now, Seen: now, Address: address, Agent: cut(agent, 200)}
	if stale { // the parameters are older than this program's
		if u.Hash, err = k.hasher.hash(ctx, password); err == nil {
			err = k.accounts.ChangeUser(ctx, u, "")
		}
		if err != nil {
			return "", nil, err
		}
	}
	if err := k.accounts.AddSession(ctx, s); err != nil {
		return "", nil, err
	}
	return value, somebody(&u, &s, address), k.audit(ctx, name, address, "login", name, "")
}

func somebody(u *monitor.User, s *monitor.Session, address string) *Somebody {
	return &Somebody{User: u.Name, Role: u.Role, Session: s.ID, Address: address, scopes: u.Role.Scopes()}
}

// BySession finds out who holds a session; ErrNobody when it has ended.
func (k *Keeper) BySession(ctx context.Context, value, address string) (*Somebody, error) {
	s, err := k.accounts.Session(ctx, digest(value))
	if errors.Is(err, monitor.ErrNotFound) {
		return nil, ErrNobody
	}
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	if ended(&s, now) {
		return nil, errors.Join(ErrNobody, k.accounts.RemoveSession(ctx, s.ID))
	}
	u, err := k.accounts.User(ctx, s.User)
	if err != nil || u.Disabled {
		return nil, nobody(err)
	}
	if now.Sub(s.Seen) > touch {
		if err := k.accounts.TouchSession(ctx, s.ID, now); err != nil {
			return nil, err
		}
	}
	return somebody(&u, &s, address), nil
}

func nobody(err error) error {
	if err == nil || errors.Is(err, monitor.ErrNotFound) {
		return ErrNobody
	}
	return err
}

// ByToken finds out whose token it is.
func (k *Keeper) ByToken(ctx context.Context, value, address string) (*Somebody, error) {
	t, err := k.accounts.TokenByHash(ctx, digest(value))
	now := time.Now().UTC()
	if err != nil || !t.Holds(now) {
		return nil, nobody(err)
	}
	u, err := k.accounts.User(ctx, t.User)
	if err != nil || u.Disabled {
		return nil, nobody(err)
	}
	if now.Sub(t.Used) > touch {
		if err := k.accounts.TouchToken(ctx, t.ID, now); err != nil {
			return nil, err
		}
	}
	return &Somebody{User: u.Name, Role: u.Role, Token: t.Name, Address: address, scopes: t.Allows(u.Role)}, nil
}

// Logout ends a session.
func (k *Keeper) Logout(ctx context.Context, p *Somebody) error {
	if p.Session == "" {
		return nil
	}
	if err := k.accounts.RemoveSession(ctx, p.Session); err != nil {
		return err
	}
	return k.audit(ctx, p.Name(), p.Address, "logout", p.User, "")
}

func (k *Keeper) audit(ctx context.Context, who, address, action, object, text string) error {
	return k.accounts.AddAudit(ctx, monitor.Audit{At: time.Now().UTC(), Who: cut(who, 200), Address: address, Action: action, Object: cut(object, 200), Text: cut(text, 500)})
}

// Note writes into the audit what somebody did.
func (k *Keeper) Note(ctx context.Context, p *Somebody, action, object, text string) error {
	return k.audit(ctx, p.Name(), p.Address, action, object, text)
}

// cut bounds a text that comes from outside.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
