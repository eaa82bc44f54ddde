package client

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// The bounds of a directory of profiles.
const (
	maxProfiles    = 2000
	maxProfileFile = 1 << 20
)

// LoadProfiles reads the .hello files of a directory. The first that is no
// profile is the error: a client that silently were missing would count as one
// that works.
func LoadProfiles(dir string) ([]*Profile, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.hello"))
	if err != nil {
		return nil, fmt.Errorf("reading profiles: %w", err)
	}
	switch {
	case len(files) == 0:
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("reading profiles: %w", err)
		}
		return nil, fmt.Errorf("reading profiles: %q holds no file that ends in .hello", dir)
	case len(files) > maxProfiles:
		return nil, fmt.Errorf("reading profiles: %q holds %d of them, at most %d are read", dir, len(files), maxProfiles)
	}
	var out []*Profile
	for _, file := range files {
		p, err := loadProfile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func loadProfile(file string) (*Profile, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxProfileFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxProfileFile {
		return nil, fmt.Errorf("reading profile: longer than %d bytes", maxProfileFile)
	}
	p, err := parseProfile(string(text))
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
