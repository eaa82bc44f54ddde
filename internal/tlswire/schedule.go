package tlswire

import (
	"crypto"
	"crypto/hkdf"
	"crypto/hmac"
	"hash"
	"sync"
)

// Transcript is the running hash over the handshake messages. Messages added
// before Use are kept and hashed then, since the hash depends on the suite.
// The messages stay readable: TLS 1.2 signs them with a hash of its own.
type Transcript struct {
	messages []byte
	hashed   int       // of messages: a sum that nobody asks for costs nothing
	hash     hash.Hash // nil until Use
	sha1     hash.Hash // TLS 1.0 and 1.1 only: MD5 in hash, SHA-1 beside it
}

// Use fixes the version and the hash of the suite. Later calls do nothing.
func (t *Transcript) Use(version Version, h crypto.Hash) {
	switch {
	case t.hash != nil:
		return
	case version < TLS12:
		t.hash, t.sha1 = crypto.MD5.New(), crypto.SHA1.New()
	default:
		t.hash = h.New()
	}
}

// Add appends one handshake message with its header.
func (t *Transcript) Add(message []byte) {
	if t.messages == nil {
		t.messages = make([]byte, 0, 4096) // of most handshakes
	}
	t.messages = append(t.messages, message...)
}

// catchUp hashes what was added since the last sum.
func (t *Transcript) catchUp() {
	if t.hash == nil {
		return
	}
	fresh := t.messages[t.hashed:]
	t.hashed = len(t.messages)
	t.hash.Write(fresh)
	if t.sha1 != nil {
		t.sha1.Write(fresh)
	}
}

// Retry replaces the messages so far, the first ClientHello, by the synthetic
// message_hash message (RFC 8446, Section 4.4.1). Call it after the hash of the
// HelloRetryRequest's suite is known and before adding the HelloRetryRequest.
func (t *Transcript) Retry(h crypto.Hash) {
	first := h.New()
	first.Write(t.messages)
	digest := first.Sum(nil)
	t.messages = append([]byte{byte(TypeMessageHash), 0, 0, byte(len(digest))}, digest...)
	t.hash, t.sha1, t.hashed = h.New(), nil, 0
}

// Clone is a copy that goes its own way, for the exchanges after the handshake
// (RFC 8446, Section 4.4).
func (t *Transcript) Clone() Transcript {
	t.catchUp()
	c := Transcript{messages: t.messages[:len(t.messages):len(t.messages)], hashed: t.hashed}
	c.hash, c.sha1 = cloneHash(t.hash), cloneHash(t.sha1)
	return c
}

// cloneHash copies the state of a hash; the standard library's all have it.
func cloneHash(h hash.Hash) hash.Hash {
	cloner, ok := h.(hash.Cloner)
	if !ok {
		return nil
	}
	c, err := cloner.Clone()
	if err != nil {
		return nil
	}
	return c
}

// Sum is the hash so far; nil before Use. In TLS 1.0 and 1.1 it is the MD5
// digest followed by the SHA-1 digest.
func (t *Transcript) Sum() []byte {
	if t.hash == nil {
		return nil
	}
	t.catchUp()
	sum := t.hash.Sum(make([]byte, 0, 64))
	if t.sha1 != nil {
		sum = t.sha1.Sum(sum)
	}
	return sum
}

// Messages is the concatenation of the messages so far. It must not be
// modified.
func (t *Transcript) Messages() []byte { return t.messages }

// Schedule is the TLS 1.3 key schedule without a pre-shared key (RFC 8446,
// Section 7.1).
type Schedule struct {
	hash   crypto.Hash
	secret []byte // early (nil without a pre-shared key), then handshake, then master secret
	salt   []byte // derived from the secret for the next one; nil: not yet
}

// NewSchedule begins the schedule of a suite with this hash at its early
// secret.
func NewSchedule(h crypto.Hash) *Schedule {
	switch h {
	case crypto.SHA256:
		return &Schedule{hash: h, salt: salt256()}
	case crypto.SHA384:
		return &Schedule{hash: h, salt: salt384()}
	}
	return earlySchedule(h)
}

func earlySchedule(h crypto.Hash) *Schedule {
	return &Schedule{hash: h, secret: extract(h, make([]byte, h.Size()), nil)}
}

// Without a pre-shared key the early secret is the same in every handshake, and
// so is what is derived from it.
var (
	salt256 = sync.OnceValue(func() []byte { return earlySchedule(crypto.SHA256).derived() })
	salt384 = sync.OnceValue(func() []byte { return earlySchedule(crypto.SHA384).derived() })
)

// Handshake mixes the (EC)DHE shared secret in and returns the two handshake
// traffic secrets for the transcript hash up to ServerHello.
func (s *Schedule) Handshake(shared, transcriptHash []byte) (client, server []byte) {
	s.advance(shared)
	return expandLabel(s.hash, s.secret, "c hs traffic", transcriptHash, s.hash.Size()),
		expandLabel(s.hash, s.secret, "s hs traffic", transcriptHash, s.hash.Size())
}

// Application advances to the master secret and returns the two application
// traffic secrets for the transcript hash up to the server's Finished.
func (s *Schedule) Application(transcriptHash []byte) (client, server []byte) {
	client = s.ClientApplication(transcriptHash)
	return client, expandLabel(s.hash, s.secret, "s ap traffic", transcriptHash, s.hash.Size())
}

// ClientApplication is Application for a client that leaves and reads no more.
func (s *Schedule) ClientApplication(transcriptHash []byte) []byte {
	s.advance(make([]byte, s.hash.Size()))
	return expandLabel(s.hash, s.secret, "c ap traffic", transcriptHash, s.hash.Size())
}

func (s *Schedule) advance(input []byte) {
	if s.salt == nil {
		s.salt = s.derived()
	}
	s.secret, s.salt = extract(s.hash, input, s.salt), nil
}

func (s *Schedule) derived() []byte {
	return expandLabel(s.hash, s.secret, "derived", s.hash.New().Sum(nil), s.hash.Size())
}

// NextTrafficSecret is the secret after a KeyUpdate (RFC 8446, Section 7.2).
func NextTrafficSecret(h crypto.Hash, secret []byte) []byte {
	return expandLabel(h, secret, "traffic upd", nil, h.Size())
}

// TrafficKeys are the record keys of one direction for a TLS 1.3 traffic
// secret, as computed or as found in a key log (RFC 8446, Section 7.3).
func TrafficKeys(p Protection, secret []byte) Keys {
	return Keys{
		Key: expandLabel(p.Hash, secret, "key", nil, p.keyLength),
		IV:  expandLabel(p.Hash, secret, "iv", nil, aeadNonceLength),
	}
}

// FinishedMAC is the body of a TLS 1.3 Finished whose sender has this
// handshake traffic secret (RFC 8446, Section 4.4.4).
func FinishedMAC(h crypto.Hash, secret, transcriptHash []byte) []byte {
	mac := hmac.New(h.New, expandLabel(h, secret, "finished", nil, h.Size()))
	mac.Write(transcriptHash)
	return mac.Sum(nil)
}

// extract is HKDF-Extract; a nil salt is a string of zeros.
func extract(h crypto.Hash, input, salt []byte) []byte {
	if salt == nil {
		salt = make([]byte, h.Size())
	}
	mac := hmac.New(h.New, salt)
	mac.Write(input)
	return mac.Sum(nil)
}

// expandLabel is HKDF-Expand-Label (RFC 8446, Section 7.1). It returns zeros
// where the standard library refuses, which it does for no input used here.
func expandLabel(h crypto.Hash, secret []byte, label string, context []byte, n int) []byte {
	const prefix = "tls13 "
	info := make([]byte, 0, 4+len(prefix)+len(label)+len(context))
	info = append(info, byte(n>>8), byte(n), byte(len(prefix)+len(label)))
	info = append(append(info, prefix...), label...)
	info = append(append(info, byte(len(context))), context...)
	out, err := hkdf.Expand(h.New, secret, string(info), n)
	if err != nil {
		return make([]byte, n)
	}
	return out
}
