package client

import (
	"cmp"
	"slices"
)

// Unable names the clients for which fails is true, compressed to families
// with ranges of versions: "Java ≤ 8u31", "IE 6–8 on XP". The ranges hold for
// the versions that are profiles; between two of them the border is not known.
func Unable(fails func(*Profile) bool) []string {
	users := slices.DeleteFunc(slices.Clone(index()), (*Profile).crawler)
	if len(users) > 0 && !slices.ContainsFunc(users, func(p *Profile) bool { return !fails(p) }) {
		return []string{"every known client"}
	}
	return Ranges(users, fails)
}

// Ranges names the profiles for which is is true, compressed in the same way.
func Ranges(of []*Profile, is func(*Profile) bool) []string {
	type group struct{ family, platform string }
	members := map[group][]*Profile{}
	var groups []group
	failed := map[*Profile]bool{}
	for _, p := range of {
		g := group{p.Family, p.Platform}
		if members[g] == nil {
			groups = append(groups, g)
		}
		members[g] = append(members[g], p)
		failed[p] = is(p)
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(familyRank(a.family), familyRank(b.family)), cmp.Compare(a.family, b.family), cmp.Compare(a.platform, b.platform))
	})
	// The families of which a version in use fails come first: people look for
	// their own.
	inUse := func(g group) int {
		return bit(!slices.ContainsFunc(members[g], func(p *Profile) bool { return p.Current && failed[p] }))
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(inUse(a), inUse(b)) })
	out := []string{}
	for _, g := range groups {
		suffix := ""
		if g.platform != "" {
			suffix = " on " + g.platform
		}
		for _, r := range ranges(members[g], failed, g.family == "IE") {
			out = append(out, g.family+" "+r+suffix)
		}
	}
	return out
}

// ranges lists the runs of versions that fail. Where the variants of a version
// differ, the version does not count as failing. A finite family has no older
// or newer members than its profiles.
func ranges(profiles []*Profile, failed map[*Profile]bool, finite bool) []string {
	type version struct {
		name  string
		fails bool
	}
	sorted := slices.Clone(profiles)
	slices.SortStableFunc(sorted, func(a, b *Profile) int { return compareVersions(a.Version, b.Version) })
	var versions []version
	for _, p := range sorted {
		if n := len(versions); n > 0 && versions[n-1].name == p.Version {
			versions[n-1].fails = versions[n-1].fails && failed[p]
			continue
		}
		versions = append(versions, version{p.Version, failed[p]})
	}
	var out []string
	for i := 0; i < len(versions); i++ {
		if !versions[i].fails {
			continue
		}
		j := i
		for j+1 < len(versions) && versions[j+1].fails {
			j++
		}
		first, last := versions[i].name, versions[j].name
		oldest, newest := i == 0, j == len(versions)-1
		switch {
		case !finite && oldest && newest && i != j:
			out = append(out, "(all versions)")
		case !finite && oldest && !newest:
			out = append(out, "≤ "+last)
		case !finite && newest && !oldest:
			out = append(out, "≥ "+first)
		case i == j:
			out = append(out, first)
		default:
			out = append(out, first+"–"+last)
		}
		i = j
	}
	return out
}

// LongerThan is for Unable: clients whose ClientHello has more bytes.
func LongerThan(size int) func(*Profile) bool {
	return func(p *Profile) bool { return len(p.Offer().Raw) > size }
}
