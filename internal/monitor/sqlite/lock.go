package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrLocked is a lock that another process holds.
var ErrLocked = errors.New("another process holds it")

// Lock keeps a file locked until release is called or the process ends, however
// it ends. It is a database of its own with a transaction that never commits:
// SQLite knows how to lock on every system.
func Lock(ctx context.Context, path string) (release func() error, err error) {
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}).String() + "?_pragma=busy_timeout(0)&_txlock=exclusive"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		var e *sqlite.Error
		if errors.As(err, &e) && e.Code()&0xFF == sqlite3.SQLITE_BUSY {
			return nil, errors.Join(ErrLocked, db.Close())
		}
		return nil, errors.Join(clear(err, "locking", path), db.Close())
	}
	return func() error { return errors.Join(rollback(tx), db.Close()) }, nil
}
