package capture

import (
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Outcome says what became of a connection, as far as packets can say it.
type Outcome uint8

// The outcomes.
const (
	// None had nothing to do with TLS.
	None Outcome = iota
	// Complete means that the handshake stood.
	Complete
	// Failed means that it ended without standing.
	Failed
	// Left means that the handshake stood and the client went without a word:
	// a health check, or a client that disliked the name in the certificate.
	Left
	// Turned means that the handshake stood and the server turned the client
	// down in HTTP, as a key log shows; perhaps for want of a certificate.
	Turned
	// Partial means that the capture lacks what would tell: bytes are missing,
	// or it ends too early.
	Partial
	// Midway means that the connection began before the capture.
	Midway
)

var outcomeNames = [...]string{"none", "complete", "failed", "left", "turned", "partial", "midway"}

// String returns the name as used in JSON.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "none"
}

// given is how long a client waits at least before its going tells something
// about the server; browsers race connections and drop the slower one.
const given = time.Second

// waited is how long an unanswered SYN must have been followed.
const waited = 3 * time.Second

// mute tells whether the client opened the connection and left without a byte, as
// health checks do: whatever the server said then is no failure. What it
// acknowledged shows bytes that the capture lacks; a FIN counts as one.
func (c *conn) mute() bool {
	h := &c.halves[0]
	return c.syns > 0 && !c.spoke && (!h.hasAck || h.acked-c.isn <= 2)
}

// outcomeOf judges an attempt by its end.
func outcomeOf(c *conn, a *facts.Attempt) Outcome {
	end, seen := a.End, a.Seen
	switch end.Kind {
	case facts.EndRefused, facts.EndUnreachable:
		if tlsPorts[c.server.Port()] {
			return Failed
		}
		return None
	case facts.EndNoConnect:
		if tlsPorts[c.server.Port()] && (c.syns > 1 || end.After >= waited) {
			return Failed
		}
		return None
	case facts.EndPreamble:
		return Failed
	}
	if !c.tls || c.mute() {
		return None
	}
	switch {
	case end.Kind == facts.EndCompleted:
		if a.Sent == nil {
			return Midway
		}
		if h := a.HTTP; h != nil && seen.Asked && h.Status >= 400 && h.Status < 500 {
			return Turned
		}
		return Complete
	case end.Kind == facts.EndAlert && end.Alert.Description != tlswire.AlertCloseNotify, end.Kind == facts.EndAlert && a.Sent != nil && a.Sent.SSL2:
		return Failed
	case seen.AlertSized != tlswire.SideNone:
		return Failed
	case end.Stage == diag.StageApplication:
		if a.Sent == nil {
			return Midway
		}
		if seen.Gave == tlswire.SideClient && !seen.Open {
			return Left
		}
		return Complete
	case a.Sent == nil && len(a.Preamble) == 0:
		return Midway
	case seen.Lost > 0:
		return Partial
	case a.SSL2 != nil:
		return Failed
	case seen.Open:
		return Partial
	case end.By == tlswire.SideClient && end.Stage == diag.StageClientHello && end.After < given && end.Kind != facts.EndNotTLS:
		return Partial // it did not wait for an answer
	}
	return Failed
}
