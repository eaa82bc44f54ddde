package lab

import (
	"fmt"
	"net"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Reaction is what a server does instead of going on. The zero value is none.
type Reaction struct {
	kind  reactionKind
	alert tlswire.AlertDescription
	text  string
}

type reactionKind uint8

const (
	reactNot reactionKind = iota
	reactAlert
	reactWarn
	reactClose
	reactReset
	reactSilence
	reactSay
)

// The reactions without a value.
var (
	// Close ends the connection in order (FIN).
	Close = Reaction{kind: reactClose}
	// Reset aborts it (RST).
	Reset = Reaction{kind: reactReset}
	// Silence keeps it open and says nothing any more.
	Silence = Reaction{kind: reactSilence}
)

// Alert sends a fatal alert and closes.
func Alert(description tlswire.AlertDescription) Reaction {
	return Reaction{kind: reactAlert, alert: description}
}

// Warn sends a warning alert and goes on.
func Warn(description tlswire.AlertDescription) Reaction {
	return Reaction{kind: reactWarn, alert: description}
}

// Say sends these bytes and closes.
func Say(text string) Reaction { return Reaction{kind: reactSay, text: text} }

// IsZero reports whether there is no reaction.
func (r Reaction) IsZero() bool { return r.kind == reactNot }

// String is the reaction in words.
func (r Reaction) String() string {
	switch r.kind {
	case reactAlert:
		return "sends the alert " + r.alert.String()
	case reactWarn:
		return "sends the warning " + r.alert.String() + " and goes on"
	case reactClose:
		return "closes the connection"
	case reactReset:
		return "resets the connection"
	case reactSilence:
		return "falls silent"
	case reactSay:
		return fmt.Sprintf("says %q", r.text)
	}
	return "goes on"
}

// errReacted ends a connection on which a fault has had its effect.
type errReacted struct{ r Reaction }

// Error names the reaction.
func (e errReacted) Error() string { return "the fault " + e.r.String() }

// alertWriter sends an alert in the protection of the moment.
type alertWriter func(tlswire.Alert) error

// plainAlert writes an alert as a record in clear.
func plainAlert(conn net.Conn, version tlswire.Version) alertWriter {
	return func(a tlswire.Alert) error {
		_, err := conn.Write([]byte{byte(tlswire.ContentAlert), byte(version >> 8), byte(version), 0, 2, byte(a.Level), byte(a.Description)})
		return err
	}
}

// do carries the reaction out and returns nil when the server shall go on.
func (r Reaction) do(conn *serverConn, alert alertWriter) error {
	switch r.kind {
	case reactNot:
		return nil
	case reactWarn:
		return alert(tlswire.Alert{Level: 1, Description: r.alert})
	case reactAlert:
		_ = alert(tlswire.Alert{Level: 2, Description: r.alert}) // the client may be gone
		conn.linger()
	case reactSay:
		_, _ = conn.Write([]byte(r.text)) // the client may be gone
		conn.linger()
	case reactClose:
		conn.linger()
	case reactReset:
		conn.abort()
	case reactSilence:
		conn.drain()
	}
	return errReacted{r}
}
