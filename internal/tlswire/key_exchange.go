package tlswire

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// The curve types of an ECDHE ServerKeyExchange (RFC 8422, Section 5.4).
const (
	curveExplicitPrime = 1
	curveExplicitChar2 = 2
	curveNamed         = 3
)

// ParseServerKeyExchange reads a ServerKeyExchange with its header, as the
// suite and version lay it out: DHE, ECDHE, PSK and the RSA key of an export
// suite. On a *WireError what was readable is returned.
func ParseServerKeyExchange(msg []byte, suite CipherSuite, version Version) (*ServerKeyExchange, error) {
	section := "RFC 5246, Section 7.4.3"
	info := suite.Info()
	if info.Kex == KexECDHE || info.Kex == KexECDHAnon {
		section = "RFC 8422, Section 5.4"
	}
	r := newReader(msg, TypeServerKeyExchange, "ServerKeyExchange", section)
	k := &ServerKeyExchange{Kex: info.Kex}
	body := r.s
	if info.PSK {
		k.PSKHint = r.vec16("psk_identity_hint")
	}
	switch info.Kex {
	case KexDHE, KexDHAnon:
		k.P = r.vec16("dh_p")
		k.G = r.vec16("dh_g")
		k.Y = r.vec16("dh_Ys")
	case KexECDHE, KexECDHAnon:
		k.readECDHE(r)
	case KexRSA:
		k.Modulus = r.vec16("rsa_modulus")
		k.Exponent = r.vec16("rsa_exponent")
	case KexPSK:
	default:
		r.fail("params", fmt.Sprintf("cannot be read for %v", suite))
	}
	if r.err != nil {
		return k, r.result()
	}
	k.Params = body[:len(body)-len(r.s)]
	if !info.signed() {
		r.end("")
		return k, r.result()
	}
	if version >= TLS12 {
		k.Scheme = SignatureScheme(r.u16("signature_algorithm"))
		k.HasScheme = r.err == nil
	}
	k.Signature = r.vec16("signature")
	r.end("")
	return k, r.result()
}

func (k *ServerKeyExchange) readECDHE(r *reader) {
	k.CurveType = r.u8("curve_type")
	switch k.CurveType {
	case curveNamed:
		k.Group = Group(r.u16("namedcurve"))
	case curveExplicitPrime:
		r.vec8("prime_p")
		readExplicitCurve(r)
	case curveExplicitChar2:
		r.u16("m")
		switch basis := r.u8("basis"); basis {
		case 1: // trinomial
			r.vec8("k")
		case 2: // pentanomial
			r.vec8("k1")
			r.vec8("k2")
			r.vec8("k3")
		default:
			r.fail("basis", fmt.Sprintf("is %d", basis))
		}
		readExplicitCurve(r)
	default:
		r.fail("curve_type", fmt.Sprintf("is %d", k.CurveType))
	}
	k.Point = r.vec8("public")
}

func readExplicitCurve(r *reader) {
	for _, field := range []string{"a", "b", "base", "order", "cofactor"} {
		r.vec8(field)
	}
}

// MarshalParams returns the signed part: of DHE, ECDHE with a named curve, the
// export RSA key, and before each the PSK hint where it is not nil.
func (k *ServerKeyExchange) MarshalParams() ([]byte, error) {
	var b cryptobyte.Builder
	if k.PSKHint != nil {
		addVec16(&b, k.PSKHint)
	}
	switch k.Kex {
	case KexDHE, KexDHAnon:
		addVec16(&b, k.P)
		addVec16(&b, k.G)
		addVec16(&b, k.Y)
	case KexECDHE, KexECDHAnon:
		b.AddUint8(curveNamed)
		b.AddUint16(uint16(k.Group))
		addVec8(&b, k.Point)
	case KexRSA:
		addVec16(&b, k.Modulus)
		addVec16(&b, k.Exponent)
	}
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("marshalling ServerKeyExchange: %w", err)
	}
	return out, nil
}

// Marshal returns the handshake message from Params, or from the fields where
// Params is nil. An anonymous exchange has no signature: leave it nil.
func (k *ServerKeyExchange) Marshal() ([]byte, error) {
	params := k.Params
	if params == nil {
		var err error
		if params, err = k.MarshalParams(); err != nil {
			return nil, err
		}
	}
	return marshal(TypeServerKeyExchange, func(b *cryptobyte.Builder) {
		b.AddBytes(params)
		if k.HasScheme {
			b.AddUint16(uint16(k.Scheme))
		}
		if k.HasScheme || k.Signature != nil {
			addVec16(b, k.Signature)
		}
	})
}

// ClientKeyExchange is the ClientKeyExchange message (RFC 5246, Section 7.4.7).
type ClientKeyExchange struct {
	Kex  KeyExchange
	Data []byte // encrypted premaster secret, or public value
}

// ParseClientKeyExchange reads the message with its header.
func ParseClientKeyExchange(msg []byte, kex KeyExchange, version Version) (*ClientKeyExchange, error) {
	r := newReader(msg, TypeClientKeyExchange, "ClientKeyExchange", "RFC 5246, Section 7.4.7")
	k := &ClientKeyExchange{Kex: kex}
	switch {
	case kex == KexRSA && version <= SSL3:
		k.Data = r.rest() // SSL 3.0 has no length (RFC 5246, Section 7.4.7.1)
	case kex == KexECDHE || kex == KexECDHAnon || kex == KexECDH:
		k.Data = r.vec8("ecdh_Yc")
	default:
		k.Data = r.vec16("exchange_keys")
	}
	r.end("")
	return k, r.result()
}

// Marshal returns the handshake message.
func (k *ClientKeyExchange) Marshal(version Version) ([]byte, error) {
	return marshal(TypeClientKeyExchange, func(b *cryptobyte.Builder) {
		switch {
		case k.Kex == KexRSA && version <= SSL3:
			b.AddBytes(k.Data)
		case k.Kex == KexECDHE || k.Kex == KexECDHAnon || k.Kex == KexECDH:
			addVec8(b, k.Data)
		default:
			addVec16(b, k.Data)
		}
	})
}
