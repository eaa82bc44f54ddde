package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// unknown is the end of an endpoint whose certificates were never seen; it
// sorts last.
const unknown = int64(1) << 62

// list writes what an endpoint itself says into the listing.
func list(ctx context.Context, tx *sql.Tx, source string, e *monitor.Endpoint) error {
	tags := ""
	for _, k := range slices.Sorted(maps.Keys(e.Tags)) {
		tags += k + "=" + strings.ReplaceAll(e.Tags[k], "\n", " ") + "\n"
	}
	if tags != "" {
		tags = "\n" + tags
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO listing (endpoint, source, target, owner, tags) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (endpoint) DO UPDATE SET source = ?2, target = ?3, owner = ?4, tags = ?5
		WHERE source <> ?2 OR target <> ?3 OR owner <> ?4 OR tags <> ?5`,
		e.ID, source, e.Target, e.Owner, tags)
	return err
}

// relist writes what is seen of an endpoint into the listing and the inventory.
// Most checks see what the one before saw, and then it only reads.
func relist(ctx context.Context, tx *sql.Tx, now time.Time, endpoint string, states []monitor.State, incidents []monitor.Incident) error {
	severity := monitor.Severity("")
	for i := range incidents {
		if x := &incidents[i]; x.Endpoint == endpoint && x.Open() && x.Severity.Rank() > severity.Rank() {
			severity = x.Severity
		}
	}
	issuer, expires := "", unknown
	if first := monitor.FirstEnd(states); first != nil {
		issuer, expires = monitor.IssuerName(first), micros(first.NotAfter)
	}
	served, leaves := servedIn(states), leavesIn(states)
	var was string
	_, err := tx.ExecContext(ctx, `UPDATE listing SET state = ?2, severity = ?3, issuer = ?4, expires = ?5, leaves = ?6 WHERE endpoint = ?1
		AND (state <> ?2 OR severity <> ?3 OR issuer <> ?4 OR expires <> ?5 OR leaves <> ?6)`, endpoint, monitor.Stand(states).Rank(), 2-severity.Rank(), issuer, expires, leaves)
	if err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `SELECT served FROM listing WHERE endpoint = ?1`, endpoint).Scan(&was); err != nil || was == served {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE listing SET served = ?2 WHERE endpoint = ?1`, endpoint, served); err != nil {
		return err
	}
	return inventory(ctx, tx, now, endpoint, states)
}

// servedIn is short for what the states say of certificates.
func servedIn(states []monitor.State) string {
	h := fnv.New128a()
	for i := range states {
		fmt.Fprintf(h, "%s %s", states[i].Address, states[i].SNI)
		for j := range states[i].Now.Path {
			fmt.Fprintf(h, " %s", states[i].Now.Path[j].Fingerprint)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// leafPrefix is as much of a fingerprint, in hex, as tells leaves apart.
const leafPrefix = 16

// leavesIn lists the leaf certificates in the states, each once.
func leavesIn(states []monitor.State) string {
	var out []string
	for i := range states {
		for j := range states[i].Now.Path {
			if c := &states[i].Now.Path[j]; c.Role == "leaf" && !c.Anchor && c.Fingerprint != "" {
				out = append(out, c.Fingerprint[:min(leafPrefix, len(c.Fingerprint))])
			}
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

// inventory writes which certificates an endpoint serves. Those that are served
// nowhere any more leave.
func inventory(ctx context.Context, tx *sql.Tx, now time.Time, endpoint string, states []monitor.State) error {
	old, err := fingerprints(ctx, tx, endpoint)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM served WHERE endpoint = ?1`, endpoint); err != nil {
		return err
	}
	for i := range states {
		st := &states[i]
		for j := range st.Now.Path {
			c := &st.Now.Path[j]
			if c.Fingerprint == "" {
				continue
			}
			role := c.Role
			if c.Anchor {
				role = "root"
			}
			if err := put(ctx, tx, `INSERT INTO certificates (fingerprint, role, subject, issuer, search, expires, first_seen, begins, body) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?1) ON CONFLICT DO NOTHING`,
				c, c.Fingerprint, role, c.Subject, monitor.IssuerName(c), strings.ToLower(strings.Join(append([]string{c.Subject, c.Serial, c.Fingerprint}, c.Names...), "\n")), micros(c.NotAfter), micros(now), micros(c.NotBefore)); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO served (endpoint, address, sni, position, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5)`, endpoint, st.Address, st.SNI, j, c.Fingerprint); err != nil {
				return err
			}
		}
	}
	return sweep(ctx, tx, old)
}

// sweep removes those of the certificates that no endpoint serves.
func sweep(ctx context.Context, tx *sql.Tx, certificates []string) error {
	for _, f := range certificates {
		if _, err := tx.ExecContext(ctx, `DELETE FROM certificates WHERE fingerprint = ?1 AND NOT EXISTS (SELECT 1 FROM served WHERE fingerprint = ?1)`, f); err != nil {
			return err
		}
	}
	return nil
}

// fingerprints are the certificates that an endpoint serves.
func fingerprints(ctx context.Context, q queryer, endpoint string) ([]string, error) {
	return texts(ctx, q, `SELECT DISTINCT fingerprint FROM served WHERE endpoint = ?1`, endpoint)
}
