package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tlswhy/tlswhy/internal/client"
)

// maxProfiles bounds a directory of profiles.
const maxProfiles = 2000

// loadProfiles reads the .hello files of a directory. The first that is no
// profile is the error: a client that silently were missing would count as one
// that works.
func loadProfiles(dir string) ([]*client.Profile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading profiles: %w", err)
	}
	var out []*client.Profile
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".hello" {
			continue
		}
		if len(out) == maxProfiles {
			return nil, fmt.Errorf("reading profiles: %q holds more than %d of them", dir, maxProfiles)
		}
		file := filepath.Join(dir, e.Name())
		text, err := readBounded(file)
		if err != nil {
			return nil, fmt.Errorf("reading profiles: %w", err)
		}
		p, err := client.ReadProfile(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("reading profiles: %q holds no file that ends in .hello", dir)
	}
	return out, nil
}
