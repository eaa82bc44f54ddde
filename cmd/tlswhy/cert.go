package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/keyfile"
	"github.com/tlswhy/tlswhy/internal/report"
)

// certFlags are the options of tlswhy cert.
type certFlags struct {
	diagnoseFlags
	name string
	keyFlags
	offline  bool
	complete bool
	write    string
}

func (p *program) certCommand() *cobra.Command {
	f := &certFlags{}
	cmd := &cobra.Command{
		Use:   "cert FILE|DIR|-|TARGET...",
		Short: "inspects, completes and compares certificates",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage("give a file, a folder, - or a host", "nothing to read")
			}
			return p.runCert(cmd.Context(), f, args)
		},
	}
	fs := cmd.Flags()
	fs.SetNormalizeFunc(normalName)
	o := &f.opts
	fs.StringVar(&f.name, "name", "", "the name that clients will ask for")
	fs.StringVar(&o.KeyFile, "key", "", "private key that must match")
	fs.StringVar(&f.passwordFile, "password-file", "", "file with the password")
	fs.StringVar(&f.alias, "alias", "", "the key to take from a store")
	fs.BoolVar(&f.offline, "offline", false, "fetch no missing certificate")
	fs.BoolVar(&f.complete, "complete", false, "write the chain in order and complete")
	fs.StringVarP(&f.write, "write", "w", "", "where to")
	fs.StringVar(&o.CAFile, "ca", "", "the only trust anchors")
	fs.StringVar(&o.Trust, "trust", "", "whose roots")
	fs.StringVar(&f.at, "at", "", "judge as of this moment")
	fs.StringVar(&f.client, "client", "", "judge as this client")
	fs.StringVar(&o.Server, "server", "", "whose fix to print: nginx, apache ...")
	fs.StringArrayVar(&o.Connect, "connect", nil, "dial HOST:PORT for a target")
	fs.StringVar(&o.StartTLS, "starttls", "", "plaintext dialogue before TLS")
	fs.BoolVar(&f.strict, "strict", false, "a warning is a failure")
	f.registerOutput(fs)
	f.parallel = 1
	p.completeFlags(cmd)
	return cmd
}

// runCert sorts the arguments into files and targets: files are inspected,
// targets are asked what they serve, and both together are compared.
func (p *program) runCert(ctx context.Context, f *certFlags, args []string) error {
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	var paths, targets []string
	for _, a := range args {
		_, statErr := os.Stat(a)
		switch {
		case a == "-" || statErr == nil:
			paths = append(paths, a)
		case strings.ContainsAny(a, "/\\") && !strings.Contains(a, "://") || oneOf(strings.ToLower(filepath.Ext(a)), ".pem", ".crt", ".cer", ".der", ".p12", ".pfx", ".jks", ".p7b") && filepath.Ext(a) != "":
			return badUsage("", "%q does not exist", a)
		default:
			targets = append(targets, a)
		}
	}
	held, skipped, err := p.holdings(f, paths)
	if err != nil {
		return err
	}
	switch {
	case len(targets) > 0 && len(paths) > 0:
		if len(held) != 1 {
			return badUsage("give one file and its target", "%d files to compare with", len(held))
		}
		if f.complete {
			return badUsage("complete first, then compare", "--complete and a comparison exclude each other")
		}
	case f.complete && len(held)+len(targets) != 1:
		return badUsage("give one file or target", "--complete for %d files", len(held)+len(targets))
	case f.write != "" && !f.complete:
		return badUsage("add --complete", "--write without --complete")
	}
	var found []*diag.Diagnosis
	if len(targets) > 0 {
		for _, t := range targets {
			d, err := p.servedCertificates(ctx, t, held, o)
			if err != nil {
				return err
			}
			found = append(found, d)
		}
	} else {
		env := p.lend()
		env.PrivateFetches = true
		for _, h := range held {
			o.Command = f.verify(h.Path)
			d, err := diagnose.OnFile(ctx, h, f.name, f.offline, diagnose.Options(o), env)
			if err != nil {
				return err
			}
			found = append(found, d)
		}
	}
	if f.complete {
		return p.complete(found[0], f.write)
	}
	// The soonest to expire comes first.
	slices.SortStableFunc(found, func(a, b *diag.Diagnosis) int {
		if len(a.Certificates) == 0 || len(b.Certificates) == 0 {
			return cmp.Compare(len(a.Certificates), len(b.Certificates))
		}
		return a.Certificates[0].NotAfter.Compare(b.Certificates[0].NotAfter)
	})
	return p.printCerts(found, skipped, format, ro, f.strict)
}

// printCerts prints one report in full and many as a table.
func (p *program) printCerts(found []*diag.Diagnosis, skipped int, format report.Format, ro report.Options, strict bool) error {
	if skipped > 0 {
		fmt.Fprintf(p.stderr, "tlswhy: %d files hold no certificate and were left out\n", skipped)
	}
	ro.Certificates = slices.ContainsFunc(found, func(d *diag.Diagnosis) bool { return d.Target.Protocol != "file" })
	const short = 3 // more of them are a table
	table := format == report.Text && len(found) > short && ro.Verbose == 0
	s := report.NewStream(p.stdout, format, ro)
	code, nagios := exitHealthy, 0
	var err error
	for _, d := range found {
		code = worse(code, codeOf(d.Verdict, strict))
		nagios = report.WorstNagios(nagios, report.NagiosCode(d.Verdict, strict))
		if err == nil && !table {
			err = s.Add(d)
		}
	}
	switch {
	case err != nil:
	case table:
		err = report.Expiry(p.stdout, found, ro)
	default:
		err = s.Close()
	}
	if err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	if format == report.Nagios {
		code = nagios
	}
	return exitError(code)
}

// servedCertificates diagnoses a target and, where a file is given, says whether
// the target serves what the file holds.
func (p *program) servedCertificates(ctx context.Context, target string, held []diagnose.Held, o options) (*diag.Diagnosis, error) {
	env := p.lend()
	o.Detail = max(o.Detail, 1)
	if len(held) == 1 {
		env.OnDisk, env.OnDiskFile = held[0].Chain, held[0].File
		o.Command = commandOf("tlswhy cert", option{"--ca", o.CAFile}, option{"--trust", o.Trust}, option{"--starttls", o.StartTLS})
		for _, c := range o.Connect {
			o.Command += " --connect " + shellQuote(c)
		}
		o.Command += " " + shellQuote(held[0].Path) + " " + shellQuote(target)
	}
	return diagnose.Run(ctx, target, diagnose.Options(o), env)
}

// verify is the command that repeats the inspection of a file.
func (f *certFlags) verify(file string) string {
	return commandOf("tlswhy cert", option{"--name", f.name}, option{"--key", f.opts.KeyFile}, option{"--ca", f.opts.CAFile}, option{"--trust", f.opts.Trust},
		option{"--at", f.at}, option{"--password-file", f.passwordFile}, option{"--alias", f.alias}) + " " + shellQuote(file)
}

// option is one option of a command line.
type option struct{ name, value string }

// commandOf writes a command with the options that have a value.
func commandOf(command string, options ...option) string {
	for _, o := range options {
		if o.value != "" {
			command += " " + o.name + " " + shellQuote(o.value)
		}
	}
	return command
}

// holdings reads the files, and those of folders. A file that was named must
// hold a certificate; of a folder those count that do.
func (p *program) holdings(f *certFlags, paths []string) (held []diagnose.Held, skipped int, err error) {
	open, err := f.openWith(p)
	if err != nil {
		return nil, 0, err
	}
	var key *keyfile.Contents
	if f.opts.KeyFile != "" {
		data, err := readBounded(f.opts.KeyFile)
		if err != nil {
			return nil, 0, badUsage("", "reading the key: %v", err)
		}
		if key, err = keyfile.Parse(data, open); err != nil {
			return nil, 0, inFile(f.opts.KeyFile, err)
		}
		if key.Key == nil {
			return nil, 0, badUsage("", "%s holds no private key", f.opts.KeyFile)
		}
	}
	for _, path := range paths {
		files, folder, err := p.filesOf(path)
		if err != nil {
			return nil, 0, err
		}
		for _, file := range files {
			hs, err := p.readHeld(file, open)
			switch {
			case err != nil && folder:
				skipped++
				continue
			case err != nil:
				return nil, 0, err
			}
			held = append(held, hs...)
		}
		if folder && len(held) == 0 {
			return nil, 0, badUsage("", "the folder %s holds no file with a certificate", path)
		}
	}
	if key != nil {
		for i := range held {
			held[i].Key = key.Key.Public()
		}
	}
	return held, skipped, nil
}

// readHeld reads one file: its certificates, or those of each Secret in it.
func (p *program) readHeld(file string, o keyfile.Options) ([]diagnose.Held, error) {
	name := file
	var data []byte
	var err error
	if file == "-" {
		name = "standard input"
		data, err = io.ReadAll(io.LimitReader(p.stdin, keyfile.MaxSize+1))
	} else {
		data, err = readBounded(file)
	}
	if err != nil {
		return nil, badUsage("", "reading %s: %v", name, err)
	}
	parts := keyfile.Manifests(data)
	if len(parts) == 0 {
		parts = []keyfile.Named{{Data: data}}
	}
	var held []diagnose.Held
	for _, part := range parts {
		title := strings.TrimSpace(name + " " + part.Name)
		c, err := keyfile.Parse(part.Data, o)
		if err != nil {
			return nil, inFile(title, err)
		}
		h := diagnose.Held{File: title, Path: file, Chain: c.Chain}
		if c.Key != nil {
			h.Key = c.Key.Public()
		}
		if k, err := keyfile.Parse(part.Key, o); err == nil && k.Key != nil {
			h.Key = k.Key.Public()
		}
		if len(h.Chain) == 0 {
			return nil, badUsage("give the certificate, and the key with --key", "%s holds a private key and no certificate", title)
		}
		held = append(held, apart(h)...)
	}
	return held, nil
}

// apart makes one holding of each root where a file holds nothing else: such
// a list, as of a trust store, is no chain.
func apart(h diagnose.Held) []diagnose.Held {
	if len(h.Chain) < 2 || slices.ContainsFunc(h.Chain, func(c *chain.Certificate) bool { return !c.SelfIssued() || !c.IsCA() }) {
		return []diagnose.Held{h}
	}
	var out []diagnose.Held
	for _, c := range h.Chain {
		out = append(out, diagnose.Held{File: h.File + " " + c.Title(), Path: h.Path, Key: h.Key, Chain: []*chain.Certificate{c}})
	}
	return out
}

// inFile adds the file's name to what keyfile says.
func inFile(name string, err error) error {
	var e *keyfile.Error
	if errors.As(err, &e) {
		return badUsage(e.Hint, "%s: %s", name, e.Msg)
	}
	return badUsage("", "%s: %v", name, err)
}

// maxFolder bounds the files of a folder.
const maxFolder = 20_000

// filesOf lists what a path names: itself, or the files of a folder.
func (p *program) filesOf(path string) (files []string, folder bool, err error) {
	info, err := os.Stat(path)
	if path == "-" || err == nil && !info.IsDir() {
		return []string{path}, false, nil
	}
	if err != nil {
		return nil, false, badUsage("", "reading %s: %v", path, err)
	}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be read is counted as left out by its absence
		}
		if i, statErr := os.Stat(name); statErr != nil || !i.Mode().IsRegular() || i.Size() == 0 || i.Size() > keyfile.MaxSize {
			return nil
		}
		if files = append(files, name); len(files) > maxFolder {
			return fs.SkipAll
		}
		return nil
	})
	return files, true, err
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder", path)
	}
	return io.ReadAll(io.LimitReader(f, keyfile.MaxSize+1))
}
