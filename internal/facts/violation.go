package facts

// Violation is one breach of a rule by the peer.
type Violation struct {
	Kind    ViolationKind
	Message string // where: ServerHello
	Problem string // what is wrong, in words
	Rule    string // "RFC 8446, Section 4.1.3"
}

// ViolationKind is what kind of rule was broken; rules of the catalogue ask for
// the kind and never for words of the problem.
type ViolationKind string

// The kinds of violations. The zero value is a message that cannot be parsed.
const (
	ViolationSyntax      ViolationKind = ""
	ViolationVersion     ViolationKind = "version"     // a version that was not offered
	ViolationLegacy      ViolationKind = "legacy"      // legacy_version is not that of TLS 1.2
	ViolationSuite       ViolationKind = "suite"       // a suite that was not offered or is of another version
	ViolationCompression ViolationKind = "compression" // a compression that was not offered, or that must be null
	ViolationExtension   ViolationKind = "extension"   // an extension that was not offered, or in the wrong message
	ViolationDuplicate   ViolationKind = "duplicate"   // an extension twice
	ViolationALPN        ViolationKind = "alpn"        // a protocol that was not offered, or not exactly one
	ViolationSessionID   ViolationKind = "session-id"  // not echoed
	ViolationSentinel    ViolationKind = "sentinel"    // the downgrade sentinel of RFC 8446, Section 4.1.3
	ViolationGroup       ViolationKind = "group"       // a group that was not offered
	ViolationKeyShare    ViolationKind = "key-share"   // none, of another group, or no element of its group
	ViolationScheme      ViolationKind = "scheme"      // a signature scheme that was not offered or is of another version
	ViolationEcho        ViolationKind = "echo"        // our own message, sent back
	ViolationOrder       ViolationKind = "order"       // a message in the wrong place, twice or missing
	ViolationRecord      ViolationKind = "record"      // a record of an impossible kind or length
	ViolationPlaintext   ViolationKind = "plaintext"   // in clear what must be encrypted
	ViolationCCS         ViolationKind = "ccs"         // ChangeCipherSpec
	ViolationEmpty       ViolationKind = "empty"       // an empty Certificate
	ViolationZero        ViolationKind = "zero"        // something where nothing may be
	ViolationPSK         ViolationKind = "psk"         // a pre-shared key that was not offered

	// Of the HelloRetryRequest and what follows it.
	ViolationRetryTwice   ViolationKind = "retry-twice"
	ViolationRetryGroup   ViolationKind = "retry-group" // a group that was not offered
	ViolationRetrySame    ViolationKind = "retry-same"  // a group whose share was there
	ViolationRetryNothing ViolationKind = "retry-nothing"
	ViolationRetryChange  ViolationKind = "retry-change" // another suite, version or group after it
)

// OfRetry tells whether the violation concerns a HelloRetryRequest.
func (k ViolationKind) OfRetry() bool {
	switch k {
	case ViolationRetryTwice, ViolationRetryGroup, ViolationRetrySame, ViolationRetryNothing, ViolationRetryChange:
		return true
	}
	return false
}
