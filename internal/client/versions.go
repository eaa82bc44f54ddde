package client

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Extensions that only TLS 1.3 knows, which go when it is not offered.
var only13 = []tlswire.ExtensionType{
	tlswire.ExtSupportedVersions, tlswire.ExtKeyShare, tlswire.ExtPSKKeyExchangeModes, tlswire.ExtCookie, tlswire.ExtPreSharedKey,
	tlswire.ExtEarlyData, tlswire.ExtPostHandshakeAuth, tlswire.ExtCompressCertificate, tlswire.ExtEncryptedClientHello,
	tlswire.ExtEncryptedServerName, tlswire.ExtQUICTransportParameters, tlswire.ExtTicketRequest, tlswire.ExtApplicationSettings,
	tlswire.ExtDelegatedCredential,
}

// Extensions that TLS 1.3 has no use for, which go when nothing else is
// offered; as OpenSSL does.
var onlyBelow13 = []tlswire.ExtensionType{
	tlswire.ExtECPointFormats, tlswire.ExtSessionTicket, tlswire.ExtEncryptThenMAC, tlswire.ExtExtendedMasterSecret,
	tlswire.ExtRenegotiationInfo, tlswire.ExtNextProtocolNegotiation, tlswire.ExtTruncatedHMAC, tlswire.ExtHeartbeat,
}

// setVersions makes the hello offer lo to hi and nothing else, with what these
// versions cannot do without.
func setVersions(h *tlswire.ClientHello, lo, hi tlswire.Version) {
	if h.SSL2 && lo > tlswire.SSL2 {
		toTLS(h)
	}
	h.Version = min(hi, tlswire.TLS12)
	if h.SSL2 {
		h.RecordVersion = h.Version
		return
	}
	switch {
	case hi == tlswire.SSL3:
		h.RecordVersion = tlswire.SSL3
	case lo > tlswire.SSL3 && h.RecordVersion == tlswire.SSL3, h.RecordVersion > hi:
		h.RecordVersion = tlswire.TLS10
	}
	keepSuites(h, lo, hi)
	for _, v := range versionsBetween(lo, min(hi, tlswire.TLS12)) {
		if v > tlswire.SSL2 && !anyUsable(h, v, v) {
			addSuites(h, defaultSuites(v))
		}
	}
	if hi < tlswire.TLS13 {
		below13(h, hi)
		return
	}
	if !anyUsable(h, tlswire.TLS13, hi) {
		addSuites(h, suites13)
	}
	versions := []tlswire.Version{}
	for _, v := range h.SupportedVersions() {
		if v.IsGREASE() {
			versions = append(versions, v)
		}
	}
	list := versionsBetween(lo, hi)
	slices.Reverse(list)
	h.SetSupportedVersions(append(versions, list...))
	need13(h)
	if lo >= tlswire.TLS13 {
		removeExtensions(h, onlyBelow13)
	}
}

// below13 takes out what TLS 1.3 brought.
func below13(h *tlswire.ClientHello, hi tlswire.Version) {
	removeExtensions(h, only13)
	if groups := h.Groups(); groups != nil {
		kept := slices.DeleteFunc(slices.Clone(groups), only13Group)
		if len(kept) == 0 {
			kept = nil
		}
		h.SetGroups(kept)
	}
	if hi < tlswire.TLS12 {
		removeExtensions(h, []tlswire.ExtensionType{tlswire.ExtSignatureAlgorithms, tlswire.ExtSignatureAlgorithmsCert})
	}
	if hi > tlswire.SSL3 {
		return
	}
	// SSL 3.0 knows no extensions, and a server that knows nothing newer may
	// refuse them; RFC 5746 has its signal for that.
	withoutExtensions(h)
}

// withoutExtensions removes the extensions block and says by the signalling
// suite what renegotiation_info said.
func withoutExtensions(h *tlswire.ClientHello) {
	if h.SSL2 {
		return
	}
	signalled := h.RenegotiationInfo()
	h.Extensions = nil
	if signalled && !h.RenegotiationInfo() {
		setSuites(h, append(slices.Clone(h.CipherSuites), tlswire.TLS_EMPTY_RENEGOTIATION_INFO_SCSV))
	}
}

// need13 adds what TLS 1.3 demands: groups, a key share and signature schemes
// (RFC 8446, Section 9.2), and no compression (Section 4.1.2), which Android
// 4.0 offered.
func need13(h *tlswire.ClientHello) {
	h.Compression = []uint8{0}
	groups := h.Groups()
	if !slices.ContainsFunc(groups, tls13Group) {
		groups = append(slices.Clone(groups), tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384)
		h.SetGroups(groups)
	}
	if !h.HasExtension(tlswire.ExtKeyShare) {
		h.SetKeyShares(sharesFor(groups, nil))
	}
	schemes := h.SignatureSchemes()
	if !slices.ContainsFunc(schemes, tlswire.SignatureScheme.InTLS13) || !slices.Contains(schemes, tlswire.SchemeRSAPSSRSAESHA256) {
		h.SetSignatureSchemes(union(schemes, []tlswire.SignatureScheme{
			tlswire.SchemeECDSAP256SHA256, tlswire.SchemeECDSAP384SHA384,
			tlswire.SchemeRSAPSSRSAESHA256, tlswire.SchemeRSAPSSRSAESHA384, tlswire.SchemeRSAPSSRSAESHA512,
			tlswire.SchemeRSAPKCS1SHA256,
		}))
	}
}

// toTLS turns the SSLv2-compatible format into a ClientHello in a TLS record.
func toTLS(h *tlswire.ClientHello) {
	if !h.SSL2 {
		return
	}
	h.SSL2, h.SSL2Specs = false, nil
	h.Random = append(make([]byte, max(0, 32-len(h.Random))), h.Random...)[:32]
	h.SessionID = nil
	h.Compression = []uint8{0}
	h.RecordVersion = min(max(h.Version, tlswire.SSL3), tlswire.TLS10)
	h.Version = max(h.Version, tlswire.SSL3)
}

func removeExtensions(h *tlswire.ClientHello, types []tlswire.ExtensionType) {
	for _, t := range types {
		h.RemoveExtension(t)
	}
	if len(h.Extensions) == 0 {
		h.Extensions = nil
	}
}

// versionsBetween lists the versions from lo to hi, lowest first.
func versionsBetween(lo, hi tlswire.Version) []tlswire.Version {
	var out []tlswire.Version
	for _, w := range versionWords {
		if w.version >= lo && w.version <= hi {
			out = append(out, w.version)
		}
	}
	return out
}

// ParseVersionRange reads facts.Changes.Version: "1.2" is exactly this one,
// "1.0-1.3" a range.
func ParseVersionRange(s string) (lo, hi tlswire.Version, err error) {
	low, high, isRange := strings.Cut(s, "-")
	if !isRange {
		high = low
	}
	if lo, err = tlswire.ParseVersion(low); err != nil {
		return 0, 0, err
	}
	if hi, err = tlswire.ParseVersion(high); err != nil {
		return 0, 0, err
	}
	if lo > hi || len(versionsBetween(lo, hi)) == 0 {
		return 0, 0, fmt.Errorf("%q is no range of TLS versions", s)
	}
	return lo, hi, nil
}

func union[T comparable](have, more []T) []T {
	out := slices.Clone(have)
	for _, v := range more {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
