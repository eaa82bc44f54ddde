package facts

import (
	"errors"
	"fmt"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// record sorts one record.
func (r *Recorder) record(from tlswire.Side, record tlswire.Record) {
	l := r.lane(from)
	kind, data := record.Type, record.Fragment
	size := len(data) + 5
	if r.secret(l, record) {
		var err error
		if l.open == nil {
			r.pass(from, record)
			return
		}
		if kind, data, err = l.open.Open(record); err != nil {
			l.open = nil // the key log is not this connection's, or bytes are missing
			r.pass(from, record)
			return
		}
		r.a.Seen.Read = true
	}
	switch kind {
	case tlswire.ContentHandshake:
		r.handshake(from, data, size)
	case tlswire.ContentAlert:
		r.note(from, "Alert", data, size)
		r.alert(from, data)
	case tlswire.ContentChangeCipherSpec:
		r.note(from, "ChangeCipherSpec", data, size)
		if r.a.Version != 0 && r.a.Version < tlswire.TLS13 && !l.changed {
			l.changed = true
			r.keys12(from)
		}
	case tlswire.ContentApplicationData:
		r.note(from, "application data", nil, size)
		l.spoke = true
		if r.a.Sent == nil {
			l.done = true // the handshake was before the capture
		}
		r.application(from, data)
	case tlswire.ContentSSL2:
		r.ssl2(from, data)
	}
}

// secret reports that a record is ciphertext. Alerts of two bytes are in clear
// under every cipher: their sender has no keys yet.
func (r *Recorder) secret(l *lane, record tlswire.Record) bool {
	switch {
	case record.Type == tlswire.ContentChangeCipherSpec, record.Type == tlswire.ContentSSL2:
		return false
	case record.Type == tlswire.ContentAlert && len(record.Fragment) == 2:
		return false
	case r.a.Version >= tlswire.TLS13:
		return record.Type == tlswire.ContentApplicationData
	}
	return l.changed
}

// pass takes ciphertext that cannot be read. Before TLS 1.3 its type is in
// clear.
func (r *Recorder) pass(from tlswire.Side, record tlswire.Record) {
	l := r.lane(from)
	r.hide(from, record)
	if r.a.Version >= tlswire.TLS13 {
		return
	}
	switch record.Type {
	case tlswire.ContentHandshake:
		l.done = true // the first message under the new keys is the Finished
		if from == tlswire.SideServer && r.a.Finished.Result == ProofNone {
			r.a.Finished = Proof{Result: ProofCannotCheck, Reason: "it is encrypted"}
		}
	case tlswire.ContentApplicationData:
		l.spoke = true
	}
}

// handshake joins fragments to messages.
func (r *Recorder) handshake(from tlswire.Side, data []byte, size int) {
	l := r.lane(from)
	if l.blind && l.open == nil {
		return
	}
	l.claimed += size
	if err := l.join.Push(data); err != nil {
		r.settle(EndLimit, from, err)
		return
	}
	for r.over == nil {
		message, ok, err := l.join.Next()
		if err != nil {
			r.settle(EndMalformed, from, err)
			return
		}
		if !ok {
			return
		}
		taken := l.claimed
		if len(l.join.Pending()) > 0 {
			taken = min(taken, len(message.Raw))
		}
		l.claimed -= taken
		r.note(from, r.messageName(message), message.Raw, taken)
		if from == tlswire.SideClient {
			r.clientMessage(message)
		} else {
			r.serverMessage(message)
		}
		if message.Type != tlswire.TypeHelloRequest && message.Type != tlswire.TypeClientHello && !r.isRetry(message) {
			r.transcript.Add(message.Raw)
		}
	}
}

func (r *Recorder) messageName(m tlswire.Handshake) string {
	if r.isRetry(m) {
		return "HelloRetryRequest"
	}
	return m.Type.String()
}

func (r *Recorder) isRetry(m tlswire.Handshake) bool {
	if m.Type != tlswire.TypeServerHello || r.a.Version != 0 {
		return false
	}
	h, _ := tlswire.ParseServerHello(m.Raw)
	return h != nil && h.IsHelloRetryRequest()
}

// settle ends the recording of bytes that cannot be followed.
func (r *Recorder) settle(kind EndKind, by tlswire.Side, err error) {
	r.finish(End{Kind: kind, By: by, Err: err.Error()})
	r.phase = phaseOther
}

// notRecord takes bytes that are no TLS where TLS was expected.
func (r *Recorder) notRecord(from tlswire.Side, err error) {
	l := r.lane(from)
	if l.blind || r.client().done && r.server().done {
		r.phase = phaseOther // after a gap, or after TLS: nothing can be said
		return
	}
	var notTLS *tlswire.NotTLSError
	if errors.As(err, &notTLS) {
		r.note(from, "bytes that are no TLS", notTLS.First, len(notTLS.First))
		r.finish(End{Kind: EndNotTLS, By: from, Data: notTLS.First})
		r.phase = phaseOther
		return
	}
	r.settle(EndMalformed, from, err)
}

// alert takes the alerts of a record in clear.
func (r *Recorder) alert(from tlswire.Side, data []byte) {
	if len(data) != 2 {
		return // fragments and heaps of alerts are nothing that a peer of today sends
	}
	alert, err := tlswire.ParseAlert(data)
	if err != nil {
		return
	}
	const enough = 20
	if from == tlswire.SideServer && len(r.a.Alerts) < enough {
		r.a.Alerts = append(r.a.Alerts, alert)
	}
	if from == tlswire.SideServer && !r.begun && r.a.Sent == nil && r.heard[0] > 0 && len(r.a.Alerts) == 1 {
		r.speaksTLS(fmt.Sprintf("the server answers with a TLS alert: %v", alert.Description))
		return
	}
	end := End{Kind: EndAlert, By: from, Alert: alert}
	switch {
	case alert.Description == tlswire.AlertCloseNotify:
		if r.hushed == nil {
			end.Stage, end.After = r.stage(from), r.since()
			r.hushed, r.hushAt = &end, r.mark.Packet
		}
	case alert.Level == tlswire.LevelWarning && (r.a.Version < tlswire.TLS13 || alert.Description == tlswire.AlertUserCanceled):
	default:
		r.finish(end)
	}
}

// ssl2 takes a message of SSL 2.0.
func (r *Recorder) ssl2(from tlswire.Side, data []byte) {
	r.note(from, "SSLv2 message", data, len(data)+2)
	if from == tlswire.SideClient {
		hello, err := tlswire.ParseSSL2ClientHello(data)
		if err == nil && r.a.Sent == nil {
			r.a.Sent, r.helloAt = hello, r.mark.At
			r.transcript.Add(data)
		}
		return
	}
	if code, err := tlswire.ParseSSL2Error(data); err == nil {
		r.finish(End{Kind: EndAlert, By: from, Err: fmt.Sprintf("SSL 2.0 error %d", code)})
		return
	}
	if hello, err := tlswire.ParseSSL2ServerHello(data); err == nil {
		r.a.SSL2, r.a.Version = hello, tlswire.SSL2
		r.phase = phaseOther
	}
}
