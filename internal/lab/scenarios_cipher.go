package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

// suites makes a list; it keeps the scenarios narrow.
func suites(list ...tlswire.CipherSuite) []tlswire.CipherSuite { return list }

func groups(list ...tlswire.Group) []tlswire.Group { return list }

func schemes(list ...tlswire.SignatureScheme) []tlswire.SignatureScheme { return list }

// rsa is the leaf of a server with an RSA key.
var rsaLeaf = Leaf{Key: RSA2048}

var _ = register(
	Scenario{ID: "cipher-mismatch", Cause: "cipher-mismatch", Title: "the server takes only suites that clients gave up",
		Story: "An old device knows TLS 1.2, but only with RC4 and 3DES. Today's clients offer neither, " +
			"and the server can only say handshake_failure.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12,
			Suites: suites(tlswire.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tlswire.TLS_RSA_WITH_RC4_128_SHA)}}},
	Scenario{ID: "cipher-client-ecdsa-only", Cause: "cipher-mismatch", Title: "the client offers only ECDSA suites, the certificate is RSA",
		Story: "Somebody shortened the client's list to one suite. Its name says ECDSA, so that the server's RSA certificate " +
			"cannot be used with it.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12}},
		Client: ClientHint{MaxVersion: "1.2", Ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256"}},
	Scenario{ID: "cipher-static-rsa-server", Cause: "cipher-mismatch", Title: "static RSA key exchange meets a client without it",
		Story: "The server's list is from the days before forward secrecy. Go and Python dropped the RSA key exchange; " +
			"curl still connects, which makes it look like the program's fault.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12, Suites: suites(tlswire.TLS_RSA_WITH_AES_128_CBC_SHA, tlswire.TLS_RSA_WITH_AES_256_CBC_SHA)}},
		Client: ClientHint{MaxVersion: "1.2", Ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"}},
	Scenario{ID: "cipher-dhe-server", Cause: "cipher-mismatch", Title: "finite-field DHE meets a client without it",
		Story: "The server speaks only DHE. Browsers and Go have removed it; for them there is no suite in common.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12,
			Suites: suites(tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384)}},
		Client: ClientHint{MaxVersion: "1.2", Ciphers: "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"}},
	Scenario{ID: "cipher-camellia-only", Cause: "cipher-mismatch", Title: "the server insists on Camellia",
		Story: "A national policy was taken to the letter: the server's only suites use Camellia, which default builds do not offer.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12,
			Suites: suites(tlswire.TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256, tlswire.TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384)}}},
	Scenario{ID: "cipher-tls13-suites", Cause: "cipher-mismatch", Title: "no TLS 1.3 suite in common",
		Story:  "Both sides have cut their TLS 1.3 suites down to one, and not to the same one.",
		Server: Server{Offer: Offer{MinVersion: tlswire.TLS13, Suites13: suites(tlswire.TLS_CHACHA20_POLY1305_SHA256)}},
		Client: ClientHint{MinVersion: "1.3", Ciphers: "TLS_AES_128_GCM_SHA256"}},
	Scenario{ID: "cipher-wrong-certificate-type", Cause: "cipher-mismatch", Or: []string{"server-no-certificate"},
		Title: "the server's suites want RSA, its certificate is ECDSA",
		Story: "The certificate was renewed with an ECDSA key, the list of suites still names only RSA. Every hello gets " +
			"handshake_failure, and the lists alone look compatible.",
		Server: Server{Offer: Offer{MaxVersion: tlswire.TLS12, Suites: suites(tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384), Scripted: true}}},
	Scenario{ID: "insufficient-security", Cause: "cipher-mismatch", Title: "every hello is too weak for the server",
		Story:  "The server answers insufficient_security (71): it demands something stronger than what any client offers.",
		Server: Server{Hello: Hello{Every: Alert(tlswire.AlertInsufficientSecurity)}}},

	Scenario{ID: "no-common-group", Cause: "no-common-group", Title: "the groups do not meet",
		Story:  "The server takes only P-521, the client was told to offer only X25519. The suites would fit.",
		Server: Server{Offer: Offer{Groups: groups(tlswire.GroupP521)}},
		Client: ClientHint{Groups: "x25519"}},
	Scenario{ID: "no-common-group-pq", Cause: "no-common-group", Title: "the server insists on post-quantum key agreement",
		Story:  "Only X25519MLKEM768 is allowed on the server. A client of last year knows only the classic groups.",
		Server: Server{Offer: Offer{MinVersion: tlswire.TLS13, Groups: groups(tlswire.GroupX25519MLKEM768)}},
		Client: ClientHint{Groups: "x25519,secp256r1"}},
	Scenario{ID: "no-common-group-brainpool", Cause: "no-common-group", Title: "the server knows only Brainpool curves",
		Story: "TLS 1.2 with ECDHE, but the curves are those of a national profile, which no default client offers.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12, Groups: groups(tlswire.GroupBrainpoolP256r1), Scripted: true,
			Suites: suites(tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)}}},
	Scenario{ID: "group-p521-only", Near: "no-common-group", Title: "only P-521, which the client has but did not guess",
		Story:  "The client's key shares are for other groups; the server asks for P-521 by a HelloRetryRequest. Nothing is wrong.",
		Server: Server{Offer: Offer{Groups: groups(tlswire.GroupP521)}}},

	Scenario{ID: "sigalg-mismatch", Cause: "sigalg-mismatch", Title: "the server can sign only with SHA-1",
		Story: "Suites and groups fit, but the key exchange must be signed, and the server's library or key token knows only " +
			"RSA with SHA-1, which clients no longer accept.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12, Schemes: schemes(tlswire.SchemeRSAPKCS1SHA1),
			Suites: suites(tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)}}},
	Scenario{ID: "sigalg-ed25519", Cause: "sigalg-mismatch", Title: "an Ed25519 certificate meets a client without Ed25519",
		Story:  "The key is modern, the client (a browser, say) does not offer ed25519.",
		Server: Server{Leaf: Leaf{Key: Ed25519}},
		Client: ClientHint{SigAlgs: "ecdsa_secp256r1_sha256,rsa_pss_rsae_sha256,rsa_pkcs1_sha256"}},
	Scenario{ID: "sigalg-p521", Cause: "sigalg-mismatch", Title: "a P-521 certificate meets a client without its scheme",
		Story:  "In TLS 1.3 the scheme names the curve. This client offers P-256 and P-384 only, as Chromium does.",
		Server: Server{Leaf: Leaf{Key: P521}, Offer: Offer{MinVersion: tlswire.TLS13}},
		Client: ClientHint{SigAlgs: "ecdsa_secp256r1_sha256,ecdsa_secp384r1_sha384,rsa_pss_rsae_sha256"}},
	Scenario{ID: "sigalg-unoffered", Cause: "sigalg-mismatch", Or: []string{"protocol-violation", "weak-key-or-digest"},
		Title: "the server signs with SHA-1 although nobody offered it",
		Story: "The server does not read signature_algorithms. Its ServerKeyExchange is signed with RSA and SHA-1, and strict clients end there.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12, Suites: suites(tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)},
			Proof: Proof{ForceScheme: tlswire.SchemeRSAPKCS1SHA1}}},
	Scenario{ID: "ed25519", Near: "sigalg-mismatch", Title: "an Ed25519 certificate",
		Story: "Unusual, and fine for the reference client.", Server: Server{Leaf: Leaf{Key: Ed25519}}},
	Scenario{ID: "p521-certificate", Near: "sigalg-mismatch", Title: "a P-521 certificate",
		Story: "Unusual, and fine for the reference client.", Server: Server{Leaf: Leaf{Key: P521}}},

	Scenario{ID: "dh-key-too-small", Cause: "dh-key-too-small", Title: "1,024-bit Diffie-Hellman parameters",
		Story: "The suites are DHE and the prime is the one that came with the software, 1,024 bits. The client sees it in the " +
			"ServerKeyExchange and refuses.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12, DHBits: 1024,
			Suites: suites(tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_DHE_RSA_WITH_AES_128_CBC_SHA)}}},
	Scenario{ID: "dh-key-768", Cause: "dh-key-too-small", Title: "768-bit Diffie-Hellman parameters",
		Story: "As small as in the days of export rules; a laptop breaks them.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12, DHBits: 768,
			Suites: suites(tlswire.TLS_DHE_RSA_WITH_AES_128_CBC_SHA)}}},
	Scenario{ID: "dhe-2048", Near: "dh-key-too-small", Title: "DHE with a 2,048-bit prime",
		Story: "Old-fashioned, but strong enough, and the reference client offers DHE.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12, DHBits: 2048,
			Suites: suites(tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_DHE_RSA_WITH_AES_256_CBC_SHA256)}}},

	Scenario{ID: "weak-key-or-digest", Cause: "weak-key-or-digest", Title: "a 1,024-bit RSA key",
		Story:  "A private CA issued it long ago. OpenSSL at security level 2 refuses the key, Go and Java take it.",
		Server: Server{Leaf: Leaf{Key: RSA1024}}},
	Scenario{ID: "weak-digest-leaf", Cause: "weak-key-or-digest", Title: "the certificate is signed with SHA-1",
		Story:  "The private CA was never reconfigured and still signs with SHA-1.",
		Server: Server{Leaf: Leaf{Key: RSA2048, Digest: "SHA1"}, Chain: Chain{IntermediateKey: RSA2048}}},
	Scenario{ID: "weak-digest-md5", Cause: "weak-key-or-digest", Title: "the certificate is signed with MD5",
		Story:  "A device signs its own certificates the way it did twenty years ago. Some libraries cannot even check MD5.",
		Server: Server{Leaf: Leaf{Key: RSA2048, Digest: "MD5"}, Chain: Chain{IntermediateKey: RSA2048}, Offer: Offer{Scripted: true}}},
	Scenario{ID: "weak-digest-intermediate", Cause: "weak-key-or-digest", Title: "the intermediate is signed with SHA-1",
		Story:  "The leaf is fine; the weak signature is one level up, where nobody looks.",
		Server: Server{Chain: Chain{IntermediateDigest: "SHA1"}}},
	Scenario{ID: "weak-key-intermediate", Cause: "weak-key-or-digest", Title: "the intermediate has a 1,024-bit RSA key",
		Story:  "The leaf is fine; the CA that signed it is weak.",
		Server: Server{Chain: Chain{IntermediateKey: RSA1024}}},
	Scenario{ID: "sha1-root", Near: "weak-key-or-digest", Title: "the root signs itself with SHA-1",
		Story:  "A trust anchor is trusted for its key; its own signature is never checked. The server even sends it.",
		Server: Server{Chain: Chain{RootDigest: "SHA1", SendRoot: true}}},

	Scenario{ID: "static-rsa-only", Near: "cipher-mismatch", Title: "only the RSA key exchange",
		Story: "No forward secrecy, and no problem for the reference client: it still offers these suites.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12,
			Suites: suites(tlswire.TLS_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_RSA_WITH_AES_256_CBC_SHA)}}},
	Scenario{ID: "cbc-only", Near: "cipher-mismatch", Title: "only CBC suites",
		Story: "Suites of 2006 with ECDHE. Dated, but the reference client offers them.",
		Server: Server{Offer: Offer{MaxVersion: tlswire.TLS12,
			Suites: suites(tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tlswire.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA)}}},
	Scenario{ID: "chacha-only", Near: "cipher-mismatch", Title: "one suite only: ChaCha20-Poly1305",
		Story: "The shortest possible list that still meets every client.",
		Server: Server{Offer: Offer{MaxVersion: tlswire.TLS12,
			Suites: suites(tlswire.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)}}},
)
