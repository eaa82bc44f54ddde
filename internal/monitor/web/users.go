package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// roles are what a user may be.
var roles = []choice{
	{Value: string(monitor.Viewer), Name: "viewer: sees"},
	{Value: string(monitor.Operator), Name: "operator: looks after endpoints, incidents and silences, too"},
	{Value: string(monitor.Admin), Name: "admin: looks after users and channels, too"},
}

// userPage lists users, or changes one.
type userPage struct {
	Users    []monitor.User
	One      *monitor.User // that is changed; nil in the list
	Self     bool          // One asks
	Name     string        // that was typed
	Role     string
	Mistakes map[string]string
}

// Roles are the choices, with the chosen one marked.
func (p *userPage) Roles() []choice { return chosen(roles, p.Role) }

func (s *Web) users(w http.ResponseWriter, r *http.Request) error {
	return s.showUsers(w, r, http.StatusOK, &userPage{})
}

func (s *Web) showUsers(w http.ResponseWriter, r *http.Request, status int, p *userPage) error {
	var err error
	if p.Users, err = s.Keeper.Users(r.Context()); err != nil {
		return err
	}
	return s.renderStatus(w, r, status, "users", p)
}

func (s *Web) addUser(w http.ResponseWriter, r *http.Request) error {
	p := &userPage{Name: strings.TrimSpace(r.PostFormValue("name")), Role: r.PostFormValue("role"), Mistakes: map[string]string{}}
	_, err := s.Keeper.AddUser(r.Context(), p.Name, r.PostFormValue("password"), monitor.Role(p.Role))
	if field, msg, ok := mistakeOf(err); ok {
		p.Mistakes[field] = msg
	} else if errors.Is(err, monitor.ErrExists) {
		p.Mistakes["name"] = "There is a user of that name."
	} else if err != nil {
		return err
	}
	if len(p.Mistakes) > 0 {
		return s.showUsers(w, r, http.StatusUnprocessableEntity, p)
	}
	return s.done(w, r, "/settings/users", "The user "+p.Name+" was added. Tell them the password; they can change it under their account.")
}

func (s *Web) user(w http.ResponseWriter, r *http.Request) error {
	u, err := s.userNamed(r)
	if err != nil {
		return err
	}
	return s.showUser(w, r, http.StatusOK, &userPage{One: u, Role: string(u.Role)})
}

func (s *Web) userNamed(r *http.Request) (*monitor.User, error) {
	us, err := s.Keeper.Users(r.Context())
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(us, func(u monitor.User) bool { return u.Name == r.PathValue("name") }); i >= 0 {
		return &us[i], nil
	}
	return nil, monitor.ErrNotFound
}

func (s *Web) showUser(w http.ResponseWriter, r *http.Request, status int, p *userPage) error {
	p.Self = p.One.Name == access.From(r.Context()).User
	return s.renderStatus(w, r, status, "user", p)
}

func (s *Web) changeUser(w http.ResponseWriter, r *http.Request) error {
	u, err := s.userNamed(r)
	if err != nil {
		return err
	}
	p := &userPage{One: u, Role: r.PostFormValue("role"), Mistakes: map[string]string{}}
	disabled := r.PostFormValue("disabled") != ""
	_, err = s.Keeper.ChangeUser(r.Context(), u.Name, monitor.Role(p.Role), disabled, r.PostFormValue("password"))
	if field, msg, ok := mistakeOf(err); ok {
		p.Mistakes[field] = msg
	} else if errors.Is(err, monitor.ErrLastAdmin) {
		p.Mistakes["role"] = "There must be one admin, and this is the last."
	} else if err != nil {
		return err
	}
	if len(p.Mistakes) > 0 {
		u.Disabled = disabled
		return s.showUser(w, r, http.StatusUnprocessableEntity, p)
	}
	return s.done(w, r, "/settings/users", u.Name+" was changed; their sessions have ended.")
}

func (s *Web) askRemoveUser(w http.ResponseWriter, r *http.Request) error {
	u, err := s.userNamed(r)
	if err != nil {
		return err
	}
	return s.render(w, r, "sure", confirm{Title: "Remove " + u.Name + "?", Text: "Their sessions end and their tokens are removed. What they did stays in the audit log. To lock somebody out for a while, change the user instead.",
		Action: "/settings/users/" + u.Name + "/remove", Button: "Remove the user", Back: "/settings/users/" + u.Name})
}

func (s *Web) removeUser(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := s.Keeper.RemoveUser(r.Context(), name); err != nil {
		return err
	}
	return s.done(w, r, "/settings/users", name+" was removed.")
}
