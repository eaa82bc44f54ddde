package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/guard"
	"github.com/tlswhy/tlswhy/internal/keyfile"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/renewal"
	"github.com/tlswhy/tlswhy/internal/monitor/source"
)

// checker is the diagnosis of parts one and two. A light check is one
// connection and what the catalogue says of it.
type checker struct {
	p       *program
	shelf   *source.Shelf
	sources *source.Manager
	renewal *renewal.Keeper
	// reach is the rule for the addresses of an endpoint; nil has none.
	reach func(e *monitor.Endpoint) *guard.Policy
	// seen is told of each look at an address; nil for nobody.
	seen func(result string, took time.Duration)
}

// Check implements monitor.Checker.
func (c checker) Check(ctx context.Context, e *monitor.Endpoint, address string, deep bool) (*diag.Diagnosis, error) {
	switch e.Kind {
	case monitor.KindFile:
		return c.file(ctx, e)
	case monitor.KindSource:
		return c.sources.Check(e.Source), nil
	}
	if c.reach != nil {
		ctx = withGuard(ctx, c.reach(e))
	}
	e = named(e)
	o := optionsOf(e)
	if address != "" {
		o.Connect = []string{address}
	}
	if o.Picture = deep; !deep {
		o.MaxConnections = 1
	}
	if e.DiskFile != "" {
		d, err := c.against(ctx, e, &o, e.DiskFile, e.Reload)
		c.note(d)
		return d, err
	}
	d, err := c.p.diagnose(ctx, e.Target, &o)
	if err != nil {
		return d, err
	}
	if newer, err := c.renewed(ctx, e, &o, address, d); newer != nil || err != nil {
		return newer, err
	}
	return d, nil
}

// optionsOf are those of a diagnosis of the endpoint.
func optionsOf(e *monitor.Endpoint) options {
	return options{Revocation: cmp.Or(e.Revocation, "soft"), SNI: e.SNI, StartTLS: e.StartTLS, CertFile: e.CertFile, KeyFile: e.KeyFile, CAFile: e.CAFile, Trust: e.Trust, Pins: e.Pins, RequireStaple: e.Expect.Staple,
		Connect: e.Connect, Detail: 1} // with the certificates themselves
}

// named is the endpoint by the name that the server is asked for: whoever gives
// an address with a server_name wants the certificate of that name.
func named(e *monitor.Endpoint) *monitor.Endpoint {
	if _, err := netip.ParseAddr(e.Host); err != nil || e.SNI == "" || e.SNI == "none" || e.Kind != monitor.KindServer {
		return e
	}
	scheme, rest, isURL := strings.Cut(e.Target, "://")
	if !isURL {
		scheme, rest = "", e.Target
	} else {
		scheme += "://"
	}
	path := ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		path = rest[i:]
	}
	port := strconv.Itoa(e.Port)
	c := *e
	c.Target, c.SNI = scheme+net.JoinHostPort(e.SNI, port)+path, ""
	if len(c.Connect) == 0 {
		c.Connect = []string{net.JoinHostPort(e.Host, port)}
	}
	return &c
}

// Glance implements monitor.Glancer. What is compared with files is judged every
// time.
func (c checker) Glance(ctx context.Context, e *monitor.Endpoint, address, known string) (monitor.Sight, error) {
	start := time.Now()
	s, err := c.glance(ctx, e, address, known)
	if c.seen != nil {
		result := string(diag.Untested)
		switch {
		case err == nil && s.Same:
			result = "same"
		case err == nil && s.Diagnosis != nil:
			result = string(s.Diagnosis.Verdict)
		}
		c.seen(result, time.Since(start))
	}
	return s, err
}

func (c checker) glance(ctx context.Context, e *monitor.Endpoint, address, known string) (monitor.Sight, error) {
	if c.p.light == nil || address == "" || e.Kind != monitor.KindServer || e.DiskFile != "" {
		d, err := c.Check(ctx, e, address, false)
		if err != nil {
			return monitor.Sight{}, err
		}
		return monitor.Sight{Diagnosis: d, MS: d.DurationMS}, nil
	}
	if c.reach != nil {
		if err := c.reach(e).Check(address); err != nil {
			return monitor.Sight{}, &forbiddenError{err}
		}
		ctx = withGuard(ctx, c.reach(e))
	}
	e = named(e)
	o := optionsOf(e)
	s, err := c.p.light.Look(ctx, e.Target, diagnose.Options(o), address, known)
	if err != nil || s.Same {
		return monitor.Sight{Same: s.Same, Digest: s.Digest, MS: s.MS}, err
	}
	if address != "" {
		o.Connect = []string{address}
	}
	o.MaxConnections = 1
	newer, err := c.renewed(ctx, e, &o, address, s.Diagnosis)
	if newer != nil || err != nil {
		return monitor.Sight{Diagnosis: newer, MS: s.MS}, err
	}
	return monitor.Sight{Digest: s.Digest, Until: s.Until, MS: s.MS, Diagnosis: s.Diagnosis}, nil
}

// Survey implements monitor.Surveyor: an inventory without what takes long, by few
// connections at a time.
func (c checker) Survey(ctx context.Context, e *monitor.Endpoint, address string) (*monitor.Offer, error) {
	if c.reach != nil {
		if err := c.reach(e).Check(address); err != nil {
			return nil, &forbiddenError{err}
		}
	}
	e = named(e)
	o := optionsOf(e)
	o.Connect, o.Revocation = []string{address}, "off"
	env := c.p.lend()
	if c.reach != nil {
		env.Guard = c.reach(e).Check
	}
	if c.p.keys != nil {
		c.p.keys(&env)
	}
	s, err := diagnose.Scan(ctx, e.Target, diagnose.Options(o), env, diagnose.ScanOptions{Quick: true, Open: 2})
	if err != nil {
		return nil, err
	}
	return monitor.Offered(s.Inventory), nil
}

// renewed compares what was served with the files that are watched; nil where
// none of them is newer.
func (c checker) renewed(ctx context.Context, e *monitor.Endpoint, o *options, address string, d *diag.Diagnosis) (*diag.Diagnosis, error) {
	if len(d.Certificates) == 0 || d.Certificates[0].Role != "leaf" {
		return nil, nil
	}
	c.note(d)
	if path, reload := c.shelf.Newer(time.Now(), d.Certificates[0], address); path != "" {
		if reload == "" {
			reload = e.Reload
		}
		return c.against(ctx, e, o, path, reload)
	}
	return nil, nil
}

// note tells whoever follows certificates of one that is served.
func (c checker) note(d *diag.Diagnosis) {
	if d == nil || len(d.Certificates) == 0 || d.Certificates[0].Role != "leaf" || c.renewal.Knows(d.Certificates[0].Fingerprint) {
		return
	}
	leaf := d.Certificates[0]
	if certs, _ := chain.ParsePEM([]byte(leaf.PEM)); len(certs) == 1 {
		c.renewal.Note(certs[0])
	}
}

// against diagnoses a server and compares what it serves with a file.
func (c checker) against(ctx context.Context, e *monitor.Endpoint, o *options, path, reload string) (*diag.Diagnosis, error) {
	fi, err := os.Stat(path)
	if err == nil && time.Since(fi.ModTime()) < source.Deploy && time.Since(fi.ModTime()) > 0 {
		return c.p.diagnose(ctx, e.Target, o) // the renewal may be on its way
	}
	var held []diagnose.Held
	if err == nil {
		held, err = c.p.holdings(ctx, &certFlags{keyFlags: keyFlags{passwordFile: e.PasswordFile}}, path)
	}
	if err != nil || len(held) != 1 {
		d, failed := c.p.diagnose(ctx, e.Target, o)
		if failed == nil {
			d.Causes = append(d.Causes, unreadable(path, err))
			if d.Verdict == diag.OK {
				d.Verdict = diag.Warning
			}
		}
		return d, failed
	}
	d, err := c.p.servedCertificates(ctx, e.Target, held, *o)
	if err != nil {
		return nil, err
	}
	for i := range d.Causes {
		if x := &d.Causes[i]; x.ID == "renewed-not-deployed" && reload != "" {
			x.Fixes = slices.Insert(x.Fixes, 0, diag.Fix{Side: "server", Action: "reload", Text: "Reload the service that serves it, as its owner says.", Command: reload})
		}
	}
	return d, nil
}

// file judges a file of certificates. A file that this user may not read is our
// own inability, one that is gone or broken is a finding.
func (c checker) file(ctx context.Context, e *monitor.Endpoint) (*diag.Diagnosis, error) {
	fi, err := os.Stat(e.Target)
	if errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	var held []diagnose.Held
	f := &certFlags{keyFlags: keyFlags{passwordFile: e.PasswordFile}}
	f.opts.KeyFile = e.KeyFile
	if err == nil {
		held, err = c.p.holdings(ctx, f, e.Target)
	}
	if err != nil || len(held) == 0 {
		x := unreadable(e.Target, err)
		return &diag.Diagnosis{Schema: diag.Schema, Verdict: diag.Warning, Target: diag.Target{Input: e.Target, Protocol: "file"}, Causes: []diag.Cause{x}}, nil
	}
	o := diagnose.Options{CAFile: e.CAFile, Trust: e.Trust, Command: "tlswhy cert " + shellQuote(e.Target)}
	files, err := diagnose.NewFiles("", true, o, c.p.lend())
	if err != nil {
		return nil, err
	}
	var worst *diag.Diagnosis
	for _, h := range held {
		if h.Key == nil && len(held) == 1 {
			h.Key = siblingKey(e.Target)
		}
		d := files.Judge(ctx, h, o.Command)
		if worst == nil || sooner(d, worst) {
			worst = d
		}
	}
	if len(held) == 1 && len(worst.Certificates) > 0 && worst.Certificates[0].Role == "leaf" {
		c.shelf.Put(e, worst.Certificates[0], fi.ModTime())
	}
	return worst, nil
}

// sooner tells whether the first certificate of a ends before that of b.
func sooner(a, b *diag.Diagnosis) bool {
	if len(a.Certificates) == 0 || len(b.Certificates) == 0 {
		return len(a.Certificates) > 0
	}
	return a.Certificates[0].NotAfter.Before(b.Certificates[0].NotAfter)
}

func unreadable(path string, err error) diag.Cause {
	if err == nil {
		err = errors.New("it holds several certificates or none")
	}
	said := strings.ReplaceAll(strings.TrimPrefix(err.Error(), path+": "), "\n", "; ")
	return diag.Cause{ID: "file-or-config-error", Severity: diag.SeverityWarning, Confidence: diag.Proven, Summary: fmt.Sprintf("the file %s cannot be used: %s", path, said),
		Evidence: []diag.Evidence{{Text: said, Where: path}},
		Fixes:    []diag.Fix{{Side: "server", Action: "mend-file", Text: "Put the file back, or correct its path or password in the monitor's configuration."}}, Verify: "tlswhy cert " + shellQuote(path)}
}

// siblingKey looks for the private key where programs put it: beside the
// certificate, under a name that follows from its name. nil where none is found
// or may be read.
func siblingKey(path string) any {
	dir, base := filepath.Split(path)
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	names := []string{stem + ".key", stem + "-key.pem", stem + ".key.pem"}
	if oneOf(base, "fullchain.pem", "cert.pem") {
		names = append(names, "privkey.pem")
	}
	for _, n := range names {
		if n == base {
			continue
		}
		data, err := readBounded(filepath.Join(dir, n))
		if err != nil {
			continue
		}
		if k, err := keyfile.Parse(data, keyfile.Options{}); err == nil && k.Key != nil {
			return k.Key.Public()
		}
	}
	return nil
}

// holdsCertificate tells whether a file of a folder is one to watch: it has a
// certificate, or only its password is missing.
func (p *program) holdsCertificate(e *monitor.Endpoint) bool {
	f := &certFlags{keyFlags: keyFlags{passwordFile: e.PasswordFile}}
	o, err := f.openWith(p)
	if err != nil {
		return true // the check says what is wrong with the password
	}
	data, err := readBounded(e.Target)
	if err != nil {
		return false
	}
	c, err := keyfile.Parse(data, o)
	if err != nil {
		return keyfile.IsStore(data) || len(keyfile.Manifests(data)) > 0
	}
	return len(c.Chain) > 0
}
