package tlswire

import (
	"crypto"

	"golang.org/x/crypto/cryptobyte"
)

// NewPSKSchedule begins the schedule of a suite with this hash from a
// pre-shared key (RFC 8446, Section 7.1).
func NewPSKSchedule(h crypto.Hash, psk []byte) *Schedule {
	return &Schedule{hash: h, secret: extract(h, psk, nil)}
}

// Binder is the proof that the key of a resumed session is known, over the
// hash of the transcript up to the binders (RFC 8446, Section 4.2.11.2). The
// schedule must be at its early secret.
func (s *Schedule) Binder(transcriptHash []byte) []byte {
	key := expandLabel(s.hash, s.secret, "res binder", s.hash.New().Sum(nil), s.hash.Size())
	return FinishedMAC(s.hash, key, transcriptHash)
}

// Resumption is the resumption master secret for the transcript hash up to the
// client's Finished. The schedule must be at its master secret.
func (s *Schedule) Resumption(transcriptHash []byte) []byte {
	return expandLabel(s.hash, s.secret, "res master", transcriptHash, s.hash.Size())
}

// TicketPSK is the key of one ticket (RFC 8446, Section 4.6.1).
func TicketPSK(h crypto.Hash, resumption, nonce []byte) []byte {
	return expandLabel(h, resumption, "resumption", nonce, h.Size())
}

// SetPreSharedKey offers one pre-shared key whose binder has this size, with a
// binder of zeros; see BindPreSharedKey.
func (h *ClientHello) SetPreSharedKey(identity []byte, age uint32, size int) {
	h.RemoveExtension(ExtPreSharedKey)
	h.SetExtension(ExtPreSharedKey, build(func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			addVec16(b, identity)
			b.AddUint32(age)
		})
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { addVec8(b, make([]byte, size)) })
	}))
}

// BindPreSharedKey fills the binder in. binder gets the hello's bytes without
// the binders and returns one of the size that SetPreSharedKey was told.
func (h *ClientHello) BindPreSharedKey(size int, binder func(partial []byte) []byte) error {
	raw, err := h.Marshal()
	if err != nil {
		return err
	}
	last := len(h.Extensions) - 1
	if last < 0 || h.Extensions[last].Type != ExtPreSharedKey || len(h.Extensions[last].Data) < size+3 || len(raw) < size+3 {
		return &WireError{Message: "ClientHello", Field: "pre_shared_key", Problem: "is not the last extension", Section: "RFC 8446, Section 4.2.11"}
	}
	data := h.Extensions[last].Data
	copy(data[len(data)-size:], binder(raw[:len(raw)-size-3]))
	return nil
}
