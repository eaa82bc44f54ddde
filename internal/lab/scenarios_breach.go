package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

var tls13 = Offer{MinVersion: tlswire.TLS13}

// Answers that break one rule of an RFC each.
var _ = register(
	Scenario{ID: "violation-legacy-version", Near: "protocol-violation", Also: []string{"protocol-violation"}, Title: "the ServerHello of TLS 1.3 says 3.4",
		Story:  "legacy_version must be 3.3 (RFC 8446, Section 4.1.3). OpenSSL does not look, all others do.",
		Server: Server{Offer: tls13, Breach: Breach{LegacyVersion: tlswire.TLS13}}},
	Scenario{ID: "violation-legacy-version-go", Cause: "protocol-violation", Title: "the ServerHello of TLS 1.3 says 3.4, and the client is Go's",
		Story: "The same server.", Server: Server{Offer: tls13, Breach: Breach{LegacyVersion: tlswire.TLS13}}, Client: ClientHint{Profile: "go-1.26"}},
	Scenario{ID: "violation-session-id-java", Near: "protocol-violation", Also: []string{"protocol-violation"}, Title: "the session id is not echoed, and the client is Java",
		Story: "Java 17 and GnuTLS go on.", Server: Server{Leaf: rsaLeaf, Offer: tls13, Answer: Answer{OtherSessionID: true}}, Client: ClientHint{Profile: "java-17.0.3-21.0.6-openjdk"}},

	Scenario{ID: "middlebox-downgrade-11", Cause: "middlebox-downgrade", Title: "TLS 1.1, and the random says downgrade",
		Story:  "The client offers TLS 1.0 to 1.3, the server sees less of it. The end of its random is that for TLS 1.1.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MinVersion: tlswire.TLS10, MaxVersion: tlswire.TLS11}, Breach: Breach{RandomEnd: "DOWNGRD\x00"}},
		Client: ClientHint{MinVersion: "1.0"}},
	Scenario{ID: "random-nearly-sentinel", Near: "middlebox-downgrade", Title: "a random that ends nearly like the sentinel",
		Story: "DOWNGRD and 02: chance, or a jest.", Server: Server{Offer: tls12, Breach: Breach{RandomEnd: "DOWNGRD\x02"}}},
	Scenario{ID: "random-nearly-sentinel-letters", Near: "middlebox-downgrade", Title: "a random that ends in other letters",
		Story: "DOWNGRE and 01.", Server: Server{Offer: tls12, Breach: Breach{RandomEnd: "DOWNGRE\x01"}}},
	Scenario{ID: "random-sentinel-elsewhere", Near: "middlebox-downgrade", Title: "the sentinel in the middle of the random",
		Story: "Only the last eight bytes count.", Server: Server{Offer: tls12, Breach: Breach{RandomEnd: "DOWNGRD\x01 and more"}}},
	Scenario{ID: "sentinel-in-order", Near: "middlebox-downgrade", Title: "the sentinel for a client that stops at TLS 1.2",
		Story:  "A server of TLS 1.3 must write it (RFC 8446, Section 4.1.3); a client that did not offer more need not look.",
		Server: Server{Offer: tls12, Answer: Answer{Sentinel: true}}, Client: ClientHint{MaxVersion: "1.2"}},
	Scenario{ID: "sentinel-of-11-in-12", Cause: "middlebox-downgrade", Title: "the sentinel for TLS 1.1 in an answer of TLS 1.2",
		Story: "Who offered TLS 1.3 must refuse either (RFC 8446, Section 4.1.3). OpenSSL, Go and Java do, GnuTLS does not.", Server: Server{Offer: tls12, Breach: Breach{RandomEnd: "DOWNGRD\x00"}}},

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
