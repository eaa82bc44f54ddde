package tlswire

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
)

// ParseCertificate reads a Certificate with its header, in the layout of the
// version (RFC 5246, Section 7.4.2; RFC 8446, Section 4.4.2). On a *WireError
// the entries before the broken one are kept.
func ParseCertificate(msg []byte, version Version) (*Certificate, error) {
	section := "RFC 5246, Section 7.4.2"
	if version >= TLS13 {
		section = "RFC 8446, Section 4.4.2"
	}
	r := newReader(msg, TypeCertificate, "Certificate", section)
	return parseCertificateBody(r, version)
}

func parseCertificateBody(r *reader, version Version) (*Certificate, error) {
	c := &Certificate{}
	if version >= TLS13 {
		c.Context = r.vec8("certificate_request_context")
	}
	length := int(r.u24("certificate_list"))
	if r.err == nil && length > len(r.s) {
		r.object("certificate_list", problemTruncated)
		length = len(r.s)
	}
	entries := &reader{message: r.message, section: r.section, s: r.bytes(length, "certificate_list")}
	r.end("")
	for entries.err == nil && !entries.s.Empty() {
		entry := CertificateEntry{Data: entries.vec24("cert_data")}
		if entries.err != nil {
			break
		}
		if len(entry.Data) == 0 {
			entries.object("cert_data", "is empty")
		}
		if version >= TLS13 {
			entry.Extensions = entries.extensions()
		}
		c.Entries = append(c.Entries, entry)
	}
	if err := r.result(); err != nil {
		return c, err
	}
	return c, entries.result()
}

// Marshal returns the handshake message in the layout of the version.
func (c *Certificate) Marshal(version Version) ([]byte, error) {
	return marshal(TypeCertificate, func(b *cryptobyte.Builder) {
		if version >= TLS13 {
			addVec8(b, c.Context)
		}
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, e := range c.Entries {
				addVec24(b, e.Data)
				if version >= TLS13 {
					addExtensions(b, e.Extensions)
				}
			}
		})
	})
}

// DER returns the certificates alone, in the order sent.
func (c *Certificate) DER() [][]byte {
	out := make([][]byte, 0, len(c.Entries))
	for _, e := range c.Entries {
		out = append(out, e.Data)
	}
	return out
}

// Size returns the length of the handshake message's body: what limits such as
// OpenSSL's max_cert_list count.
func (c *Certificate) Size(version Version) int {
	n := 3
	if version >= TLS13 {
		n += 1 + len(c.Context)
	}
	for _, e := range c.Entries {
		n += 3 + len(e.Data)
		if version >= TLS13 {
			n += 2
			for _, x := range e.Extensions {
				n += 4 + len(x.Data)
			}
		}
	}
	return n
}

// OCSPResponse returns the stapled response of a TLS 1.3 entry (RFC 8446,
// Section 4.4.2.1), or nil.
func (e CertificateEntry) OCSPResponse() []byte {
	data, ok := findExtension(e.Extensions, ExtStatusRequest)
	s := cryptobyte.String(data)
	var kind uint8
	var response cryptobyte.String
	if !ok || !s.ReadUint8(&kind) || kind != 1 || !s.ReadUint24LengthPrefixed(&response) {
		return nil
	}
	return response
}

// OCSPExtension returns the status_request extension that staples a response
// to a TLS 1.3 entry.
func OCSPExtension(response []byte) Extension {
	return Extension{Type: ExtStatusRequest, Data: build(func(b *cryptobyte.Builder) {
		b.AddUint8(1)
		addVec24(b, response)
	})}
}

// SCTs returns the SCTs of the entry (RFC 6962, Section 3.3), each serialized.
func (e CertificateEntry) SCTs() [][]byte {
	data, _ := findExtension(e.Extensions, ExtSCT)
	return ParseSCTList(data)
}

// ParseSCTList reads a SignedCertificateTimestampList (RFC 6962, Section 3.3)
// as far as it is readable.
func ParseSCTList(data []byte) [][]byte {
	s := cryptobyte.String(data)
	var list, sct cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	var out [][]byte
	for !list.Empty() && list.ReadUint16LengthPrefixed(&sct) {
		out = append(out, sct)
	}
	return out
}

// ErrNoDecompressor is wrapped where a certificate came compressed by an
// algorithm that nothing was given for.
var ErrNoDecompressor = errors.New("no decompressor for the algorithm")

// Decompressor undoes one algorithm of RFC 8879. It must return more than size
// bytes (at most one more) where data yields more than that.
type Decompressor func(data []byte, size int) ([]byte, error)

func inflateZlib(data []byte, size int) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return io.ReadAll(io.LimitReader(z, int64(size)+1))
}

// ParseCompressedCertificate reads a CompressedCertificate of TLS 1.3 (RFC
// 8879, Section 4). zlib is built in; more may hold other algorithms. The
// uncompressed message is bounded by MaxHandshakeMessage. On any error the
// result carries at least the algorithm.
func ParseCompressedCertificate(msg []byte, more map[uint16]Decompressor) (*Certificate, error) {
	r := newReader(msg, TypeCompressedCertificate, "CompressedCertificate", "RFC 8879, Section 4")
	algorithm := r.u16("algorithm")
	size := int(r.u24("uncompressed_length"))
	data := r.vec24("compressed_certificate_message")
	r.end("")
	if r.err == nil && size > MaxHandshakeMessage {
		r.fail("uncompressed_length", fmt.Sprintf("is %d, above the limit of %d", size, MaxHandshakeMessage))
	}
	c := &Certificate{Compression: algorithm}
	if r.err != nil {
		return c, r.result()
	}
	inflate := more[algorithm]
	if inflate == nil && algorithm == CompressionZlib {
		inflate = inflateZlib
	}
	if inflate == nil {
		return c, fmt.Errorf("decompressing Certificate by %s: %w", CompressionName(algorithm), ErrNoDecompressor)
	}
	plain, err := inflate(data, size)
	if err != nil {
		r.fail("compressed_certificate_message", fmt.Sprintf("%s: %v", CompressionName(algorithm), err))
		return c, r.result()
	}
	if len(plain) != size {
		r.fail("uncompressed_length", fmt.Sprintf("is %d, but the message has another length", size))
		return c, r.result()
	}
	body := &reader{message: "CompressedCertificate", section: "RFC 8446, Section 4.4.2", s: plain}
	c, err = parseCertificateBody(body, TLS13)
	c.Compression = algorithm
	return c, err
}

// MarshalCompressed returns a CompressedCertificate of TLS 1.3. compress may be
// nil for zlib.
func (c *Certificate) MarshalCompressed(algorithm uint16, compress func([]byte) ([]byte, error)) ([]byte, error) {
	msg, err := c.Marshal(TLS13)
	if err != nil {
		return nil, err
	}
	plain := cryptobyte.String(msg)
	plain.Skip(4)
	if compress == nil {
		if algorithm != CompressionZlib {
			return nil, fmt.Errorf("compressing Certificate by %s: no compressor given", CompressionName(algorithm))
		}
		compress = deflateZlib
	}
	data, err := compress(plain)
	if err != nil {
		return nil, fmt.Errorf("compressing Certificate by %s: %w", CompressionName(algorithm), err)
	}
	return marshal(TypeCompressedCertificate, func(b *cryptobyte.Builder) {
		b.AddUint16(algorithm)
		b.AddUint24(uint32(len(plain)))
		addVec24(b, data)
	})
}

func deflateZlib(data []byte) ([]byte, error) {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// ParseCertificateStatus reads a CertificateStatus (RFC 6066, Section 8; for
// ocsp_multi, type 2, RFC 6961: Response is the leaf's).
func ParseCertificateStatus(msg []byte) (*CertificateStatus, error) {
	r := newReader(msg, TypeCertificateStatus, "CertificateStatus", "RFC 6066, Section 8")
	c := &CertificateStatus{Type: r.u8("status_type")}
	switch c.Type {
	case 1:
		c.Response = r.vec24("response")
	case 2:
		list := r.vec24("ocsp_response_list")
		inner := &reader{message: r.message, section: "RFC 6961, Section 2.2", s: list}
		c.Response = inner.vec24("response")
		if r.err == nil {
			r.err = inner.err
		}
	default:
		r.fail("status_type", fmt.Sprintf("is %d", c.Type))
	}
	r.end("")
	return c, r.result()
}

// Marshal returns the handshake message with an ocsp response.
func (c *CertificateStatus) Marshal() ([]byte, error) {
	return marshal(TypeCertificateStatus, func(b *cryptobyte.Builder) {
		b.AddUint8(c.Type)
		addVec24(b, c.Response)
	})
}
