package tlswire

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/dsa" //nolint:staticcheck // the verification of DSS is tested.
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vector was published on the IETF TLS list ("TLS 1.2 test vectors", 2009).
func TestPRF(t *testing.T) {
	t.Parallel()
	got := PRF(TLS12, crypto.SHA256, unhex(t, "9bbe436ba940f017b17652849a71db35"), "test label",
		unhex(t, "a0ba9f936cda311827a6f796ffd5198c"), 100)
	want := "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af" +
		"0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
	if hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

// RFC 8448, Section 3.
func TestSchedule(t *testing.T) {
	t.Parallel()
	s := NewSchedule(crypto.SHA256)
	client, server := s.Handshake(
		unhex(t, "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"),
		unhex(t, "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8"))
	p, _ := ProtectionOf(0x1301)
	keys := TrafficKeys(p, server)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"client handshake traffic secret", client, "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"},
		{"server handshake traffic secret", server, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"},
		{"server key", keys.Key, "3fce516009c21727d0f2e4e86ee403bc"},
		{"server iv", keys.IV, "5d313eb2671276ee13000b30"},
	} {
		if hex.EncodeToString(c.got) != c.want {
			t.Errorf("%s: got %x, want %s", c.name, c.got, c.want)
		}
	}
}

// NIST SP 800-38C, Example 3.
func TestCCM(t *testing.T) {
	t.Parallel()
	block, err := aes.NewCipher(unhex(t, "404142434445464748494a4b4c4d4e4f"))
	if err != nil {
		t.Fatal(err)
	}
	c := &ccm{block: block, tag: 8}
	nonce := unhex(t, "101112131415161718191a1b")
	aad := unhex(t, "000102030405060708090a0b0c0d0e0f10111213")
	plain := unhex(t, "202122232425262728292a2b2c2d2e2f3031323334353637")
	sealed := c.Seal(nil, nonce, plain, aad)
	if want := "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951"; hex.EncodeToString(sealed) != want {
		t.Fatalf("got %x, want %s", sealed, want)
	}
	opened, err := c.Open(nil, nonce, sealed, aad)
	if err != nil || !bytes.Equal(opened, plain) {
		t.Errorf("opening: got %x, %v", opened, err)
	}
	sealed[3] ^= 1
	if _, err := c.Open(nil, nonce, sealed, aad); !errors.Is(err, ErrRecordMAC) {
		t.Errorf("altered: got %v, want ErrRecordMAC", err)
	}
}

// Every cipher in every version opens what it sealed, notices an altered byte,
// and survives every truncation.
func TestProtectRoundTrip(t *testing.T) {
	t.Parallel()
	for _, row := range protectionRows {
		for _, version := range []Version{TLS10, TLS11, TLS12, TLS13} {
			for _, etm := range []bool{false, true} {
				p := *row.protection
				aead := p.tagLength > 0
				if aead != (version >= TLS12) && !(version == TLS12) || version == TLS13 && !aead || etm && p.kind != kindCBC {
					continue
				}
				t.Run(fmt.Sprintf("%04x/%04x/etm=%v", uint16(row.suites[0]), uint16(version), etm), func(t *testing.T) {
					t.Parallel()
					roundTrip(t, version, p, etm)
				})
			}
		}
	}
}

func roundTrip(t *testing.T, version Version, p Protection, etm bool) {
	t.Helper()
	keys, _ := KeyBlock(version, p, make([]byte, 48), make([]byte, 32), make([]byte, 32))
	if version == TLS13 {
		keys = TrafficKeys(p, make([]byte, p.Hash.Size()))
	}
	fresh := func() (*Protector, *Unprotector) {
		s, err := NewProtector(version, p, keys, etm)
		if err != nil {
			t.Fatal(err)
		}
		u, err := NewUnprotector(version, p, keys, etm)
		if err != nil {
			t.Fatal(err)
		}
		return s, u
	}
	s, u := fresh()
	for n := range 40 {
		plain := bytes.Repeat([]byte{byte(n)}, n)
		wire := s.Seal(nil, ContentHandshake, plain)
		if got := int(wire[3])<<8 | int(wire[4]); got != len(wire)-5 {
			t.Fatalf("length field: got %d, want %d", got, len(wire)-5)
		}
		record := Record{Type: ContentType(wire[0]), Version: Version(wire[1])<<8 | Version(wire[2]), Fragment: wire[5:]}
		typ, got, err := u.Open(record)
		if err != nil || typ != ContentHandshake || !bytes.Equal(got, plain) {
			t.Fatalf("record %d: got %d %x, %v", n, typ, got, err)
		}
	}
	for n := range 60 {
		s, u := fresh()
		wire := s.Seal(nil, ContentHandshake, []byte("twenty-four bytes of it!"))
		if n >= len(wire)-5 {
			break
		}
		record := Record{Type: ContentType(wire[0]), Version: TLS12, Fragment: wire[5 : 5+n]}
		if _, _, err := u.Open(record); err == nil && p.macLength+p.tagLength > 0 {
			t.Errorf("truncated to %d bytes: got no error", n)
		}
	}
	s, u = fresh()
	wire := s.Seal(nil, ContentHandshake, []byte("altered"))
	wire[len(wire)-1] ^= 1
	record := Record{Type: ContentType(wire[0]), Version: Version(wire[1])<<8 | Version(wire[2]), Fragment: wire[5:]}
	if _, _, err := u.Open(record); !errors.Is(err, ErrRecordMAC) {
		t.Errorf("altered: got %v, want ErrRecordMAC", err)
	}
}

func TestUnsupportedProtection(t *testing.T) {
	t.Parallel()
	if _, ok := ProtectionOf(0x0041); ok {
		t.Error("Camellia: got ok")
	}
	if _, err := NewProtector(TLS12, Protection{}, Keys{}, false); !errors.Is(err, ErrNoCipher) {
		t.Errorf("zero protection: got %v, want ErrNoCipher", err)
	}
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	ec := func(c elliptic.Curve) crypto.Signer {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	p256, p384, p521 := ec(elliptic.P256()), ec(elliptic.P384()), ec(elliptic.P521())
	message := []byte("the transcript")
	for _, c := range []struct {
		name    string
		signer  crypto.Signer
		version Version
		peer    []SignatureScheme
		want    SignatureScheme
		none    bool
	}{
		{name: "rsa-legacy", signer: rsaKey, version: TLS10, want: SchemeLegacy},
		{name: "ecdsa-legacy", signer: p256, version: TLS11, want: SchemeLegacy},
		{name: "rsa-pkcs1-1.2", signer: rsaKey, version: TLS12, peer: []SignatureScheme{0x0403, 0x0601}, want: 0x0601},
		{name: "rsa-sha1-1.2", signer: rsaKey, version: TLS12, peer: []SignatureScheme{0x0201}, want: 0x0201},
		{name: "rsa-md5-1.2", signer: rsaKey, version: TLS12, peer: []SignatureScheme{0x0101}, want: 0x0101},
		{name: "rsa-pss-1.3", signer: rsaKey, version: TLS13, peer: []SignatureScheme{0x0401, 0x0806}, want: 0x0806},
		{name: "rsa-only-pkcs1-1.3", signer: rsaKey, version: TLS13, peer: []SignatureScheme{0x0401}, none: true},
		{name: "rsa-only-pss-pss", signer: rsaKey, version: TLS13, peer: []SignatureScheme{0x0809}, none: true},
		{name: "p256-1.3", signer: p256, version: TLS13, peer: []SignatureScheme{0x0503, 0x0403}, want: 0x0403},
		{name: "p256-1.2-sha384", signer: p256, version: TLS12, peer: []SignatureScheme{0x0503}, want: 0x0503},
		{name: "p384-1.3", signer: p384, version: TLS13, peer: []SignatureScheme{0x0503}, want: 0x0503},
		{name: "p521-1.3", signer: p521, version: TLS13, peer: []SignatureScheme{0x0603}, want: 0x0603},
		{name: "p521-no-fit", signer: p521, version: TLS13, peer: []SignatureScheme{0x0503}, none: true},
		{name: "ed25519", signer: edKey, version: TLS13, peer: []SignatureScheme{0x0807}, want: 0x0807},
		{name: "ed25519-before-1.2", signer: edKey, version: TLS11, none: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			scheme, ok := ChooseScheme(c.signer.Public(), c.version, c.peer)
			if ok == c.none || scheme != c.want {
				t.Fatalf("choosing: got %04x %v, want %04x %v", scheme, ok, c.want, !c.none)
			}
			if c.none {
				return
			}
			signature, err := Sign(c.signer, scheme, message)
			if err != nil {
				t.Fatal(err)
			}
			if got := VerifySignature(c.signer.Public(), scheme, message, signature); got.Result != CheckValid {
				t.Errorf("verifying: got %v", got)
			}
			if got := VerifySignature(c.signer.Public(), scheme, []byte("another"), signature); got.Result != CheckInvalid {
				t.Errorf("another message: got %v", got)
			}
			if got := VerifySignature(c.signer.Public(), scheme, message, nil); got.Result != CheckInvalid {
				t.Errorf("empty signature: got %v", got)
			}
			if got := VerifySignature(c.signer.Public(), 0x0808, message, signature); got.Result != CheckCannot {
				t.Errorf("Ed448: got %v", got)
			}
		})
	}
}

func TestVerifyOddKeys(t *testing.T) {
	t.Parallel()
	if got := VerifySignature(nil, 0x0403, nil, nil); got.Result != CheckCannot {
		t.Errorf("nil key: got %v", got)
	}
	if got := VerifySignature(struct{}{}, 0x0403, nil, nil); got.Result != CheckCannot {
		t.Errorf("unknown key: got %v", got)
	}
	if got := VerifySignature(&rsa.PublicKey{}, 0x0401, nil, nil); got.Result != CheckCannot {
		t.Errorf("empty RSA key: got %v", got)
	}
	if got := VerifySignature(ed25519.PublicKey{1}, 0x0807, nil, nil); got.Result != CheckInvalid {
		t.Errorf("short Ed25519 key: got %v", got)
	}
}

// A 768-bit RSA key is outside crypto/rsa, but a server may still have one.
func TestVerifySmallRSA(t *testing.T) {
	t.Parallel()
	p, err := rand.Prime(rand.Reader, 384)
	if err != nil {
		t.Fatal(err)
	}
	q, err := rand.Prime(rand.Reader, 384)
	if err != nil {
		t.Fatal(err)
	}
	one := big.NewInt(1)
	n := new(big.Int).Mul(p, q)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(big.NewInt(65537), phi)
	if d == nil {
		t.Skip("the primes do not suit the exponent")
	}
	pub := &rsa.PublicKey{N: n, E: 65537}
	for _, hash := range []crypto.Hash{0, crypto.MD5, crypto.SHA1, crypto.SHA256} {
		content := append([]byte(digestInfo[hash]), digest(hash, []byte("m"))...)
		size := (n.BitLen() + 7) / 8
		padded := append([]byte{0, 1}, bytes.Repeat([]byte{0xFF}, size-3-len(content))...)
		padded = append(append(padded, 0), content...)
		signature := new(big.Int).Exp(new(big.Int).SetBytes(padded), d, n).FillBytes(make([]byte, size))
		scheme := map[crypto.Hash]SignatureScheme{0: SchemeLegacy, crypto.MD5: 0x0101, crypto.SHA1: 0x0201, crypto.SHA256: 0x0401}[hash]
		if got := VerifySignature(pub, scheme, []byte("m"), signature); got.Result != CheckValid {
			t.Errorf("%v: got %v", hash, got)
		}
		signature[0] ^= 1
		if got := VerifySignature(pub, scheme, []byte("m"), signature); got.Result != CheckInvalid {
			t.Errorf("%v altered: got %v", hash, got)
		}
	}
}

func TestVerifyDSA(t *testing.T) {
	t.Parallel()
	var key dsa.PrivateKey
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(&key, rand.Reader); err != nil {
		t.Fatal(err)
	}
	sum := digest(crypto.SHA1, []byte("m"))
	r, s, err := dsa.Sign(rand.Reader, &key, sum)
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1BigInt(r); b.AddASN1BigInt(s) })
	signature := b.BytesOrPanic()
	if got := VerifySignature(&key.PublicKey, 0x0202, []byte("m"), signature); got.Result != CheckValid {
		t.Errorf("got %v", got)
	}
	if got := VerifySignature(&key.PublicKey, 0x0202, []byte("x"), signature); got.Result != CheckInvalid {
		t.Errorf("another message: got %v", got)
	}
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	var late, early Transcript
	late.Add([]byte("ab"))
	late.Add([]byte("cd"))
	late.Use(TLS12, crypto.SHA256)
	early.Use(TLS12, crypto.SHA256)
	early.Add([]byte("abcd"))
	if !bytes.Equal(late.Sum(), early.Sum()) || late.Sum() == nil {
		t.Errorf("got %x and %x", late.Sum(), early.Sum())
	}
	var old Transcript
	old.Add([]byte("ab"))
	old.Use(TLS10, crypto.SHA256)
	old.Add([]byte("cd"))
	if got, want := old.Sum(), digest(0, []byte("abcd")); !bytes.Equal(got, want) {
		t.Errorf("TLS 1.0: got %x, want %x", got, want)
	}
	var retried Transcript
	retried.Add([]byte("hello"))
	retried.Retry(crypto.SHA256)
	want := append([]byte{254, 0, 0, 32}, digest(crypto.SHA256, []byte("hello"))...)
	if !bytes.Equal(retried.Messages(), want) {
		t.Errorf("retry: got %x, want %x", retried.Messages(), want)
	}
}

// FuzzOpen gives every cipher any record.
func FuzzOpen(f *testing.F) {
	f.Add(uint8(0), uint8(0), false, uint8(22), []byte("fragment"))
	f.Add(uint8(7), uint8(3), true, uint8(23), make([]byte, 64))
	f.Fuzz(func(t *testing.T, row, version uint8, etm bool, kind uint8, fragment []byte) {
		p := *protectionRows[int(row)%len(protectionRows)].protection
		v := TLS10 + Version(version%4)
		keys, _ := KeyBlock(v, p, make([]byte, 48), make([]byte, 32), make([]byte, 32))
		if v == TLS13 {
			keys = TrafficKeys(p, make([]byte, p.Hash.Size()))
		}
		u, err := NewUnprotector(v, p, keys, etm)
		if err != nil {
			return
		}
		for range 2 {
			_, plain, err := u.Open(Record{Type: ContentType(kind), Version: TLS12, Fragment: bytes.Clone(fragment)})
			if err == nil && len(plain) > len(fragment) {
				t.Errorf("got %d bytes from %d", len(plain), len(fragment))
			}
		}
	})
}

// FuzzVerifySignature gives every kind of key any signature.
func FuzzVerifySignature(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	keys := []crypto.PublicKey{key.Public(), &rsa.PublicKey{N: big.NewInt(0x10001), E: 3}, ed25519.PublicKey(make([]byte, 32)), &dsa.PublicKey{}}
	f.Add(uint8(0), uint16(0x0403), []byte("signature"))
	f.Fuzz(func(t *testing.T, which uint8, scheme uint16, signature []byte) {
		got := VerifySignature(keys[int(which)%len(keys)], SignatureScheme(scheme), []byte("message"), signature)
		if got.Result == CheckNone || got.Result != CheckValid && got.Reason == "" {
			t.Errorf("got %+v", got)
		}
	})
}
