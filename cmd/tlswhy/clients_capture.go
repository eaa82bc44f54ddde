package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/relay"
)

// captureInstalled runs the clients of this machine against a server of ours
// and writes what they say as profiles.
func (p *program) captureInstalled(ctx context.Context, f *clientsFlags) error {
	if err := os.MkdirAll(f.capture, 0o755); err != nil {
		return badUsage("", "--capture-installed: %v", err)
	}
	programs := relay.Programs
	if len(f.family) > 0 {
		programs = slices.DeleteFunc(slices.Clone(programs), func(r relay.Program) bool {
			return !slices.ContainsFunc(f.family, func(word string) bool { return strings.EqualFold(strings.TrimSpace(word), r.Family) })
		})
		if len(programs) == 0 {
			return badUsage("known are "+strings.Join(capturable(), ", "), "no client of the family %q can be captured", strings.Join(f.family, ","))
		}
	}
	day := time.Now().UTC().Format(time.DateOnly)
	wrote := 0
	var missing []string
	var failed error
	err := relay.Installed(ctx, p.environ, programs, func(c relay.Caught) {
		switch {
		case failed != nil:
		case c.Missing:
			missing = append(missing, c.Program.Command[0])
		case c.Raw == nil:
			fmt.Fprintf(p.stderr, "tlswhy: %v: %s\n", c.Program, clean(c.Problem))
		default:
			profile, err := client.Caught(c.Program.Family, c.Version, day, "captured from "+c.Program.Command[0]+" on this machine", c.Raw)
			if err != nil {
				fmt.Fprintf(p.stderr, "tlswhy: %v: its hello cannot be read: %v\n", c.Program, err)
				return
			}
			file := filepath.Join(f.capture, profile.FileName())
			if failed = os.WriteFile(file, []byte(profile.Format()), 0o644); failed != nil {
				return
			}
			wrote++
			fmt.Fprintf(p.stdout, "%-24s %s\n", profile.Name, file)
		}
	})
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(p.stderr, "tlswhy: interrupted")
		return exitError(exitInterrupted)
	case failed != nil:
		return badUsage("", "writing a profile: %v", failed)
	case err != nil:
		return badUsage("", "listening on loopback: %v", err)
	}
	if len(missing) > 0 {
		fmt.Fprintf(p.stderr, "tlswhy: not installed: %s\n", strings.Join(missing, ", "))
	}
	if wrote == 0 {
		return exitError(exitUntested)
	}
	return nil
}

// capturable are the families of which a client can be captured.
func capturable() []string {
	var out []string
	for _, r := range relay.Programs {
		if !slices.Contains(out, r.Family) {
			out = append(out, r.Family)
		}
	}
	return out
}
