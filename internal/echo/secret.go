package echo

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// Secret is what server and client share. It is never printed.
type Secret string

// String hides it.
func (Secret) String() string { return "(secret)" }

// minSecret is the shortest secret: whoever listens on the wire may try to guess
// it for years.
const minSecret = 20

// ParseSecret takes a secret as a file or a variable holds it.
func ParseSecret(s string) (Secret, error) {
	s = strings.TrimSpace(s)
	if len(s) < minSecret {
		return "", errors.New("the secret has less than " + strconv.Itoa(minSecret) + " characters")
	}
	return Secret(s), nil
}

// NewSecret makes one.
func NewSecret() Secret { return Secret(nonce()) }

// Reveal is the secret itself, for the one who has just made it.
func (s Secret) Reveal() string { return string(s) }

// sign is the HMAC over words that cannot run into one another.
func (s Secret) sign(words ...string) string { return sign([]byte(s), words...) }

func sign(key []byte, words ...string) string {
	h := hmac.New(sha256.New, key)
	for _, w := range words {
		h.Write([]byte(strconv.Itoa(len(w)) + ":" + w))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// same compares without telling by its time how much is right.
func same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

func nonce() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func isNonce(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}
