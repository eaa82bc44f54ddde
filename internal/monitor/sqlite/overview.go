package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Overview implements monitor.Browser. The endpoints are counted in memory, the
// certificates by a table that follows theirs.
func (s *Store) Overview(ctx context.Context) (o monitor.Overview, err error) {
	if err := s.follow(ctx); err != nil {
		return o, clear(err, "reading the endpoints", s.path)
	}
	o.States = map[monitor.Standing]int{}
	owners, holders := map[string]*monitor.Group{}, map[string]*monitor.Group{}
	s.listed.mu.RLock()
	o.Endpoints = len(s.listed.rows)
	for _, r := range s.listed.rows {
		state := standing(r.state)
		o.States[state]++
		g := groupOf(owners, r.owner)
		g.Count++
		switch state {
		case monitor.StandCritical:
			g.Critical++
		case monitor.StandWarning:
			g.Warning++
		}
		if r.expires != unknown {
			g.First = first(g.First, moment(r.expires))
		}
	}
	for owner, leaves := range s.listed.held {
		groupOf(holders, owner).Count = len(leaves)
	}
	s.listed.mu.RUnlock()
	o.Owners, o.Holders = largest(owners), largest(holders)
	if o.Issuers, o.Lifetimes, err = s.leaves(ctx); err != nil {
		return o, clear(err, "reading the certificates", s.path)
	}
	return o, nil
}

// leaves counts the leaf certificates by issuer and by lifetime.
func (s *Store) leaves(ctx context.Context) (issuers, lifetimes []monitor.Group, err error) {
	for _, l := range monitor.Lifetimes {
		lifetimes = append(lifetimes, monitor.Group{Name: l.Name})
	}
	rows, err := s.read.QueryContext(ctx, `SELECT issuer, days, n FROM leaves`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	groups := map[string]*monitor.Group{}
	for rows.Next() {
		var issuer string
		var days, n int
		if err := rows.Scan(&issuer, &days, &n); err != nil {
			return nil, nil, err
		}
		groupOf(groups, issuer).Count += n
		i := slices.IndexFunc(monitor.Lifetimes, func(l monitor.Lifetime) bool { return l.Days == 0 || days <= l.Days })
		lifetimes[i].Count += n
	}
	return largest(groups), lifetimes, rows.Err()
}

func groupOf(groups map[string]*monitor.Group, name string) *monitor.Group {
	g := groups[name]
	if g == nil {
		g = &monitor.Group{Name: name}
		groups[name] = g
	}
	return g
}

func first(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// largest sorts groups and sums up those beyond the bound.
func largest(groups map[string]*monitor.Group) []monitor.Group {
	out := make([]monitor.Group, 0, len(groups))
	for _, g := range groups {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b monitor.Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	if len(out) <= monitor.MaxGroups {
		return out
	}
	rest := monitor.Group{Others: true}
	for _, g := range out[monitor.MaxGroups-1:] {
		rest.Count += g.Count
		rest.Critical += g.Critical
		rest.Warning += g.Warning
		if !g.First.IsZero() {
			rest.First = first(rest.First, g.First)
		}
	}
	return append(out[:monitor.MaxGroups-1], rest)
}
