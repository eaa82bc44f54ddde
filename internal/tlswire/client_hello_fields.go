package tlswire

import "golang.org/x/crypto/cryptobyte"

// The accessors return nil where the extension is absent or unreadable. The
// setters take nil as "remove the extension" and an empty list as an empty
// list on the wire.

// ServerName returns the host_name of the server_name extension (RFC 6066,
// Section 3), or "".
func (h *ClientHello) ServerName() string {
	data, _ := h.Extension(ExtServerName)
	s := cryptobyte.String(data)
	var list, name cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return ""
	}
	for !list.Empty() {
		var kind uint8
		if !list.ReadUint8(&kind) || !list.ReadUint16LengthPrefixed(&name) {
			return ""
		}
		if kind == 0 {
			return string(name)
		}
	}
	return ""
}

// SetServerName sets the host_name; "" removes the extension.
func (h *ClientHello) SetServerName(name string) {
	if name == "" {
		h.RemoveExtension(ExtServerName)
		return
	}
	h.SetExtension(ExtServerName, build(func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint8(0)
			addVec16(b, []byte(name))
		})
	}))
}

func setList16[T ~uint16](h *ClientHello, t ExtensionType, values []T) {
	if values == nil {
		h.RemoveExtension(t)
		return
	}
	h.SetExtension(t, encodeList16(values))
}

func setFlag(h *ClientHello, t ExtensionType, on bool, body []byte) {
	switch {
	case !on:
		h.RemoveExtension(t)
	case !h.HasExtension(t):
		h.SetExtension(t, body)
	}
}

// SupportedVersions returns the list of supported_versions, GREASE included
// (RFC 8446, Section 4.2.1).
func (h *ClientHello) SupportedVersions() []Version {
	data, _ := h.Extension(ExtSupportedVersions)
	return decodeList8[Version](data)
}

// SetSupportedVersions sets supported_versions; it leaves legacy_version alone.
func (h *ClientHello) SetSupportedVersions(versions []Version) {
	if versions == nil {
		h.RemoveExtension(ExtSupportedVersions)
		return
	}
	h.SetExtension(ExtSupportedVersions, encodeList8(versions))
}

// MaxVersion returns the highest version offered: of supported_versions
// without GREASE and drafts of TLS 1.3 (0x7Fxx), else legacy_version.
func (h *ClientHello) MaxVersion() Version {
	highest := Version(0)
	for _, v := range h.SupportedVersions() {
		if !v.IsGREASE() && v>>8 != 0x7F {
			highest = max(highest, v)
		}
	}
	if highest == 0 {
		return h.Version
	}
	return highest
}

// MinVersion returns the lowest version offered: of supported_versions, or SSL2
// for the SSLv2 format. Zero means that this hello does not say it: without
// supported_versions a client may accept anything up to legacy_version.
func (h *ClientHello) MinVersion() Version {
	lowest := Version(0)
	for _, v := range h.SupportedVersions() {
		if !v.IsGREASE() && (lowest == 0 || v < lowest) {
			lowest = v
		}
	}
	if lowest == 0 && h.SSL2 {
		return SSL2
	}
	return lowest
}

// Offers reports whether a server may answer with this version.
func (h *ClientHello) Offers(v Version) bool {
	if versions := h.SupportedVersions(); versions != nil {
		for _, have := range versions {
			if have == v {
				return true
			}
		}
		return false
	}
	return v <= h.Version && v < TLS13 && (v != SSL2 || h.SSL2)
}

// Groups returns the named groups of supported_groups.
func (h *ClientHello) Groups() []Group {
	data, _ := h.Extension(ExtSupportedGroups)
	return decodeList16[Group](data)
}

// SetGroups sets supported_groups; it leaves the key shares alone.
func (h *ClientHello) SetGroups(groups []Group) { setList16(h, ExtSupportedGroups, groups) }

// SignatureSchemes returns signature_algorithms.
func (h *ClientHello) SignatureSchemes() []SignatureScheme {
	data, _ := h.Extension(ExtSignatureAlgorithms)
	return decodeList16[SignatureScheme](data)
}

// SetSignatureSchemes sets signature_algorithms.
func (h *ClientHello) SetSignatureSchemes(schemes []SignatureScheme) {
	setList16(h, ExtSignatureAlgorithms, schemes)
}

// SignatureSchemesCert returns signature_algorithms_cert.
func (h *ClientHello) SignatureSchemesCert() []SignatureScheme {
	data, _ := h.Extension(ExtSignatureAlgorithmsCert)
	return decodeList16[SignatureScheme](data)
}

// SetSignatureSchemesCert sets signature_algorithms_cert.
func (h *ClientHello) SetSignatureSchemesCert(schemes []SignatureScheme) {
	setList16(h, ExtSignatureAlgorithmsCert, schemes)
}

// KeyShares returns the entries of key_share, GREASE included.
func (h *ClientHello) KeyShares() []KeyShare {
	data, _ := h.Extension(ExtKeyShare)
	s := cryptobyte.String(data)
	var list, key cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	shares := []KeyShare{}
	for !list.Empty() {
		var group uint16
		if !list.ReadUint16(&group) || !list.ReadUint16LengthPrefixed(&key) {
			break
		}
		shares = append(shares, KeyShare{Group: Group(group), Data: key})
	}
	return shares
}

// SetKeyShares sets key_share; an empty list asks for a HelloRetryRequest.
func (h *ClientHello) SetKeyShares(shares []KeyShare) {
	if shares == nil {
		h.RemoveExtension(ExtKeyShare)
		return
	}
	h.SetExtension(ExtKeyShare, build(func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, share := range shares {
				b.AddUint16(uint16(share.Group))
				addVec16(b, share.Data)
			}
		})
	}))
}

// ALPN returns the protocol names in order (RFC 7301).
func (h *ClientHello) ALPN() []string {
	data, _ := h.Extension(ExtALPN)
	return decodeALPN(data)
}

// SetALPN sets the protocol names.
func (h *ClientHello) SetALPN(names []string) {
	if names == nil {
		h.RemoveExtension(ExtALPN)
		return
	}
	h.SetExtension(ExtALPN, encodeALPN(names))
}

// PSKModes returns psk_key_exchange_modes (RFC 8446, Section 4.2.9).
func (h *ClientHello) PSKModes() []uint8 { return h.bytes8(ExtPSKKeyExchangeModes) }

// SetPSKModes sets psk_key_exchange_modes.
func (h *ClientHello) SetPSKModes(modes []uint8) { h.setBytes8(ExtPSKKeyExchangeModes, modes) }

// PointFormats returns ec_point_formats (RFC 8422, Section 5.1.2).
func (h *ClientHello) PointFormats() []uint8 { return h.bytes8(ExtECPointFormats) }

// SetPointFormats sets ec_point_formats.
func (h *ClientHello) SetPointFormats(formats []uint8) { h.setBytes8(ExtECPointFormats, formats) }

func (h *ClientHello) bytes8(t ExtensionType) []uint8 {
	data, _ := h.Extension(t)
	s := cryptobyte.String(data)
	var list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&list) {
		return nil
	}
	return list
}

func (h *ClientHello) setBytes8(t ExtensionType, values []uint8) {
	if values == nil {
		h.RemoveExtension(t)
		return
	}
	h.SetExtension(t, build(func(b *cryptobyte.Builder) { addVec8(b, values) }))
}

// CompressCertificate returns the algorithms of compress_certificate (RFC 8879).
func (h *ClientHello) CompressCertificate() []uint16 {
	data, _ := h.Extension(ExtCompressCertificate)
	return decodeList8[uint16](data)
}

// SetCompressCertificate sets compress_certificate.
func (h *ClientHello) SetCompressCertificate(algorithms []uint16) {
	if algorithms == nil {
		h.RemoveExtension(ExtCompressCertificate)
		return
	}
	h.SetExtension(ExtCompressCertificate, encodeList8(algorithms))
}

// SessionTicket returns the ticket (RFC 5077); empty asks for one.
func (h *ClientHello) SessionTicket() (ticket []byte, present bool) {
	return h.Extension(ExtSessionTicket)
}

// SetSessionTicket sets the ticket, which may be empty; see RemoveExtension.
func (h *ClientHello) SetSessionTicket(ticket []byte) { h.SetExtension(ExtSessionTicket, ticket) }

// ExtendedMasterSecret reports extended_master_secret (RFC 7627).
func (h *ClientHello) ExtendedMasterSecret() bool { return h.HasExtension(ExtExtendedMasterSecret) }

// SetExtendedMasterSecret adds or removes extended_master_secret.
func (h *ClientHello) SetExtendedMasterSecret(on bool) {
	setFlag(h, ExtExtendedMasterSecret, on, nil)
}

// EncryptThenMAC reports encrypt_then_mac (RFC 7366).
func (h *ClientHello) EncryptThenMAC() bool { return h.HasExtension(ExtEncryptThenMAC) }

// SetEncryptThenMAC adds or removes encrypt_then_mac.
func (h *ClientHello) SetEncryptThenMAC(on bool) { setFlag(h, ExtEncryptThenMAC, on, nil) }

// RenegotiationInfo reports whether the client says that it knows RFC 5746, by
// the extension or by the signalling suite.
func (h *ClientHello) RenegotiationInfo() bool {
	return h.HasExtension(ExtRenegotiationInfo) || h.hasSuite(TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
}

// SetRenegotiationInfo adds the empty renegotiation_info extension where
// nothing says it yet, or removes extension and signalling suite.
func (h *ClientHello) SetRenegotiationInfo(on bool) {
	if on {
		if !h.RenegotiationInfo() {
			h.SetExtension(ExtRenegotiationInfo, []byte{0})
		}
		return
	}
	h.RemoveExtension(ExtRenegotiationInfo)
	if h.hasSuite(TLS_EMPTY_RENEGOTIATION_INFO_SCSV) {
		var kept []CipherSuite
		for _, s := range h.CipherSuites {
			if s != TLS_EMPTY_RENEGOTIATION_INFO_SCSV {
				kept = append(kept, s)
			}
		}
		h.SetCipherSuites(kept)
	}
}

// FallbackSCSV reports the signalling suite of RFC 7507.
func (h *ClientHello) FallbackSCSV() bool { return h.hasSuite(TLS_FALLBACK_SCSV) }

func (h *ClientHello) hasSuite(s CipherSuite) bool {
	for _, have := range h.CipherSuites {
		if have == s {
			return true
		}
	}
	return false
}

// StatusRequest reports status_request (RFC 6066, Section 8).
func (h *ClientHello) StatusRequest() bool { return h.HasExtension(ExtStatusRequest) }

// SetStatusRequest adds or removes a status_request for an OCSP response.
func (h *ClientHello) SetStatusRequest(on bool) {
	setFlag(h, ExtStatusRequest, on, []byte{1, 0, 0, 0, 0})
}

// SCT reports signed_certificate_timestamp (RFC 6962, Section 3.3.1).
func (h *ClientHello) SCT() bool { return h.HasExtension(ExtSCT) }

// SetSCT adds or removes signed_certificate_timestamp.
func (h *ClientHello) SetSCT(on bool) { setFlag(h, ExtSCT, on, nil) }

// ECH reports encrypted_client_hello (RFC 9849), a GREASE one included.
func (h *ClientHello) ECH() bool { return h.HasExtension(ExtEncryptedClientHello) }

// EarlyData reports early_data (RFC 8446, Section 4.2.10).
func (h *ClientHello) EarlyData() bool { return h.HasExtension(ExtEarlyData) }

// Cookie returns the cookie of a second hello (RFC 8446, Section 4.2.2).
func (h *ClientHello) Cookie() []byte {
	data, _ := h.Extension(ExtCookie)
	s := cryptobyte.String(data)
	var cookie cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&cookie) {
		return nil
	}
	return cookie
}

// SetCookie sets the cookie that a HelloRetryRequest gave.
func (h *ClientHello) SetCookie(cookie []byte) {
	if cookie == nil {
		h.RemoveExtension(ExtCookie)
		return
	}
	h.SetExtension(ExtCookie, build(func(b *cryptobyte.Builder) { addVec16(b, cookie) }))
}

// HasGREASE reports a GREASE value (RFC 8701) among the suites, extensions,
// groups, versions or key shares.
func (h *ClientHello) HasGREASE() bool {
	for _, s := range h.CipherSuites {
		if s.IsGREASE() {
			return true
		}
	}
	for _, e := range h.Extensions {
		if e.Type.IsGREASE() {
			return true
		}
	}
	for _, g := range h.Groups() {
		if g.IsGREASE() {
			return true
		}
	}
	for _, v := range h.SupportedVersions() {
		if v.IsGREASE() {
			return true
		}
	}
	return false
}
