package source

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Shelf remembers which certificates the watched files hold and held. A server
// that serves what a file held before the renewal has not loaded the new one:
// the history is the evidence that the two belong together. Where there is none
// yet, the same names from the same issuer on this very machine count.
type Shelf struct {
	// Local are the addresses of this machine.
	Local []netip.Addr

	mu    sync.Mutex
	files map[string]*shelved
}

// shelved is one file.
type shelved struct {
	now     diag.Certificate
	changed time.Time // of the file
	held    []string  // fingerprints of before
	reload  string
}

// Deploy is how long a renewal may take from the file to the server.
const Deploy = 10 * time.Minute

// maxHeld bounds the history of a file.
const maxHeld = 8

// Recall takes in what was stored of a file before the start.
func (s *Shelf) Recall(e *monitor.Endpoint, st *monitor.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.file(e)
	f.held = append(f.held, st.Known...)
}

// Put notes what a file holds now.
func (s *Shelf) Put(e *monitor.Endpoint, leaf diag.Certificate, changed time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.file(e)
	if old := f.now.Fingerprint; old != leaf.Fingerprint && old != "" {
		f.held = append(f.held, old)
	}
	f.held = slices.DeleteFunc(f.held, func(x string) bool { return x == leaf.Fingerprint })
	f.held = f.held[max(0, len(f.held)-maxHeld):]
	f.now, f.changed = leaf, changed
}

func (s *Shelf) file(e *monitor.Endpoint) *shelved {
	if s.files == nil {
		s.files = map[string]*shelved{}
	}
	f := s.files[e.Target]
	if f == nil {
		f = &shelved{}
		s.files[e.Target] = f
	}
	f.reload = e.Reload
	return f
}

// Newer finds the file that ought to be served instead of the leaf that an
// address (ip:port) serves, and how to reload the service; "" for none.
func (s *Shelf) Newer(now time.Time, leaf diag.Certificate, address string) (path, reload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := ""
	for p, f := range s.files {
		if f.now.Fingerprint == leaf.Fingerprint {
			return "", "" // some file still holds it: it is served on purpose
		}
		if !f.now.NotBefore.After(leaf.NotBefore) || now.Sub(f.changed) < Deploy || now.After(f.now.NotAfter) {
			continue
		}
		if slices.Contains(f.held, leaf.Fingerprint) || s.here(address) && alike(f.now, leaf) {
			if best == "" || p < best {
				best = p
			}
		}
	}
	if best == "" {
		return "", ""
	}
	return best, s.files[best].reload
}

func (s *Shelf) here(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsLoopback() || slices.Contains(s.Local, a.Unmap()))
}

// alike tells whether one certificate is the other's renewal, by all that a
// renewal keeps.
func alike(a, b diag.Certificate) bool {
	x, y := slices.Sorted(slices.Values(a.Names)), slices.Sorted(slices.Values(b.Names))
	return len(x) > 0 && slices.Equal(x, y) && a.Issuer == b.Issuer && a.Key == b.Key
}
