package tlswire

import (
	"bytes"
	"crypto/sha256"

	"golang.org/x/crypto/cryptobyte"
)

const sectionServerHello = "RFC 8446, Section 4.1.3"

// HelloRetryRequestRandom returns the Random that makes a ServerHello a
// HelloRetryRequest: the SHA-256 of "HelloRetryRequest".
func HelloRetryRequestRandom() []byte {
	sum := sha256.Sum256([]byte("HelloRetryRequest"))
	return sum[:]
}

// ParseServerHello reads a ServerHello or HelloRetryRequest with its handshake
// header. On a *WireError the hello is returned as far as it was readable.
func ParseServerHello(msg []byte) (*ServerHello, error) {
	r := newReader(msg, TypeServerHello, "ServerHello", sectionServerHello)
	h := &ServerHello{Raw: msg}
	h.Version = Version(r.u16("legacy_version"))
	h.Random = r.bytes(32, "random")
	h.SessionID = r.vec8("legacy_session_id_echo")
	if len(h.SessionID) > 32 {
		r.object("legacy_session_id_echo", "is longer than 32 bytes")
	}
	h.CipherSuite = CipherSuite(r.u16("cipher_suite"))
	h.Compression = r.u8("legacy_compression_method")
	if r.err != nil || r.s.Empty() {
		return h, r.result() // without extensions, as up to TLS 1.2
	}
	h.HasExtBlock = true
	h.Extensions = r.extensions()
	r.end("")
	if r.err == nil {
		r.noDuplicates(h.Extensions)
	}
	return h, r.result()
}

// Marshal returns the handshake message. The extensions block is written when
// HasExtBlock is set or there is an extension.
func (h *ServerHello) Marshal() ([]byte, error) {
	return marshal(TypeServerHello, func(b *cryptobyte.Builder) {
		b.AddUint16(uint16(h.Version))
		b.AddBytes(h.Random)
		addVec8(b, h.SessionID)
		b.AddUint16(uint16(h.CipherSuite))
		b.AddUint8(h.Compression)
		if h.HasExtBlock || len(h.Extensions) > 0 {
			addExtensions(b, h.Extensions)
		}
	})
}

// IsHelloRetryRequest reports the special Random of RFC 8446, Section 4.1.3.
func (h *ServerHello) IsHelloRetryRequest() bool {
	return bytes.Equal(h.Random, HelloRetryRequestRandom())
}

// Extension returns the body of the first extension of this type.
func (h *ServerHello) Extension(t ExtensionType) ([]byte, bool) {
	return findExtension(h.Extensions, t)
}

func (h *ServerHello) has(t ExtensionType) bool {
	_, ok := h.Extension(t)
	return ok
}

// SetExtension replaces the body of the extension in place, or appends it.
func (h *ServerHello) SetExtension(t ExtensionType, data []byte) {
	for i := range h.Extensions {
		if h.Extensions[i].Type == t {
			h.Extensions[i].Data = data
			return
		}
	}
	h.Extensions = append(h.Extensions, Extension{Type: t, Data: data})
}

// NegotiatedVersion returns what supported_versions selects, else
// legacy_version.
func (h *ServerHello) NegotiatedVersion() Version {
	data, _ := h.Extension(ExtSupportedVersions)
	s := cryptobyte.String(data)
	var v uint16
	if s.ReadUint16(&v) && s.Empty() {
		return Version(v)
	}
	return h.Version
}

// SetNegotiatedVersion sets supported_versions.
func (h *ServerHello) SetNegotiatedVersion(v Version) {
	h.SetExtension(ExtSupportedVersions, build(func(b *cryptobyte.Builder) { b.AddUint16(uint16(v)) }))
}

// KeyShare returns the server's key share; that of a HelloRetryRequest has no
// Data.
func (h *ServerHello) KeyShare() (KeyShare, bool) {
	data, ok := h.Extension(ExtKeyShare)
	s := cryptobyte.String(data)
	var group uint16
	if !ok || !s.ReadUint16(&group) {
		return KeyShare{}, false
	}
	if h.IsHelloRetryRequest() {
		return KeyShare{Group: Group(group)}, s.Empty()
	}
	var key cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&key) || !s.Empty() {
		return KeyShare{}, false
	}
	return KeyShare{Group: Group(group), Data: key}, true
}

// SetKeyShare sets key_share, in a HelloRetryRequest only its group.
func (h *ServerHello) SetKeyShare(share KeyShare) {
	h.SetExtension(ExtKeyShare, build(func(b *cryptobyte.Builder) {
		b.AddUint16(uint16(share.Group))
		if !h.IsHelloRetryRequest() {
			addVec16(b, share.Data)
		}
	}))
}

// SelectedGroup returns the group of the key share, or zero.
func (h *ServerHello) SelectedGroup() Group {
	share, _ := h.KeyShare()
	return share.Group
}

// SelectedPSK returns the identity that pre_shared_key selects.
func (h *ServerHello) SelectedPSK() (identity uint16, ok bool) {
	data, ok := h.Extension(ExtPreSharedKey)
	s := cryptobyte.String(data)
	if !ok || !s.ReadUint16(&identity) || !s.Empty() {
		return 0, false
	}
	return identity, true
}

// Cookie returns the cookie of a HelloRetryRequest.
func (h *ServerHello) Cookie() []byte {
	data, _ := h.Extension(ExtCookie)
	s := cryptobyte.String(data)
	var cookie cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&cookie) {
		return nil
	}
	return cookie
}

// ALPN returns the selected protocol, or "". TLS 1.3 has it in
// EncryptedExtensions.
func (h *ServerHello) ALPN() string { return selectedALPN(h.Extensions) }

func selectedALPN(exts []Extension) string {
	data, _ := findExtension(exts, ExtALPN)
	names := decodeALPN(data)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// SecureRenegotiation reports renegotiation_info (RFC 5746).
func (h *ServerHello) SecureRenegotiation() bool { return h.has(ExtRenegotiationInfo) }

// ExtendedMasterSecret reports extended_master_secret (RFC 7627).
func (h *ServerHello) ExtendedMasterSecret() bool { return h.has(ExtExtendedMasterSecret) }

// EncryptThenMAC reports encrypt_then_mac (RFC 7366).
func (h *ServerHello) EncryptThenMAC() bool { return h.has(ExtEncryptThenMAC) }

// SessionTicket reports that a NewSessionTicket will follow (RFC 5077).
func (h *ServerHello) SessionTicket() bool { return h.has(ExtSessionTicket) }

// StatusRequest reports that a CertificateStatus will follow.
func (h *ServerHello) StatusRequest() bool { return h.has(ExtStatusRequest) }

// The last bytes of a Random by which a server that knows TLS 1.3 or 1.2 says
// that it was asked for less (RFC 8446, Section 4.1.3).
const (
	downgradeTLS12 = "DOWNGRD\x01"
	downgradeTLS11 = "DOWNGRD\x00"
)

// DowngradeSentinel returns TLS12 where the server says that it knows TLS 1.3
// and was asked for TLS 1.2, TLS11 where it was asked for less than TLS 1.2,
// and zero where it says nothing.
func (h *ServerHello) DowngradeSentinel() Version {
	switch {
	case bytes.HasSuffix(h.Random, []byte(downgradeTLS12)):
		return TLS12
	case bytes.HasSuffix(h.Random, []byte(downgradeTLS11)):
		return TLS11
	}
	return 0
}

// ParseEncryptedExtensions reads EncryptedExtensions with its header.
func ParseEncryptedExtensions(msg []byte) (*EncryptedExtensions, error) {
	r := newReader(msg, TypeEncryptedExtensions, "EncryptedExtensions", "RFC 8446, Section 4.3.1")
	e := &EncryptedExtensions{Extensions: r.extensions()}
	r.end("")
	if r.err == nil {
		r.noDuplicates(e.Extensions)
	}
	return e, r.result()
}

// Marshal returns the handshake message.
func (e *EncryptedExtensions) Marshal() ([]byte, error) {
	return marshal(TypeEncryptedExtensions, func(b *cryptobyte.Builder) { addExtensions(b, e.Extensions) })
}

// Extension returns the body of the first extension of this type.
func (e *EncryptedExtensions) Extension(t ExtensionType) ([]byte, bool) {
	return findExtension(e.Extensions, t)
}

// ALPN returns the selected protocol, or "".
func (e *EncryptedExtensions) ALPN() string { return selectedALPN(e.Extensions) }

// ALPNNames returns the names in the body of an ALPN extension.
func ALPNNames(data []byte) []string { return decodeALPN(data) }

// SelectedALPN returns the body of an ALPN extension that selects one protocol.
func SelectedALPN(protocol string) []byte { return encodeALPN([]string{protocol}) }
