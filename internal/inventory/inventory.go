package inventory

import (
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Options say whom to ask and how much. Only Address is needed.
type Options struct {
	Address string   // ip:port
	Others  []string // further addresses of the same name, for resumption across them
	Name    string   // server_name, "" sends none
	Prober  probe.Prober

	// Spec lends what belongs to every connection: Preamble, Wrap, ProxyHeader,
	// Identity, Decompress. The rest of it is ignored.
	Spec probe.Spec
	// Request is sent after one complete handshake, for the sake of its headers.
	Request *probe.Request
	// ALPN are the protocol names to try; nil are those of HTTP.
	ALPN []string

	// Quick leaves out the server's order of suites, resumption below TLS 1.3, the
	// answer to an unknown name and signature schemes beyond those that are seen
	// in passing.
	Quick bool
	// Open bounds the connections at a time; 0 = 8.
	Open int
	// Connections bounds them all; 0 = 400.
	Connections int
	// Timeout is that of a connection until the server's pace is known; 0 = 5 s.
	Timeout time.Duration
	// Total bounds the whole; 0 = 60 s.
	Total time.Duration
	// Progress is told what is done, one call after the other; nil for none.
	Progress func(string)
}

// The defaults.
const (
	defaultOpen        = 8
	defaultConnections = 400
	defaultTimeout     = 5 * time.Second
	defaultTotal       = 60 * time.Second
)

// Answer is yes, no, or that it is not known.
type Answer uint8

// The answers. The zero value is that nothing is known.
const (
	Unknown Answer = iota
	No
	Yes
)

// String is the answer in a word.
func (a Answer) String() string { return [...]string{"unknown", "no", "yes"}[a] }

// answerOf turns a bool into an Answer.
func answerOf(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// Order says whose order of cipher suites decides.
type Order string

// The orders. "" is not known, or there is only one suite.
const (
	ServerOrder Order = "server"
	ClientOrder Order = "client"
	MixedOrder  Order = "mixed" // neither alone: groups of equal rank
)

// Result is what a server offers.
type Result struct {
	// Reached says that it answered at least one hello; else End is how the most
	// telling attempt ended.
	Reached bool
	End     *facts.Attempt

	Versions []*Version // newest first, SSL 2.0 last
	Groups   []Group    // in the order in which they were picked
	// GroupsComplete says that no other group is accepted.
	GroupsComplete map[tlswire.Version]bool
	DH             []DH
	Schemes        []Scheme
	// SchemesComplete says that no other scheme is used.
	SchemesComplete map[tlswire.Version]bool
	Certificates    []Certificate
	Authorities     [][]byte // of client certificates, DER names
	ALPN            []string // in the order in which they were picked
	ALPNComplete    bool
	// Properties holds what is yes or no, by the names of the table in
	// properties.go; a name that is missing does not concern the server.
	Properties map[string]Property

	// First is the complete handshake with the request, nil without one.
	First *facts.Attempt
	// Varies names what differed between connections that should not.
	Varies []string
	// Unknown names what could not be found out, with the reason.
	Unknown []Gap

	Connections int
	Took        time.Duration
	RTT         time.Duration // the shortest connect

	name   string // server_name of the inventory
	seen   seen
	listed []tlswire.Group // by the server itself
}

// Version is what a server offers in one version.
type Version struct {
	Version tlswire.Version
	Offered Answer
	Suites  []tlswire.CipherSuite // in the server's order where Order says so
	// Complete says that it accepts no others.
	Complete bool
	Order    Order
	SSL2     []uint32 // cipher kinds of SSL 2.0, as the server listed them
	// How says how the refusal looked, or why nothing is known.
	How string

	picks   []pick
	narrow  bool // long lists are not taken
	refusal int  // number of the connection that said no
	guessed bool // see answer.guessed
}

// Group is a named group and the versions it was picked in.
type Group struct {
	Group    tlswire.Group
	Versions []tlswire.Version
}

// DH is a finite-field prime in a ServerKeyExchange.
type DH struct {
	Bits  int
	Prime []byte
	Named tlswire.Group // ffdhe2048 ..., 0 for a prime of its own
}

// Scheme is a signature scheme and the versions it was used in.
type Scheme struct {
	Scheme   tlswire.SignatureScheme
	Versions []tlswire.Version
}

// Certificate is one chain that the server sends.
type Certificate struct {
	Chain    []*chain.Certificate
	Versions []tlswire.Version
	SNI      string // "", "without a name", "for an unknown name"
	Staple   []byte
	SCTs     int // of the TLS extension
	Size     int // of the Certificate message

	ders [][]byte
}

// Property is something that a server does or does not.
type Property struct {
	Answer Answer
	Text   string // more in words, may be empty
}

// Gap is what could not be found out.
type Gap struct{ What, Why string }
