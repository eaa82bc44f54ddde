package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Users implements monitor.Accounts.
func (s *Store) Users(ctx context.Context) ([]monitor.User, error) {
	out, err := bodies[monitor.User](ctx, s.read, `SELECT body FROM users ORDER BY name`)
	if err != nil {
		return nil, clear(err, "reading the users", s.path)
	}
	return out, nil
}

// User implements monitor.Accounts.
func (s *Store) User(ctx context.Context, name string) (monitor.User, error) {
	return single[monitor.User](ctx, s, "reading a user", `SELECT body FROM users WHERE name = ?1`, name)
}

// single reads one body, or returns ErrNotFound.
func single[T any](ctx context.Context, s *Store, doing, query string, args ...any) (T, error) {
	out, err := bodies[T](ctx, s.read, query, args...)
	switch {
	case err != nil:
		return *new(T), clear(err, doing, s.path)
	case len(out) == 0:
		return *new(T), monitor.ErrNotFound
	}
	return out[0], nil
}

// AddUser implements monitor.Accounts.
func (s *Store) AddUser(ctx context.Context, u monitor.User, first bool) error {
	return s.edit(ctx, "adding a user", func(tx *sql.Tx) error {
		users, err := bodies[monitor.User](ctx, tx, `SELECT body FROM users`)
		if err != nil {
			return err
		}
		if first && len(users) > 0 || slices.ContainsFunc(users, func(x monitor.User) bool { return x.Name == u.Name }) {
			return monitor.ErrExists
		}
		return put(ctx, tx, `INSERT INTO users (name, body) VALUES (?2, ?1)`, u, u.Name)
	})
}

// ChangeUser implements monitor.Accounts.
func (s *Store) ChangeUser(ctx context.Context, u monitor.User, keep string) error {
	return s.edit(ctx, "changing a user", func(tx *sql.Tx) error {
		if err := one(tx.ExecContext(ctx, `UPDATE users SET name = name WHERE name = ?1`, u.Name)); err != nil {
			return err
		}
		if err := put(ctx, tx, `UPDATE users SET body = ?1 WHERE name = ?2`, u, u.Name); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE user = ?1 AND id <> ?2`, u.Name, keep); err != nil {
			return err
		}
		return adminLeft(ctx, tx)
	})
}

// RemoveUser implements monitor.Accounts.
func (s *Store) RemoveUser(ctx context.Context, name string) error {
	return s.edit(ctx, "removing a user", func(tx *sql.Tx) error {
		if err := one(tx.ExecContext(ctx, `DELETE FROM users WHERE name = ?1`, name)); err != nil {
			return err
		}
		return adminLeft(ctx, tx)
	})
}

func adminLeft(ctx context.Context, tx *sql.Tx) error {
	users, err := bodies[monitor.User](ctx, tx, `SELECT body FROM users`)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(users, func(u monitor.User) bool { return u.Role == monitor.Admin && !u.Disabled }) {
		return monitor.ErrLastAdmin
	}
	return nil
}

// AddSession implements monitor.Accounts. It also notes the login.
func (s *Store) AddSession(ctx context.Context, x monitor.Session) error {
	return s.edit(ctx, "storing a session", func(tx *sql.Tx) error {
		us, err := bodies[monitor.User](ctx, tx, `SELECT body FROM users WHERE name = ?1`, x.User)
		if err != nil {
			return err
		}
		if len(us) == 0 {
			return monitor.ErrNotFound
		}
		us[0].Login = x.Created
		if err := put(ctx, tx, `UPDATE users SET body = ?1 WHERE name = ?2`, us[0], x.User); err != nil {
			return err
		}
		return put(ctx, tx, `INSERT INTO sessions (id, user, created, seen, body) VALUES (?2, ?3, ?4, ?5, ?1)`, x, x.ID, x.User, micros(x.Created), micros(x.Seen))
	})
}

// Session implements monitor.Accounts.
func (s *Store) Session(ctx context.Context, id string) (monitor.Session, error) {
	var seen int64
	x, err := single[monitor.Session](ctx, s, "reading a session", `SELECT body FROM sessions WHERE id = ?1`, id)
	if err != nil {
		return x, err
	}
	if err := s.read.QueryRowContext(ctx, `SELECT seen FROM sessions WHERE id = ?1`, id).Scan(&seen); err != nil {
		return x, monitor.ErrNotFound // it ended between the two
	}
	x.Seen = moment(seen)
	return x, nil
}

// Sessions implements monitor.Accounts.
func (s *Store) Sessions(ctx context.Context, user string) ([]monitor.Session, error) {
	out, err := bodies[monitor.Session](ctx, s.read, `SELECT json_set(body, '$.seen', strftime('%Y-%m-%dT%H:%M:%SZ', seen / 1000000, 'unixepoch')) FROM sessions WHERE user = ?1 ORDER BY seen DESC, id`, user)
	if err != nil {
		return nil, clear(err, "reading the sessions", s.path)
	}
	return out, nil
}

// TouchSession implements monitor.Accounts.
func (s *Store) TouchSession(ctx context.Context, id string, seen time.Time) error {
	return s.exec(ctx, "storing a session", `UPDATE sessions SET seen = ?2 WHERE id = ?1`, id, micros(seen))
}

// RemoveSession implements monitor.Accounts.
func (s *Store) RemoveSession(ctx context.Context, id string) error {
	return s.exec(ctx, "ending a session", `DELETE FROM sessions WHERE id = ?1`, id)
}

// SweepSessions implements monitor.Accounts.
func (s *Store) SweepSessions(ctx context.Context, created, seen time.Time) error {
	return s.exec(ctx, "ending sessions", `DELETE FROM sessions WHERE created < ?1 OR seen < ?2`, micros(created), micros(seen))
}

func (s *Store) exec(ctx context.Context, doing, query string, args ...any) error {
	return s.transaction(ctx, doing, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

// AddToken implements monitor.Accounts.
func (s *Store) AddToken(ctx context.Context, t monitor.Token) error {
	return s.edit(ctx, "storing a token", func(tx *sql.Tx) error {
		return put(ctx, tx, `INSERT INTO tokens (id, hash, user, body) VALUES (?2, ?3, ?4, ?1)`, t, t.ID, t.Hash, t.User)
	})
}

const tokenBody = `CASE WHEN used = 0 THEN body ELSE json_set(body, '$.used', strftime('%Y-%m-%dT%H:%M:%SZ', used / 1000000, 'unixepoch')) END`

// Tokens implements monitor.Accounts.
func (s *Store) Tokens(ctx context.Context) ([]monitor.Token, error) {
	out, err := bodies[monitor.Token](ctx, s.read, `SELECT `+tokenBody+` FROM tokens ORDER BY user, id`)
	if err != nil {
		return nil, clear(err, "reading the tokens", s.path)
	}
	return out, nil
}

// TokenByHash implements monitor.Accounts.
func (s *Store) TokenByHash(ctx context.Context, hash string) (monitor.Token, error) {
	return single[monitor.Token](ctx, s, "reading a token", `SELECT `+tokenBody+` FROM tokens WHERE hash = ?1`, hash)
}

// TouchToken implements monitor.Accounts.
func (s *Store) TouchToken(ctx context.Context, id string, used time.Time) error {
	return s.exec(ctx, "storing a token", `UPDATE tokens SET used = ?2 WHERE id = ?1`, id, micros(used))
}

// RemoveToken implements monitor.Accounts.
func (s *Store) RemoveToken(ctx context.Context, id string) error {
	return s.edit(ctx, "removing a token", func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `DELETE FROM tokens WHERE id = ?1`, id))
	})
}

// AddAudit implements monitor.Accounts.
func (s *Store) AddAudit(ctx context.Context, a monitor.Audit) error {
	return s.transaction(ctx, "writing the audit", func(tx *sql.Tx) error {
		return put(ctx, tx, `INSERT INTO audit (at, who, action, body) VALUES (?2, ?3, ?4, ?1)`, a, micros(a.At), a.Who, a.Action)
	})
}

// BrowseAudit implements monitor.Accounts.
func (s *Store) BrowseAudit(ctx context.Context, q monitor.AuditQuery) (monitor.Page[monitor.Audit], error) {
	if q.Sort == "" {
		q.Sort = "-id"
	}
	x := &question{List: q.List, from: "audit", id: "id", columns: map[string]string{"id": "l.id"}, rest: `json_set(l.body, '$.id', l.id) FROM page l`}
	x.equal("l.who", q.Who)
	x.equal("l.action", q.Action)
	return page(ctx, s, x, scanBody[monitor.Audit])
}
