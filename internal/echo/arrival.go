package echo

import (
	"net"
	"sync"
	"time"
)

// Arrival is one connection that came to a Server, as far as its ClientHello.
type Arrival struct {
	N    int       `json:"n"` // from 1
	From string    `json:"from"`
	At   time.Time `json:"at"` // UTC
	// Raw is what came, from the first record on, until the ClientHello was
	// complete or nothing more came; Pieces are the sizes in which it was read,
	// one piece per TCP segment where the pauses between them were kept.
	Raw    []byte `json:"raw"`
	Pieces []int  `json:"pieces"`
	// Segments counts the TCP segments with data, 0 where the system does not say.
	Segments int `json:"segments,omitempty"`
	// Whole says that the ClientHello was complete, Answered that a ServerHello
	// was sent, with the certificate of this SHA-256.
	Whole    bool   `json:"whole"`
	Answered bool   `json:"answered"`
	Leaf     string `json:"leaf_sha256,omitempty"`
	// Ended says how the handshake ended after that.
	Ended string `json:"ended,omitempty"`
}

// The bounds of what is kept.
const (
	maxArrivals = 512
	maxKept     = 8 << 20 // bytes of all hellos together
	maxHello    = 64 << 10
)

// book holds the latest arrivals.
type book struct {
	mu    sync.Mutex
	last  int
	kept  int
	pages []*Arrival
}

// open begins an arrival. It is kept from its first byte on.
func (b *book) open(from net.Addr) *Arrival {
	return &Arrival{From: from.String(), At: time.Now().UTC()}
}

// note changes an arrival under the lock; the first time, it gets its number.
func (b *book) note(a *Arrival, change func(*Arrival)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(a.Raw)
	change(a)
	if a.N == 0 {
		b.last++
		a.N, before = b.last, 0
		b.pages = append(b.pages, a)
	}
	b.kept += len(a.Raw) - before
	for len(b.pages) > maxArrivals || b.kept > maxKept && len(b.pages) > 1 {
		b.kept -= len(b.pages[0].Raw)
		b.pages = b.pages[1:]
	}
}

// forget takes an arrival out again: it was the dialogue.
func (b *book) forget(a *Arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, x := range b.pages {
		if x == a {
			b.pages = append(b.pages[:i:i], b.pages[i+1:]...)
			b.kept -= len(a.Raw)
			return
		}
	}
}

// since are copies of the arrivals after a number, and the last number.
func (b *book) since(n int) ([]Arrival, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Arrival{}
	for _, a := range b.pages {
		if a.N > n {
			x := *a
			x.Raw, x.Pieces = append([]byte{}, a.Raw...), append([]int{}, a.Pieces...)
			out = append(out, x)
		}
	}
	return out, b.last
}
