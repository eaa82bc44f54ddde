package probe

import (
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// What is kept of one message.
const (
	keptHandshake   = 256 << 10
	keptApplication = 4 << 10
	keptNotTLS      = 4 << 10
	// maxMessages bounds the transcript; a peer that sends more is cut off by
	// the limits on bytes.
	maxMessages = 2000
)

// note appends one message to the transcript.
func (e *engine) note(from tlswire.Side, name string, raw []byte, size int) {
	if len(e.a.Messages) >= maxMessages {
		return
	}
	limit := keptHandshake
	if name == nameApplicationData {
		limit = keptApplication
	}
	if len(raw) > limit {
		raw = raw[:limit]
	}
	if e.a.Messages == nil {
		e.a.Messages = make([]facts.Message, 0, 12) // of most handshakes
	}
	e.a.Messages = append(e.a.Messages, facts.Message{From: from, Name: name, Raw: raw, Size: size, At: time.Since(e.a.Started)})
}

const nameApplicationData = "application data"

// violation notes a breach of the RFCs that does not end the attempt.
func (e *engine) violation(kind facts.ViolationKind, message, problem, rule string) {
	const enough = 50
	if len(e.a.Violations) < enough {
		e.a.Violations = append(e.a.Violations, facts.Violation{Kind: kind, Message: message, Problem: problem, Rule: rule})
	}
}

// wireViolation notes a parser's complaint. It reports whether there was one.
func (e *engine) wireViolation(err error) bool {
	if err == nil {
		return false
	}
	var wire *tlswire.WireError
	if !errors.As(err, &wire) {
		e.violation(facts.ViolationSyntax, "", err.Error(), "")
		return true
	}
	problem := wire.Problem
	if wire.Field != "" {
		problem = wire.Field + " " + wire.Problem
	}
	e.violation(facts.ViolationSyntax, wire.Message, problem, wire.Section)
	return true
}

// preambleData is what a server said instead of its protocol.
func preambleData(err error) []byte {
	var dialogue *starttls.Error
	if errors.As(err, &dialogue) {
		return dialogue.Data
	}
	return nil
}

// send writes to the peer. An error is kept and not returned: the peer's last
// words may still be there to be read.
func (e *engine) send(data []byte) {
	if e.writeErr != nil || len(data) == 0 {
		return
	}
	e.writeErr = e.c.write(data)
}

// record appends to dst the records that carry data, protected once there are
// keys, and notes them under the name; the empty name notes nothing.
func (e *engine) record(dst []byte, name string, kind tlswire.ContentType, data []byte) []byte {
	start := len(dst)
	for rest := data; ; {
		n := min(len(rest), tlswire.MaxPlaintext)
		if e.write != nil && kind != tlswire.ContentChangeCipherSpec {
			dst = e.write.Seal(dst, kind, rest[:n])
		} else {
			dst = appendPlain(dst, kind, e.recordVersion(), rest[:n])
		}
		if rest = rest[n:]; len(rest) == 0 {
			break
		}
	}
	if name != "" {
		e.note(tlswire.SideClient, name, data, len(dst)-start)
	}
	return dst
}

func appendPlain(dst []byte, kind tlswire.ContentType, version tlswire.Version, data []byte) []byte {
	dst = append(dst, byte(kind), byte(version>>8), byte(version), byte(len(data)>>8), byte(len(data)))
	return append(dst, data...)
}

// recordVersion is the version of plaintext records after the ClientHello.
func (e *engine) recordVersion() tlswire.Version {
	switch {
	case e.a.Version == 0 && e.a.Retry == nil:
		return tlswire.TLS10
	case e.a.Version == 0 || e.a.Version > tlswire.TLS12:
		return tlswire.TLS12
	}
	return e.a.Version
}

// message appends one handshake message to dst, to the transcript hash and to
// the transcript.
func (e *engine) message(dst []byte, name string, raw []byte) []byte {
	e.transcript.Add(raw)
	return e.record(dst, name, tlswire.ContentHandshake, raw)
}

// sendHello arms and sends the first ClientHello.
func (e *engine) sendHello() error {
	if e.spec.Verbatim {
		e.hello, e.keys = e.spec.Hello.Clone(), &Keys{}
	} else {
		algorithms := make([]uint16, 0, len(e.spec.Decompress))
		for algorithm := range e.spec.Decompress {
			algorithms = append(algorithms, algorithm)
		}
		e.hello, e.keys = arm(e.spec.Hello, e.spec.Stock, algorithms...)
	}
	if err := e.offer(); err != nil {
		return err
	}
	version := e.hello.RecordVersion
	if version == 0 {
		version = tlswire.TLS10
	}
	return e.writeHello(version)
}

// writeHello sends the hello in the shape that the spec asks for.
func (e *engine) writeHello(version tlswire.Version) error {
	raw, err := e.hello.Marshal()
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	e.hello.Raw = raw
	e.a.Sent = e.hello
	var wire []byte
	e.transcript.Add(raw) // in the SSLv2 format too (RFC 5246, Appendix E.2)
	if e.hello.SSL2 {
		wire, err = e.hello.MarshalRecord()
	} else {
		wire, err = tlswire.MarshalRecords(tlswire.ContentHandshake, version, raw, e.spec.Shape.RecordSize)
	}
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	e.note(tlswire.SideClient, "ClientHello", raw, len(wire))
	e.helloSent = time.Now()
	e.sendSegments(wire)
	return nil
}

// sendSegments writes data in the pieces of the shape, with its pauses.
func (e *engine) sendSegments(data []byte) {
	size := e.spec.Shape.SegmentSize
	if size <= 0 {
		size = len(data)
	}
	for len(data) > 0 {
		n := min(size, len(data))
		e.send(data[:n])
		data = data[n:]
		if len(data) > 0 && e.spec.Shape.Delay > 0 && e.writeErr == nil {
			timer := time.NewTimer(min(e.spec.Shape.Delay, max(0, e.c.left())))
			select {
			case <-timer.C:
			case <-e.ctx.Done():
				timer.Stop()
			}
		}
	}
}

// clientRandom is the client's random as the key exchange uses it: the SSLv2
// challenge is padded on the left (RFC 5246, Appendix E.2).
func (e *engine) clientRandom() []byte {
	const size = 32
	if n := len(e.hello.Random); n < size {
		return append(make([]byte, size-n), e.hello.Random...)
	}
	return e.hello.Random
}
