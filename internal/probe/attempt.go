package probe

import (
	"context"
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// engine is the state of one attempt.
type engine struct {
	ctx   context.Context
	spec  Spec
	a     *facts.Attempt
	c     *conn
	stage diag.Stage // not yet passed

	hello     *tlswire.ClientHello
	keys      *Keys
	verify    []byte // our verify_data before TLS 1.3
	helloSent time.Time

	transcript tlswire.Transcript
	info       tlswire.SuiteInfo
	protection tlswire.Protection
	read       *tlswire.Unprotector // nil: plaintext
	write      *tlswire.Protector
	readKey    []byte // TLS 1.3 application traffic secrets, for KeyUpdate
	writeKey   []byte

	pending    tlswire.Reassembler
	place      int                     // in the order of the server's flight
	seen       []tlswire.HandshakeType // of the server's flight
	unclaimed  int                     // bytes on the wire that no message took yet
	compatSent bool
	answered   bool   // our flight has answered the server's
	ticket     []byte // of the session, before TLS 1.3
	left       bool   // our last alert went with our Finished
	resumption []byte // TLS 1.3 resumption master secret
	writeErr   error
}

// Attempt makes one attempt and tells what happened. It always returns an
// attempt; its End says how far it came.
func Attempt(ctx context.Context, spec Spec) *facts.Attempt {
	return Prober{}.Attempt(ctx, spec)
}

// Attempt makes one attempt and tells what happened.
func (p Prober) Attempt(ctx context.Context, spec Spec) *facts.Attempt {
	e := &engine{ctx: ctx, spec: spec.withDefaults(), stage: diag.StageConnect}
	e.a = &facts.Attempt{N: spec.N, Of: spec.Of, Address: spec.Address, Alone: spec.Alone, Started: time.Now().UTC()}
	if spec.Hello == nil {
		e.a.End = facts.End{Kind: facts.EndLocal, Stage: e.stage, By: tlswire.SideClient, Err: "no ClientHello to send"}
		return e.a
	}
	if !e.connect(p) {
		return e.a
	}
	defer e.c.close()
	e.proxyHeader()
	err := e.preamble()
	if err == nil {
		err = e.handshake()
	}
	e.finish(err)
	return e.a
}

// connect dials; false means that the attempt is over.
func (e *engine) connect(p Prober) bool {
	if e.spec.Way != nil {
		return e.pass(p)
	}
	ctx, cancel := context.WithTimeout(e.ctx, e.spec.Timeouts.Connect)
	defer cancel()
	transport, err := e.reach(ctx, p)
	e.a.Connect = time.Since(e.a.Started)
	if err != nil {
		end := dialEnd(e.ctx, err)
		var at staged
		if errors.As(err, &at) {
			e.stage = at.Stage()
			if e.stage != diag.StageConnect && end.Kind == facts.EndLocal {
				end.Kind = facts.EndPreamble
			}
		}
		end.Stage, end.After = e.stage, e.a.Connect
		e.a.End = end
		return false
	}
	e.c = newConn(e.ctx, transport)
	if e.spec.Connected != nil {
		e.spec.Connected()
	}
	return true
}

// preamble speaks the plaintext dialogue.
func (e *engine) preamble() error {
	if e.spec.Preamble == nil {
		return nil
	}
	e.stage = diag.StagePreamble
	ctx, cancel := context.WithTimeout(e.ctx, e.spec.Timeouts.Preamble)
	defer cancel()
	e.c.until(time.Now().Add(e.spec.Timeouts.Preamble))
	var err error
	e.a.Preamble, err = e.spec.Preamble(ctx, counted{e.c.Conn, e.c})
	if err == nil {
		if e.spec.Wrap != nil {
			e.c.Conn = e.spec.Wrap(e.c.Conn)
		}
		return nil
	}
	if canceled(e.ctx) {
		return err
	}
	var at staged
	if errors.As(err, &at) {
		e.stage = at.Stage()
	}
	return &ended{facts.End{Kind: facts.EndPreamble, By: tlswire.SideServer, Err: err.Error(),
		Data: preambleData(err), Preamble: starttls.ProblemOf(err).String(), Refusal: refusalOf(err)}}
}

// refusalOf is what the server said against going on.
func refusalOf(err error) *facts.Refusal {
	var e *starttls.Error
	if !errors.As(err, &e) || e.Problem != starttls.Unavailable && e.Problem != starttls.Refused {
		return nil
	}
	n := e.Nature()
	return &facts.Refusal{Step: e.Step, Code: e.Code, Text: e.Text, Temporary: n == starttls.Temporary, Denied: n == starttls.Denied}
}

// handshake goes from the ClientHello to the end that the spec asks for.
func (e *engine) handshake() error {
	e.stage = diag.StageClientHello
	e.c.until(time.Now().Add(e.spec.Timeouts.Total))
	e.c.limit = e.c.received + e.spec.Limits.Handshake
	e.pending.Limit = e.spec.Limits.Message
	if e.spec.Hops > 0 {
		if err := limitHops(e.c.raw, e.spec.Hops); err != nil {
			return local(0, "limiting the hops: "+err.Error())
		}
		defer leave(e.c.raw)
	}
	if err := e.sendHello(); err != nil {
		return err
	}
	if err := e.serverHello(); err != nil {
		return err
	}
	if e.spec.Stop == StopServerHello || e.spec.Stop == StopAnswer {
		return errStop
	}
	if e.a.Version >= tlswire.TLS13 {
		return e.handshake13()
	}
	return e.handshake12()
}

// ended is the error by which the engine's functions say that the attempt is
// over and how.
type ended struct{ end facts.End }

// Error implements error.
func (e *ended) Error() string { return e.end.Kind.String() + ": " + e.end.Err }

// errStop and errDone end an attempt that came as far as it should.
var (
	errStop = &ended{facts.End{Kind: facts.EndStopped}}
	errDone = &ended{facts.End{Kind: facts.EndCompleted}}
)

// local ends the attempt because we cannot go on; the alert is sent.
func local(alert tlswire.AlertDescription, reason string) error {
	return &ended{facts.End{Kind: facts.EndLocal, Err: reason,
		Alert: tlswire.Alert{Level: tlswire.LevelFatal, Description: alert}}}
}

// malformed ends the attempt because of a message that cannot be read.
func malformed(err error) error {
	return &ended{facts.End{Kind: facts.EndMalformed, Err: err.Error(),
		Alert: tlswire.Alert{Level: tlswire.LevelFatal, Description: tlswire.AlertDecodeError}}}
}

// finish writes the End and takes leave of the peer.
func (e *engine) finish(err error) {
	var over *ended
	end := facts.End{Kind: facts.EndCompleted}
	switch {
	case errors.As(err, &over):
		end = over.end
	case err != nil:
		end = transportEnd(e.ctx, err)
	}
	end.Stage = e.stage
	if e.writeErr != nil {
		end.WriteErr = errorText(e.writeErr)
		if end.Kind == facts.EndClosed && isOneOf(e.writeErr, resetErrnos) {
			// The write has taken the reset away from the read.
			end.Kind = facts.EndReset
		}
	}
	switch end.Kind {
	case facts.EndAlert, facts.EndReset, facts.EndClosed, facts.EndNotTLS, facts.EndMalformed:
		end.By = tlswire.SideServer
	case facts.EndLocal, facts.EndLimit, facts.EndStopped, facts.EndCompleted, facts.EndCanceled:
		end.By = tlswire.SideClient
	}
	from := e.a.Started
	if !e.helloSent.IsZero() {
		from = e.helloSent
	}
	end.After = time.Since(from)
	if !e.spec.Light {
		e.a.TCP = tcpInfo(e.c.raw)
	}
	e.partingAlert(&end)
	e.a.BytesSent, e.a.BytesReceived = e.c.sent, e.c.received
	e.a.End = end
}

// partingTime bounds the write of the last alert.
const partingTime = 200 * time.Millisecond

// partingAlert tells the peer why we leave. The End of a malformed message
// loses our alert: there Alert would look like the peer's.
func (e *engine) partingAlert(end *facts.End) {
	alert := tlswire.Alert{Level: tlswire.LevelWarning, Description: tlswire.AlertCloseNotify}
	switch end.Kind {
	case facts.EndLocal:
		alert = end.Alert
	case facts.EndMalformed:
		alert, end.Alert = end.Alert, tlswire.Alert{}
	case facts.EndCompleted, facts.EndStopped, facts.EndLimit:
	case facts.EndTimeout:
		if end.Stage != diag.StageApplication {
			return
		}
	default:
		return
	}
	if e.left || e.spec.Light && e.spec.Stop == StopServerFlight {
		return // a light attempt spares the server the words, too
	}
	speaksTLS := !e.hello.SSL2 || e.a.Version > tlswire.SSL2
	if e.helloSent.IsZero() || !speaksTLS || e.writeErr != nil {
		return
	}
	e.c.until(time.Now().Add(partingTime))
	e.send(e.record(nil, "Alert", tlswire.ContentAlert, alert.Marshal()))
}
