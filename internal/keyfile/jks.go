package keyfile

import (
	"bytes"
	"encoding/binary"
	"slices"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"golang.org/x/crypto/cryptobyte"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// The first four bytes of Java's own keystores.
const (
	magicJKS   = 0xfeedfeed
	magicJCEKS = 0xcececece
)

// The bounds of a keystore. Java's cacerts has about 150 entries.
const (
	maxEntries = 10_000
	maxChain   = 100
)

func isJKS(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	m := binary.BigEndian.Uint32(data)
	return m == magicJKS || m == magicJCEKS
}

// entry is one entry of a keystore, as it stands there in clear.
type entry struct {
	alias string
	key   bool
	certs []*chain.Certificate
}

// parseJKS reads a Java keystore. Its certificates are in clear; a key needs the
// password.
func parseJKS(data []byte, o Options) (*Contents, error) {
	entries, ok := walkJKS(data)
	if !ok {
		return nil, fail(ErrFormat, "", "the Java keystore is damaged")
	}
	c := &Contents{Format: "Java keystore"}
	var keys []string
	for _, e := range entries {
		if e.key {
			keys = append(keys, e.alias)
			continue
		}
		c.Chain = append(c.Chain, e.certs...)
	}
	if len(keys) == 0 {
		if len(c.Chain) == 0 {
			return nil, fail(ErrEmpty, "", "the Java keystore is empty")
		}
		return c, nil
	}
	alias, err := choose(keys, o.Alias)
	if err != nil {
		return nil, err
	}
	c.Alias = alias
	c.Chain = entries[slices.IndexFunc(entries, func(e entry) bool { return e.key && e.alias == alias })].certs
	if binary.BigEndian.Uint32(data) == magicJCEKS {
		c.Other = append(c.Other, "a private key in a JCEKS keystore, which only Java opens (keytool -importkeystore makes a PKCS#12 file of it)")
		return c, nil
	}
	if o.Password == nil {
		c.Other = append(c.Other, "a private key that needs a password")
		return c, nil
	}
	ks := keystore.New(keystore.WithCaseExactAliases())
	if err := ks.Load(bytes.NewReader(data), slices.Clone(o.Password.secret)); err != nil {
		return nil, fail(ErrWrongPassword, "", "the password does not open the Java keystore")
	}
	sealed, err := ks.GetPrivateKeyEntry(alias, slices.Clone(o.Password.secret))
	if err != nil {
		return nil, fail(ErrWrongPassword, "make them equal with keytool -keypasswd", "the key %s in the keystore has another password than the store", chain.Printable(alias))
	}
	key, err := parseKeyDER(sealed.PrivateKey, Options{})
	if err != nil || key == nil {
		return nil, fail(ErrFormat, "", "the private key %s in the keystore cannot be read", chain.Printable(alias))
	}
	c.Key = key
	return c, nil
}

// walkJKS reads the entries without a password, and holds the lengths inside
// to the file's: the library that opens the key believes them.
func walkJKS(data []byte) ([]entry, bool) {
	const digest = 20
	if len(data) < 12+digest {
		return nil, false
	}
	in := cryptobyte.String(data[:len(data)-digest])
	var magic, version, count uint32
	if !in.ReadUint32(&magic) || !in.ReadUint32(&version) || !in.ReadUint32(&count) || version < 1 || version > 2 || count > maxEntries {
		return nil, false
	}
	out := make([]entry, 0, min(count, 100))
	for range count {
		var kind, n uint32
		var alias []byte
		var e entry
		if !in.ReadUint32(&kind) || !readString(&in, &alias) || !in.Skip(8) {
			return nil, false
		}
		e.alias, n = string(alias), 1
		if e.key = kind == 1; e.key {
			var sealed uint32
			if !in.ReadUint32(&sealed) || uint64(sealed) > uint64(len(in)) || !in.Skip(int(sealed)) || !in.ReadUint32(&n) || n > maxChain {
				return nil, false
			}
		} else if kind != 2 {
			return nil, false
		}
		for range n {
			var size uint32
			var name, der []byte
			if version == 2 && !readString(&in, &name) || !in.ReadUint32(&size) || uint64(size) > uint64(len(in)) || !in.ReadBytes(&der, int(size)) {
				return nil, false
			}
			e.certs = append(e.certs, chain.Parse(der))
		}
		out = append(out, e)
	}
	return out, in.Empty()
}

// readString reads what Java's writeUTF wrote.
func readString(in *cryptobyte.String, out *[]byte) bool {
	var n uint16
	return in.ReadUint16(&n) && in.ReadBytes(out, int(n))
}
