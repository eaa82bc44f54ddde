package probe

import (
	"errors"
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// event is what the record layer hands up: a handshake message, a
// ChangeCipherSpec, application data or an SSLv2 message. Alerts are handled
// below it.
type event struct {
	kind    tlswire.ContentType
	message tlswire.Handshake
	data    []byte
}

// next reads up to the next event. Its errors are *ended, or those of the
// transport.
func (e *engine) next() (event, error) {
	for {
		message, ok, err := e.pending.Next()
		if err != nil {
			return event{}, &ended{facts.End{Kind: facts.EndLimit, Err: err.Error()}}
		}
		if ok {
			size := e.unclaimed
			if len(e.pending.Pending()) > 0 {
				size = min(size, len(message.Raw))
			}
			e.unclaimed -= size
			e.note(tlswire.SideServer, message.Type.String(), message.Raw, size)
			return event{kind: tlswire.ContentHandshake, message: message}, nil
		}
		record, err := tlswire.ReadRecord(e.c.in, tlswire.MaxCiphertext)
		if err != nil {
			return event{}, e.readEnd(err)
		}
		got, again, err := e.take(record)
		if err != nil || !again {
			return got, err
		}
	}
}

// take unprotects a record and sorts it. again means that there is no event
// yet.
func (e *engine) take(record tlswire.Record) (got event, again bool, err error) {
	size := len(record.Fragment) + 5
	kind, data, err := e.unprotect(record)
	if err != nil {
		return event{}, false, err
	}
	if kind != tlswire.ContentSSL2 && len(data) > tlswire.MaxPlaintext {
		e.violation(facts.ViolationRecord, kind.String(), fmt.Sprintf("is a record of %d bytes, %d are allowed", len(data), tlswire.MaxPlaintext), "RFC 8446, Section 5.1")
	}
	switch kind {
	case tlswire.ContentHandshake:
		e.unclaimed += size
		if err := e.pending.Push(data); err != nil {
			return event{}, false, &ended{facts.End{Kind: facts.EndLimit, Err: err.Error()}}
		}
		return event{}, true, nil
	case tlswire.ContentAlert:
		e.note(tlswire.SideServer, "Alert", data, size)
		err := e.takeAlerts(data)
		return event{}, err == nil, err
	case tlswire.ContentChangeCipherSpec:
		e.note(tlswire.SideServer, "ChangeCipherSpec", data, size)
		if len(data) != 1 || data[0] != 1 {
			e.violation(facts.ViolationCCS, "ChangeCipherSpec", fmt.Sprintf("is %x instead of 01", data), "RFC 8446, Section 5")
		}
		if e.a.Version >= tlswire.TLS13 || e.a.Version == 0 {
			return event{}, true, nil // RFC 8446, Appendix D.4
		}
		return event{kind: kind, data: data}, false, nil
	case tlswire.ContentApplicationData:
		e.note(tlswire.SideServer, nameApplicationData, data, size)
		return event{kind: kind, data: data}, false, nil
	case tlswire.ContentSSL2:
		e.note(tlswire.SideServer, "SSLv2 message", data, len(record.Fragment)+2)
		return event{kind: kind, data: data}, false, nil
	}
	e.note(tlswire.SideServer, kind.String(), data, size)
	e.violation(facts.ViolationRecord, kind.String(), "a record that was never asked for", "RFC 8446, Section 5")
	return event{}, true, nil
}

// unprotect opens a record once there are keys. Alerts of two bytes are
// plaintext under every cipher: the peer may have none, or ours may be wrong.
func (e *engine) unprotect(record tlswire.Record) (tlswire.ContentType, []byte, error) {
	plainAlert := record.Type == tlswire.ContentAlert && len(record.Fragment) == 2
	switch {
	case e.read == nil, plainAlert:
		return record.Type, record.Fragment, nil
	case e.a.Version < tlswire.TLS13:
	case record.Type == tlswire.ContentChangeCipherSpec:
		return record.Type, record.Fragment, nil
	case record.Type != tlswire.ContentApplicationData:
		e.violation(facts.ViolationPlaintext, record.Type.String(), "a plaintext record after the ServerHello", "RFC 8446, Section 5")
		return 0, nil, local(tlswire.AlertUnexpectedMessage, "the server sent a plaintext record after the ServerHello")
	}
	number := e.read.Sequence()
	kind, data, err := e.read.Open(record)
	if err != nil {
		alert := tlswire.AlertBadRecordMAC
		return 0, nil, local(alert, fmt.Sprintf("decrypting record %d of %d bytes from the server: %v", number, len(record.Fragment), err))
	}
	return kind, data, nil
}

// takeAlerts keeps all alerts of a record; the error is the one that ends the
// connection.
func (e *engine) takeAlerts(data []byte) error {
	for first := true; first || len(data) >= 2; first = false {
		alert, err := tlswire.ParseAlert(data)
		if err != nil {
			e.wireViolation(err)
			return malformed(err)
		}
		data = data[2:]
		const enough = 50
		if len(e.a.Alerts) < enough {
			e.a.Alerts = append(e.a.Alerts, alert)
		}
		if fatal(alert, e.a.Version) {
			return &ended{facts.End{Kind: facts.EndAlert, Alert: alert}}
		}
	}
	return nil
}

// fatal says whether an alert ends the connection. In TLS 1.3 the level says
// nothing (RFC 8446, Section 6).
func fatal(alert tlswire.Alert, version tlswire.Version) bool {
	switch {
	case alert.Description == tlswire.AlertCloseNotify:
		return true
	case alert.Description == tlswire.AlertUserCanceled:
		return alert.Level == tlswire.LevelFatal
	case version >= tlswire.TLS13:
		return true
	}
	return alert.Level != tlswire.LevelWarning
}

// readEnd says how reading came to its end.
func (e *engine) readEnd(err error) error {
	var notTLS *tlswire.NotTLSError
	var large *tlswire.RecordTooLargeError
	var cut *tlswire.TruncatedRecordError
	switch {
	case errors.As(err, &notTLS):
		return &ended{facts.End{Kind: facts.EndNotTLS, Data: e.drain(notTLS.First)}}
	case errors.As(err, &large):
		e.violation(facts.ViolationRecord, "record", fmt.Sprintf("%v record of %d bytes", large.Type, large.Length), "RFC 8446, Section 5.1")
		return &ended{facts.End{Kind: facts.EndMalformed, Err: err.Error(),
			Alert: tlswire.Alert{Level: tlswire.LevelFatal, Description: tlswire.AlertRecordOverflow}}}
	case errors.As(err, &cut):
		end := transportEnd(e.ctx, cut.Err)
		end.Err = fmt.Sprintf("within a record, after %d of %d bytes: %s", len(cut.Got), cut.Want, end.Err)
		e.note(tlswire.SideServer, "partial record", cut.Got, len(cut.Got))
		return &ended{end}
	}
	return err
}

// drainTime is how long a peer that does not speak TLS may finish its words.
const drainTime = 300 * time.Millisecond

// drain reads what follows the first bytes that are not TLS.
func (e *engine) drain(first []byte) []byte {
	if limit := time.Now().Add(drainTime); limit.Before(e.c.deadline) {
		e.c.until(limit)
	}
	data := make([]byte, keptNotTLS)
	n := copy(data, first)
	for n < len(data) {
		if e.c.in.Buffered() == 0 && n > 0 && data[n-1] == '\n' {
			break // a banner or an answer that is complete
		}
		more, err := e.c.in.Read(data[n:])
		n += more
		if err != nil {
			break
		}
	}
	return data[:n]
}

// partial reports whether a handshake message is cut short so far.
func (e *engine) partial() bool { return len(e.pending.Pending()) > 0 }
