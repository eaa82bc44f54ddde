package tlswire

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// ccm is AES-CCM with a 12-byte nonce (RFC 3610 with L = 3), as TLS uses it
// (RFC 6655). It is not constant-time beyond its comparison of tags.
type ccm struct {
	block cipher.Block
	tag   int // 8 or 16
}

func (c *ccm) NonceSize() int { return aeadNonceLength }
func (c *ccm) Overhead() int  { return c.tag }

// Seal implements cipher.AEAD.
func (c *ccm) Seal(dst, nonce, plaintext, additional []byte) []byte {
	tag := c.authenticate(nonce, plaintext, additional)
	start := len(dst)
	dst = append(dst, plaintext...)
	c.keystream(nonce, dst[start:], tag[:])
	return append(dst, tag[:c.tag]...)
}

// Open implements cipher.AEAD.
func (c *ccm) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	if len(ciphertext) < c.tag {
		return nil, ErrRecordLayout
	}
	body, sent := ciphertext[:len(ciphertext)-c.tag], ciphertext[len(ciphertext)-c.tag:]
	var mask [16]byte
	plain := append([]byte(nil), body...)
	c.keystream(nonce, plain, mask[:])
	tag := c.authenticate(nonce, plain, additional)
	subtle.XORBytes(tag[:], tag[:], mask[:])
	if subtle.ConstantTimeCompare(tag[:c.tag], sent) != 1 {
		return nil, ErrRecordMAC
	}
	return append(dst, plain...), nil
}

// keystream encrypts data with the counter from 1 and the tag with counter 0.
func (c *ccm) keystream(nonce, data, tag []byte) {
	var counter [16]byte
	counter[0] = 2 // L - 1
	copy(counter[1:], nonce)
	stream := cipher.NewCTR(c.block, counter[:])
	stream.XORKeyStream(tag, tag)
	stream.XORKeyStream(data, data)
}

// authenticate is the CBC-MAC of RFC 3610, Section 2.2.
func (c *ccm) authenticate(nonce, plaintext, additional []byte) [16]byte {
	var mac [16]byte
	mac[0] = byte((c.tag-2)/2<<3 | 2)
	if len(additional) > 0 {
		mac[0] |= 0x40
	}
	copy(mac[1:], nonce)
	mac[13], mac[14], mac[15] = byte(len(plaintext)>>16), byte(len(plaintext)>>8), byte(len(plaintext))
	c.block.Encrypt(mac[:], mac[:])
	if len(additional) > 0 {
		prefixed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(additional)), uint16(len(additional)))
		c.absorb(&mac, append(prefixed, additional...))
	}
	c.absorb(&mac, plaintext)
	return mac
}

// absorb mixes data into the CBC-MAC, padded with zeros.
func (c *ccm) absorb(mac *[16]byte, data []byte) {
	for len(data) > 0 {
		n := subtle.XORBytes(mac[:], mac[:], data[:min(16, len(data))])
		data = data[n:]
		c.block.Encrypt(mac[:], mac[:])
	}
}
