package diagnose

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// extensions names each extension and what it says. In a ClientHello lists are
// offers; elsewhere they are read as the answer.
func (f *fields) extensions(list []tlswire.Extension, offer bool) {
	h := &tlswire.ClientHello{Extensions: list}
	for _, e := range list {
		name, text := e.Type.String(), ""
		switch e.Type {
		case tlswire.ExtServerName:
			text = h.ServerName()
		case tlswire.ExtSupportedVersions:
			text = listed(words(h.SupportedVersions()))
		case tlswire.ExtSupportedGroups:
			text = listed(words(h.Groups()))
		case tlswire.ExtSignatureAlgorithms:
			text = listed(words(h.SignatureSchemes()))
		case tlswire.ExtSignatureAlgorithmsCert:
			text = listed(words(h.SignatureSchemesCert()))
		case tlswire.ExtALPN:
			text = listed(tlswire.ALPNNames(e.Data))
		case tlswire.ExtKeyShare:
			var shares []string
			for _, s := range h.KeyShares() {
				shares = append(shares, fmt.Sprintf("%s (%d bytes)", s.Group, len(s.Data)))
			}
			text = listed(shares)
		case tlswire.ExtPSKKeyExchangeModes:
			text = named(h.PSKModes(), "psk_ke", "psk_dhe_ke")
		case tlswire.ExtECPointFormats:
			text = named(h.PointFormats(), "uncompressed", "ansiX962_compressed_prime", "ansiX962_compressed_char2")
		case tlswire.ExtCompressCertificate:
			var names []string
			for _, a := range h.CompressCertificate() {
				names = append(names, named([]uint8{uint8(min(a, 255))}, "reserved", "zlib", "brotli", "zstd"))
			}
			text = listed(names)
		case tlswire.ExtRenegotiationInfo:
			if len(e.Data) == 1 && e.Data[0] == 0 {
				text = "empty: a first handshake"
			}
		case tlswire.ExtPadding:
			text = fmt.Sprintf("%d bytes", len(e.Data))
		case tlswire.ExtRecordSizeLimit:
			if len(e.Data) == 2 {
				text = fmt.Sprintf("%d bytes", binary.BigEndian.Uint16(e.Data))
			}
		}
		switch {
		case text == "" && len(e.Data) == 0 && offer:
			text = "supported"
		case text == "" && len(e.Data) == 0:
			text = "agreed"
		case text == "":
			text = octets(e.Data)
		}
		f.add(name, "%s", text)
	}
}

// named are the names of small numbers, the number where there is none.
func named(values []uint8, names ...string) string {
	var out []string
	for _, v := range values {
		if int(v) < len(names) {
			out = append(out, names[v])
		} else {
			out = append(out, fmt.Sprintf("0x%02X", v))
		}
	}
	return strings.Join(out, ", ")
}

// alertMeanings say what the sender of an alert means (RFC 8446, Section 6; RFC
// 5246, Section 7.2; RFC 6066; RFC 7301; RFC 7507; RFC 9849).
var alertMeanings = map[tlswire.AlertDescription]string{
	tlswire.AlertCloseNotify:                  "the sender will send nothing more: an orderly end",
	tlswire.AlertUnexpectedMessage:            "a message came that has no place at this point of the handshake",
	tlswire.AlertBadRecordMAC:                 "a record could not be decrypted or its authentication is wrong: different keys, or bytes changed on the way",
	tlswire.AlertDecryptionFailed:             "a record could not be decrypted (TLS 1.0 only)",
	tlswire.AlertRecordOverflow:               "a record was longer than allowed",
	tlswire.AlertDecompressionFailure:         "a compressed record could not be read",
	tlswire.AlertHandshakeFailure:             "nothing that the other side offers is acceptable; which part of it, the alert does not say",
	tlswire.AlertNoCertificate:                "no client certificate is given (SSL 3.0)",
	tlswire.AlertBadCertificate:               "the other side's certificate is broken, or its signature does not verify",
	tlswire.AlertUnsupportedCertificate:       "the other side's certificate is of a kind, or for a purpose, that the sender does not take",
	tlswire.AlertCertificateRevoked:           "the other side's certificate was revoked by its issuer",
	tlswire.AlertCertificateExpired:           "the other side's certificate has expired or is not valid yet, by the sender's clock",
	tlswire.AlertCertificateUnknown:           "the other side's certificate is not accepted, for a reason that the sender does not say",
	tlswire.AlertIllegalParameter:             "a value in the handshake contradicts another or is out of range",
	tlswire.AlertUnknownCA:                    "the issuer of the other side's certificate is not among the authorities that the sender trusts, or was not sent along",
	tlswire.AlertAccessDenied:                 "the certificate is valid, but its holder is not allowed in",
	tlswire.AlertDecodeError:                  "a message could not be taken apart: a length or a field is wrong",
	tlswire.AlertDecryptError:                 "a signature or the check of the whole handshake (Finished) does not verify",
	tlswire.AlertExportRestriction:            "export restrictions of the last century were not met",
	tlswire.AlertProtocolVersion:              "the sender does not speak any version that the other side offers",
	tlswire.AlertInsufficientSecurity:         "the sender demands stronger parameters than the other side offers",
	tlswire.AlertInternalError:                "something failed inside the sender that has nothing to do with the other side, or that it does not want to explain",
	tlswire.AlertInappropriateFallback:        "the client came back with an older version, though the server speaks a newer one",
	tlswire.AlertUserCanceled:                 "the sender gives the handshake up for a reason of its own",
	tlswire.AlertNoRenegotiation:              "the sender does not renegotiate",
	tlswire.AlertMissingExtension:             "an extension that this version needs was not sent",
	tlswire.AlertUnsupportedExtension:         "an answer holds an extension that was not asked for",
	tlswire.AlertCertificateUnobtainable:      "the certificate could not be fetched from the URL that was given",
	tlswire.AlertUnrecognizedName:             "the sender has no site of the name in server_name, or none was sent",
	tlswire.AlertBadCertificateStatusResponse: "the stapled OCSP response is not valid",
	tlswire.AlertUnknownPSKIdentity:           "the sender knows none of the pre-shared keys that were offered",
	tlswire.AlertCertificateRequired:          "a client certificate is required and none came",
	tlswire.AlertNoApplicationProtocol:        "no application protocol (ALPN) is offered that the sender speaks",
	tlswire.AlertECHRequired:                  "the server could not use the encrypted hello: the sender asked for it and got none",
}
