package truststore

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// The bounds of what is read from disk.
const (
	maxFile    = 16 << 20
	maxEntries = 5000 // files of one directory
)

// NoCertificateError says that a file given as trust anchors holds none, and
// what it holds instead.
type NoCertificateError struct {
	Path string
	Has  []string // "line 1: a private key"; empty = nothing recognisable
}

// Error names the file and what it holds instead.
func (e *NoCertificateError) Error() string {
	if len(e.Has) == 0 {
		return fmt.Sprintf("reading %q: it holds no certificate", e.Path)
	}
	return fmt.Sprintf("reading %q: it holds no certificate, but: %s", e.Path, strings.Join(e.Has[:min(3, len(e.Has))], "; "))
}

// LoadFile reads trust anchors from a file (PEM, DER or PKCS#7) or from all
// files of a directory. It fails with *NoCertificateError when there are none.
func LoadFile(path string) (*Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &Store{Name: path, Title: path, From: []string{path}}
	a := adder{store: s, seen: map[[32]byte]bool{}, files: map[[32]byte]bool{}}
	if info.IsDir() {
		if err := a.addDir(path, false); err != nil {
			return nil, err
		}
	} else if err := a.addFile(path); err != nil {
		return nil, err
	}
	if len(s.Certs) == 0 {
		return nil, &NoCertificateError{Path: path, Has: s.Ignore}
	}
	return s, nil
}

// adder collects certificates without repetition.
type adder struct {
	store *Store
	seen  map[[32]byte]bool // certificates
	files map[[32]byte]bool // contents
}

func (a *adder) addFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil {
		return err
	} else if info.IsDir() {
		return fmt.Errorf("reading %q: a directory", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return fmt.Errorf("reading %q: %w", path, err)
	}
	if len(data) > maxFile {
		return fmt.Errorf("reading %q: larger than %d MB", path, maxFile>>20)
	}
	a.addData(data, "")
	return nil
}

// addData takes all certificates of a file's content; what is none is told in
// Ignore, behind the prefix.
func (a *adder) addData(data []byte, prefix string) {
	sum := sha256.Sum256(data)
	if a.files[sum] { // the same file by another name
		return
	}
	a.files[sum] = true
	certs, rest := chain.ParsePEM(data)
	for _, c := range certs {
		a.addCert(c, prefix)
	}
	for _, what := range rest {
		a.ignore(prefix + what)
	}
}

func (a *adder) addCert(c *chain.Certificate, prefix string) {
	if a.seen[c.SHA256] {
		return
	}
	a.seen[c.SHA256] = true
	if !c.Readable() || c.Subject.Raw == nil {
		why := "unreadable"
		if len(c.ParseProblems) > 0 {
			why = c.ParseProblems[0]
		}
		a.ignore(prefix + "a certificate that does not parse: " + why)
		return
	}
	a.store.Certs = append(a.store.Certs, c)
}

func (a *adder) ignore(what string) {
	const kept = 20
	if len(a.store.Ignore) < kept {
		a.store.Ignore = append(a.store.Ignore, what)
	}
}

// addDir reads every regular file of a directory, not of those below it. Quiet
// leaves out of Ignore the files that are no certificates.
func (a *adder) addDir(path string, quiet bool) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	if len(entries) > maxEntries {
		a.ignore(fmt.Sprintf("%s: %d files beyond the first %d", path, len(entries)-maxEntries, maxEntries))
		entries = entries[:maxEntries]
	}
	for _, entry := range entries {
		if entry.Type()&(fs.ModeDir|fs.ModeNamedPipe|fs.ModeSocket|fs.ModeDevice) != 0 || pointsBeside(path, entry) {
			continue
		}
		before := a.store.Ignore
		if err := a.addFile(filepath.Join(path, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			a.ignore(err.Error())
		}
		if quiet {
			a.store.Ignore = before
		}
	}
	return nil
}

// pointsBeside reports whether an entry is a link to another file of the same
// directory, as the hashed names of OpenSSL are.
func pointsBeside(dir string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return false
	}
	target, err := os.Readlink(filepath.Join(dir, entry.Name()))
	return err == nil && !strings.ContainsRune(target, '/')
}
