// Package seal keeps what is secret in the monitor's database unreadable to
// whoever has the database only. The key is a file of its own, readable by the
// monitor's user; it is made when it is first needed.
//
//	v, err := seal.Open("/var/lib/tlswhy/tlswhy.key", inUse)
//	sealed, err := v.Seal("channel ops", plain)
package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// Errors that callers tell apart.
var (
	// ErrLost is a key file that is gone while there is something that it sealed.
	ErrLost = errors.New("the key file is gone")
	// ErrOther is something that another key has sealed.
	ErrOther = errors.New("another key has sealed it")
	// ErrSpoiled is something that was changed after it was sealed, or moved to
	// another place.
	ErrSpoiled = errors.New("it was changed since it was sealed")
)

// Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	path string
	mu   sync.Mutex
	key  []byte // nil: lost
}

const (
	keyPrefix = "tlswhy_key_" // tells a scanner for leaked secrets what it has found
	maxFile   = 4 << 10
	version   = 1
	idSize    = 4 // of the key's name, which tells keys apart
	header    = 1 + idSize
)

// Open reads the key file, and makes it where there is none. inUse says that
// something is sealed already: then no new key is made, because the file was
// lost, and what needs it is ErrLost until Renew.
func Open(path string, inUse bool) (*Vault, error) {
	v := &Vault{path: path}
	key, err := read(path)
	switch {
	case err == nil:
		v.key = key
		return v, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case inUse:
		return v, nil
	}
	return v, v.Renew()
}

// Path is where the key is.
func (v *Vault) Path() string { return v.path }

// Lost tells whether the key file is gone.
func (v *Vault) Lost() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.key == nil
}

// Renew makes a new key where the old one was lost; whatever that one sealed
// stays closed. A file that is there is read and never replaced.
func (v *Vault) Renew() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	key, err := read(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = create(v.path)
	}
	if err != nil {
		return err
	}
	v.key = key
	return nil
}

// read reads a key file: a line with the key, and lines that begin with #.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		word, ok := strings.CutPrefix(strings.TrimSpace(line), keyPrefix)
		if !ok {
			continue
		}
		if key, err := base64.RawURLEncoding.DecodeString(word); err == nil && len(key) == chacha20poly1305.KeySize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("the key file %q holds no key: put it back from a copy", path)
}

// create makes a key file that only this user reads. It appears under its name
// when it is whole and on the disk.
func create(path string) (key []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("making the key file: %w", err)
		}
	}()
	key = make([]byte, chacha20poly1305.KeySize)
	_, _ = rand.Read(key)                                                 // it never fails
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "# Opens the secrets in the database of tlswhy serve. Keep a copy, but not beside\n# the copies of the database: whoever has both can read them.\n%s%s\n", keyPrefix, base64.RawURLEncoding.EncodeToString(key))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return key, os.Rename(f.Name(), path)
}

// name tells keys apart, and says nothing of them.
func name(key []byte) []byte {
	sum := sha256.Sum256(append([]byte("tlswhy key\x00"), key...))
	return sum[:idSize]
}

func (v *Vault) current() ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.key == nil {
		return nil, fmt.Errorf("%w: put %q back", ErrLost, v.path)
	}
	return v.key, nil
}

// Seal makes plain unreadable without the key. place says what it is, and is
// needed to open it: what is sealed for one place is of no use in another.
func (v *Vault) Seal(place string, plain []byte) ([]byte, error) {
	key, err := v.current()
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	out := append([]byte{version}, name(key)...)
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce) // it never fails
	return append(out, aead.Seal(nonce, nonce, plain, append(bytes.Clone(out), place...))...), nil
}

// Open is the reverse of Seal: ErrLost, ErrOther or ErrSpoiled say why it
// cannot be done.
func (v *Vault) Open(place string, sealed []byte) ([]byte, error) {
	key, err := v.current()
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < header+aead.NonceSize() || sealed[0] != version {
		return nil, ErrSpoiled
	}
	head, rest := sealed[:header], sealed[header:]
	if !bytes.Equal(head[1:], name(key)) {
		return nil, fmt.Errorf("%w than that in %q: put back the one that belongs to the database", ErrOther, v.path)
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], append(bytes.Clone(head), place...))
	if err != nil {
		return nil, ErrSpoiled
	}
	return plain, nil
}
