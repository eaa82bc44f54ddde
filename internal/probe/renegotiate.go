package probe

import (
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// The values of facts.Session.Renegotiation.
const (
	renegotiationAccepted = "accepted"
	renegotiationRefused  = "refused"
)

// renegotiate begins a second handshake within the first (RFC 5746, Section
// 3.5) and leaves when it is known whether the server takes part. The first
// one has come to its end, whatever comes of this.
func (e *engine) renegotiate() error {
	hello := e.hello.Clone()
	rand.Read(hello.Random)
	if _, secure := e.a.ServerHello.Extension(tlswire.ExtRenegotiationInfo); secure {
		hello.SetExtension(tlswire.ExtRenegotiationInfo, append([]byte{byte(len(e.verify))}, e.verify...))
	}
	raw, err := hello.Marshal()
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	e.send(e.record(nil, "ClientHello", tlswire.ContentHandshake, raw))
	if until := time.Now().Add(defaultQuiet + 3*e.a.Connect); until.Before(e.c.deadline) {
		e.c.until(until)
	}
	for {
		got, err := e.next()
		var over *ended
		switch {
		case err == nil && got.kind == tlswire.ContentHandshake && got.message.Type == tlswire.TypeServerHello:
			e.a.Session.Renegotiation = renegotiationAccepted
		case err == nil:
			continue // a HelloRequest, or words of the application
		case slices.ContainsFunc(e.a.Alerts, func(a tlswire.Alert) bool { return a.Description == tlswire.AlertNoRenegotiation }),
			errors.As(err, &over) && over.end.Kind == facts.EndAlert, !isTimeout(err) && !canceled(e.ctx):
			e.a.Session.Renegotiation = renegotiationRefused
		}
		return errStop
	}
}
