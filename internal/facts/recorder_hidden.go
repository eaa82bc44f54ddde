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
// would hide it; of the clients that people use only Java pads, always alike.
type inferred struct {
	answered    bool // the client sent its Finished, hence accepted the server's flight
	refused     bool // the client's first record has the size of an alert
	asked       bool // there was a Certificate before the Finished
	identity    bool // ... and it was not empty
	clientSpoke bool
	serverSpoke bool
	pad         int // zeros that the client adds to each record
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

// sizes are the lengths of ciphertext that a handshake can have.
type sizes struct{ over, finished int }

const (
	handshakeHeader  = 4
	emptyCertificate = handshakeHeader + 1 + 3
	alertLength      = 2
	javaPadding      = 16 // the JDK adds as many zeros to every record of TLS 1.3
)

func (r *Recorder) sizes() sizes {
	s := sizes{over: 1 + r.tagLength(), finished: handshakeHeader + 32}
	if r.protection.Hash != 0 {
		s.finished = handshakeHeader + r.protection.Hash.Size()
	}
	return s
}

func (s sizes) alert(n int) bool {
	return n == alertLength+s.over || n == alertLength+s.over+javaPadding
}

// flight finds the end of the client's flight among its first records, -1 where
// they have other sizes: [Certificate [CertificateVerify]] Finished, in records
// of their own or in one.
func (s sizes) flight(client []hidden, i *inferred) int {
	for _, pad := range []int{0, javaPadding} {
		over := s.over + pad
		if pad > 0 && client[0].size == s.finished+s.over { // the larger hash without padding
			break
		}
		for n, h := range client[:min(len(client), 4)] {
			switch {
			case h.size == s.finished+over:
				i.asked = n > 0
				i.identity = n > 0 && client[0].size != emptyCertificate+over
				i.pad = pad
				return n
			case n == 0 && h.size == emptyCertificate+s.finished+over:
				i.asked, i.pad = true, pad
				return n
			}
		}
	}
	const leastCertificate = 200
	if len(client) == 1 && client[0].size > s.finished+s.over+leastCertificate {
		i.asked, i.identity = true, true // all of it in one record
		return 0
	}
	return -1
}

// infer13 reads sizes; early data makes the client's unreadable.
func (r *Recorder) infer13() inferred {
	s := r.sizes()
	client, server := r.client().hidden, r.server().hidden
	early := r.a.Sent != nil && r.a.Sent.EarlyData()
	var i inferred
	if len(client) == 0 || r.client().blind {
		return i // after a hole the order says nothing any more
	}
	if s.alert(client[0].size) && !early {
		i.refused = true
		return i
	}
	end := s.flight(client, &i)
	if early {
		i.asked, end = false, max(end, 0)
	}
	i.answered = end >= 0 || len(client) > 1
	end = max(end, 0)
	goodbye := alertLength + s.over + i.pad
	for _, h := range client[end+1:] {
		i.clientSpoke = i.clientSpoke || h.size != goodbye
		if h.size == goodbye && i.left == 0 {
			i.left = h.order
		}
	}
	after := 0
	for _, h := range server {
		if h.order < client[end].order {
			continue
		}
		after++
		i.serverSpoke = i.serverSpoke || !s.alert(h.size)
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
