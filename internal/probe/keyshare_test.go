package probe

import (
	"bytes"
	"crypto/mlkem"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func TestX448(t *testing.T) {
	t.Parallel()
	base := make([]byte, x448Size)
	base[0] = 5
	// RFC 7748, Section 5.2: one iteration of the scalar multiplication.
	got := x448(base, base)
	if want := "3f482c8a9f19b01e6c46ee9711d9dc14fd4bf67af30765c2ae2b846a4d23a8cd0db897086239492caf350b51f833868b9bc2b3bca9cf4113"; hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

// The primes as RFC 7919, Appendix A prints them.
func TestFFDHEPrimes(t *testing.T) {
	t.Parallel()
	for bits, prime := range ffdhePrimes {
		p := prime()
		if p.BitLen() != bits || bits <= 3072 && !p.ProbablyPrime(1) {
			t.Errorf("%d: not a prime of this size", bits)
		}
		if got := p.Text(16)[:48]; got != "ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1" {
			t.Errorf("%d: begins with %s", bits, got)
		}
	}
}

// Both sides of every group agree, and bad shares are refused.
func TestAgree(t *testing.T) {
	t.Parallel()
	for _, group := range tlswire.AllGroups() {
		if !Supported(group) {
			if _, err := newKeyPair(group); !errors.Is(err, errGroup) {
				t.Errorf("%v: got %v, want errGroup", group, err)
			}
			continue
		}
		t.Run(group.String(), func(t *testing.T) {
			t.Parallel()
			a, err := newKeyPair(group)
			if err != nil {
				t.Fatal(err)
			}
			bad := [][]byte{nil, {1}}
			if _, isKEM := a.(kemPair); !isKEM { // any ciphertext decapsulates to something
				bad = append(bad, make([]byte, len(a.public())))
			}
			for _, bad := range bad {
				if _, err := a.agree(bad); err == nil {
					t.Errorf("share of %d bytes: got no error", len(bad))
				}
			}
			switch a.(type) {
			case kemPair, hybrid:
				return // they answer with another kind of share
			}
			b, err := newKeyPair(group)
			if err != nil {
				t.Fatal(err)
			}
			one, err := a.agree(b.public())
			if err != nil {
				t.Fatal(err)
			}
			two, err := b.agree(a.public())
			if err != nil || !bytes.Equal(one, two) {
				t.Errorf("got %x and %x, %v", one, two, err)
			}
		})
	}
}

func TestKEM(t *testing.T) {
	t.Parallel()
	pair, err := newKeyPair(tlswire.GroupMLKEM768)
	if err != nil {
		t.Fatal(err)
	}
	key, err := mlkem.NewEncapsulationKey768(pair.public())
	if err != nil {
		t.Fatal(err)
	}
	want, ciphertext := key.Encapsulate()
	if got, err := pair.agree(ciphertext); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
}

func TestArm(t *testing.T) {
	t.Parallel()
	h := template(groups(tlswire.GroupX25519, tlswire.GroupP256))
	h.SetKeyShares([]tlswire.KeyShare{{Group: 0x0A0A, Data: []byte{0}}, {Group: tlswire.GroupX25519}, {Group: tlswire.GroupCurveSM2, Data: []byte{7}}})
	h.SetCompressCertificate([]uint16{2, 1, 3})
	h.SetSessionTicket([]byte("old"))
	h.SetExtension(tlswire.ExtPreSharedKey, []byte("old"))
	before, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	one, keys := Arm(h, 3)
	two, _ := Arm(h)
	if after, _ := h.Marshal(); !bytes.Equal(before, after) {
		t.Error("the template was changed")
	}
	if bytes.Equal(one.Random, two.Random) || len(one.Random) != 32 || len(one.SessionID) != 32 || bytes.Equal(one.SessionID, two.SessionID) {
		t.Errorf("random and session ID: got %x %x, %x %x", one.Random, one.SessionID, two.Random, two.SessionID)
	}
	shares := one.KeyShares()
	if len(shares) != 3 || len(shares[0].Data) != 1 || len(shares[1].Data) != 32 || len(shares[2].Data) != 1 || len(keys.shares) != 1 {
		t.Errorf("shares: got %v", shares)
	}
	if got := one.CompressCertificate(); len(got) != 2 || got[0] != 1 || got[1] != 3 {
		t.Errorf("compressions: got %v", got)
	}
	if ticket, present := one.SessionTicket(); !present || len(ticket) != 0 || one.HasExtension(tlswire.ExtPreSharedKey) {
		t.Errorf("resumption: got ticket %q %v", ticket, present)
	}
	old, _ := Arm(template(only(tlswire.TLS12)))
	if len(old.SessionID) != 0 {
		t.Errorf("TLS 1.2: got session ID %x", old.SessionID)
	}
}
