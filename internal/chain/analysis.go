package chain

import "time"

// Usage is what the leaf is used for.
type Usage uint8

// The usages.
const (
	UsageServer Usage = iota
	UsageClient
	UsageCA // a CA's own certificate: what a leaf must have is not asked
)

// Input is all that Analyze looks at.
type Input struct {
	Sent    []*Certificate // as sent, leaf first
	Extra   []*Certificate // fetched or at hand; never counted as sent
	Anchors []*Certificate

	Name  string    // DNS name or IP literal; "" = names are not checked
	Now   time.Time // the judged moment
	Usage Usage

	// KeyUse is the key usage that the handshake needs of the leaf; zero means
	// digitalSignature (all of TLS 1.3, and ECDHE and DHE before it).
	KeyUse KeyUsage

	// OwnAnchors says that the anchors are the user's own and no public list, so
	// that the sent chain is expected to lead to one of them.
	OwnAnchors bool

	// DistrustAfter holds, by SHA-256 of an anchor, the moment after which what
	// it has issued is not trusted any more. Nil = no such rule.
	DistrustAfter map[[32]byte]time.Time

	Policy Policy
}

// Policy is what a client enforces. The zero value is the strict reference
// client: names in the SAN only, extended key usage, key usage, basic and name
// constraints, the anchors' own dates, RSA of 2048 bits and more, curves of 224
// bits and more, no SHA-1 or MD5 below the anchor.
type Policy struct {
	MinRSABits int // 0 = 2048, negative = no limit; also for DSA and DH
	MinECBits  int // 0 = 224, negative = no limit
	AllowSHA1  bool
	AllowMD5   bool

	CNFallback bool // the common name counts when there is no DNS SAN

	IgnoreKeyUsage        bool // key usage of the leaf
	IgnoreExtKeyUsage     bool
	AcceptAnyUsage        bool // anyExtendedKeyUsage counts as the wanted one: Go, Java, Chromium; not OpenSSL, Firefox
	IgnoreCAs             bool // basicConstraints and keyCertSign of issuers
	IgnorePathLen         bool
	IgnoreNameConstraints bool
	Backtracks            bool // tries all paths and checks who signed what, as all but OpenSSL: see First and KindSelfIssued
	IgnoreAnchorDates     bool
	IgnoreCritical        bool // unknown critical extensions

	RejectCALeaf    bool // a leaf with CA:true is refused
	RejectLifetime  bool // validity above the limit of its time is refused, see LifetimeLimit
	RejectDistrust  bool // DistrustAfter is enforced, else only noted
	RejectExplicit  bool // explicit curve parameters are refused, else only noted
	ExactNames      bool // issuer and subject must be equal byte for byte
	OnlySentOrder   bool // each certificate must be issued by the next one sent
	MaxCertificates int  // sent certificates above this are refused; 0 = 100, as OpenSSL
}

// Kind names a problem or a note.
type Kind string

// The kinds of problems.
const (
	KindExpired         Kind = "expired"
	KindNotYetValid     Kind = "not-yet-valid"
	KindNameMismatch    Kind = "name-mismatch"
	KindSelfSigned      Kind = "self-signed"    // the leaf, verified, and no anchor
	KindSelfIssued      Kind = "self-issued"    // subject equals issuer, but another key has signed
	KindUnknownIssuer   Kind = "unknown-issuer" // the path ends without an anchor
	KindIncomplete      Kind = "incomplete"     // an intermediate was not sent that exists
	KindBadEKU          Kind = "bad-eku"
	KindBadKeyUsage     Kind = "bad-key-usage"
	KindNotCA           Kind = "not-a-ca"
	KindPathLength      Kind = "path-length"
	KindNameConstraints Kind = "name-constraints"
	KindUnknownCritical Kind = "unknown-critical-extension"
	KindMalformed       Kind = "malformed"
	KindBadSignature    Kind = "bad-signature"
	KindWeakKey         Kind = "weak-key"
	KindWeakDigest      Kind = "weak-digest"
	KindKeyIDMismatch   Kind = "key-id-mismatch"
	KindLifetime        Kind = "lifetime"
	KindDistrusted      Kind = "distrusted"
	KindLeafIsCA        Kind = "leaf-is-ca"
	KindExplicitCurve   Kind = "explicit-curve"
	KindNameEncoding    Kind = "name-encoding" // issuer and subject equal, but encoded differently
	KindTooManyCerts    Kind = "too-many-certificates"
	KindChainOrder      Kind = "chain-order" // see OrderNote kinds below for the harmless forms
)

// The kinds that appear only as notes.
const (
	KindCNOnly             Kind = "cn-only"             // matches by the common name only
	KindUncheckedSignature Kind = "unchecked-signature" // the key or algorithm cannot be checked here
	KindOutOfOrder         Kind = "out-of-order"        // sent, used, but not in its place
	KindLeafNotFirst       Kind = "leaf-not-first"      // a later certificate looks like the server's own
	KindDuplicate          Kind = "duplicate"           // sent twice
	KindForeign            Kind = "foreign"             // sent, on no path of the leaf
	KindRootSent           Kind = "root-sent"           // the anchor itself was sent: harmless
	KindOtherPath          Kind = "other-path"          // clients that try all paths find a valid one
	KindUnusedExpired      Kind = "unused-expired"      // an expired certificate beside a good path
	KindGoRefuses          Kind = "go-refuses"          // crypto/x509 does not parse it
	KindParseNote          Kind = "parse-note"          // a departure from DER or RFC 5280 that clients bear
)

// Problem is one thing wrong with a path, or a note about it.
type Problem struct {
	Kind    Kind
	Element int          // index in Path.Elements, or in Sent for Analysis.Notes; -1 = none
	Cert    *Certificate // the certificate concerned; of an unknown issuer, the child
	Detail  string       // one plain sentence without a full stop

	At         time.Time   // expired, not-yet-valid, distrusted: the limit that is passed
	Name       string      // name-mismatch, name-constraints: the name
	Match      *NameResult // name-mismatch, cn-only
	Constraint string      // name-constraints: the subtree, or "" when no permitted one fits
	Excluded   bool        // name-constraints: an excluded subtree fits
	Issuer     *Certificate
	RootSent   bool // unknown-issuer: the path ends in a sent self-signed certificate
	Missing    *Missing
	OID        string // unknown-critical-extension
	Algorithm  string // weak-key, weak-digest
	Bits       int    // weak-key
	Have       int    // path-length, too-many-certificates
	Limit      int    // path-length, weak-key (bits), lifetime (days), too-many-certificates
}

// Source tells where an element of a path comes from.
type Source uint8

// The sources.
const (
	SourceSent Source = iota
	SourceExtra
	SourceAnchor
)

// String names the source.
func (s Source) String() string {
	return [...]string{"sent", "extra", "anchor"}[min(s, SourceAnchor)]
}

// Element is one certificate of a path.
type Element struct {
	Cert   *Certificate
	Source Source
	Index  int   // in Sent; -1 when it was not sent. An anchor that was sent too has its index
	Link   Check // the check of this element's signature by the next; zero for the last
}

// Path is one way from the leaf upwards.
type Path struct {
	Elements  []Element // leaf first
	Complete  bool      // the last element is an anchor
	UsesExtra bool      // needs a certificate that was not sent and is no anchor
	Problems  []Problem // what the client refuses; worst first
	Notes     []Problem // what is worth knowing, but refused by others only
}

// Valid reports whether the client accepts the path.
func (p *Path) Valid() bool { return p.Complete && len(p.Problems) == 0 }

// Find gives the first problem of the kind, or nil.
func (p *Path) Find(k Kind) *Problem {
	for i := range p.Problems {
		if p.Problems[i].Kind == k {
			return &p.Problems[i]
		}
	}
	return nil
}

// Likelihood grades how sure it is that a certificate is merely missing.
type Likelihood uint8

// The grades, ascending.
const (
	LikelihoodUnknown Likelihood = iota // nothing tells a missing intermediate from an unknown CA
	LikelihoodLikely                    // names or identifiers point to an anchor
	LikelihoodCertain                   // the certificate is at hand, or identified by serial number
)

// String names the grade.
func (l Likelihood) String() string {
	return [...]string{"unknown", "likely", "certain"}[min(l, LikelihoodCertain)]
}

// Missing describes an issuer that was not sent.
type Missing struct {
	Child  *Certificate // whose issuer is missing
	Issuer DN
	KeyID  []byte   // of the issuer, from the child's authorityKeyIdentifier
	URLs   []string // where the child says that its issuer can be fetched
	Cert   *Certificate
	Likely Likelihood // that the chain is incomplete and its CA known
	Anchor *Certificate
	Reason string
}

// Analysis is what Analyze found.
type Analysis struct {
	Leaf  *Certificate // nil when nothing was sent
	Paths []*Path      // all candidates, best first; never empty when there is a leaf
	Valid bool         // the client accepts: some path is valid, or, without backtracking, the first one

	// NameProblem is the name mismatch, which is the same on every path; nil =
	// the name matches or is not checked. It is among the problems of each path.
	NameProblem *Problem
	Name        NameResult

	Notes   []Problem // about what was sent as a whole: order, duplicates, foreign certificates ...
	Missing []Missing // issuers that were not sent, on the best paths

	// First is the path that OpenSSL tries, the only one. It is the best path when it is
	// invalid and the policy does not backtrack, whatever other paths there are.
	First *Path

	// Truncated says that the search was cut short by its bounds.
	Truncated bool
}

// BestPath is the path judged: a valid one if any, else the one with the fewest
// and least severe problems. It is nil only when nothing was sent.
func (a *Analysis) BestPath() *Path {
	if len(a.Paths) == 0 {
		return nil
	}
	return a.Paths[0]
}

// Problems are those of the best path.
func (a *Analysis) Problems() []Problem {
	if p := a.BestPath(); p != nil {
		return p.Problems
	}
	return nil
}
