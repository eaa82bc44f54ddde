package api

import (
	"context"
	"net/http"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/server"
)

// Credentials are a name and a password.
type Credentials struct {
	Name     string `json:"name" minLength:"1" maxLength:"64" example:"ann"`
	Password string `json:"password" minLength:"1" maxLength:"1000" format:"password" writeOnly:"true" example:"correct horse battery staple"`
}

// SessionOutput sets or ends a session.
type SessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      *Me
}

// Me is who asks.
type Me struct {
	User   string          `json:"user" example:"ann"`
	Role   monitor.Role    `json:"role" enum:"viewer,operator,admin"`
	Token  string          `json:"token,omitempty" doc:"Name of the token that was sent"`
	Scopes []monitor.Scope `json:"scopes" nullable:"false" doc:"What may be done"`
}

func me(p *access.Somebody) *Me {
	return &Me{User: p.User, Role: p.Role, Token: p.Token, Scopes: p.Scopes()}
}

// UserBody is a user, without the password.
type UserBody struct {
	Name     string       `json:"name" example:"ann"`
	Role     monitor.Role `json:"role" enum:"viewer,operator,admin"`
	Disabled bool         `json:"disabled"`
	Created  time.Time    `json:"created"`
	Login    *time.Time   `json:"login,omitempty" doc:"The last login"`
}

func userBody(u monitor.User) UserBody {
	return UserBody{Name: u.Name, Role: u.Role, Disabled: u.Disabled, Created: u.Created, Login: optional(u.Login)}
}

// TokenBody is a token, without its secret.
type TokenBody struct {
	ID      string          `json:"id"`
	Name    string          `json:"name" doc:"What it is for" example:"prometheus"`
	User    string          `json:"user"`
	Scopes  []monitor.Scope `json:"scopes" nullable:"false"`
	Created time.Time       `json:"created"`
	Expires *time.Time      `json:"expires,omitempty"`
	Used    *time.Time      `json:"used,omitempty" doc:"The last use"`
}

func tokenBody(t monitor.Token) TokenBody {
	return TokenBody{ID: t.ID, Name: t.Name, User: t.User, Scopes: t.Scopes, Created: t.Created, Expires: optional(t.Expires), Used: optional(t.Used)}
}

// NewTokenBody is a token with the secret, which is told only once.
type NewTokenBody struct {
	TokenBody
	Token string `json:"token" doc:"The secret: it is told only now"`
}

func (a *API) accounts() {
	a.sessions()
	a.users()
	a.tokens()
}

func (a *API) sessions() {
	const tag = "login"
	register(a, operation(http.MethodPost, "/setup", "set-up", "Make the first user, an admin", tag, "", 403, 409, 422, 429),
		func(ctx context.Context, in *struct {
			Body struct {
				Credentials
				Token string `json:"token,omitempty" maxLength:"200" doc:"What the monitor wrote to its log; not needed on its own machine"`
			}
		}) (*SessionOutput, error) {
			from := access.OriginOf(ctx)
			if err := a.Keeper.SetUp(ctx, in.Body.Name, in.Body.Password, in.Body.Token, from.Here, from.Address); err != nil {
				return nil, err
			}
			return a.login(ctx, in.Body.Credentials, "")
		})
	register(a, operation(http.MethodPost, "/login", "login", "Log in", tag, "", 401, 422, 429),
		func(ctx context.Context, in *struct {
			UserAgent string `header:"User-Agent" hidden:"true"`
			Body      Credentials
		}) (*SessionOutput, error) {
			return a.login(ctx, in.Body, in.UserAgent)
		})
	register(a, operation(http.MethodPost, "/logout", "logout", "Log out", tag, ""),
		func(ctx context.Context, _ *struct{}) (*struct {
			SetCookie http.Cookie `header:"Set-Cookie"`
		}, error) {
			out := &struct {
				SetCookie http.Cookie `header:"Set-Cookie"`
			}{server.Cookie(access.OriginOf(ctx), "")}
			if p := access.From(ctx); p != nil {
				return out, a.Keeper.Logout(ctx, p)
			}
			return out, nil
		})
	register(a, operation(http.MethodGet, "/me", "get-me", "Who you are, and what you may do", tag, anybody),
		func(ctx context.Context, _ *struct{}) (*Output[*Me], error) {
			p := access.From(ctx)
			if p == nil {
				return nil, access.ErrNobody
			}
			return &Output[*Me]{me(p)}, nil
		})
	register(a, operation(http.MethodPost, "/me/password", "change-password", "Change your password; your other sessions end", tag, anybody, 422, 429),
		func(ctx context.Context, in *struct {
			Body struct {
				Old string `json:"old" maxLength:"1000" writeOnly:"true"`
				New string `json:"new" minLength:"12" maxLength:"1000" writeOnly:"true"`
			}
		}) (*struct{}, error) {
			return nil, a.Keeper.ChangePassword(ctx, in.Body.Old, in.Body.New)
		})
}

func (a *API) login(ctx context.Context, c Credentials, agent string) (*SessionOutput, error) {
	from := access.OriginOf(ctx)
	value, p, err := a.Keeper.Login(ctx, c.Name, c.Password, from.Address, agent)
	if err != nil {
		return nil, err
	}
	return &SessionOutput{SetCookie: server.Cookie(from, value), Body: me(p)}, nil
}

// NameInput names a user.
type NameInput struct {
	Name string `path:"name" maxLength:"64"`
}

func (a *API) users() {
	const tag = "users"
	register(a, operation(http.MethodGet, "/users", "list-users", "List users", tag, monitor.ScopeAdmin),
		func(ctx context.Context, _ *struct{}) (*ListOutput[UserBody], error) {
			us, err := a.Keeper.Users(ctx)
			return listed(monitor.Page[monitor.User]{Items: us}, false, userBody), err
		})
	register(a, answering(operation(http.MethodPost, "/users", "add-user", "Add a user", tag, monitor.ScopeAdmin, 409, 422), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Body struct {
				Credentials
				Role monitor.Role `json:"role" enum:"viewer,operator,admin"`
			}
		}) (*Output[UserBody], error) {
			u, err := a.Keeper.AddUser(ctx, in.Body.Name, in.Body.Password, in.Body.Role)
			return &Output[UserBody]{userBody(u)}, err
		})
	register(a, operation(http.MethodPut, "/users/{name}", "change-user", "Change a user's role or password, or lock them out; their sessions end", tag, monitor.ScopeAdmin, 404, 409, 422),
		func(ctx context.Context, in *struct {
			NameInput
			Body struct {
				Role     monitor.Role `json:"role" enum:"viewer,operator,admin"`
				Disabled bool         `json:"disabled,omitempty"`
				Password string       `json:"password,omitempty" maxLength:"1000" writeOnly:"true" doc:"A new one; missing keeps the old one"`
			}
		}) (*Output[UserBody], error) {
			u, err := a.Keeper.ChangeUser(ctx, in.Name, in.Body.Role, in.Body.Disabled, in.Body.Password)
			return &Output[UserBody]{userBody(u)}, err
		})
	register(a, operation(http.MethodDelete, "/users/{name}", "remove-user", "Remove a user, with sessions and tokens", tag, monitor.ScopeAdmin, 404, 409),
		func(ctx context.Context, in *NameInput) (*struct{}, error) {
			return nil, a.Keeper.RemoveUser(ctx, in.Name)
		})
	register(a, operation(http.MethodGet, "/audit", "list-audit", "List what was done, the newest first", tag, monitor.ScopeAdmin, 400, 422),
		func(ctx context.Context, in *struct {
			ListInput
			Who    string `query:"who" maxLength:"200"`
			Action string `query:"action" maxLength:"40" example:"login-refused"`
		}) (*ListOutput[monitor.Audit], error) {
			p, err := a.Keeper.Audit(ctx, monitor.AuditQuery{List: in.list(), Who: in.Who, Action: in.Action})
			return listed(p, in.Count, same[monitor.Audit]), err
		})
}

func (a *API) tokens() {
	const tag = "tokens"
	register(a, operation(http.MethodGet, "/tokens", "list-tokens", "List your tokens; an admin sees everybody's", tag, anybody),
		func(ctx context.Context, _ *struct{}) (*ListOutput[TokenBody], error) {
			ts, err := a.Keeper.Tokens(ctx)
			return listed(monitor.Page[monitor.Token]{Items: ts}, false, tokenBody), err
		})
	register(a, answering(operation(http.MethodPost, "/tokens", "add-token", "Make a token of yours", tag, anybody, 422), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Body struct {
				Name    string          `json:"name" minLength:"1" maxLength:"100" doc:"What it is for" example:"prometheus"`
				Scopes  []monitor.Scope `json:"scopes" minItems:"1" nullable:"false" enum:"read,metrics,diagnose,endpoints,incidents,silences,channels,admin" example:"[\"metrics\"]"`
				Expires *time.Time      `json:"expires,omitempty" doc:"Missing is never"`
			}
		}) (*Output[NewTokenBody], error) {
			var expires time.Time
			if in.Body.Expires != nil {
				expires = *in.Body.Expires
			}
			value, t, err := a.Keeper.NewToken(ctx, in.Body.Name, in.Body.Scopes, expires)
			return &Output[NewTokenBody]{NewTokenBody{TokenBody: tokenBody(t), Token: value}}, err
		})
	register(a, operation(http.MethodDelete, "/tokens/{id}", "remove-token", "End a token", tag, anybody, 404),
		func(ctx context.Context, in *IDInput) (*struct{}, error) {
			return nil, a.Keeper.RemoveToken(ctx, in.ID)
		})
}
