package client

import "slices"

// ReadProfile reads a .hello file, which Format writes.
func ReadProfile(text string) (*Profile, error) {
	p, err := parseProfile(text)
	if err != nil {
		return nil, err
	}
	if _, err := p.parse(); err != nil {
		return nil, err
	}
	p.Client.Rules, p.Client.Stack = rulesOf(p), stackOf(p)
	return p, nil
}

// Merge puts further profiles to the known ones, in the order of Profiles; one
// that has the name of a known one takes its place.
func Merge(more, known []*Profile) []*Profile {
	out := slices.DeleteFunc(slices.Clone(known), func(k *Profile) bool {
		return slices.ContainsFunc(more, func(p *Profile) bool { return p.Name == k.Name })
	})
	out = append(slices.Clone(more), out...)
	slices.SortStableFunc(out, inOrder)
	return out
}
