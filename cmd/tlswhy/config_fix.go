package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/srvconf"
)

// aims say what a change of the configuration can do about a cause, in the
// order in which it is tried.
var aims = map[string][]srvconf.Aim{
	"protocol-version": {srvconf.AimVersions}, "version-intolerance": {srvconf.AimVersions},
	"cipher-mismatch": {srvconf.AimSuites, srvconf.AimVersions}, "no-common-group": {srvconf.AimGroups}, "sigalg-mismatch": {srvconf.AimSchemes}, "dh-key-too-small": {srvconf.AimDH},
	"private-key-mismatch-server": {srvconf.AimPair}, "incomplete-chain": {srvconf.AimPair}, "chain-order": {srvconf.AimPair}, "cert-expired": {srvconf.AimPair}, "cert-not-yet-valid": {srvconf.AimPair},
	"hostname-mismatch": {srvconf.AimPair}, "wrong-vhost-cert": {srvconf.AimPair}, "self-signed": {srvconf.AimPair}, "unknown-ca": {srvconf.AimPair},
	"server-speaks-plaintext": {srvconf.AimEnable}, "file-or-config-error": {srvconf.AimPair, srvconf.AimVersions, srvconf.AimSuites, srvconf.AimDH, srvconf.AimEnable},
}

// maxMends bounds the changes for one site: faults behind faults.
const maxMends = 5

// fixes prints one diff for all that can be mended, and says on the other
// stream what cannot. A change is printed only when the site is better with it.
func (r *configRun) fixes(ctx context.Context, file string, so srvconf.Options, o options) error {
	env := r.p.lend()
	env.PrivateFetches = true
	judge := func(s *facts.Site) (*diag.Diagnosis, error) {
		return diagnose.Configured(ctx, s, r.f.offline, diagnose.Options(o), env)
	}
	c, so := spelled(file, so)
	for _, f := range c.Faults {
		fmt.Fprintf(r.p.stderr, "tlswhy: %s: %s\n", f.At, clean(f.Text))
	}
	for i := 0; i < len(c.Sites); i++ {
		for range maxMends {
			d, err := judge(c.Sites[i])
			if err != nil {
				return err
			}
			r.code = worse(r.code, codeOf(d.Verdict, r.f.strict))
			lead := d.FirstFailure()
			if lead == nil {
				break
			}
			better, err := r.mend(file, c.Sites[i], i, lead, so, judge)
			if err != nil {
				return err
			}
			if better == nil {
				fmt.Fprintf(r.p.stderr, "tlswhy: %s: %s: no line of the configuration mends this; without --fix the report says what does\n", clean(c.Sites[i].Title), lead.ID)
				break
			}
			so.Instead = better
			c = srvconf.Load(file, so)
		}
	}
	return r.printDiffs(so)
}

// spelled reads a configuration with its mistyped words put right.
func spelled(file string, so srvconf.Options) (*srvconf.Config, srvconf.Options) {
	c := srvconf.Load(file, so)
	faults := slices.Clone(c.Faults)
	for _, s := range c.Sites {
		faults = append(faults, s.Faults...)
	}
	for _, f := range faults {
		if changed, err := srvconf.Apply(srvconf.Spell(f, so), so); err == nil {
			so.Instead = changed
		}
	}
	return srvconf.Load(file, so), so
}

// mend tries the aims of a cause on one site and returns the changed files.
func (r *configRun) mend(file string, s *facts.Site, i int, lead *diag.Cause, so srvconf.Options, judge func(*facts.Site) (*diag.Diagnosis, error)) (map[string][]byte, error) {
	need := srvconf.Need{Name: diagnose.WantedName(s), At: r.at()}
	if p, err := client.Lookup(r.f.client); err == nil && r.f.client != "" {
		need.Hello = p.Offer()
	} else {
		need.Hello = client.Reference().Offer()
	}
	for _, aim := range aims[lead.ID] {
		edits := srvconf.Mend(s, aim, need, so)
		if len(edits) == 0 {
			continue
		}
		changed, err := srvconf.Apply(edits, so)
		if err != nil {
			continue // the file changed under our hands
		}
		tried := so
		tried.Instead = changed
		after := srvconf.Load(file, tried)
		if i >= len(after.Sites) {
			continue
		}
		d, err := judge(after.Sites[i])
		if err != nil {
			return nil, err
		}
		if now := d.FirstFailure(); now == nil || now.ID != lead.ID || now.Summary != lead.Summary {
			return changed, nil
		}
	}
	return nil, nil
}

func (r *configRun) at() time.Time {
	if at, err := parseMoment(r.f.at); err == nil && !at.IsZero() {
		return at
	}
	return time.Now()
}

func (r *configRun) printDiffs(so srvconf.Options) error {
	var names []string
	for name := range so.Instead {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		path := name
		if so.Root != "" && filepath.IsAbs(name) {
			path = filepath.Join(so.Root, name)
		}
		old, err := os.ReadFile(path)
		if err != nil {
			return badUsage("", "reading %s: %v", path, err)
		}
		if string(old) == string(so.Instead[name]) {
			continue
		}
		if err := r.say("%s", srvconf.Diff(strings.TrimPrefix(path, "./"), string(old), string(so.Instead[name]))); err != nil {
			return err
		}
	}
	return nil
}
