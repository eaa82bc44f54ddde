package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

var tls13 = Offer{MinVersion: tlswire.TLS13}

// Answers that break one rule of an RFC each.
var _ = register(
	breach("legacy-version", "the ServerHello of TLS 1.3 says 3.4", "legacy_version must be 3.3 (RFC 8446, Section 4.1.3).", Server{Offer: tls13, Breach: Breach{LegacyVersion: tlswire.TLS13}}),
	breach("compression", "a compression is chosen", "The client offers none (RFC 8446, Section 4.1.3).", Server{Offer: tls12, Breach: Breach{Compression: 1}}),
	breach("double", "an extension comes twice", "RFC 8446, Section 4.2.", Server{Offer: tls12, Breach: Breach{DoubleExtension: true}}),
	breach("share-group", "the key share is of another group", "No share of P-521 was sent (RFC 8446, Section 4.2.8).", Server{Offer: tls13, Breach: Breach{ShareGroup: tlswire.GroupP521}}),
	breach("share-short", "the key share has seven bytes", "No element of any group is that short.", Server{Offer: tls13, Breach: Breach{ShortShare: true}}),
	breach("psk", "a pre-shared key is selected", "None was offered (RFC 8446, Section 4.2.11).", Server{Offer: tls13, Breach: Breach{SelectPSK: true}}),
	breach("name-answer", "the answer to server_name is not empty", "RFC 6066, Section 3.", Server{Offer: tls12, Breach: Breach{NameAnswer: true}}),
	breach("renegotiation", "renegotiation_info of a second handshake in the first", "RFC 5746, Section 3.4.", Server{Offer: tls12, Breach: Breach{SecondRenegotiation: true}}),
	breach("two-protocols", "two protocols are selected", "RFC 7301, Section 3.1: exactly one.", Server{Offer: tls12, Breach: Breach{TwoProtocols: true}}),
	breach("misplaced", "key_share in the EncryptedExtensions", "RFC 8446, Section 4.2, the table.", Server{Offer: tls13, Breach: Breach{MisplacedExtension: true}}),
	breach("no-encrypted-extensions", "the EncryptedExtensions are missing", "They must come, though they may be empty.", Server{Offer: tls13, Breach: Breach{NoEncryptedExtensions: true}}),
	breach("no-certificate-message", "no Certificate comes", "A suite with a certificate, and none.", Server{Offer: tls12, Breach: Breach{NoCertificateMessage: true}}),
	breach("no-verify", "no CertificateVerify comes", "The server proves nothing.", Server{Offer: tls13, Breach: Breach{NoVerify: true}}),
	breach("verify-first", "CertificateVerify before the Certificate", "RFC 8446, Section 4.4.", Server{Offer: tls13, Breach: Breach{VerifyFirst: true}}),
	breach("context", "the server's Certificate has a context", "RFC 8446, Section 4.4.2: empty.", Server{Offer: tls13, Breach: Breach{CertificateContext: 3}}),
	breach("plain-flight", "the flight of TLS 1.3 comes in clear", "Everything after the ServerHello is encrypted (RFC 8446, Section 2).", Server{Offer: tls13, Breach: Breach{PlainFlight: true}}),
	breach("done-body", "the ServerHelloDone is not empty", "RFC 5246, Section 7.4.5.", Server{Offer: tls12, Breach: Breach{DoneBody: 4}}),
	breach("big-record", "a record of 18,180 bytes", "16,384 are allowed (RFC 8446, Section 5.1).", Server{Offer: tls12, Breach: Breach{BigRecord: true}}),
	breach("ccs", "a ChangeCipherSpec of 2", "RFC 8446, Section 5.", Server{Offer: tls12, Breach: Breach{CCSValue: 2}}),
	breach("scheme", "TLS 1.3 signed with RSA PKCS #1", "Offered for certificates and TLS 1.2; a CertificateVerify of TLS 1.3 may not use it (RFC 8446, Section 4.4.3).",
		Server{Leaf: rsaLeaf, Offer: tls13, Proof: Proof{ForceScheme: tlswire.SchemeRSAPKCS1SHA256}}),
)

func breach(id, title, story string, s Server) Scenario {
	return Scenario{ID: "violation-" + id, Cause: "protocol-violation", Title: title, Story: story, Server: s}
}
