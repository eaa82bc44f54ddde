package facts

import (
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Mark says when, and in which packet of a capture, something passed; the
// packet is 0 where there is no capture.
type Mark struct {
	At     time.Time
	Packet int
}

// TLSBegan is when the first version of SSL came out. What is said to have
// passed before has the time of a clock that was never set, or none.
var TLSBegan = time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC)

// Seen is what an onlooker knows of a connection that another client made.
type Seen struct {
	Client string // ip:port
	// Target is the host:port for which the client asked a proxy, which is the
	// Address; "" when it went to the server itself.
	Target string

	First, Last int // packets of the capture
	// EndPacket holds the end: the alert, the RST, the FIN; 0 when nothing did.
	EndPacket int

	// Began says that the first bytes of the connection were seen; without
	// them what is missing was perhaps never missing.
	Began bool
	// Lost counts the bytes of the handshake that the capture does not hold,
	// Cut those among them that its snap length left out.
	Lost, Cut int
	// Open says that the connection had not ended when the capture did.
	Open bool

	// Read says that what was encrypted has been decrypted with a key log.
	Read bool
	// Accepted says that the client went on after the server's flight, which
	// it does once it has accepted the certificate. Some check the name later.
	Accepted bool
	// Asked says that the handshake or the size of the client's answer shows a
	// CertificateRequest.
	Asked bool
	// Identity is the client's certificate chain, where it could be read.
	Identity []*chain.Certificate
	// AlertSized is the side whose last ciphertext of the handshake has the
	// size of an alert: 2 bytes, the type and the tag (RFC 8446, Section 5.2).
	// Padding could make it something else.
	AlertSized tlswire.Side
	// Spoke says which sides sent application data after the handshake.
	ClientSpoke, ServerSpoke bool
	// Gave says which side ended the connection, and how, whatever was said
	// before.
	Gave   tlswire.Side
	GaveBy EndKind

	// Notes are further facts of the network: ICMP, a RST that looks foreign.
	Notes []SeenNote
}

// SeenNote is one fact with its packet.
type SeenNote struct {
	Text   string
	Packet int
	Kind   NoteKind
}

// NoteKind sorts notes for those who judge.
type NoteKind uint8

// The kinds of notes.
const (
	NoteOther        NoteKind = iota
	NotePacketTooBig          // ICMP: fragmentation needed, packet too big
	NoteUnreachable           // another ICMP unreachable
	NoteForeignReset          // a RST whose TTL differs from its sender's other packets
	NoteRetransmits           // data sent again and again without an answer
)

// Left reports that the handshake stood and the client went without a byte of
// application data: a health check does, and a client that checks the name or
// the chain only then (curl, GnuTLS).
func (s *Seen) Left() bool {
	return s.Accepted && !s.ClientSpoke && s.Gave == tlswire.SideClient && s.AlertSized == tlswire.SideNone
}
