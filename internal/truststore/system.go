package truststore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// loadSystem reads the store that command-line clients of this machine use.
// SSL_CERT_FILE and SSL_CERT_DIR (a list) take the place of the file and of the
// directories, each for itself, as in OpenSSL and Go.
func loadSystem() (*Store, error) {
	s := &Store{Name: System, Title: "the system's trust store"}
	a := adder{store: s, seen: map[[32]byte]bool{}, files: map[[32]byte]bool{}}
	file, dirs := os.Getenv("SSL_CERT_FILE"), os.Getenv("SSL_CERT_DIR")
	var tried []string
	if file == "" && dirs == "" {
		tried = a.addNative()
	} else {
		s.Title = "the trust store of SSL_CERT_FILE and SSL_CERT_DIR"
	}
	files, folders := systemFiles, systemDirs
	if file != "" {
		files = []string{file}
	}
	if dirs != "" {
		folders = filepath.SplitList(dirs)
	}
	tried = append(tried, a.addFirst(files)...)
	for _, dir := range folders {
		tried = append(tried, a.addFolder(dir)...)
	}
	if len(s.Certs) == 0 {
		return nil, noRoots(tried, s.Ignore, file, dirs)
	}
	return s, nil
}

// addFirst reads the first of the files that is there.
func (a *adder) addFirst(files []string) (tried []string) {
	for _, path := range files {
		before := len(a.store.Certs)
		err := a.addFile(path)
		if err == nil {
			if len(a.store.Certs) > before {
				a.store.From = append(a.store.From, path)
				return tried
			}
			tried = append(tried, path+" holds no certificate")
			continue
		}
		tried = append(tried, failure(path, err))
	}
	return tried
}

func (a *adder) addFolder(dir string) (tried []string) {
	before := len(a.store.Certs)
	if err := a.addDir(dir, true); err != nil {
		return []string{failure(dir, err)}
	}
	if len(a.store.Certs) == before {
		return []string{dir + " holds no further certificate"}
	}
	a.store.From = append(a.store.From, dir)
	return nil
}

func failure(path string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path + " does not exist"
	case errors.Is(err, fs.ErrPermission):
		return path + " may not be read"
	}
	return err.Error()
}

func noRoots(tried, ignored []string, file, dirs string) error {
	// Absent defaults are no news unless nothing else is to be told.
	if file != "" {
		tried = append([]string{"SSL_CERT_FILE is " + file}, tried...)
	}
	if dirs != "" {
		tried = append([]string{"SSL_CERT_DIR is " + dirs}, tried...)
	}
	tried = append(tried, ignored...)
	if len(tried) == 0 {
		return fmt.Errorf("reading the system's trust store: %w", ErrNoRoots)
	}
	return fmt.Errorf("reading the system's trust store: %w: %s", ErrNoRoots, strings.Join(tried, "; "))
}
