// Package sqlite keeps the monitor's memory in one SQLite file: the Store of a
// single machine. One connection writes, others read beside it (WAL); the rules
// are applied inside the writing transaction, so that state, incidents and
// outbox never disagree.
//
//	store, err := sqlite.Open(ctx, "/var/lib/tlswhy/tlswhy.db")
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // also registers the driver
	sqlite3 "modernc.org/sqlite/lib"
)

// Migrations run in the order of their numbers, which only grow and are never
// used again; what is missing between them was never released.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Store is a monitor.Store in a SQLite file.
type Store struct {
	path  string
	write *sql.DB // one connection
	read  *sql.DB
	hot   hot
	sites sites

	// Of the connection that writes; whoever holds it may touch them.
	relaxed bool                 // it does not wait for the disk
	claimed map[string]time.Time // when a vantage point claimed last

	listed listed
}

// NewerSchemaError is a file that a newer version of the program has written.
type NewerSchemaError struct {
	Path       string
	Has, Knows int64
	Backup     string // a copy from before the newer version's migration, or ""
}

// Error implements error.
func (e *NewerSchemaError) Error() string {
	way := "use that version again"
	if e.Backup != "" {
		way += fmt.Sprintf(", or go back to the copy made before its migration, %q, and lose what came after it", e.Backup)
	}
	return fmt.Sprintf("%q was written by a newer version of this program (schema %d, this one knows %d): %s", e.Path, e.Has, e.Knows, way)
}

// readers is how many queries may run beside each other.
const readers = 4

// Open opens the file, or makes it, and brings its schema up to date; before a
// migration of an existing file a copy is written beside it.
func Open(ctx context.Context, path string) (*Store, error) {
	s := &Store{path: path, claimed: map[string]time.Time{}}
	var err error
	// auto_vacuum is a write and has to come before the first table.
	if s.write, err = open(path, "&_txlock=immediate&_pragma=cache_size(-16000)&_pragma=auto_vacuum(INCREMENTAL)", 1); err != nil {
		return nil, err
	}
	if s.read, err = open(path, "&_pragma=query_only(1)", readers); err != nil {
		s.write.Close()
		return nil, err
	}
	err = s.migrate(ctx)
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(clear(err, "opening the database", path), s.Close())
	}
	return s, nil
}

func open(path, more string, conns int) (*sql.DB, error) {
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}).String() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(67108864)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" + more
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the database %q: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// migrate brings the schema up to date.
func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.write, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	has, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	knows, err := newest()
	if err != nil {
		return err
	}
	switch {
	case has > knows:
		e := &NewerSchemaError{Path: s.path, Has: has, Knows: knows}
		if b := s.backupOf(knows); exists(b) {
			e.Backup = b
		}
		return e
	case has == knows:
		return nil
	case has > 0:
		if b := s.backupOf(has); !exists(b) {
			if err := s.Backup(ctx, b); err != nil {
				return fmt.Errorf("copying the database before its migration: %w", err)
			}
		}
	}
	_, err = p.Up(ctx)
	return err
}

// newest is the schema that this version writes.
func newest() (int64, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		return 0, errors.Join(err, errors.New("there are no migrations"))
	}
	var n int64
	_, err = fmt.Sscanf(filepath.Base(names[len(names)-1]), "%d_", &n)
	return n, err
}

// backupOf names the copy from before the migration of a schema.
func (s *Store) backupOf(version int64) string {
	return fmt.Sprintf("%s.schema-%d.bak", s.path, version)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Close ends the use of the file.
func (s *Store) Close() error { return errors.Join(s.hot.close(), s.read.Close(), s.write.Close()) }

// Backup implements monitor.Store. The copy appears under its name when it is
// whole.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	part := path + ".part"
	defer func() {
		if err != nil {
			err = clear(errors.Join(err, removed(part)), "writing the backup", path)
		}
	}()
	if err := removed(part); err != nil {
		return err
	}
	c, err := s.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.Raw(func(driver any) error {
		b, err := driver.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		}).NewBackup(part)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = b.Step(1000)
			}
		}
		return errors.Join(err, b.Finish())
	})
	if err != nil {
		return err
	}
	return os.Rename(part, path)
}

// removed removes a file that may not be there.
func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// clear says what was done to which file, and what the codes mean that an
// operator can do something about.
func clear(err error, doing, path string) error {
	var e *sqlite.Error
	hint := ""
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		switch e.Code() & 0xFF {
		case sqlite3.SQLITE_FULL:
			hint = ": the disk is full; nothing was lost so far, make room and the work goes on"
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			hint = ": another process holds the database; is a second monitor running on it?"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
			hint = ": the file or its folder cannot be written by this user"
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			hint = ": this is no sound database; go back to a backup"
		case sqlite3.SQLITE_IOERR:
			hint = ": the disk fails or is full"
		}
	case strings.Contains(err.Error(), "database is closed"):
		hint = ": the store is closed"
	}
	return fmt.Errorf("%s %q%s: %w", doing, path, hint, err)
}

// transaction runs f in one writing transaction, which is on the disk when it
// returns.
func (s *Store) transaction(ctx context.Context, doing string, f func(*sql.Tx) error) error {
	return clear(s.run(ctx, false, f), doing, s.path)
}

// quick runs f in one writing transaction that survives the end of the process,
// but not at once that of the machine. What follows from checks may be lost with
// the machine, since the checks are made again, as long as nobody was told: Begin
// is a transaction, and takes with it to the disk all that was written before.
func (s *Store) quick(ctx context.Context, doing string, f func(*sql.Tx) error) error {
	return clear(s.run(ctx, true, f), doing, s.path)
}

func (s *Store) run(ctx context.Context, relaxed bool, f func(*sql.Tx) error) error {
	c, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	// A transaction is short, and a statement that watches ctx costs more than it
	// does.
	ctx = context.WithoutCancel(ctx)
	if relaxed != s.relaxed {
		if _, err := c.ExecContext(ctx, map[bool]string{true: `PRAGMA synchronous = NORMAL`, false: `PRAGMA synchronous = FULL`}[relaxed]); err != nil {
			return err
		}
		s.relaxed = relaxed
	}
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = f(tx)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return errors.Join(err, rollback(tx))
	}
	return nil
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
