package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// maxRows bounds the table; no diagnosis makes so many experiments.
const maxRows = 60

// rows puts what the vantages met side by side: addresses, each experiment,
// certificates, settings.
func rows(all []*side) []diag.ComparedRow {
	var out []diag.ComparedRow
	add := func(what string, always bool, cell func(*side) string) {
		row := diag.ComparedRow{What: what}
		for _, s := range all {
			c := cell(s)
			for _, seen := range row.Cells {
				row.Differs = row.Differs || c != "" && seen != "" && seen != c
			}
			row.Cells = append(row.Cells, c)
		}
		if (always || row.Differs) && len(out) < maxRows && slices.ContainsFunc(row.Cells, func(c string) bool { return c != "" }) {
			out = append(out, row)
		}
	}
	add("addresses", true, func(s *side) string {
		var list []string
		for _, a := range s.d.Addresses {
			list = append(list, a.Address)
		}
		slices.Sort(list)
		return few(list)
	})
	for _, e := range experiments(all) {
		add(e.words(), true, func(s *side) string { return s.outcome(e) })
	}
	add("certificate", true, func(s *side) string {
		if s.leaf == nil {
			return ""
		}
		return fmt.Sprintf("%s… by %s, until %s", s.leaf.Fingerprint[:min(8, len(s.leaf.Fingerprint))], commonName(s.leaf.Issuer), s.leaf.NotAfter.UTC().Format("2006-01-02"))
	})
	add("judged by", false, func(s *side) string { return s.d.Target.Client })
	add("trusts", false, func(s *side) string { return s.d.Target.Trust })
	add("SNI", false, func(s *side) string {
		if s.d.Target.SNI == "" {
			return "none"
		}
		return s.d.Target.SNI
	})
	return out
}

// few names a handful of many.
func few(list []string) string {
	if n := len(list) - 4; n > 1 {
		return strings.Join(list[:4], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(list, ", ")
}

// experiment is what was tried, in words, at the target or at a control.
type experiment struct {
	change  string
	control bool
}

func (e experiment) words() string {
	s := e.change
	if s == "" {
		s = "the client's own hello"
	}
	if e.control {
		return "at a control: " + s
	}
	return s
}

// of is the experiment that an attempt belongs to; a repetition is the same one.
func (s *side) of(a *diag.Attempt) experiment {
	change := strings.TrimSuffix(a.Change, ", again")
	if change == "the same again" {
		change = ""
	}
	return experiment{change, len(s.d.Addresses) > 0 && !slices.ContainsFunc(s.d.Addresses, func(x diag.Address) bool { return x.Address == a.Address })}
}

// experiments are all that were made somewhere, the target's first.
func experiments(all []*side) []experiment {
	var out []experiment
	for _, s := range all {
		for i := range s.d.Attempts {
			if e := s.of(&s.d.Attempts[i]); !slices.Contains(out, e) {
				out = append(out, e)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b experiment) int {
		switch {
		case a.control == b.control:
			return 0
		case b.control:
			return -1
		}
		return 1
	})
	return out
}

// outcome says how an experiment ended at a vantage, "" where it was not made.
func (s *side) outcome(e experiment) string {
	var kinds []string
	counts := map[string]int{}
	for i := range s.d.Attempts {
		a := &s.d.Attempts[i]
		if s.of(a) != e || a.EndKind == "canceled" {
			continue
		}
		o := ending(a)
		if counts[o]++; counts[o] == 1 {
			kinds = append(kinds, o)
		}
	}
	if len(kinds) == 1 {
		return kinds[0]
	}
	slices.Sort(kinds)
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%d× %s", counts[k], k)
	}
	return strings.Join(kinds, ", ")
}

// ending is how an attempt ended, in a word or two.
func ending(a *diag.Attempt) string {
	switch a.EndKind {
	case "completed", "stopped":
		return "completes"
	case "refused", "reset", "unreachable", "closed":
		return a.EndKind
	case "timeout":
		return "silence"
	case "no-connect":
		return "no TCP connection"
	case "not-tls":
		return "no TLS"
	case "alert":
		return strings.TrimPrefix(a.End, "server ")
	}
	return a.End
}

// commonName is the part of a subject by which people call it.
func commonName(subject string) string {
	for _, key := range []string{"CN=", "O=", "OU="} {
		if _, rest, ok := strings.Cut(subject, key); ok {
			name, _, _ := strings.Cut(rest, ",")
			return strings.Trim(name, `" `)
		}
	}
	return subject
}
