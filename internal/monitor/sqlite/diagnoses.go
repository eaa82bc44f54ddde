package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// The bounds of a diagnosis: packed, one that is larger is not kept; unpacked,
// one that is larger is not read.
const (
	maxPacked   = 256 << 10
	maxUnpacked = 16 << 20
)

// Diagnosis implements monitor.Browser.
func (s *Store) Diagnosis(ctx context.Context, incident string) (*diag.Diagnosis, error) {
	var packed []byte
	err := s.read.QueryRowContext(ctx, `SELECT packed FROM diagnoses WHERE of = ?1`, incident).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, monitor.ErrNotFound
	}
	if err != nil {
		return nil, clear(err, "reading a diagnosis", s.path)
	}
	d := &diag.Diagnosis{}
	if err := unpack(packed, d); err != nil {
		return nil, clear(err, "reading a diagnosis", s.path)
	}
	return d, nil
}

func putDiagnosis(ctx context.Context, tx *sql.Tx, now time.Time, of string, d *diag.Diagnosis) error {
	packed, err := pack(d)
	if err != nil || len(packed) > maxPacked {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO diagnoses (of, at, packed) VALUES (?1, ?2, ?3)`, of, micros(now), packed)
	return err
}

// keepDiagnoses keeps the full diagnoses of a report, and what was seen when an
// incident opened or got another cause: the diagnosis of this report at one of
// its addresses, or the full one that was made there before.
func keepDiagnoses(ctx context.Context, tx *sql.Tx, now time.Time, vantage string, rep *monitor.Report, before, after []monitor.Incident) error {
	of := func(o *monitor.Outcome) string { return rep.Endpoint + " " + vantage + " " + o.Address + " " + o.SNI }
	for i := range rep.Outcomes {
		if o := &rep.Outcomes[i]; o.Deep && o.Diagnosis != nil {
			if err := putDiagnosis(ctx, tx, now, of(o), o.Diagnosis); err != nil {
				return err
			}
		}
	}
	for i := range after {
		inc := &after[i]
		if inc.Endpoint != rep.Endpoint || !inc.Open() || slices.ContainsFunc(before, func(b monitor.Incident) bool {
			return b.ID == inc.ID && b.Open() && b.Finding.Cause == inc.Finding.Cause
		}) {
			continue
		}
		at := slices.IndexFunc(rep.Outcomes, func(o monitor.Outcome) bool { return slices.Contains(inc.Addresses, o.Address) })
		if at < 0 {
			continue
		}
		o := &rep.Outcomes[at]
		res, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO diagnoses (of, at, packed) SELECT ?1, at, packed FROM diagnoses WHERE of = ?2 AND ?3`, inc.ID, of(o), o.Verdict == diag.Failure)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 || o.Diagnosis == nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := putDiagnosis(ctx, tx, now, inc.ID, o.Diagnosis); err != nil {
			return err
		}
	}
	return nil
}
