package facts

import "github.com/tlswhy/tlswhy/internal/tlswire"

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
