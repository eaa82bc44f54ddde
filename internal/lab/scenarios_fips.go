package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

// Servers and clients of which one allows what FIPS 140-3 approves, and no more.
var _ = register(
	Scenario{ID: "fips-server", Cause: "no-common-group", Or: []string{"cipher-mismatch"}, Also: []string{"fips-policy"}, Title: "a server in FIPS mode, and a client without anything approved",
		Story: "The server takes AES on NIST's curves. The client was set to X25519 and ChaCha20-Poly1305, which its maker likes better.",
		Server: Server{Offer: Offer{Groups: groups(tlswire.GroupP256, tlswire.GroupP384), Suites13: suites(tlswire.TLS_AES_128_GCM_SHA256, tlswire.TLS_AES_256_GCM_SHA384),
			Suites: suites(tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)}},
		Client: ClientHint{Groups: "x25519", Ciphers: "TLS_CHACHA20_POLY1305_SHA256,ECDHE-ECDSA-CHACHA20-POLY1305"}},
	Scenario{ID: "fips-server-12", Cause: "no-common-group", Or: []string{"cipher-mismatch"}, Also: []string{"fips-policy"}, Title: "the same with TLS 1.2 and RSA",
		Story: "As above, on an older server.",
		Server: Server{Leaf: rsaLeaf, Offer: Offer{MaxVersion: tlswire.TLS12, Groups: groups(tlswire.GroupP256, tlswire.GroupP384),
			Suites: suites(tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)}},
		Client: ClientHint{Groups: "x25519,x448", Ciphers: "ECDHE-RSA-CHACHA20-POLY1305", MaxVersion: "1.2"}},
	Scenario{ID: "fips-client", Cause: "no-common-group", Also: []string{"fips-policy"}, Title: "a client in FIPS mode, and a server with X25519 alone",
		Story:  "The policy of the client's system left NIST's curves, AES and no Edwards curve. The server has X25519.",
		Server: Server{Offer: Offer{Groups: groups(tlswire.GroupX25519)}},
		Client: ClientHint{Groups: "secp256r1,secp384r1,secp521r1", SigAlgs: "ecdsa_secp256r1_sha256,ecdsa_secp384r1_sha384,rsa_pss_rsae_sha256,rsa_pkcs1_sha256",
			Ciphers: "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256,ECDHE-ECDSA-AES128-GCM-SHA256,ECDHE-RSA-AES128-GCM-SHA256"}},
	Scenario{ID: "fips-not-p256", Cause: "no-common-group", Near: "fips-policy", Title: "a plain server with P-256 alone, and a client without it",
		Story:  "One group is a taste and no policy.",
		Server: Server{Offer: Offer{Groups: groups(tlswire.GroupP256)}}, Client: ClientHint{Groups: "x25519"}},
	Scenario{ID: "fips-not-aes", Cause: "cipher-mismatch", Near: "fips-policy", Title: "a server without ChaCha20-Poly1305",
		Story:  "AES, as on most servers; the groups do not matter.",
		Server: Server{Offer: Offer{MaxVersion: tlswire.TLS12, Suites: suites(tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)}},
		Client: ClientHint{Ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305", MaxVersion: "1.2"}},
	Scenario{ID: "fips-not-healthy", Near: "fips-policy", Title: "a server with P-256 and AES alone",
		Story:  "Every client of today has both.",
		Server: Server{Offer: Offer{Groups: groups(tlswire.GroupP256), Suites13: suites(tlswire.TLS_AES_128_GCM_SHA256), Suites: suites(tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)}}},
)
