package monitor

import (
	"context"
	"slices"
	"time"
)

// Role is what a user may do.
type Role string

// The roles: each may do what the one before it may.
const (
	Viewer   Role = "viewer"   // sees
	Operator Role = "operator" // looks after endpoints, incidents and silences
	Admin    Role = "admin"    // and after users, tokens and channels
)

// Scope is one kind of thing that may be done.
type Scope string

// The scopes, of API tokens and of operations.
const (
	ScopeRead      Scope = "read"
	ScopeMetrics   Scope = "metrics" // /metrics and /probe
	ScopeDiagnose  Scope = "diagnose"
	ScopeEndpoints Scope = "endpoints"
	ScopeIncidents Scope = "incidents"
	ScopeSilences  Scope = "silences"
	ScopeChannels  Scope = "channels"
	ScopeAdmin     Scope = "admin"
)

// Scopes are all of them, in the order of the roles that have them.
var Scopes = []Scope{ScopeRead, ScopeMetrics, ScopeDiagnose, ScopeEndpoints, ScopeIncidents, ScopeSilences, ScopeChannels, ScopeAdmin}

// Scopes are what the role allows; none for an unknown role.
func (r Role) Scopes() []Scope {
	switch r {
	case Viewer:
		return Scopes[:2]
	case Operator:
		return Scopes[:6]
	case Admin:
		return Scopes
	}
	return nil
}

// User is somebody who may log in.
type User struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Hash    string    `json:"hash"` // of the password, with its parameters
	Created time.Time `json:"created"`
	// Login is when the user last logged in.
	Login    time.Time `json:"login,omitzero"`
	Disabled bool      `json:"disabled,omitempty"`
}

// Session is a user who has logged in. ID is the hash of what the browser holds.
type Session struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
}

// Token lets a program in, in the name of the user who made it. Hash is that of
// what the program holds, which nobody else knows.
type Token struct {
	ID      string    `json:"id"`
	Hash    string    `json:"hash"`
	Name    string    `json:"name"` // what it is for
	User    string    `json:"user"`
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero is never
	Used    time.Time `json:"used,omitzero"`
}

// Holds tells whether the token is good at the moment.
func (t *Token) Holds(now time.Time) bool { return t.Expires.IsZero() || now.Before(t.Expires) }

// Allows are the scopes of the token that its user still has.
func (t *Token) Allows(r Role) []Scope {
	return slices.DeleteFunc(slices.Clone(t.Scopes), func(s Scope) bool { return !slices.Contains(r.Scopes(), s) })
}

// Audit is something that somebody did, or tried to.
type Audit struct {
	ID      int64     `json:"id"` // given by the store, ascending
	At      time.Time `json:"at"`
	Who     string    `json:"who"` // user, or "token NAME of USER"
	Address string    `json:"address,omitempty"`
	Action  string    `json:"action"` // login, login-refused, endpoint-added ...
	Object  string    `json:"object,omitempty"`
	Text    string    `json:"text,omitempty"`
}

// AuditQuery narrows the audit, the newest first.
type AuditQuery struct {
	List
	Who, Action string
}

// Accounts keeps who may come in. What is not there is ErrNotFound.
type Accounts interface {
	Users(ctx context.Context) ([]User, error)
	User(ctx context.Context, name string) (User, error)
	// AddUser returns ErrExists when there is one of that name, or, as the first
	// user, when there is any.
	AddUser(ctx context.Context, u User, first bool) error
	// ChangeUser and RemoveUser refuse, with ErrLastAdmin, to leave no admin. They
	// end the user's sessions but the one named keep; a removed user's tokens go.
	ChangeUser(ctx context.Context, u User, keep string) error
	RemoveUser(ctx context.Context, name string) error

	AddSession(ctx context.Context, s Session) error
	Session(ctx context.Context, id string) (Session, error)
	// Sessions are those of a user, the last used first.
	Sessions(ctx context.Context, user string) ([]Session, error)
	TouchSession(ctx context.Context, id string, seen time.Time) error
	RemoveSession(ctx context.Context, id string) error
	// SweepSessions removes those that were created or last seen before.
	SweepSessions(ctx context.Context, created, seen time.Time) error

	AddToken(ctx context.Context, t Token) error
	Tokens(ctx context.Context) ([]Token, error)
	TokenByHash(ctx context.Context, hash string) (Token, error)
	TouchToken(ctx context.Context, id string, used time.Time) error
	RemoveToken(ctx context.Context, id string) error

	AddAudit(ctx context.Context, a Audit) error
	BrowseAudit(ctx context.Context, q AuditQuery) (Page[Audit], error)
}
