package facts

import (
	"bufio"
	"bytes"
	"io"
	"net/http"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// What the ciphertext of TLS 1.3 gives away by its size and its order. A record
// is the message, one byte of type and the tag (RFC 8446, Section 5.2). Padding
// would hide it; no client that people use pads its handshake.
type inferred struct {
	answered    bool // the client sent its Finished, hence accepted the server's flight
	refused     bool // the client's first record has the size of an alert
	asked       bool // there was a Certificate before the Finished
	identity    bool // ... and it was not empty
	clientSpoke bool
	serverSpoke bool
	// left is the order of the client's first record after its Finished that has
	// the size of an alert: it says goodbye. 0 = there is none.
	left int
	// serverAlert says that the server's only record after the client's flight
	// has the size of an alert.
	serverAlert bool
}

// unread13 reports a TLS 1.3 handshake that nobody decrypted.
func (r *Recorder) unread13() bool {
	return r.a.Version >= tlswire.TLS13 && len(r.client().hidden)+len(r.server().hidden) > 0 &&
		(len(r.server().hidden) > 0 && !r.a.Seen.Read || len(r.client().hidden) > 0 && !r.client().done)
}

// tagLength is that of the AEAD: 8 for the two CCM_8 suites of TLS 1.3.
func (r *Recorder) tagLength() int {
	if r.a.ServerHello != nil && r.a.ServerHello.CipherSuite.String() == "TLS_AES_128_CCM_8_SHA256" {
		return 8
	}
	return 16
}

// infer13 reads sizes. The client's flight is [Certificate [CertificateVerify]]
// Finished, in records of their own or in one; early data makes it unreadable.
func (r *Recorder) infer13() inferred {
	const (
		handshakeHeader  = 4
		emptyCertificate = handshakeHeader + 1 + 3
		alert            = 2
	)
	over := 1 + r.tagLength()
	finished := handshakeHeader + r.protection.Hash.Size()
	if r.protection.Hash == 0 {
		finished = handshakeHeader + 32
	}
	client, server := r.client().hidden, r.server().hidden
	var i inferred
	if len(client) == 0 {
		return i
	}
	// Java pads its alerts: a lone record that is too short for a Finished and
	// no empty Certificate can be nothing else.
	padded := r.a.Seen.Lost == 0 && len(client) == 1 && client[0].size < finished+over && client[0].size != emptyCertificate+over
	if (client[0].size == alert+over || padded) && (r.a.Sent == nil || !r.a.Sent.EarlyData()) {
		i.refused = true
		return i
	}
	end := -1 // of the client's flight
	for n, h := range client[:min(len(client), 4)] {
		switch {
		case h.size == finished+over:
			end, i.asked = n, n > 0
		case n == 0 && h.size == emptyCertificate+finished+over:
			end, i.asked = n, true
		case n == 0 && h.size > finished+over+200 && len(client) <= 1:
			end, i.asked, i.identity = n, true, true // all of it in one record
		}
		if end >= 0 {
			break
		}
	}
	if r.a.Sent != nil && r.a.Sent.EarlyData() {
		i.asked = false
		end = max(end, 0)
	}
	if end < 0 {
		i.answered = len(client) > 1
		end = 0
	} else {
		i.answered = true
		i.identity = i.identity || i.asked && end > 0 && client[0].size != emptyCertificate+over
	}
	for _, h := range client[end+1:] {
		i.clientSpoke = i.clientSpoke || h.size != alert+over
		if h.size == alert+over && i.left == 0 {
			i.left = h.order
		}
	}
	after := 0
	for _, h := range server {
		if h.order < client[end].order {
			continue
		}
		after++
		i.serverSpoke = i.serverSpoke || h.size != alert+over
	}
	last := server[max(0, len(server)-1):]
	i.serverAlert = after == 1 && !i.serverSpoke && (i.left == 0 || last[0].order < i.left)
	return i
}

// conclude13 writes what the sizes show into the attempt.
func (r *Recorder) conclude13() {
	a, i := r.a, r.infer13()
	a.Seen.ClientSpoke, a.Seen.ServerSpoke = i.clientSpoke, i.serverSpoke
	a.Seen.Accepted = a.Seen.Accepted || i.answered
	a.Seen.Asked = a.Seen.Asked || i.asked
	if i.left > 0 && !i.clientSpoke {
		a.Seen.Gave = tlswire.SideClient // whoever closed first after that
	}
	switch {
	case i.refused:
		a.Seen.AlertSized = tlswire.SideClient
		r.alertAt(r.client().hidden[0].mark)
	case i.serverAlert && (i.asked || !i.clientSpoke):
		a.Seen.AlertSized = tlswire.SideServer
		r.alertAt(r.server().hidden[len(r.server().hidden)-1].mark)
	}
	if i.answered {
		if a.Finished.Result == ProofNone {
			a.Finished = Proof{Result: ProofCannotCheck, Reason: "it is encrypted"}
		}
		a.IdentitySent = a.IdentitySent || i.identity
	}
}

// alertAt takes the ciphertext that looks like an alert for the end.
func (r *Recorder) alertAt(mark Mark) {
	before := r.mark
	r.mark = mark
	by := r.a.Seen.AlertSized
	r.finish(End{Kind: r.a.Seen.GaveBy, By: by})
	r.mark = before
}

// keptAnswer bounds what is kept of a decrypted answer.
const keptAnswer = 4 << 10

// application keeps the first bytes of a decrypted answer: servers refuse
// client certificates in HTTP too.
func (r *Recorder) application(from tlswire.Side, data []byte) {
	if from == tlswire.SideServer && len(r.answer) < keptAnswer {
		r.answer = append(r.answer, data[:min(len(data), keptAnswer-len(r.answer))]...)
	}
}

// http reads the answer, where it is HTTP/1.
func (r *Recorder) http() *HTTP {
	if !bytes.HasPrefix(r.answer, []byte("HTTP/1.")) {
		return nil
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(r.answer)), nil)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // cut short, as far as it was kept
	return &HTTP{Status: response.StatusCode, Proto: response.Proto, Header: response.Header, Body: body, Raw: r.answer}
}
