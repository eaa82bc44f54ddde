package tlswire

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// extensions reads an extensions block (RFC 8446, Section 4.2). Duplicates are
// kept; see noDuplicates.
func (r *reader) extensions() []Extension {
	body := r.vec16("extensions")
	if r.err != nil {
		return nil
	}
	exts := []Extension{}
	for !body.Empty() {
		var t uint16
		var data cryptobyte.String
		if !body.ReadUint16(&t) || !body.ReadUint16LengthPrefixed(&data) {
			r.fail("extensions", problemTruncated)
			return exts
		}
		exts = append(exts, Extension{Type: ExtensionType(t), Data: data})
	}
	return exts
}

// DuplicateExtension returns the first extension type that occurs twice, which
// RFC 8446, Section 4.2 and RFC 5246, Section 7.4.1.4 forbid.
func DuplicateExtension(exts []Extension) (ExtensionType, bool) {
	seen := make(map[ExtensionType]bool, len(exts))
	for _, e := range exts {
		if seen[e.Type] {
			return e.Type, true
		}
		seen[e.Type] = true
	}
	return 0, false
}

func (r *reader) noDuplicates(exts []Extension) {
	if t, dup := DuplicateExtension(exts); dup {
		r.object("extensions", fmt.Sprintf("%v occurs twice", t))
	}
}

func addExtensions(b *cryptobyte.Builder, exts []Extension) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, e := range exts {
			b.AddUint16(uint16(e.Type))
			addVec16(b, e.Data)
		}
	})
}

func findExtension(exts []Extension, t ExtensionType) ([]byte, bool) {
	for _, e := range exts {
		if e.Type == t {
			return e.Data, true
		}
	}
	return nil, false
}

func cloneExtensions(exts []Extension) []Extension {
	if exts == nil {
		return nil
	}
	out := make([]Extension, len(exts))
	for i, e := range exts {
		out[i] = Extension{Type: e.Type, Data: cloneBytes(e.Data)}
	}
	return out
}

func cloneBytes(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// decodeALPN reads a ProtocolNameList (RFC 7301, Section 3.1) as far as it is
// readable.
func decodeALPN(data []byte) []string {
	s := cryptobyte.String(data)
	var list, name cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	names := []string{}
	for !list.Empty() && list.ReadUint8LengthPrefixed(&name) {
		names = append(names, string(name))
	}
	return names
}

// decodeList16 reads a body that is one vector of 16-bit values with its length
// in two bytes, decodeList8 one with its length in one byte.
func decodeList16[T ~uint16](data []byte) []T {
	s := cryptobyte.String(data)
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	values, _ := uint16s[T](list)
	return values
}

func decodeList8[T ~uint16](data []byte) []T {
	s := cryptobyte.String(data)
	var list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&list) {
		return nil
	}
	values, _ := uint16s[T](list)
	return values
}

// build runs a builder. A body whose lengths do not fit becomes one that fits
// no extension, so that Marshal refuses it: setters need no error result.
func build(f func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	out, err := b.Bytes()
	if err != nil {
		return make([]byte, 1<<16)
	}
	return out
}

func encodeList16[T ~uint16](values []T) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { addUint16s(b, values) })
	})
}

func encodeList8[T ~uint16](values []T) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { addUint16s(b, values) })
	})
}

func encodeALPN(names []string) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, n := range names {
				addVec8(b, []byte(n))
			}
		})
	})
}
