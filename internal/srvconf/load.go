package srvconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// The bounds of one configuration.
const (
	maxFile  = 8 << 20
	maxFiles = 4000
	maxDepth = 32
	maxTotal = 64 << 20
	maxSites = 5000
)

// Options say how a configuration is read. The zero value reads the running
// machine and recognises the software.
type Options struct {
	// Server names the software: nginx, apache, haproxy, postfix, dovecot; "" =
	// told by path and content.
	Server string
	// Root stands for / in the paths that a configuration names: a container's
	// file system that was unpacked, a test.
	Root string
	// Instead holds the content of files that are taken to be changed, by their
	// name in the configuration.
	Instead map[string][]byte
	// Sealed says that Instead holds every file of the configuration; Elsewhere
	// that the files which it names may be on another machine.
	Sealed, Elsewhere bool
	// Apart says that no file of this machine may be looked at, not even whether
	// it is there: whoever wrote the configuration must not learn that.
	Apart bool
}

// Config is what was read.
type Config struct {
	Software string
	Sites    []*facts.Site
	// Faults are those outside of any site: what cannot be read or parsed.
	Faults []facts.Fault
	// Files are those that were read, in order.
	Files []string
	// Notes are statements about the reading.
	Notes []string
}

// reader reads the files of one configuration.
type reader struct {
	o     Options
	c     *Config
	total int
	open  []string // the includes under way, to find loops
	certs map[string]*holding
}

// Load reads one configuration: its main file, or a file of it that is judged
// alone. What cannot be read is among the faults.
func Load(file string, o Options) *Config {
	r := &reader{o: o, c: &Config{}, certs: map[string]*holding{}}
	data, ok := r.read(file, facts.Place{File: file}, "the configuration")
	if !ok {
		return r.c
	}
	r.c.Software = o.Server
	if r.c.Software == "" {
		r.c.Software = Recognise(file, data)
	}
	parse, known := servers[r.c.Software]
	if !known {
		r.fault(facts.Fault{At: facts.Place{File: file}, Stops: true, File: file, Text: stranger(file, data)})
		return r.c
	}
	parse(r, file, data)
	if len(r.c.Sites) > maxSites {
		r.c.Notes = append(r.c.Notes, fmt.Sprintf("%d further sites are left out", len(r.c.Sites)-maxSites))
		r.c.Sites = r.c.Sites[:maxSites]
	}
	return r.c
}

// servers are the readers, by the name of the software.
var servers = map[string]func(r *reader, file string, data []byte){}

func register(name string, parse func(r *reader, file string, data []byte)) bool {
	servers[name] = parse
	return true
}

// Servers are the names that Options.Server takes.
func Servers() []string {
	var out []string
	for name := range servers {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (r *reader) fault(f facts.Fault) {
	if len(r.c.Faults) < 1000 && !slices.Contains(r.c.Faults, f) {
		r.c.Faults = append(r.c.Faults, f)
	}
}

// real is where a path of the configuration lies on this machine; "", which is
// nowhere, where this machine may not be looked at.
func (r *reader) real(path string) string {
	if r.o.Apart {
		return ""
	}
	if r.o.Root != "" && filepath.IsAbs(path) && !strings.HasPrefix(path, strings.TrimSuffix(r.o.Root, "/")+"/") {
		return filepath.Join(r.o.Root, path)
	}
	return path
}

// read reads a text file within the bounds. What stands against it becomes a
// fault at the line that names it.
func (r *reader) read(path string, by facts.Place, what string) ([]byte, bool) {
	bad := func(format string, args ...any) ([]byte, bool) {
		r.fault(facts.Fault{At: by, File: path, Stops: true, Text: what + " " + path + " cannot be read: " + fmt.Sprintf(format, args...)})
		return nil, false
	}
	if len(r.c.Files) >= maxFiles || r.total >= maxTotal {
		return bad("the configuration is larger than %d files or %d MB", maxFiles, maxTotal>>20)
	}
	data, changed := r.o.Instead[path]
	if changed && len(data) > maxFile {
		return bad("%s", errTooLarge)
	}
	if !changed {
		var err error
		if data, err = readBounded(r.real(path), maxFile); err != nil && r.o.Elsewhere && errors.Is(err, fs.ErrNotExist) {
			r.fault(facts.Fault{At: by, File: path, Remark: true, Text: what + " " + path + " is not on this machine, so it was not read"})
			return nil, false
		} else if err != nil {
			return bad("%s", reason(err))
		}
	}
	r.c.Files = append(r.c.Files, path)
	r.total += len(data)
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return bad("it is UTF-16 text; save it as UTF-8")
	case bytes.IndexByte(data, 0) >= 0:
		return bad("it is binary data and no configuration")
	}
	if data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")); !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("?")) // Latin-1 in a comment
	}
	return data, true
}

// fileOf reads a file that the configuration names. Of one that was pasted the
// file may be on another machine.
func (r *reader) fileOf(path string, limit int64) ([]byte, error) {
	data, err := readBounded(r.real(path), limit)
	if r.o.Elsewhere && errors.Is(err, fs.ErrNotExist) {
		err = errElsewhere
	}
	return data, err
}

var errTooLarge = errors.New("it is larger than any configuration")

// readBounded reads a regular file of limited size; it never blocks on a pipe.
func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case info.Size() > limit:
		return nil, errTooLarge
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}

// reason says in words why a file cannot be read.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied to the user who runs tlswhy"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// include reads the files of a pattern one after the other. A file that is
// being read already is a loop; optional says that nothing needs to be there.
func (r *reader) include(pattern string, by facts.Place, optional bool, each func(file string, data []byte)) {
	matches := []string{pattern}
	if r.o.Sealed {
		matches = within(r.o.Instead, pattern)
	} else if strings.ContainsAny(pattern, "*?[") {
		found, err := filepath.Glob(r.real(pattern))
		if err != nil {
			r.fault(facts.Fault{At: by, Stops: true, Text: fmt.Sprintf("the pattern %q cannot be read", pattern)})
			return
		}
		matches = matches[:0]
		for _, m := range found {
			if r.o.Root != "" {
				m = strings.TrimPrefix(m, strings.TrimSuffix(filepath.Clean(r.o.Root), "/"))
			}
			matches = append(matches, m)
		}
	} else if _, err := os.Stat(r.real(pattern)); optional && err != nil {
		return
	}
	for _, file := range matches {
		if info, err := os.Stat(r.real(file)); err == nil && info.IsDir() && strings.ContainsAny(pattern, "*?[") {
			continue
		}
		switch {
		case slices.Contains(r.open, filepath.Clean(file)):
			r.fault(facts.Fault{At: by, Stops: true, File: file, Text: "it includes " + file + ", which is being read already: a loop"})
			continue
		case len(r.open) >= maxDepth:
			r.fault(facts.Fault{At: by, Stops: true, File: file, Text: fmt.Sprintf("more than %d files include one another", maxDepth)})
			continue
		}
		data, ok := r.read(file, by, "the included file")
		if !ok {
			continue
		}
		r.open = append(r.open, filepath.Clean(file))
		each(file, data)
		r.open = r.open[:len(r.open)-1]
	}
}

// gone tells whether it is certain that a file that the configuration names is
// not there.
func (r *reader) gone(path string) bool {
	if r.o.Apart || r.o.Elsewhere || r.o.Sealed || !filepath.IsAbs(path) {
		return false
	}
	_, err := os.Stat(r.real(path))
	return errors.Is(err, fs.ErrNotExist)
}
