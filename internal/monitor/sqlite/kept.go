package sqlite

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// pack writes a value as JSON, compressed.
func pack(v any) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(v), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpack(packed []byte, v any) error {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	return json.NewDecoder(io.LimitReader(z, maxUnpacked)).Decode(v)
}

// Keep implements monitor.Archive.
func (s *Store) Keep(ctx context.Context, k monitor.Kept) error {
	packed, err := pack(k.Found)
	if err != nil || len(packed) > maxPacked {
		return errors.Join(err, monitor.ErrTooLarge)
	}
	return s.edit(ctx, "keeping a diagnosis", func(tx *sql.Tx) error {
		if err := put(ctx, tx, `INSERT INTO kept (id, at, packed, body) VALUES (?2, ?3, ?4, ?1)`, k, k.ID, micros(k.At), packed); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM kept WHERE id IN (SELECT id FROM kept ORDER BY at DESC, id LIMIT -1 OFFSET ?1)`, monitor.MaxKept)
		return err
	})
}

// Kept implements monitor.Archive.
func (s *Store) Kept(ctx context.Context, id string) (monitor.Kept, error) {
	return s.kept(ctx, `SELECT coalesce(share, ''), body, packed FROM kept WHERE id = ?1`, id)
}

// Shared implements monitor.Archive.
func (s *Store) Shared(ctx context.Context, share string) (monitor.Kept, error) {
	return s.kept(ctx, `SELECT share, body, packed FROM kept WHERE share = ?1`, share)
}

func (s *Store) kept(ctx context.Context, query, key string) (k monitor.Kept, err error) {
	var body, packed []byte
	var share string
	err = s.read.QueryRowContext(ctx, query, key).Scan(&share, &body, &packed)
	if errors.Is(err, sql.ErrNoRows) {
		return k, monitor.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(body, &k)
	}
	if err == nil {
		err = unpack(packed, &k.Found)
	}
	if err != nil {
		return k, clear(err, "reading a diagnosis", s.path)
	}
	k.Share = share
	return k, nil
}

// BrowseKept implements monitor.Archive.
func (s *Store) BrowseKept(ctx context.Context, l monitor.List) (monitor.Page[monitor.Kept], error) {
	if l.Sort == "" {
		l.Sort = "-at"
	}
	x := &question{List: l, from: "kept", id: "id", columns: map[string]string{"at": "l.at"}, rest: `coalesce(l.share, ''), l.body FROM page l`}
	return page(ctx, s, x, func(scan func(...any) error) (k monitor.Kept, err error) {
		var share string
		var body []byte
		if err := scan(&share, &body); err != nil {
			return k, err
		}
		err = json.Unmarshal(body, &k)
		k.Share = share
		return k, err
	})
}

// ShareKept implements monitor.Archive.
func (s *Store) ShareKept(ctx context.Context, id, share string) error {
	return s.edit(ctx, "sharing a diagnosis", func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `UPDATE kept SET share = nullif(?2, '') WHERE id = ?1`, id, share))
	})
}

// RemoveKept implements monitor.Archive.
func (s *Store) RemoveKept(ctx context.Context, id string) error {
	return s.edit(ctx, "removing a diagnosis", func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `DELETE FROM kept WHERE id = ?1`, id))
	})
}

var _ monitor.Archive = (*Store)(nil)
