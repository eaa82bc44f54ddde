package probe

import (
	"slices"
	"strings"
	"sync"
)

// hpackField is one header field.
type hpackField struct{ name, value string }

// hpackStatic is the static table (RFC 7541, Appendix A); index 1 is first.
var hpackStatic = func() []hpackField {
	const table = `:authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|` +
		`:status 204|:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|` +
		`accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|` +
		`content-encoding|content-language|content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|` +
		`from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|` +
		`proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie|strict-transport-security|` +
		`transfer-encoding|user-agent|vary|via|www-authenticate`
	var fields []hpackField
	for row := range strings.SplitSeq(table, "|") {
		name, value, _ := strings.Cut(row, " ")
		fields = append(fields, hpackField{name, value})
	}
	return fields
}()

// hpackLengths are the lengths of the Huffman codes by symbol (RFC 7541,
// Appendix B). The codes follow from them, since the code is canonical: in
// order of length, then of symbol.
var hpackLengths = [256]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
}

// huffmanCode is a code with its length.
type huffmanCode struct {
	bits   uint32
	length uint8
}

// huffmanSymbols maps the codes to their symbols.
var huffmanSymbols = sync.OnceValue(func() map[huffmanCode]byte {
	symbols := make(map[huffmanCode]byte, len(hpackLengths))
	code := uint32(0)
	for length := uint8(5); length <= 30; length++ {
		for symbol, l := range hpackLengths {
			if l == length {
				symbols[huffmanCode{code, length}] = byte(symbol)
				code++
			}
		}
		code <<= 1
	}
	return symbols
})

// huffmanDecode decodes a string; what follows an unknown code is lost.
func huffmanDecode(data []byte) string {
	symbols := huffmanSymbols()
	var out []byte
	current := huffmanCode{}
	for _, b := range data {
		for bit := 7; bit >= 0; bit-- {
			current = huffmanCode{current.bits<<1 | uint32(b>>bit&1), current.length + 1}
			if symbol, ok := symbols[current]; ok {
				out = append(out, symbol)
				current = huffmanCode{}
			} else if current.length > 30 {
				return string(out)
			}
		}
	}
	return string(out)
}

// hpackDecoder reads the header blocks of one connection (RFC 7541).
type hpackDecoder struct {
	dynamic []hpackField // newest first
}

// maxDynamic bounds the dynamic table: an entry counts at least 32 of the 4096
// bytes that we allow (RFC 7541, Section 4.1).
const maxDynamic = 4096 / 32

// decode reads a header block; false means that it is broken, and the fields
// before that are returned.
func (d *hpackDecoder) decode(block []byte) (fields []hpackField, ok bool) {
	for len(block) > 0 {
		var field hpackField
		first := block[0]
		keep := false
		switch {
		case first&0x80 != 0: // indexed
			var index int
			if index, block, ok = hpackInteger(block, 7); !ok {
				return fields, false
			}
			if field, ok = d.lookup(index); !ok {
				return fields, false
			}
		case first&0xE0 == 0x20: // table size update
			if _, block, ok = hpackInteger(block, 5); !ok {
				return fields, false
			}
			continue
		default: // literal
			bits := 4
			if keep = first&0x40 != 0; keep {
				bits = 6
			}
			if field, block, ok = d.literal(block, bits); !ok {
				return fields, false
			}
		}
		if keep {
			d.dynamic = slices.Insert(d.dynamic, 0, field)
			d.dynamic = d.dynamic[:min(len(d.dynamic), maxDynamic)]
		}
		fields = append(fields, field)
	}
	return fields, true
}

func (d *hpackDecoder) lookup(index int) (hpackField, bool) {
	switch {
	case index < 1:
	case index <= len(hpackStatic):
		return hpackStatic[index-1], true
	case index-len(hpackStatic) <= len(d.dynamic):
		return d.dynamic[index-len(hpackStatic)-1], true
	}
	return hpackField{}, false
}

// literal reads a field whose name may be indexed in that many bits.
func (d *hpackDecoder) literal(block []byte, bits int) (field hpackField, rest []byte, ok bool) {
	index, block, ok := hpackInteger(block, bits)
	if !ok {
		return field, nil, false
	}
	if index > 0 {
		if field, ok = d.lookup(index); !ok {
			return field, nil, false
		}
	} else if field.name, block, ok = hpackString(block); !ok {
		return field, nil, false
	}
	field.value, block, ok = hpackString(block)
	return field, block, ok
}

// hpackInteger reads an integer with an n-bit prefix (RFC 7541, Section 5.1).
func hpackInteger(data []byte, n int) (value int, rest []byte, ok bool) {
	if len(data) == 0 {
		return 0, nil, false
	}
	limit := 1<<n - 1
	value = int(data[0]) & limit
	data = data[1:]
	if value < limit {
		return value, data, true
	}
	for shift := 0; len(data) > 0 && shift <= 21; shift += 7 {
		b := data[0]
		data = data[1:]
		value += int(b&0x7F) << shift
		if b&0x80 == 0 {
			return value, data, true
		}
	}
	return 0, nil, false
}

// hpackString reads a string literal (RFC 7541, Section 5.2).
func hpackString(data []byte) (s string, rest []byte, ok bool) {
	if len(data) == 0 {
		return "", nil, false
	}
	coded := data[0]&0x80 != 0
	size, data, ok := hpackInteger(data, 7)
	if !ok || size > len(data) {
		return "", nil, false
	}
	if coded {
		return huffmanDecode(data[:size]), data[size:], true
	}
	return string(data[:size]), data[size:], true
}

// appendLiteral appends a literal field, not indexed, whose name is that of an
// entry of the static table.
func appendLiteral(dst []byte, index int, value string) []byte {
	dst = appendInteger(dst, 0, 4, index)
	dst = appendInteger(dst, 0, 7, len(value))
	return append(dst, value...)
}

// appendInteger is the inverse of hpackInteger.
func appendInteger(dst []byte, high byte, n, value int) []byte {
	limit := 1<<n - 1
	if value < limit {
		return append(dst, high|byte(value))
	}
	dst = append(dst, high|byte(limit))
	for value -= limit; value >= 0x80; value >>= 7 {
		dst = append(dst, byte(value)|0x80)
	}
	return append(dst, byte(value))
}
