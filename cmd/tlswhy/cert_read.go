package main

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/keyfile"
)

// fileOrTarget tells files from hosts. What does not exist is a host only if it
// looks like one.
func fileOrTarget(arg string) (isFile bool, err error) {
	_, statErr := os.Stat(arg)
	ext := strings.ToLower(filepath.Ext(arg))
	named := ext != "" && oneOf(ext, ".pem", ".crt", ".cer", ".der", ".p12", ".pfx", ".jks", ".p7b", ".key", ".csr", ".yaml", ".yml")
	switch {
	case arg == "-" || statErr == nil:
		return true, nil
	case !errors.Is(statErr, fs.ErrNotExist):
		return true, nil // reading it says why
	case named || strings.ContainsAny(arg, `/\`) && !strings.Contains(arg, "://"):
		return false, badUsage("", "%q does not exist", arg)
	case arg != "localhost" && !strings.ContainsAny(arg, ".:[]"):
		return false, badUsage("a host of that name: tlswhy cert "+shellQuote(arg+":443"), "there is no file or folder %q here", arg)
	}
	return false, nil
}

// reading gathers what files hold.
type reading struct {
	ctx     context.Context // of the command
	p       *program
	open    keyfile.Options
	key     crypto.PublicKey // of --key, nil = none
	held    []diagnose.Held
	refused []refusal // of what was named
	closed  []refusal // files of folders that may hold a certificate
	without int       // files of folders that hold none
	folder  bool      // a folder was read
}

// refusal is a file that gives nothing, with the reason.
type refusal struct {
	path string
	err  error
}

func (p *program) newReading(ctx context.Context, f *certFlags) (*reading, error) {
	open, err := f.openWith(p)
	r := &reading{ctx: ctx, p: p, open: open}
	if err != nil || f.opts.KeyFile == "" {
		return r, err
	}
	data, err := readBounded(f.opts.KeyFile)
	if err != nil {
		return nil, badUsage("", "reading the key: %v", err)
	}
	c, err := keyfile.Parse(data, open)
	if err != nil {
		return nil, inFile(f.opts.KeyFile, err)
	}
	if c.Key == nil {
		return nil, badUsage("", "%s holds no private key", f.opts.KeyFile)
	}
	r.key = c.Key.Public()
	return r, nil
}

func (r *reading) refuse(path string, err error) { r.refused = append(r.refused, refusal{path, err}) }

// readAll reads files and those of folders. A file that was named must hold a
// certificate; of a folder those count that do.
func (r *reading) readAll(paths []string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if path != "-" && err == nil && info.IsDir() {
			r.readFolder(path)
			continue
		}
		held, bad := r.read(path)
		r.held = append(r.held, held...)
		for _, err := range bad {
			r.refuse(path, err)
		}
	}
	if r.key != nil {
		for i, h := range r.held {
			if !h.Chain[0].IsCA() || len(r.held) == 1 {
				r.held[i].Key = r.key
			}
		}
	}
}

// readFolder reads every file once, however many links lead to it.
func (r *reading) readFolder(folder string) {
	r.folder = true
	files, err := r.filesOf(folder)
	if err != nil {
		r.refuse(folder, badUsage("", "reading %s: %v", folder, err))
		return
	}
	var found []diagnose.Held
	for _, file := range files {
		held, bad := r.read(file.name)
		for i := range held {
			held[i].Also = file.also
		}
		found = append(found, held...)
		for _, err := range bad {
			if errors.Is(err, errNoCertificate) {
				r.without++
			} else {
				r.closed = append(r.closed, refusal{file.name, err})
			}
		}
	}
	if len(found) == 0 {
		r.refuse(folder, badUsage("", "the folder %s holds no file with a certificate", folder))
	}
	r.held = append(r.held, folded(found)...)
}

// complain says on standard error what was not read.
func (r *reading) complain() {
	for _, b := range r.refused {
		complain(r.p.stderr, b.err)
	}
	const most = 5
	for i, b := range r.closed {
		if i == most {
			fmt.Fprintf(r.p.stderr, "tlswhy: and %d more files that could not be read\n", len(r.closed)-most)
			break
		}
		complain(r.p.stderr, b.err)
	}
	if r.without > 0 {
		fmt.Fprintf(r.p.stderr, "tlswhy: files without a certificate that were left out: %d\n", r.without)
	}
}

// holdings is all that files hold, or what is wrong with the first that gives
// nothing.
func (p *program) holdings(ctx context.Context, f *certFlags, paths ...string) ([]diagnose.Held, error) {
	r, err := p.newReading(ctx, f)
	if err != nil {
		return nil, err
	}
	if r.readAll(paths); len(r.refused) > 0 {
		return nil, r.refused[0].err
	}
	return r.held, nil
}

// errNoCertificate is a file without one.
var errNoCertificate = errors.New("no certificate")

// read reads one file: its certificates, or those of each Secret in it.
func (r *reading) read(file string) (held []diagnose.Held, bad []error) {
	name := file
	var data []byte
	var err error
	if file == "-" {
		name = "standard input"
		data, err = io.ReadAll(io.LimitReader(r.p.input(r.ctx), keyfile.MaxSize+1))
	} else {
		data, err = readBounded(file)
	}
	if err != nil {
		return nil, []error{badUsage("", "reading %s: %v", name, err)}
	}
	parts := keyfile.Manifests(data)
	if len(parts) == 0 {
		parts = []keyfile.Named{{Data: data}}
	}
	for _, part := range parts {
		h := diagnose.Held{File: strings.TrimSpace(name + " " + part.Name), Path: file}
		if err := r.fill(&h, part); err != nil {
			bad = append(bad, err)
			continue
		}
		held = append(held, apart(h)...)
	}
	return held, bad
}

func (r *reading) fill(h *diagnose.Held, part keyfile.Named) error {
	if part.Problem != nil {
		return inFile(h.File, part.Problem)
	}
	c, err := keyfile.Parse(part.Data, r.open)
	if err != nil {
		return inFile(h.File, err)
	}
	if len(c.Chain) == 0 {
		return errors.Join(badUsage("give the certificate, and the key with --key", "%s holds a private key and no certificate", h.File), errNoCertificate)
	}
	h.Chain, h.Flaw, h.Mend = c.Chain, c.Flaw, c.Mend
	if c.Key != nil {
		h.Key = c.Key.Public()
	}
	if k, err := keyfile.Parse(part.Key, r.open); err == nil && k.Key != nil {
		h.Key = k.Key.Public()
	}
	for _, o := range c.Other {
		if h.Flaw != "" && strings.HasPrefix(o, "line ") {
			continue // the flaw's own trail
		}
		h.Notes = append(h.Notes, "not judged: "+o)
	}
	return nil
}

// apart makes one holding of each root where a file holds nothing else: such
// a list, as of a trust store, is no chain.
func apart(h diagnose.Held) []diagnose.Held {
	if len(h.Chain) < 2 || slices.ContainsFunc(h.Chain, func(c *chain.Certificate) bool { return !c.SelfIssued() || !c.IsCA() }) {
		return []diagnose.Held{h}
	}
	var out []diagnose.Held
	for _, c := range h.Chain {
		one := h
		one.File, one.Chain = h.File+" "+c.Title(), []*chain.Certificate{c}
		out = append(out, one)
	}
	return out
}

// folded leaves out of a folder what another file of it holds too, as
// fullchain.pem holds cert.pem and chain.pem: it is no server's chain of its
// own. The file that holds more names the others.
func folded(all []diagnose.Held) []diagnose.Held {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { // the longest chain, then a file of its own
		return cmp.Or(cmp.Compare(len(all[b].Chain), len(all[a].Chain)), cmp.Compare(len(all[a].File)-len(all[a].Path), len(all[b].File)-len(all[b].Path)))
	})
	in := map[[32]byte][]int{} // which kept ones hold a certificate
	var kept []int
	for _, i := range order {
		h := &all[i]
		first := slices.IndexFunc(in[h.Chain[0].SHA256], func(k int) bool {
			return holds(all[k], *h) && (all[k].Chain[0].SHA256 == h.Chain[0].SHA256 || filepath.Dir(all[k].Path) == filepath.Dir(h.Path))
		})
		if first >= 0 {
			by := &all[in[h.Chain[0].SHA256][first]]
			if h.Path != by.Path && !slices.Contains(by.Also, h.Path) {
				by.Also = append(append(by.Also, h.Path), h.Also...)
			}
			continue
		}
		kept = append(kept, i)
		for _, c := range h.Chain {
			in[c.SHA256] = append(in[c.SHA256], i)
		}
	}
	slices.Sort(kept)
	out := make([]diagnose.Held, 0, len(kept))
	for _, i := range kept {
		out = append(out, all[i])
	}
	return out
}

// holds tells whether every certificate of b is in a, with no key of its own.
func holds(a, b diagnose.Held) bool {
	if b.Key != nil || b.Flaw != "" {
		return false
	}
	return !slices.ContainsFunc(b.Chain, func(c *chain.Certificate) bool {
		return !slices.ContainsFunc(a.Chain, func(x *chain.Certificate) bool { return x.SHA256 == c.SHA256 })
	})
}

// inFile adds the file's name to what keyfile says.
func inFile(name string, err error) error {
	var e *keyfile.Error
	if !errors.As(err, &e) {
		return badUsage("", "%s: %v", name, err)
	}
	out := badUsage(e.Hint, "%s: %s", name, e.Msg)
	if errors.Is(err, keyfile.ErrEmpty) || errors.Is(err, keyfile.ErrFormat) {
		return errors.Join(out, errNoCertificate)
	}
	return out
}

// maxFolder bounds the files of a folder.
const maxFolder = 20_000

// linked is a file with the other names that lead to it.
type linked struct {
	name string
	also []string
}

// hashName is how OpenSSL's rehash names links to certificates.
var hashName = regexp.MustCompile(`^[0-9a-f]{8}\.r?\d+$`)

// filesOf lists the files of a folder, each once.
func (r *reading) filesOf(folder string) ([]linked, error) {
	var out []linked
	at := map[string]int{} // by the real path
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			r.closed = append(r.closed, refusal{name, badUsage("", "reading %v", err)})
			return nil
		}
		if i, err := os.Stat(name); err != nil || !i.Mode().IsRegular() || i.Size() == 0 || i.Size() > keyfile.MaxSize {
			return nil
		}
		real, err := filepath.EvalSymlinks(name)
		if err != nil {
			return nil
		}
		if i, ok := at[real]; ok {
			if out[i].name == real || hashName.MatchString(filepath.Base(out[i].name)) { // links are what configurations name
				out[i].name, name = name, out[i].name
			}
			out[i].also = append(out[i].also, name)
			return nil
		}
		if len(out) == maxFolder {
			r.closed = append(r.closed, refusal{folder, badUsage("give one of its folders", "%s holds more than %d files; the rest was not read", folder, maxFolder)})
			return fs.SkipAll
		}
		at[real] = len(out)
		out = append(out, linked{name: name})
		return nil
	})
	return out, err
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
