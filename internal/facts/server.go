package facts

import (
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Server is what is known of a server's side of the negotiation. The zero
// value knows nothing; what is not known is never taken for absent.
type Server struct {
	// Versions holds those that were tried: whether the server speaks them.
	Versions map[tlswire.Version]bool

	// Suites, Groups and Schemes are those that the server was seen to accept,
	// in its order where it has one. A Complete flag says that it accepts no
	// others; without it the list is a lower bound.
	Suites          []tlswire.CipherSuite
	SuitesComplete  bool
	Groups          []tlswire.Group
	GroupsComplete  bool
	Schemes         []tlswire.SignatureScheme
	SchemesComplete bool
	// OwnOrder says that the server's order decides, not the client's.
	OwnOrder bool
	// ChaChaFirst says that ChaCha20 goes before the server's order for clients
	// that put it first, as phones without AES in hardware do.
	ChaChaFirst bool
	// OwnGroups holds the versions in which its own order of groups decides; nil
	// where that is not known, and goes by OwnOrder.
	OwnGroups map[tlswire.Version]bool
	// GroupOrNothing says that it refuses a client with none of its groups even
	// where a suite without groups would do.
	GroupOrNothing bool
	// SchemeOrNothing says that it refuses a client of TLS 1.2 with none of its
	// signature schemes even where a suite without a signature would do.
	SchemeOrNothing bool
	// NamedDH says that it has finite-field DH only for clients that offer a
	// group of RFC 7919.
	NamedDH bool
	// Curves are those of its ECDSA keys where it demands of clients below TLS 1.3
	// that they offer one as a group (RFC 8422, Section 5.1.1).
	Curves []tlswire.Group
	// NoSSL2Format says that it does not read hellos in the format of SSL 2.0
	// that offer newer versions.
	NoSSL2Format bool

	// SuitesOf holds the same by version, for those versions that were asked one
	// by one; nil where that is not known.
	SuitesOf map[tlswire.Version][]tlswire.CipherSuite

	// Keys are the kinds of its certificates, AuthRSA, AuthECDSA ...; empty when
	// unknown. They bind the suites below TLS 1.3.
	Keys []tlswire.Authentication

	// DHBits is the size of its finite-field DH prime, 0 when unknown.
	DHBits int

	// NeedsSNI says that a hello without server_name is refused.
	NeedsSNI bool
}

// AuthOf is the authentication of suites below TLS 1.3 that a certificate's key
// serves.
func AuthOf(c *chain.Certificate) tlswire.Authentication {
	switch c.Key.Algorithm {
	case chain.KeyRSA, chain.KeyRSAPSS:
		return tlswire.AuthRSA
	case chain.KeyECDSA, chain.KeyEd25519, chain.KeyEd448:
		return tlswire.AuthECDSA
	case chain.KeyDSA:
		return tlswire.AuthDSS
	}
	return tlswire.AuthOther
}
