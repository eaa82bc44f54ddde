package tlswire

import "golang.org/x/crypto/cryptobyte"

// ParseCertificateRequest reads a CertificateRequest with its header, in the
// layout of the version (RFC 5246, Section 7.4.4; RFC 8446, Section 4.3.2). On a
// *WireError what was readable is returned.
func ParseCertificateRequest(msg []byte, version Version) (*CertificateRequest, error) {
	if version >= TLS13 {
		return parseCertificateRequest13(msg)
	}
	r := newReader(msg, TypeCertificateRequest, "CertificateRequest", "RFC 5246, Section 7.4.4")
	c := &CertificateRequest{Types: r.vec8("certificate_types")}
	if version >= TLS12 {
		c.Schemes = list16[SignatureScheme](r, "supported_signature_algorithms")
	}
	list := r.vec16("certificate_authorities")
	r.end("")
	c.CAs = distinguishedNames(r, list)
	return c, r.result()
}

// distinguishedNames keeps the names before a broken one.
func distinguishedNames(r *reader, list cryptobyte.String) [][]byte {
	var names [][]byte
	for !list.Empty() {
		var name cryptobyte.String
		if !list.ReadUint16LengthPrefixed(&name) {
			r.fail("certificate_authorities", problemTruncated)
			break
		}
		names = append(names, name)
	}
	return names
}

func parseCertificateRequest13(msg []byte) (*CertificateRequest, error) {
	r := newReader(msg, TypeCertificateRequest, "CertificateRequest", "RFC 8446, Section 4.3.2")
	c := &CertificateRequest{Context: r.vec8("certificate_request_context")}
	c.Extensions = r.extensions()
	r.end("")
	if r.err == nil {
		r.noDuplicates(c.Extensions)
	}
	schemes, ok := findExtension(c.Extensions, ExtSignatureAlgorithms)
	c.Schemes = decodeList16[SignatureScheme](schemes)
	if r.err == nil && !ok {
		r.fail("signature_algorithms", "is missing")
	}
	schemes, _ = findExtension(c.Extensions, ExtSignatureAlgorithmsCert)
	c.CertSchemes = decodeList16[SignatureScheme](schemes)
	if authorities, ok := findExtension(c.Extensions, ExtCertificateAuthorities); ok {
		inner := &reader{message: r.message, section: "RFC 8446, Section 4.2.4", s: authorities}
		c.CAs = distinguishedNames(inner, inner.vec16("certificate_authorities"))
		inner.end("certificate_authorities")
		if r.err == nil {
			r.err = inner.err
		}
	}
	return c, r.result()
}

// Marshal returns the handshake message in the layout of the version. For TLS
// 1.3 Extensions is written as it is; where it is nil, the extensions are made
// of Schemes, CertSchemes and CAs.
func (c *CertificateRequest) Marshal(version Version) ([]byte, error) {
	return marshal(TypeCertificateRequest, func(b *cryptobyte.Builder) {
		if version >= TLS13 {
			addVec8(b, c.Context)
			exts := c.Extensions
			if exts == nil {
				exts = c.extensions13()
			}
			addExtensions(b, exts)
			return
		}
		addVec8(b, c.Types)
		if version >= TLS12 {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { addUint16s(b, c.Schemes) })
		}
		c.addAuthorities(b)
	})
}

func (c *CertificateRequest) addAuthorities(b *cryptobyte.Builder) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, name := range c.CAs {
			addVec16(b, name)
		}
	})
}

func (c *CertificateRequest) extensions13() []Extension {
	exts := []Extension{{Type: ExtSignatureAlgorithms, Data: encodeList16(c.Schemes)}}
	if c.CertSchemes != nil {
		exts = append(exts, Extension{Type: ExtSignatureAlgorithmsCert, Data: encodeList16(c.CertSchemes)})
	}
	if c.CAs != nil {
		exts = append(exts, Extension{Type: ExtCertificateAuthorities, Data: build(c.addAuthorities)})
	}
	return exts
}
