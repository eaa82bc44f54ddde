package probe

import (
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

const (
	// answerTime is how long the head of an answer may take: the handshake
	// stands, and what the application has to say is a bonus.
	answerTime = 3 * time.Second
	// bodyTime is how long the rest may take once the head is there.
	bodyTime = time.Second
	// wordsTime is how long the first words of another protocol may take.
	wordsTime = 1500 * time.Millisecond
)

// application goes on once both Finished are sent: the request and its answer,
// or without a request the server's first word.
func (e *engine) application() error {
	e.c.limit = e.c.received + e.spec.Limits.Application
	if e.spec.Request == nil && (e.spec.Words == nil || e.a.Request == nil) {
		return e.listen()
	}
	if e.spec.Request == nil {
		return e.words()
	}
	var answer answer
	if e.alpn() == "h2" && e.spec.Request.Raw == nil {
		answer = &answer2{}
	} else {
		answer = &answer1{}
	}
	e.send(e.record(nil, nameApplicationData, tlswire.ContentApplicationData, answer.request(e.spec.Request)))
	if until := time.Now().Add(answerTime); until.Before(e.c.deadline) {
		e.c.until(until)
	}
	err := e.readAnswer(answer)
	e.a.HTTP = answer.result()
	return err
}

// words says the first words of a protocol that is not HTTP and keeps the
// server's.
func (e *engine) words() error {
	if len(e.spec.Words) > 0 {
		e.send(e.record(nil, nameApplicationData, tlswire.ContentApplicationData, e.spec.Words))
	}
	if until := time.Now().Add(wordsTime); until.Before(e.c.deadline) {
		e.c.until(until)
	}
	for len(e.a.Reply) < keptRaw {
		got, err := e.next()
		switch {
		case err != nil && len(e.a.Reply) > 0, err != nil && isTimeout(err) && !canceled(e.ctx):
			e.stage = diag.StageApplication
			return errDone
		case err != nil:
			return err
		}
		if err := e.afterHandshake(got); err != nil {
			return err
		}
		if got.kind == tlswire.ContentApplicationData {
			e.a.Reply = append(e.a.Reply, got.data[:min(len(got.data), keptRaw-len(e.a.Reply))]...)
			e.c.until(time.Now().Add(min(plainQuiet, e.c.left())))
		}
	}
	return errDone
}

// alpn is the protocol that the server chose, "" when it chose none.
func (e *engine) alpn() string {
	if e.a.Version >= tlswire.TLS13 {
		if e.a.Encrypted == nil {
			return ""
		}
		return e.a.Encrypted.ALPN()
	}
	return e.a.ServerHello.ALPN()
}

// listen waits for the server's first word. Before TLS 1.3 its Finished was
// that; in TLS 1.3 it may still refuse our Finished or our certificate, and
// silence means that it accepts them.
func (e *engine) listen() error {
	if e.a.Version < tlswire.TLS13 {
		return errDone
	}
	quiet := e.spec.Timeouts.Quiet
	if quiet <= 0 {
		quiet = defaultQuiet + 3*e.a.Connect
	}
	if until := time.Now().Add(quiet); until.Before(e.c.deadline) {
		e.c.until(until)
	}
	for {
		got, err := e.next()
		if err != nil && isTimeout(err) && !canceled(e.ctx) {
			e.stage = diag.StageApplication
			return errDone
		}
		if err != nil {
			return err
		}
		if err := e.afterHandshake(got); err != nil {
			return err
		}
		if e.stage == diag.StageApplication {
			return errDone
		}
	}
}

// afterHandshake takes what is no answer to a request. The first word of the
// server shows that it accepted our flight.
func (e *engine) afterHandshake(got event) error {
	switch {
	case got.kind == tlswire.ContentApplicationData:
	case got.kind != tlswire.ContentHandshake:
		return e.unexpected(got, "application data")
	case e.a.Version < tlswire.TLS13:
		return e.afterHandshake12(got)
	default:
		if err := e.afterHandshake13(got); err != nil {
			return err
		}
		if got.message.Type != tlswire.TypeNewSessionTicket {
			return nil
		}
	}
	e.stage = diag.StageApplication
	return nil
}

// answer understands one application protocol.
type answer interface {
	request(*Request) []byte
	// take adds data of the server. It returns what is to be sent back, whether
	// the head of the answer is there and whether it is complete.
	take(data []byte) (reply []byte, head, complete bool)
	// result is what is known of the answer; nil when nothing came.
	result() *facts.HTTP
}

// readAnswer reads until the answer is complete or nothing more comes.
func (e *engine) readAnswer(answer answer) error {
	patient := true
	for {
		got, err := e.next()
		if err != nil {
			return e.answerEnd(answer, err)
		}
		if err := e.afterHandshake(got); err != nil {
			return err
		}
		if got.kind != tlswire.ContentApplicationData {
			continue
		}
		reply, head, complete := answer.take(got.data)
		if complete {
			return errDone
		}
		if len(reply) > 0 {
			e.send(e.record(nil, nameApplicationData, tlswire.ContentApplicationData, reply))
		}
		if head && patient {
			patient = false
			if until := time.Now().Add(bodyTime); until.Before(e.c.deadline) {
				e.c.until(until)
			}
		}
	}
}

// answerEnd says how an attempt ended whose answer did not: well, when there is
// a status, or anything at all and an orderly end.
func (e *engine) answerEnd(answer answer, err error) error {
	result := answer.result()
	if result == nil || canceled(e.ctx) {
		return err
	}
	if result.Status != 0 {
		return errDone
	}
	var over *ended
	closed := errors.As(err, &over) && over.end.Kind == facts.EndAlert && over.end.Alert.Description == tlswire.AlertCloseNotify
	if kind := transportEnd(e.ctx, err).Kind; closed || kind == facts.EndClosed || kind == facts.EndTimeout || kind == facts.EndLimit {
		return errDone
	}
	return err
}
