package tlswire

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rc4"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	aeadNonceLength = 12
	// maxCiphertext bounds a protected fragment (RFC 5246, Section 6.2.3).
	maxCiphertext = 1<<14 + 2048
)

// The reasons why a record does not open.
var (
	// ErrRecordMAC means that the authentication tag or MAC is wrong: the
	// record was altered on the way, or the keys are not the peer's.
	ErrRecordMAC = errors.New("record does not authenticate")
	// ErrRecordLayout means that the record cannot be one of this cipher: too
	// short, no whole number of blocks, or bad padding.
	ErrRecordLayout = errors.New("record has an impossible layout")
	// ErrNoCipher means that this package cannot compute the suite's cipher.
	ErrNoCipher = errors.New("cipher not supported")
)

type cipherKind uint8

const (
	kindNone cipherKind = iota
	kindNull
	kindRC4
	kindCBC
	kindGCM
	kindCCM
	kindChaCha
)

// Protection says how the records of a cipher suite are protected. The zero
// value belongs to suites that this package cannot compute.
type Protection struct {
	// Hash is the hash of the PRF (TLS 1.2), the HKDF and the transcript.
	Hash crypto.Hash

	kind      cipherKind
	mac       crypto.Hash
	tripleDES bool
	singleDES bool
	macLength int
	keyLength int
	ivLength  int // per direction in the key block
	tagLength int
}

// Keys protect one direction of a connection.
type Keys struct {
	MAC []byte // empty with an AEAD
	Key []byte
	IV  []byte // fixed part of the nonce, or the first IV of TLS 1.0
}

// Protector protects the records of one direction. It is not safe for
// concurrent use.
type Protector struct{ half }

// Unprotector opens the records of one direction, in order. It is not safe for
// concurrent use.
type Unprotector struct{ half }

// half is the state of one direction.
type half struct {
	p        Protection
	version  Version
	etm      bool
	sequence uint64
	aead     cipher.AEAD
	block    cipher.Block
	stream   *rc4.Cipher
	mac      hash.Hash
	iv       []byte
	scratch  [16]byte
}

// NewProtector makes the sending half for a suite, version and keys. etm says
// that encrypt_then_mac was negotiated (RFC 7366); it matters only to CBC.
func NewProtector(version Version, p Protection, keys Keys, etm bool) (*Protector, error) {
	h, err := newHalf(version, p, keys, etm, true)
	if err != nil {
		return nil, err
	}
	return &Protector{h}, nil
}

// NewUnprotector makes the receiving half; a capture uses one per direction.
func NewUnprotector(version Version, p Protection, keys Keys, etm bool) (*Unprotector, error) {
	h, err := newHalf(version, p, keys, etm, false)
	if err != nil {
		return nil, err
	}
	return &Unprotector{h}, nil
}

func newHalf(version Version, p Protection, keys Keys, etm, sending bool) (half, error) {
	h := half{p: p, version: version, etm: etm && p.kind == kindCBC, iv: append([]byte(nil), keys.IV...)}
	if version < TLS10 {
		return h, fmt.Errorf("protecting records of version %#04x: %w", uint16(version), ErrNoCipher)
	}
	var err error
	switch p.kind {
	case kindNull:
	case kindRC4:
		h.stream, err = rc4.NewCipher(keys.Key)
	case kindCBC:
		switch {
		case p.tripleDES:
			h.block, err = des.NewTripleDESCipher(keys.Key)
		case p.singleDES:
			h.block, err = des.NewCipher(keys.Key)
		default:
			h.block, err = aes.NewCipher(keys.Key)
		}
	case kindGCM, kindCCM:
		var block cipher.Block
		if block, err = aes.NewCipher(keys.Key); err != nil {
			break
		}
		if p.kind == kindCCM {
			h.aead = &ccm{block: block, tag: p.tagLength}
			break
		}
		h.aead, err = cipher.NewGCM(block)
	case kindChaCha:
		h.aead, err = chacha20poly1305.New(keys.Key)
	default:
		return h, ErrNoCipher
	}
	if err != nil {
		return h, fmt.Errorf("setting up the record cipher: %w", err)
	}
	if version >= TLS13 && h.aead == nil {
		return h, fmt.Errorf("protecting records of TLS 1.3 without an AEAD: %w", ErrNoCipher)
	}
	if p.macLength > 0 && version < TLS13 {
		h.mac = hmac.New(p.mac.New, keys.MAC)
	}
	return h, nil
}

// Sequence is the number of the next record.
func (h *half) Sequence() uint64 { return h.sequence }

// SetSequence makes n the number of the next record, for a capture that lost
// some. It has no use with RC4 and with CBC in TLS 1.0, whose state depends on
// the records before.
func (h *half) SetSequence(n uint64) { h.sequence = n }

// Seal appends to dst the whole record that carries the fragment, which must
// not be longer than 2^14 bytes.
func (s *Protector) Seal(dst []byte, typ ContentType, fragment []byte) []byte {
	start := len(dst)
	wireVersion := s.version
	outer := typ
	if s.version >= TLS13 {
		wireVersion, outer = TLS12, ContentApplicationData
	}
	dst = append(dst, byte(outer), byte(wireVersion>>8), byte(wireVersion), 0, 0)
	body := len(dst)
	switch {
	case s.version >= TLS13:
		inner := append(append(make([]byte, 0, len(fragment)+1+s.aead.Overhead()), fragment...), byte(typ))
		binary.BigEndian.PutUint16(dst[start+3:], uint16(len(inner)+s.aead.Overhead()))
		dst = s.aead.Seal(dst, s.nonce13(), inner, dst[start:body])
	case s.aead != nil:
		nonce := s.nonce12(nil)
		if s.p.kind != kindChaCha {
			dst = append(dst, nonce[4:]...)
		}
		dst = s.aead.Seal(dst, nonce, fragment, s.additional(typ, len(fragment)))
	case s.block != nil:
		dst = s.sealCBC(dst, typ, fragment)
	default:
		dst = append(dst, fragment...)
		dst = s.appendMAC(dst, typ, fragment)
		if s.stream != nil {
			s.stream.XORKeyStream(dst[body:], dst[body:])
		}
	}
	binary.BigEndian.PutUint16(dst[start+3:], uint16(len(dst)-body))
	s.sequence++
	return dst
}

func (s *Protector) sealCBC(dst []byte, typ ContentType, fragment []byte) []byte {
	start := len(dst)
	size := s.block.BlockSize()
	iv := s.iv
	if s.version >= TLS11 {
		iv = make([]byte, size)
		rand.Read(iv)
		dst = append(dst, iv...)
	}
	body := len(dst)
	dst = append(dst, fragment...)
	if !s.etm {
		dst = s.appendMAC(dst, typ, fragment)
	}
	padding := size - (len(dst)-body)%size
	for range padding {
		dst = append(dst, byte(padding-1))
	}
	cipher.NewCBCEncrypter(s.block, iv).CryptBlocks(dst[body:], dst[body:])
	if s.version < TLS11 {
		s.iv = append(s.iv[:0], dst[len(dst)-size:]...)
	}
	if s.etm {
		dst = s.appendMAC(dst, typ, dst[start:])
	}
	return dst
}

// Open returns the content type and the plaintext of a record. The plaintext
// may share memory with the record, which is then overwritten. After an error
// the record number has advanced all the same.
func (u *Unprotector) Open(record Record) (ContentType, []byte, error) {
	if len(record.Fragment) > maxCiphertext {
		return record.Type, nil, fmt.Errorf("%w: %d bytes", ErrRecordLayout, len(record.Fragment))
	}
	defer func() { u.sequence++ }()
	data := record.Fragment
	switch {
	case u.version >= TLS13:
		return u.open13(record)
	case u.aead != nil:
		plain, err := u.openAEAD(record.Type, data)
		return record.Type, plain, err
	case u.block != nil:
		plain, err := u.openCBC(record.Type, data)
		return record.Type, plain, err
	}
	if u.stream != nil {
		u.stream.XORKeyStream(data, data)
	}
	plain, err := u.checkMAC(record.Type, data)
	return record.Type, plain, err
}

func (u *Unprotector) open13(record Record) (ContentType, []byte, error) {
	data := record.Fragment
	u.scratch = [16]byte{byte(record.Type), byte(record.Version >> 8), byte(record.Version), byte(len(data) >> 8), byte(len(data))}
	plain, err := u.aead.Open(data[:0], u.nonce13(), data, u.scratch[:5])
	if err != nil {
		return record.Type, nil, ErrRecordMAC
	}
	// The type is the last byte that is not padding (RFC 8446, Section 5.4).
	for i := len(plain) - 1; i >= 0; i-- {
		if plain[i] != 0 {
			return ContentType(plain[i]), plain[:i], nil
		}
	}
	return record.Type, nil, fmt.Errorf("%w: nothing but padding", ErrRecordLayout)
}

func (u *Unprotector) openAEAD(typ ContentType, data []byte) ([]byte, error) {
	var explicit []byte
	if u.p.kind != kindChaCha {
		if len(data) < 8 {
			return nil, ErrRecordLayout
		}
		explicit, data = data[:8], data[8:]
	}
	if len(data) < u.aead.Overhead() {
		return nil, ErrRecordLayout
	}
	nonce := u.nonce12(explicit)
	plain, err := u.aead.Open(data[:0], nonce, data, u.additional(typ, len(data)-u.aead.Overhead()))
	if err != nil {
		return nil, ErrRecordMAC
	}
	return plain, nil
}

func (u *Unprotector) openCBC(typ ContentType, data []byte) ([]byte, error) {
	size := u.block.BlockSize()
	if u.etm {
		var err error
		if data, err = u.checkMAC(typ, data); err != nil {
			return nil, err
		}
	}
	iv := u.iv
	if u.version >= TLS11 {
		if len(data) < size {
			return nil, ErrRecordLayout
		}
		iv, data = data[:size], data[size:]
	}
	if len(data) == 0 || len(data)%size != 0 {
		return nil, ErrRecordLayout
	}
	last := append([]byte(nil), data[len(data)-size:]...)
	cipher.NewCBCDecrypter(u.block, iv).CryptBlocks(data, data)
	if u.version < TLS11 {
		u.iv = last
	}
	padding := int(data[len(data)-1]) + 1
	if padding > len(data) {
		return nil, ErrRecordMAC
	}
	for _, b := range data[len(data)-padding:] {
		if int(b) != padding-1 {
			return nil, ErrRecordMAC
		}
	}
	data = data[:len(data)-padding]
	if u.etm {
		return data, nil
	}
	return u.checkMAC(typ, data)
}

// checkMAC cuts the MAC off the end of data and compares it.
func (u *Unprotector) checkMAC(typ ContentType, data []byte) ([]byte, error) {
	n := u.p.macLength
	if len(data) < n {
		return nil, ErrRecordLayout
	}
	content, sent := data[:len(data)-n], data[len(data)-n:]
	if !hmac.Equal(u.appendMAC(nil, typ, content), sent) {
		return nil, ErrRecordMAC
	}
	return content, nil
}

// appendMAC appends the MAC of RFC 5246, Section 6.2.3.1 to dst.
func (h *half) appendMAC(dst []byte, typ ContentType, content []byte) []byte {
	h.mac.Reset()
	h.mac.Write(h.additional(typ, len(content)))
	h.mac.Write(content)
	return h.mac.Sum(dst)
}

// additional is the additional data of RFC 5246, Section 6.2.3.3, which the
// older MACs cover too.
func (h *half) additional(typ ContentType, length int) []byte {
	binary.BigEndian.PutUint64(h.scratch[:], h.sequence)
	h.scratch[8] = byte(typ)
	binary.BigEndian.PutUint16(h.scratch[9:], uint16(h.version))
	binary.BigEndian.PutUint16(h.scratch[11:], uint16(length))
	return h.scratch[:13]
}

// nonce12 is the nonce of a TLS 1.2 AEAD: fixed and explicit part (RFC 5288),
// or the XOR of ChaCha20-Poly1305 (RFC 7905). A nil explicit part is the
// sequence number.
func (h *half) nonce12(explicit []byte) []byte {
	if h.p.kind == kindChaCha {
		return h.nonce13()
	}
	nonce := make([]byte, aeadNonceLength)
	copy(nonce, h.iv)
	if explicit == nil {
		binary.BigEndian.PutUint64(nonce[4:], h.sequence)
		return nonce
	}
	copy(nonce[4:], explicit)
	return nonce
}

// nonce13 is RFC 8446, Section 5.3.
func (h *half) nonce13() []byte {
	nonce := make([]byte, aeadNonceLength)
	binary.BigEndian.PutUint64(nonce[4:], h.sequence)
	for i, b := range h.iv {
		nonce[i] ^= b
	}
	return nonce
}
