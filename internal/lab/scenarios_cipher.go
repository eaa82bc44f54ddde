package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

var _ = register(
	Scenario{ID: "cipher-mismatch", Cause: "cipher-mismatch", Title: "the server takes only suites that clients gave up",
		Story: "An old device knows TLS 1.2, but only with RC4 and 3DES. Today's clients offer neither, " +
			"and the server can only say handshake_failure.",
		Server: Server{Offer: Offer{MaxVersion: tlswire.TLS12, Suites: []tlswire.CipherSuite{
			tlswire.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tlswire.TLS_RSA_WITH_RC4_128_SHA}},
			Leaf: Leaf{Key: RSA2048}}},
)
