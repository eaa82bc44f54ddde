package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Copy writes a whole copy of the database at path, also while a monitor uses it.
// It makes and migrates nothing.
func Copy(ctx context.Context, path, to string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("reading the database: %w", err)
	}
	db, err := open(path, "&_pragma=query_only(1)", 1)
	if err != nil {
		return err
	}
	return errors.Join((&Store{path: path, read: db}).Backup(ctx, to), db.Close())
}

// ErrRunning is a database that another process has open.
var ErrRunning = errors.New("a monitor is running on this database; stop it first")

// Restore makes a copy that Backup wrote the database at path. What is there is
// kept beside it, under the name that is returned, "" where there was none. It
// refuses a database in use, and a copy that is damaged or of a newer version.
func Restore(ctx context.Context, now time.Time, from, path string) (kept string, err error) {
	if err := sound(ctx, from); err != nil {
		return "", err
	}
	if exists(path) {
		if err := unused(ctx, path); err != nil {
			return "", err
		}
	}
	part := path + ".restore"
	if err := Copy(ctx, from, part); err != nil {
		return "", err
	}
	if exists(path) {
		kept = fmt.Sprintf("%s.before-restore-%s", path, now.UTC().Format("20060102T150405Z"))
		if err := os.Rename(path, kept); err != nil {
			return "", errors.Join(err, removed(part))
		}
	}
	return kept, os.Rename(part, path)
}

// sound refuses a file that is no whole database of a version that is known.
func sound(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("reading the copy: %w", err)
	}
	db, err := open(path, "&_pragma=query_only(1)", 1)
	if err != nil {
		return err
	}
	defer db.Close()
	var has int64
	var check string
	if err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(&has); err != nil {
		return clear(err, "reading the copy", path)
	}
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&check); err != nil || check != "ok" {
		return clear(errors.Join(err, fmt.Errorf("damaged: %s", check)), "reading the copy", path)
	}
	knows, err := newest()
	if err == nil && has > knows {
		return &NewerSchemaError{Path: path, Has: has, Knows: knows}
	}
	return err
}

// unused returns ErrRunning where another process has the database open, and
// else brings all of it into its one file.
func unused(ctx context.Context, path string) error {
	db, err := open(path, "&_txlock=immediate", 1)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `PRAGMA busy_timeout = 200`); err != nil {
		return clear(err, "looking who uses", path)
	}
	// Only the sole user of a file can leave the journal mode of many.
	var mode string
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode); err != nil || mode != "delete" {
		return fmt.Errorf("%q: %w", path, ErrRunning)
	}
	return nil
}
