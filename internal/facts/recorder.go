package facts

import (
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Recorder folds the bytes that passed between a client and a server into an
// Attempt. It is told the bytes of each side in order and draws no conclusion
// beyond what they show. It needs no keys; with a KeyLog it reads on where
// encryption begins. The zero value is not ready: use NewRecorder. It is not
// safe for concurrent use.
type Recorder struct {
	// Keys opens what is encrypted; nil reads only what is in clear.
	Keys *KeyLog
	// Decompress adds certificate compression algorithms to zlib.
	Decompress map[uint16]tlswire.Decompressor

	a     *Attempt
	phase phase
	mark  Mark // of the bytes at hand

	opening
	lanes [2]lane // client, server

	helloAt    time.Time
	transcript tlswire.Transcript
	suite      tlswire.SuiteInfo
	protection tlswire.Protection
	hello1     *tlswire.ClientHello // the first of two

	over    *End // how TLS ended, when it said so itself
	overAt  int  // its packet
	hushed  *End // a close_notify that came too early
	hushAt  int
	flight  bool // the server's flight is complete
	secrets [2][]byte
	answer  []byte // the first bytes of the server's, decrypted
}

// phase says what the next bytes are taken for.
type phase uint8

const (
	phaseOpening phase = iota // plaintext, or nothing yet
	phaseTLS
	phaseOther // no TLS, or nothing more to learn
)

// lane is one direction.
type lane struct {
	split   tlswire.RecordSplitter
	join    tlswire.Reassembler
	claimed int  // bytes on the wire that no message took yet
	changed bool // its ChangeCipherSpec has passed
	blind   bool // bytes are missing: handshake messages cannot be followed
	resync  bool // waiting for the start of a record
	open    *tlswire.Unprotector
	hidden  []hidden // ciphertext that could not be read
	done    bool     // its Finished has passed
	spoke   bool     // application data has passed
	tds     int      // bytes left of a TDS packet around TLS (MS-TDS, 2.2.3)
	inTDS   bool
}

// hidden is one record of ciphertext.
type hidden struct {
	kind  tlswire.ContentType
	size  int // of the fragment
	order int // among the hidden records of both sides
	mark  Mark
}

// Bounds of one recording.
const (
	maxHidden   = 48
	maxMessages = 400
	maxChain    = 100
	keptMessage = 256 << 10
)

// NewRecorder returns a Recorder of a connection to address (ip:port).
func NewRecorder(address, client string, start Mark) *Recorder {
	return &Recorder{a: &Attempt{Address: address, Started: start.At, Alone: true,
		Seen: &Seen{Client: client, First: start.Packet}}}
}

// Began says that the connection was seen from its first byte on.
func (r *Recorder) Began() { r.a.Seen.Began = true }

// Attempt is the attempt so far; Close completes it.
func (r *Recorder) Attempt() *Attempt { return r.a }

// Settled reports that further bytes would tell nothing more.
func (r *Recorder) Settled() bool {
	switch {
	case r.phase == phaseOther:
		return true
	case r.phase == phaseOpening:
		return false
	case r.over != nil:
		return true
	}
	c, s := r.client(), r.server()
	if r.unread13() {
		i := r.infer13()
		return i.clientSpoke && i.serverSpoke || len(c.hidden)+len(s.hidden) >= 2*maxHidden
	}
	return c.done && s.done && c.spoke && s.spoke || len(c.hidden) >= maxHidden || len(s.hidden) >= maxHidden
}

// HasHello reports that a ClientHello was seen.
func (r *Recorder) HasHello() bool { return r.a.Sent != nil }

// InTLS reports that TLS was seen, from whatever side.
func (r *Recorder) InTLS() bool { return r.phase == phaseTLS || r.a.Sent != nil }

func (r *Recorder) client() *lane { return &r.lanes[0] }
func (r *Recorder) server() *lane { return &r.lanes[1] }

func (r *Recorder) lane(from tlswire.Side) *lane {
	if from == tlswire.SideClient {
		return &r.lanes[0]
	}
	return &r.lanes[1]
}

// Write takes the next bytes of one side.
func (r *Recorder) Write(from tlswire.Side, mark Mark, data []byte) {
	if len(data) == 0 {
		return
	}
	r.mark = mark
	if mark.Packet > 0 {
		r.a.Seen.Last = mark.Packet
	}
	if from == tlswire.SideClient {
		r.a.BytesSent += len(data)
	} else {
		r.a.BytesReceived += len(data)
	}
	switch r.phase {
	case phaseOpening:
		r.open(from, data)
	case phaseTLS:
		r.push(from, data)
	}
}

// Lose says that n bytes of one side were not seen; cut that the capture left
// them out on purpose.
func (r *Recorder) Lose(from tlswire.Side, n int, cut bool) {
	if n <= 0 || r.phase == phaseOther {
		return
	}
	r.a.Seen.Lost += n
	if cut {
		r.a.Seen.Cut += n
	}
	if r.phase == phaseOpening {
		r.loseOpening(from)
		return
	}
	l := r.lane(from)
	l.split, l.join, l.claimed = tlswire.RecordSplitter{}, tlswire.Reassembler{}, 0
	l.blind, l.resync, l.open = true, true, nil
}

// push takes bytes of the TLS phase.
func (r *Recorder) push(from tlswire.Side, data []byte) {
	l := r.lane(from)
	if l.resync {
		// After a gap a segment that begins like a record most likely does.
		if !recordStart(data) {
			return
		}
		l.resync = false
	}
	if l.inTDS {
		data = l.unwrapTDS(data)
	}
	l.split.Push(data)
	for r.phase == phaseTLS {
		record, ok, err := l.split.Next()
		if err != nil {
			r.notRecord(from, err)
			return
		}
		if !ok {
			return
		}
		r.record(from, record)
	}
}

// recordStart judges the first bytes of a segment by a record's header.
func recordStart(data []byte) bool {
	const longest = 1<<14 + 2048
	return len(data) >= 5 && data[0] >= 20 && data[0] <= 23 && data[1] == 3 && data[2] <= 4 && int(data[3])<<8|int(data[4]) <= longest
}

// note appends one message to the transcript of the attempt.
func (r *Recorder) note(from tlswire.Side, name string, raw []byte, size int) {
	if len(r.a.Messages) >= maxMessages {
		return
	}
	if len(raw) > keptMessage {
		raw = raw[:keptMessage]
	}
	r.a.Messages = append(r.a.Messages, Message{From: from, Name: name, Raw: raw, Size: size,
		At: r.mark.At.Sub(r.a.Started), Packet: r.mark.Packet})
}

// finish ends the TLS part; the first end counts.
func (r *Recorder) finish(end End) {
	if r.over != nil {
		return
	}
	end.After = r.since()
	r.over, r.overAt = &end, r.mark.Packet
	r.over.Stage = r.stage(end.By)
}

// since is the time since the ClientHello, or since the start.
func (r *Recorder) since() time.Duration {
	if !r.helloAt.IsZero() {
		return r.mark.At.Sub(r.helloAt)
	}
	return r.mark.At.Sub(r.a.Started)
}

// Close says how and when the transport ended, and returns the attempt. by is
// the side that ended it.
func (r *Recorder) Close(kind EndKind, by tlswire.Side, mark Mark) *Attempt {
	a := r.a
	r.mark = mark
	a.Seen.Gave, a.Seen.GaveBy = by, kind
	if r.over != nil && r.over.Kind == EndNotTLS {
		a.Seen.Gave = r.over.By // LDAP's clients unbind in clear when they refuse a certificate
	}
	a.Seen.ClientSpoke, a.Seen.ServerSpoke = r.client().spoke, r.server().spoke
	if mark.Packet > 0 {
		a.Seen.Last = max(a.Seen.Last, mark.Packet)
	}
	if r.unread13() {
		r.conclude13()
	}
	end := End{Kind: kind, By: by, Stage: r.stage(by), After: r.since()}
	packet := mark.Packet
	switch {
	case r.spurned != nil && a.ServerHello == nil && a.SSL2 == nil && len(a.Alerts) == 0:
		end, packet = *r.spurned, r.refusalAt
		end.After = r.since()
	case r.over != nil:
		end, packet = *r.over, r.overAt
	case r.refusal != nil:
		end, packet = *r.refusal, r.refusalAt
		end.After = r.since()
	case r.standing():
		end.Stage = diag.StageApplication
		if a.Seen.ClientSpoke || a.Seen.ServerSpoke {
			end.Kind = EndCompleted
		}
	case r.hushed != nil && end.Stage.Rank() < diag.StageApplication.Rank():
		end, packet = *r.hushed, r.hushAt
	}
	a.Seen.EndPacket = packet
	a.End = end
	a.Preamble, a.HTTP = r.lines, r.http()
	return a
}

// standing reports that both Finished have passed and nothing says that one
// was refused.
func (r *Recorder) standing() bool {
	if r.unread13() {
		i := r.infer13()
		return i.answered && r.a.Seen.AlertSized == tlswire.SideNone && (i.serverSpoke || i.clientSpoke || !r.a.Seen.Asked)
	}
	return r.client().done && r.server().done
}

// stage is the one that was not passed when side by ended the handshake.
func (r *Recorder) stage(by tlswire.Side) diag.Stage {
	a := r.a
	switch {
	case r.phase == phaseOpening && a.Sent == nil:
		if len(r.lines) > 0 {
			return diag.StagePreamble
		}
		return diag.StageClientHello
	case a.ServerHello == nil && a.SSL2 == nil:
		return diag.StageClientHello
	case r.standing():
		return diag.StageApplication
	case a.Seen.Accepted && (a.Request != nil || a.Seen.Asked):
		return diag.StageClientAuth
	case a.Seen.Accepted:
		return diag.StageFinished
	case a.Certificate == nil && len(r.server().hidden) == 0:
		return diag.StageServerHello
	}
	return diag.StageCertificate
}

// hide keeps the size of ciphertext.
func (r *Recorder) hide(from tlswire.Side, record tlswire.Record) {
	l := r.lane(from)
	r.note(from, "encrypted "+encryptedName(record.Type, r.a.Version), nil, len(record.Fragment)+5)
	if len(l.hidden) < maxHidden {
		l.hidden = append(l.hidden, hidden{kind: record.Type, size: len(record.Fragment),
			order: len(r.lanes[0].hidden) + len(r.lanes[1].hidden), mark: r.mark})
	}
}

func encryptedName(kind tlswire.ContentType, version tlswire.Version) string {
	if version >= tlswire.TLS13 {
		return "record"
	}
	return kind.String()
}

// offers tells whether the hello lists the suite; without a hello nothing can
// be said.
func (r *Recorder) offers(suite tlswire.CipherSuite) bool {
	return r.a.Sent == nil || r.a.Sent.SSL2 || slices.Contains(r.a.Sent.CipherSuites, suite)
}
