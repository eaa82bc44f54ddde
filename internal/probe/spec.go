package probe

import (
	"context"
	"crypto"
	"net"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/proxy"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Spec says what one attempt does. Only Address and Hello are needed.
type Spec struct {
	N       int              // becomes Attempt.N
	Of      facts.Experiment // becomes Attempt.Of
	Alone   bool             // becomes Attempt.Alone
	Address string           // ip:port

	// Hello is a template: it is cloned, and its random, session ID, key shares
	// and what else belongs to one connection are made anew (see Arm).
	Hello *tlswire.ClientHello
	// Verbatim sends the template as it is, its random and key shares included.
	// A TLS 1.3 flight can then not be read.
	Verbatim bool

	// Way leads through a proxy; nil dials. Asked is the host:port that the proxy
	// is asked for, "" = Address.
	Way   *proxy.Way
	Asked string
	// Peers are the addresses to dial in place of Address, in their order; the
	// first that answers is taken.
	Peers []string

	// Hops is how many routers what is sent may pass from the ClientHello on; 0
	// leaves that to the system. See CanLimitHops.
	Hops int

	// ProxyHeader puts a header of the PROXY protocol before everything.
	ProxyHeader bool

	Preamble Preamble // nil: TLS from the first byte
	// Wrap changes the connection after the preamble; nil leaves it.
	Wrap     func(net.Conn) net.Conn
	Identity *Identity // nil: an empty Certificate answers a CertificateRequest
	Request  *Request  // nil: nothing is sent after the handshake
	// Words are said instead of a Request to a server that asked for a client
	// certificate, since it may be the application that refuses; empty but not
	// nil waits for the server's own first words.
	Words    []byte
	Stop     Stop
	Timeouts Timeouts
	Limits   Limits
	Shape    Shape

	// Decompress adds algorithms of RFC 8879 to zlib (1): brotli is 2, zstd 3.
	// A function must not return more than max bytes. Algorithms that are
	// missing here are taken out of the template.
	Decompress map[uint16]func(data []byte, max int) ([]byte, error)
	// Session is offered to be resumed, where the hello has room for it.
	Session *Session
	// Keep gets each session that the attempt leaves behind; nil for none.
	Keep func(*Session)

	// Connected is called once the connection stands; nil for nobody.
	Connected func()

	// SkipKeyProof leaves the server's signature unchecked, which saves a
	// quarter of the CPU time of a handshake.
	SkipKeyProof bool
	// Light leaves out what Attempt.Digest does not need: certificates are not
	// parsed, so that Chain holds the leaf's key alone, the kernel is not asked,
	// and we leave with our Finished. Stop is StopFinished then.
	Light bool
	// Stock lends key shares to a Light attempt; nil makes new ones.
	Stock *Stock
}

// Preamble speaks plaintext until the next byte belongs to TLS. It must not
// read further than that, and must honour ctx. An error with a method
// Stage() diag.Stage says at which stage it failed; otherwise that is
// StagePreamble.
type Preamble func(ctx context.Context, conn net.Conn) ([]facts.PreambleLine, error)

// StartTLS is the preamble of a STARTTLS protocol; name is the server's name.
func StartTLS(protocol starttls.Protocol, name string) Preamble {
	return func(ctx context.Context, conn net.Conn) ([]facts.PreambleLine, error) {
		said, err := protocol.Dialogue(ctx, conn, name)
		lines := make([]facts.PreambleLine, len(said))
		for i, line := range said {
			lines[i] = facts.PreambleLine{From: tlswire.SideClient, Text: line.Text}
			if line.Server {
				lines[i].From = tlswire.SideServer
			}
		}
		return lines, err
	}
}

// staged is an error of a preamble that knows its stage, such as that of a
// proxy.
type staged interface{ Stage() diag.Stage }

// Identity is a client certificate with its key.
type Identity struct {
	Chain  [][]byte // DER, leaf first
	Signer crypto.Signer
	// Schemes are the signature schemes that may be used; nil means all that
	// fit the key.
	Schemes []tlswire.SignatureScheme
}

// Request is what is sent after the handshake.
type Request struct {
	// Raw is sent as it is. When it is nil, a GET is sent: HTTP/2 when the
	// server chose "h2", otherwise HTTP/1.1 with Connection: close.
	Raw       []byte
	Host      string // Host or :authority
	Path      string // "" means "/"
	UserAgent string // "" means none
}

// Stop says how far an attempt goes.
type Stop uint8

// The points to stop at. The zero value goes to the end: the answer to the
// Request, or without one the first message after the handshake or silence.
const (
	StopNever         Stop = iota
	StopServerHello        // a ServerHello, not a HelloRetryRequest
	StopServerFlight       // ServerHelloDone, or the server's Finished in TLS 1.3
	StopFinished           // both Finished are sent and, before TLS 1.3, received
	StopAnswer             // a ServerHello, or the HelloRetryRequest before it
	StopRenegotiation      // what comes of our second hello within the connection, before TLS 1.3
)

// Timeouts bound an attempt. An earlier deadline of the context wins.
type Timeouts struct {
	Connect  time.Duration // of the TCP connect; default 5 s
	Preamble time.Duration // of the plaintext dialogue; default 5 s
	Total    time.Duration // from the ClientHello to the end; default 5 s
	// Quiet is how long to wait for the server's word after a TLS 1.3
	// handshake when there is no Request; default 100 ms and three times the
	// time that the connect took.
	Quiet time.Duration
}

// Limits bound what is read. The default is 512 KiB until the handshake is
// complete, 256 KiB of them in one message, and 64 KiB after it.
type Limits struct {
	Handshake   int
	Message     int
	Application int
}

// Shape says how the ClientHello is cut. Zero values leave it whole.
type Shape struct {
	RecordSize  int           // bytes of the hello in each record
	SegmentSize int           // bytes in each write
	Delay       time.Duration // between the writes
	// MaxSegment is the largest TCP segment that either side sends, agreed upon
	// in the TCP handshake; 0 leaves it to the system. See CanClamp.
	MaxSegment int
}

const (
	defaultTimeout          = 5 * time.Second
	defaultQuiet            = 100 * time.Millisecond
	defaultHandshakeLimit   = 512 << 10
	defaultApplicationLimit = 64 << 10
)

// withDefaults fills the zero values in.
func (s Spec) withDefaults() Spec {
	if s.Timeouts.Connect <= 0 {
		s.Timeouts.Connect = defaultTimeout
	}
	if s.Timeouts.Preamble <= 0 {
		s.Timeouts.Preamble = defaultTimeout
	}
	if s.Timeouts.Total <= 0 {
		s.Timeouts.Total = defaultTimeout
	}
	if s.Limits.Handshake <= 0 {
		s.Limits.Handshake = defaultHandshakeLimit
	}
	if s.Light && s.Stop == StopNever {
		s.Stop = StopFinished
	}
	if !s.Light || s.Identity != nil {
		s.Stock = nil
	}
	if s.Limits.Application <= 0 {
		s.Limits.Application = defaultApplicationLimit
	}
	return s
}
