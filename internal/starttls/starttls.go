// Package starttls speaks the plaintext dialogues that come before TLS on
// ports which begin in clear: greeting, capabilities, the command that asks for
// TLS and the go-ahead. One file per protocol.
//
// It knows the protocols' words and keeps all that was said. It sends no TLS
// and draws no conclusion from a dialogue that led nowhere: an *Error says what
// was missing and repeats the server's own words.
//
//	p, ok := starttls.Lookup("smtp")
//	lines, err := p.Dialogue(ctx, conn, "mail.example.com")
//	// err == nil: the next byte on conn belongs to TLS
package starttls

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Bounds of one dialogue.
const (
	maxLine  = 4096    // bytes of one line; RFC 5321 allows 512, IMAP servers send longer ones
	maxLines = 2000    // lines of the server in one reply; some greet with their whole policy
	maxReply = 1 << 16 // bytes of all that the server says before TLS
	maxKept  = 200     // lines kept of a dialogue
	maxData  = 512     // bytes kept of a greeting that is not the protocol's
)

// Protocol is one application protocol that can be upgraded to TLS.
type Protocol interface {
	// Name is the lower-case word of --starttls and of URL schemes.
	Name() string
	// Ports are the ports on which the protocol begins in clear, the most usual
	// one first.
	Ports() []int
	// Dialogue talks to the server until the next byte belongs to TLS. The
	// deadline and the cancellation of ctx end it; conn's own deadline is
	// cleared afterwards. name is the server's name as the client calls it.
	// The lines are complete, also beside an error. An error is an *Error, or
	// the context's own when it was cancelled.
	Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error)
}

// Wrapper is a protocol that carries the records of the handshake in messages
// of its own. Wrap is called once after the dialogue; the connection it returns
// carries TLS.
type Wrapper interface {
	Wrap(net.Conn) net.Conn
}

// Line is one line of a dialogue, without its line end.
type Line struct {
	Server bool // the server said it
	Text   string
}

// String marks the direction: "S: 220 ready".
func (l Line) String() string {
	if l.Server {
		return "S: " + l.Text
	}
	return "C: " + l.Text
}

// Nature says more of a refusal than its Problem: how long it is meant to last
// and whom it is meant for.
type Nature uint8

// The natures of a refusal.
const (
	Lasting   Nature = iota // nothing says that it will change
	Temporary               // the server asks to try again later
	Denied                  // the server names this client or its address
)

// Problem says why a dialogue did not lead to TLS.
type Problem uint8

// The problems. They are facts and never folded into one another.
const (
	_             Problem = iota
	NoGreeting            // silence until the deadline: perhaps a port that waits for TLS
	WrongProtocol         // the greeting is another protocol's; Data holds it
	SpeaksTLS             // the first bytes are a TLS record; Data holds them
	Unavailable           // the greeting itself turns us away; Code and Text say how
	NotOffered            // the server does not announce STARTTLS; Capabilities holds what it announces
	Rewritten             // a capability that something on the path has overwritten stands where STARTTLS belongs
	Refused               // the server refuses a command; Code and Text say how
	Silent                // silence until the deadline after the greeting
	Closed                // the server closed the connection
	Reset                 // the connection was reset
	Garbled               // a line that is too long, too many lines, or no reply of the protocol; Data holds it
	Broken                // another error of the connection; see Unwrap
)

var problemNames = [...]string{"", "no greeting", "another protocol's greeting", "a TLS record instead of a greeting",
	"service not available", "STARTTLS not offered", "STARTTLS rewritten on the way", "refused", "silence", "connection closed",
	"connection reset", "unreadable reply", "connection error"}

// String is the problem in words.
func (p Problem) String() string {
	if int(p) < len(problemNames) {
		return problemNames[p]
	}
	return fmt.Sprintf("problem %d", uint8(p))
}

// Error is a dialogue that did not lead to TLS.
type Error struct {
	Protocol string
	Problem  Problem
	// Step is what was waited for: "greeting", or the command that was sent
	// ("EHLO", "STARTTLS", "CAPABILITY").
	Step string
	// Code is the reply code (SMTP: "454") or status (IMAP: "NO"), Text the
	// server's words after it.
	Code string
	Text string
	// Capabilities are the capabilities as announced, one per entry.
	Capabilities []string
	// Data holds the first bytes of what could not be read, bounded.
	Data []byte
	// Err is the error of the connection, nil when there was none.
	Err error
}

// commands are the names of the step to TLS where it is not STARTTLS.
var commands = map[string]string{"pop3": "STLS", "ftp": "AUTH TLS", "ldap": "StartTLS", "mysql": "TLS", "rdp": "TLS", "mssql": "TLS"}

// Error names the protocol, the step and the problem.
func (e *Error) Error() string {
	var b strings.Builder
	problem := e.Problem.String()
	if command, ok := commands[e.Protocol]; ok {
		problem = strings.Replace(problem, "STARTTLS", command, 1)
	}
	fmt.Fprintf(&b, "%s %s: %s", e.Protocol, e.Step, problem)
	if e.Code != "" || e.Text != "" {
		fmt.Fprintf(&b, ": %q", strings.TrimSpace(e.Code+" "+e.Text))
	}
	if len(e.Data) > 0 {
		fmt.Fprintf(&b, ": %q", e.Data)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap is the error of the connection.
func (e *Error) Unwrap() error { return e.Err }

// ProblemOf returns the problem of err, 0 when err is not an *Error.
func ProblemOf(err error) Problem {
	var e *Error
	if errors.As(err, &e) {
		return e.Problem
	}
	return 0
}

var registry = map[string]Protocol{}

// register adds a protocol; the result exists so that a file can call it in a
// variable declaration.
func register(p Protocol) struct{} {
	if _, twice := registry[p.Name()]; twice {
		panic("starttls: " + p.Name() + " is registered twice")
	}
	registry[p.Name()] = p
	return struct{}{}
}

// aliases are other names, as URL schemes have them.
var aliases = map[string]string{"mariadb": "mysql", "sqlserver": "mssql", "managesieve": "sieve",
	"submission": "smtp", "xmpp-client": "xmpp"}

// Lookup finds a protocol by its name or another one, in any case.
func Lookup(name string) (Protocol, bool) {
	name = strings.ToLower(name)
	if other, ok := aliases[name]; ok {
		name = other
	}
	p, ok := registry[name]
	return p, ok
}

// ByPort finds the protocol that begins in clear on a port.
func ByPort(port int) (Protocol, bool) {
	for _, name := range Names() {
		if p := registry[name]; slices.Contains(p.Ports(), port) {
			return p, true
		}
	}
	return nil, false
}

// Names are the names of all protocols, sorted.
func Names() []string {
	names := make([]string, 0, len(registry))
	for name := range registry {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
