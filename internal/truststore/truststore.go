// Package truststore reads lists of trust anchors: Mozilla's (embedded), the
// system's, a file's, and those of other programs where a Source is given.
//
// It knows where each list comes from and how old it is. It refuses to know who
// trusts what by which policy, and it never judges a path.
//
//	store, err := truststore.Load("system")
//	if errors.Is(err, truststore.ErrNoRoots) { // an empty container, say so and
//		store, err = truststore.Load("mozilla")
//	}
//
// A Store is read-only after Load and safe for concurrent use.
package truststore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// The stores that Load knows by itself.
const (
	Mozilla = "mozilla"
	System  = "system"
)

// ErrNoRoots says that a store was looked for and holds nothing: the caller may
// fall back to Mozilla's list, and should say so.
var ErrNoRoots = errors.New("no trust anchors found")

// Source is a collection of further lists, such as programs.Lists.
type Source interface {
	// Names lists what LoadList takes.
	Names() []string
	// LoadList gives the named list; the error wraps ErrUnknown for other names.
	LoadList(name string) (*Store, error)
}

// ErrUnknown says that no store has this name.
var ErrUnknown = errors.New("unknown trust store")

// Store is a list of trust anchors for TLS servers.
type Store struct {
	Name   string    // as given to Load, or the path
	Title  string    // for people: "Mozilla", "OpenJDK 17.0.2", "/etc/ssl/cert.pem"
	From   []string  // the files, or the address the list was taken from
	Date   time.Time // of the list; zero = now
	Certs  []*chain.Certificate
	Ignore []string // what was found and not used, one phrase each

	// DistrustAfter holds, by SHA-256, roots whose newer leaves are refused. It
	// fits chain.Input.
	DistrustAfter map[[32]byte]time.Time

	// Listed are members of the list by SHA-256, with their names; more than Certs where
	// the list names certificates that are not at hand.
	Listed map[[32]byte]string

	// Blocked are certificates that the program refuses expressly.
	Blocked map[[32]byte]string

	index sync.Once
	names map[string][]*chain.Certificate
	keys  map[string][]*chain.Certificate
	all   map[[32]byte]bool
}

// Load gives a store by name: "mozilla", "system", or one of the sources' lists.
// A path is not a name; see LoadFile.
func Load(name string, sources ...Source) (*Store, error) {
	switch name {
	case Mozilla:
		return loadMozilla(), nil
	case System:
		return loadSystem()
	}
	for _, source := range sources {
		if slices.Contains(source.Names(), name) {
			return source.LoadList(name)
		}
	}
	return nil, fmt.Errorf("%w %q (there are %s)", ErrUnknown, name, strings.Join(Names(sources...), ", "))
}

// Names lists what Load takes.
func Names(sources ...Source) []string {
	names := []string{System, Mozilla}
	for _, source := range sources {
		names = append(names, source.Names()...)
	}
	return names
}

func (s *Store) build() {
	s.index.Do(func() {
		s.names = make(map[string][]*chain.Certificate, len(s.Certs))
		s.keys = make(map[string][]*chain.Certificate, len(s.Certs))
		s.all = make(map[[32]byte]bool, len(s.Certs))
		for _, c := range s.Certs {
			s.all[c.SHA256] = true
			s.names[c.Subject.Key()] = append(s.names[c.Subject.Key()], c)
			if len(c.SubjectKeyID) > 0 {
				s.keys[string(c.SubjectKeyID)] = append(s.keys[string(c.SubjectKeyID)], c)
			}
		}
	})
}

// Contains reports whether this very certificate is in the list.
func (s *Store) Contains(c *chain.Certificate) bool {
	s.build()
	_, listed := s.Listed[c.SHA256]
	return listed || s.all[c.SHA256]
}

// ContainsKey reports whether the list holds a certificate of the same name and
// key, which is what most clients trust.
func (s *Store) ContainsKey(c *chain.Certificate) bool {
	for _, other := range s.BySubject(c.Subject) {
		if other.SameKey(c) {
			return true
		}
	}
	return s.Contains(c)
}

// Blocks reports whether the program refuses this very certificate expressly.
func (s *Store) Blocks(c *chain.Certificate) bool {
	_, blocked := s.Blocked[c.SHA256]
	return blocked
}

// BySubject gives the anchors of a name.
func (s *Store) BySubject(name chain.DN) []*chain.Certificate {
	s.build()
	if len(name.Raw) == 0 {
		return nil
	}
	return s.names[name.Key()]
}

// BySubjectKeyID gives the anchors with a subject key identifier.
func (s *Store) BySubjectKeyID(id []byte) []*chain.Certificate {
	s.build()
	return s.keys[string(id)]
}
