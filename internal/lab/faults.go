package lab

import (
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Server is a correct server plus faults. The zero value is healthy: TLS 1.2
// and 1.3, a P-256 certificate for the scenario's name from an intermediate of
// the lab's root, the whole chain sent, HTTP/1.1 and h2.
type Server struct {
	Transport
	Preamble
	Hello
	Offer
	Leaf
	Chain
	Proof
	ClientAuth
	Revocation
	Answer
	Breach
	Stage
	App
	Several
}

// Transport are faults of the connection, whatever TLS says.
type Transport struct {
	// Refuse lets nothing listen on the port.
	Refuse bool
	// BacklogFull lets SYNs go unanswered (Linux only).
	BacklogFull bool
	// AtAccept reacts before a byte of the client is read.
	AtAccept Reaction
	// LargePackets reacts like AtAccept where the client has not agreed on TCP
	// segments of at most 1000 bytes: what a path does that drops larger packets
	// (Linux only).
	LargePackets Reaction
	// EveryOther reacts like AtAccept, to the first, the third connection ...
	EveryOther Reaction
	// AcceptDelay waits before a connection is served.
	AcceptDelay time.Duration
	// OneAtATime serves a connection only when the one before is gone.
	OneAtATime bool
	// Speaks is another protocol than TLS: http, ssh, smtp, pop3, imap, ftp,
	// mysql, redis, echo (what it hears), random, endless (random bytes without end), records (TLS
	// records of application data without end), longrecord (a record header
	// whose length is nonsense).
	Speaks string
	// CutAfter ends the server's direction after so many bytes by CutBy.
	CutAfter int
	CutBy    Reaction
	// Trickle sends one byte at a time with this pause between them.
	Trickle time.Duration
	// Segment sends in pieces of at most this many bytes.
	Segment int
	// GarbleSent flips a bit of the byte with this number, from 1, that the
	// server sends.
	GarbleSent int
	// GarbleReceived does the same to what the server receives.
	GarbleReceived int
}

// Preamble is the plaintext dialogue before TLS and its faults.
type Preamble struct {
	// StartTLS is the protocol of the dialogue: smtp, imap, postgres and the
	// others of dialects and binaries, or "" for TLS from the first byte.
	StartTLS string
	// Greeting replaces the greeting: "421 4.7.0 too many connections".
	Greeting string
	// LongGreeting puts so many lines before an SMTP greeting.
	LongGreeting int
	// GreetingDelay waits before the greeting.
	GreetingDelay time.Duration
	// HeloOnly knows no EHLO.
	HeloOnly bool
	// NotOffered leaves STARTTLS out of the capabilities.
	NotOffered bool
	// Rewritten overwrites STARTTLS in the capabilities, as some firewalls do.
	Rewritten bool
	// RefuseStartTLS answers STARTTLS with these words: "454 4.7.0 TLS not
	// available".
	RefuseStartTLS string
	// CloseOnStartTLS closes the connection instead of an answer.
	CloseOnStartTLS bool
	// CloseAfterGoAhead closes it once TLS was agreed on.
	CloseAfterGoAhead bool
	// PlainAfterGoAhead answers the ClientHello with these words in clear.
	PlainAfterGoAhead string
	// Inject puts words between the go-ahead and TLS, as an attacker would.
	Inject string
	// Silent says nothing at all.
	Silent bool
}

// Hello are reactions to what the ClientHello says.
type Hello struct {
	// Every reacts to every ClientHello.
	Every Reaction
	// Large reacts to hellos of more than LargeAbove bytes (0 = 1400).
	Large      Reaction
	LargeAbove int
	// Split reacts to hellos that do not come with the first read.
	Split Reaction
	// GREASE reacts to reserved values (RFC 8701).
	GREASE Reaction
	// TLS13 reacts to hellos that mention TLS 1.3.
	TLS13 Reaction
	// PostQuantum reacts to hellos that offer X25519MLKEM768.
	PostQuantum Reaction
	// NoSNI reacts to hellos without server_name, SNI to those with one.
	NoSNI Reaction
	SNI   Reaction
	// LateNoSNI and LateSNI are the same once the ServerHello of TLS 1.3 is out:
	// Java looks for a certificate only then.
	LateNoSNI, LateSNI Reaction
	// UnknownSNI reacts to server_name values that are not the scenario's
	// name.
	UnknownSNI Reaction
	// NoH2 reacts to hellos that do not offer the protocol h2.
	NoH2 Reaction
	// Extension reacts to hellos that carry the extension ExtensionType.
	Extension     Reaction
	ExtensionType tlswire.ExtensionType
	// ManySuites reacts to hellos with more than 20 cipher suites.
	ManySuites Reaction
	// SplitRecords reacts to hellos in more than one TLS record.
	SplitRecords Reaction
	// OddRecord reacts to hellos whose record is not of version 3.1.
	OddRecord Reaction
	// Lacks reacts to hellos without the extension LacksType.
	Lacks     Reaction
	LacksType tlswire.ExtensionType
	// NotSSL2 reacts to hellos that are not in the format of SSL 2.0.
	NotSSL2 Reaction
}

// Offer is what the server can do; zero fields mean what is usual.
type Offer struct {
	// MinVersion and MaxVersion bound the versions (0 = TLS 1.2 and TLS 1.3).
	MinVersion tlswire.Version
	MaxVersion tlswire.Version
	// Suites are the cipher suites up to TLS 1.2, in the server's order.
	Suites []tlswire.CipherSuite
	// Suites13 are the suites of TLS 1.3.
	Suites13 []tlswire.CipherSuite
	// Groups are the named groups.
	Groups []tlswire.Group
	// Schemes are the only signature schemes with which the server signs.
	Schemes []tlswire.SignatureScheme
	// DHBits is the size of the finite-field prime of DHE suites (0 = 2048).
	DHBits int
	// VersionAlert replaces protocol_version (70) where no version fits.
	VersionAlert tlswire.AlertDescription
	// ALPN are the protocols; nil = h2 and http/1.1. NoALPN ignores ALPN.
	ALPN   []string
	NoALPN bool
	// NoRenegotiationInfo leaves RFC 5746 out.
	NoRenegotiationInfo bool
	// NoExtendedMasterSecret leaves RFC 7627 out.
	NoExtendedMasterSecret bool
	// Tickets is true for a server that issues TLS 1.3 session tickets.
	Tickets bool
	// Scripted uses the scripted server although crypto/tls could do it.
	Scripted bool
}

// Leaf are faults of the server's own certificate.
type Leaf struct {
	// Expired is how long ago it expired; a negative value is how long it is
	// still valid.
	Expired time.Duration
	// NotYetValid is how long it takes until it is valid.
	NotYetValid time.Duration
	// Names replace the names; IP addresses become IP SANs.
	Names []string
	// CommonName replaces the common name; NoSAN leaves the SAN out.
	CommonName string
	NoSAN      bool
	// Key is the kind of key (zero = P-256).
	Key KeyType
	// Digest is the signature's digest: "MD5", "SHA1".
	Digest string
	// ClientPurpose writes an extended key usage of clientAuth only.
	ClientPurpose bool
	// NoDigitalSignature writes a key usage of keyEncipherment (RSA) or
	// keyAgreement only.
	NoDigitalSignature bool
	// IsCA marks the leaf as a CA.
	IsCA bool
	// SelfSigned lets the leaf sign itself.
	SelfSigned bool
	// Version1 writes no version, hence no extensions.
	Version1 bool
	// UnknownCritical adds a critical extension that nobody knows.
	UnknownCritical bool
	// KeyIDMismatch writes an authority key identifier of another key.
	KeyIDMismatch bool
	// GarbleSignature flips a bit of the issuer's signature.
	GarbleSignature bool
	// Malformed breaks the DER: truncated, length, garbage, trailing.
	Malformed string
	// SelfIssued writes the issuer's name as the subject; the issuer signs as
	// before.
	SelfIssued bool
	// Issued is the moment of issue (zero = 30 days ago), Days the validity (0 =
	// 90): for rules that go by dates.
	Issued time.Time
	Days   int
	// SCTs are the logs of Certificate Transparency that signed the certificate,
	// by operator: "One", "Two", "One/2" (a second log of the first); a "!" at the
	// end garbles the signature. TLSSCTs come in the TLS extension instead.
	SCTs    []string
	TLSSCTs []string
}

// Chain are faults of the certificates above the leaf and of what is sent.
type Chain struct {
	// Intermediates is how many intermediates there are (0 = 1; -1 = none).
	Intermediates int
	// UnknownRoot issues from a root that the client does not have.
	UnknownRoot bool
	// ForeignRoot issues from a root of its own, that of an inspecting proxy.
	ForeignRoot bool
	// IntermediateExpired, RootExpired, IntermediateNotYetValid: dates above.
	IntermediateExpired     bool
	IntermediateNotYetValid bool
	RootExpired             bool
	// IntermediateNotCA, IntermediateNoCertSign and IntermediateClientPurpose
	// forbid the lowest intermediate its work.
	IntermediateNotCA         bool
	IntermediateNoCertSign    bool
	IntermediateClientPurpose bool
	// PathLen sets a path length of 0 on the highest of two intermediates.
	PathLen bool
	// Permitted and Excluded are name constraints of the lowest intermediate.
	Permitted, Excluded []string
	// IntermediateDigest and IntermediateKey weaken the lowest intermediate.
	IntermediateDigest string
	IntermediateKey    KeyType
	// RootDigest is the digest of the root's signature on itself.
	RootDigest string
	// IntermediateGarbled flips a bit of the signature on the intermediate.
	IntermediateGarbled bool
	// MissingIntermediate sends only the leaf; AIA names the issuer's URL and
	// serves it over HTTP.
	MissingIntermediate bool
	AIA                 bool
	// AtHand puts the intermediates beside the root into the client's file.
	AtHand bool
	// WrongIntermediate sends one of the same name with another key.
	WrongIntermediate bool
	// Reversed sends the chain in the wrong order; SendRoot adds the root;
	// Foreign adds so many certificates that belong to nothing; Twice sends
	// the leaf twice.
	Reversed bool
	SendRoot bool
	Foreign  int
	Twice    bool
	// ExpiredCrossSign adds an expired certificate for the root, signed by an
	// older, expired root, as if for old clients.
	ExpiredCrossSign bool
}

// Proof are faults of the server's proof that it holds the key.
type Proof struct {
	// WrongKey signs with another key of the same kind, OtherKind with a key of
	// that kind.
	WrongKey  bool
	OtherKind KeyType
	// GarbleProof flips a bit of the server's signature.
	GarbleProof bool
	// GarbleFinished flips a bit of the server's Finished.
	GarbleFinished bool
	// ForceScheme signs with this scheme, offered or not.
	ForceScheme tlswire.SignatureScheme
	// ExplicitCurve sends the curve's parameters instead of its name.
	ExplicitCurve bool
}

// ClientAuth is the demand for a client certificate and its faults.
type ClientAuth struct {
	// Ask is "", "optional" or "required".
	Ask string
	// NoCA names no CAs in the request; OtherCA names and trusts another CA.
	NoCA    bool
	OtherCA bool
	// WithoutCertificate replaces the reaction to an empty Certificate.
	WithoutCertificate Reaction
	// RefuseCertificate reacts to every client certificate, however good.
	RefuseCertificate Reaction
	// HTTP400 lets the handshake pass and refuses in HTTP, as nginx does.
	HTTP400 bool
}

// Revocation is what the issuer says about certificates, and how it is had. The
// words are those of revocations.crl and revocations.response (good, revoked,
// stale, foreign ...) and of the transport (missing, hang, huge ...).
type Revocation struct {
	// MustStaple writes the TLS feature extension (RFC 7633) into the leaf.
	MustStaple bool
	// Staple is the OCSP response that the server staples; StapleLate leaves it
	// out of the first connections that ask, as nginx does after its start.
	Staple     string
	StapleLate bool
	// CRL and OCSP put an address into the leaf and say what is had there.
	CRL, OCSP string
	// IntermediateCRL does so for the lowest intermediate, ClientCRL for the
	// client's certificate.
	IntermediateCRL string
	ClientCRL       string
	// ShortLived issues the leaf for six days; NoRevAvail says that there is no
	// revocation (RFC 9608).
	ShortLived bool
	NoRevAvail bool
}

// Answer are answers against the RFCs.
type Answer struct {
	// ForceVersion, ForceSuite and ForceGroup answer with this value, offered
	// or not.
	ForceVersion tlswire.Version
	ForceSuite   tlswire.CipherSuite
	ForceGroup   tlswire.Group
	// ExtraExtension puts an extension into the ServerHello that nobody asked
	// for.
	ExtraExtension tlswire.ExtensionType
	// Sentinel writes the downgrade sentinel of RFC 8446, Section 4.1.3.
	Sentinel bool
	// Retry sends a HelloRetryRequest although the share is there; RetryGroup
	// asks for this group, offered or not; RetryTwice sends two.
	Retry      bool
	RetryGroup tlswire.Group
	RetryTwice bool
	// ForceALPN answers with this protocol, offered or not.
	ForceALPN string
	// ShortServerHello cuts the last bytes off the ServerHello.
	ShortServerHello bool
	// OtherSessionID does not echo the session id in TLS 1.3.
	OtherSessionID bool
	// CertificateFirst sends the Certificate before the ServerHello.
	CertificateFirst bool
	// NoCertificate sends an empty certificate list.
	NoCertificate bool
	// Flood sends a Certificate message of so many bytes.
	Flood int
	// Warnings sends so many warning alerts before the ServerHello.
	Warnings int
}

// Stage ends the handshake at a stage.
type Stage struct {
	// AfterServerHello reacts when the ServerHello is sent.
	AfterServerHello Reaction
	// AfterCertificate reacts when the Certificate is sent.
	AfterCertificate Reaction
	// AfterFlight reacts when the server's whole flight is sent.
	AfterFlight Reaction
	// AfterClientFlight reacts to the client's second flight.
	AfterClientFlight Reaction
	// AfterFinished reacts when the handshake is complete.
	AfterFinished Reaction
}

// App is what the application does after the handshake.
type App struct {
	// DefaultNames are the names of the certificate for clients that send no
	// or an unknown server_name; empty = they get the right one.
	DefaultNames []string
	// DefaultSelfSigned makes that certificate a self-signed placeholder with
	// DefaultNames[0] as its common name.
	DefaultSelfSigned bool
	// SwapNames gives the default certificate to clients that send the right
	// server_name, and the right one to the others.
	SwapNames bool
	// OnDemand makes a certificate for every name that is asked for: "one-key",
	// all with the same key as inspecting proxies do, or "own-key".
	OnDemand string
	// Status is the status of the HTTP answer (0 = 200).
	Status int
	// Mute answers nothing.
	Mute bool
	// ServerHeader is the Server field of the answer ("" = "tlswhy-lab").
	ServerHeader string
	// Location sends the browser there (with Status 302, or over plain HTTP).
	Location string
	// Date writes a Date field, DateOff away from this machine's clock.
	Date    bool
	DateOff time.Duration
}
