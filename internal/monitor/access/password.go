package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// hasher makes and checks the hashes of passwords: argon2id (RFC 9106), in the
// notation of its reference implementation. So many at a time, because each
// takes memory.
type hasher struct {
	room chan struct{}
	p    params
	// nobody is checked where there is no such user.
	nobody string
}

type params struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// The parameters are the least that OWASP's cheat sheet on the storage of
// passwords names for argon2id; they fit a monitor on a small machine.
var current = params{memory: 19 * 1024, time: 2, threads: 1}

const (
	parallel = 2
	saltSize = 16
	hashSize = 32
)

func newHasher() hasher {
	h := hasher{room: make(chan struct{}, parallel), p: current}
	h.nobody = encode(current, make([]byte, saltSize), make([]byte, hashSize))
	return h
}

var b64 = base64.RawStdEncoding

func encode(p params, salt, sum []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

// enter waits for room to work in.
func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-h.room }()
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // crypto/rand never fails
	return encode(h.p, salt, argon2.IDKey([]byte(password), salt, h.p.time, h.p.memory, h.p.threads, hashSize)), nil
}

// check compares a password; stale says that the hash was made with other
// parameters than today's. An empty hash is nobody's.
func (h *hasher) check(ctx context.Context, hash, password string) (ok, stale bool, err error) {
	if err := h.enter(ctx); err != nil {
		return false, false, err
	}
	defer func() { <-h.room }()
	known := hash != ""
	if !known {
		hash = h.nobody
	}
	p, salt, want, err := decode(hash)
	if err != nil {
		return false, false, err
	}
	got := argon2.IDKey([]byte(password), salt, p.time, p.memory, p.threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, p != h.p, nil
}

var errHash = errors.New("the stored hash of a password is damaged")

func decode(hash string) (p params, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return p, nil, nil, errHash
	}
	version := 0
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &p.memory, &p.time, &p.threads); err != nil || version != argon2.Version {
		return p, nil, nil, errHash
	}
	salt, err1 := b64.DecodeString(parts[4])
	sum, err2 := b64.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(sum) < 16 || len(sum) > 64 || p.time == 0 || p.time > 100 || p.threads == 0 || p.memory > 1<<20 {
		return p, nil, nil, errHash
	}
	return p, salt, sum, nil
}
