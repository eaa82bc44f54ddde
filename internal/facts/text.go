package facts

import (
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TextMatch is one failure that a text names: an error message, or all lines
// of a log that say the same. It holds what the words state; what they mean is
// the catalogue's business.
type TextMatch struct {
	Stack   string // program that wrote it: curl, nginx, java; "" when it does not show
	Library string // what did TLS there: OpenSSL, NSS, SChannel
	Version string // of the library or program, where the text tells it

	// Side is the end of the connection at which the writer sat, SideNone when
	// the text does not show it.
	Side    tlswire.Side
	Problem Problem
	// Whose is the side whose certificate, key or file the problem concerns.
	Whose tlswire.Side
	// Also are further problems in the same words, the more specific first.
	Also []Problem
	// Generic says that the words name no reason, only that it failed.
	Generic bool

	Alert tlswire.AlertDescription // meaningful where Way is set
	Way   Way
	Codes []TextCode
	Signs []Sign
	Stage diag.Stage // where the text tells it

	Host     string // the name or address that was wanted
	Port     int
	CertName string // a name that the certificate has, as the text tells it

	Line, Last int // first and last line, from 1
	Count      int
	Quote      string // the words, bounded, credentials masked

	// Log says that it stands in a log and not in a message that somebody
	// chose. Peers are the distinct client addresses in a server's log, bounded;
	// Most is how often the busiest of them shows the problem, Public how many
	// of them are addresses of the internet.
	Log                 bool
	Peers, Most, Public int
}

// Has tells whether the text shows a sign.
func (m *TextMatch) Has(s Sign) bool {
	return slices.Contains(m.Signs, s)
}

// AlertBy is the side that sent the alert, SideNone when that is not known.
func (m *TextMatch) AlertBy() tlswire.Side {
	switch m.Way {
	case WaySent:
		return m.Side
	case WayReceived:
		return Other(m.Side)
	}
	return tlswire.SideNone
}

// Other is the other end of the connection.
func Other(s tlswire.Side) tlswire.Side {
	switch s {
	case tlswire.SideClient:
		return tlswire.SideServer
	case tlswire.SideServer:
		return tlswire.SideClient
	}
	return tlswire.SideNone
}

// Way is the direction of an alert, as its writer saw it.
type Way uint8

// The ways.
const (
	WayNone     Way = iota // there is no alert in the text
	WayUnknown             // there is one, and the text does not tell who sent it
	WayReceived            // the writer's peer sent it
	WaySent                // the writer sent it
)

// TextCode is a code of the text with its decoded meaning.
type TextCode struct {
	Text  string // as it stands there: 0A000086
	Means string // "OpenSSL: SSL routines, certificate verify failed"
}

// Sign is something that a text shows beside the problem.
type Sign string

// The signs.
const (
	SignChainVerified Sign = "server chain verified"    // the server's certificate was accepted before
	SignBundleLoaded  Sign = "CA bundle loaded"         // a list of roots was in use
	SignFileMissing   Sign = "file missing"             // a file that was to be opened does not exist
	SignInspection    Sign = "inspection product named" // an issuer that re-signs
	SignUpstream      Sign = "to an upstream"           // the writer is a proxy, as a client
	SignSTARTTLS      Sign = "after STARTTLS"
	SignProxy         Sign = "through a proxy"
	SignClock         Sign = "clock wrong" // the stated time is absurd: 1970
	SignKnownSite     Sign = "well-known site"
	SignForeignName   Sign = "unrelated certificate name" // it shares no domain with the host
	SignHelloFirst    Sign = "answer to the ClientHello"  // nothing but the ClientHello had passed
	SignMaybeAlert    Sign = "perhaps a received alert"   // words that stand for an alert as well
	SignConnected     Sign = "connected"                  // TCP stood
	SignLoose         Sign = "loose words"                // no known phrase, only words near each other
	SignMutual        Sign = "mutual TLS"                 // client certificates are in use there
)

// Problem is what the words of a text complain about. The values are words for
// people and for the pattern files.
type Problem string

// The problems.
const (
	ProblemNameNotResolved  Problem = "name not resolved"
	ProblemRefused          Problem = "connection refused"
	ProblemConnectTimeout   Problem = "connect timeout"
	ProblemUnreachable      Problem = "no route"
	ProblemReset            Problem = "connection reset"
	ProblemClosed           Problem = "connection closed"
	ProblemTimeout          Problem = "handshake timeout"
	ProblemProxy            Problem = "proxy refused"
	ProblemPortal           Problem = "captive portal"
	ProblemNotTLS           Problem = "peer speaks no TLS"
	ProblemPlainClient      Problem = "client speaks no TLS"
	ProblemPlainServer      Problem = "server speaks no TLS"
	ProblemHTTP1            Problem = "HTTP/1.1 instead of HTTP/2"
	ProblemNoSTARTTLS       Problem = "STARTTLS missing"
	ProblemPROXYHeader      Problem = "PROXY header"
	ProblemThrottled        Problem = "rate limited"
	ProblemHandshakeFailure Problem = "handshake failure"
	ProblemFatalAlert       Problem = "fatal alert of unknown kind"
	ProblemNoCipher         Problem = "no shared cipher"
	ProblemVersionOrCipher  Problem = "version or cipher mismatch"
	ProblemNoChannel        Problem = "no secure channel" // .NET's and SChannel's words for any refusal
	ProblemNoGroup          Problem = "no shared group"
	ProblemNoScheme         Problem = "no shared signature algorithm"
	ProblemVersion          Problem = "protocol version"
	ProblemFallback         Problem = "inappropriate fallback"
	ProblemDowngrade        Problem = "downgrade detected"
	ProblemDHKey            Problem = "DH key too small"
	ProblemRenegotiation    Problem = "unsafe legacy renegotiation"
	ProblemALPN             Problem = "no application protocol"
	ProblemExtension        Problem = "missing extension"
	ProblemHelloRetry       Problem = "HelloRetryRequest"
	ProblemHelloSize        Problem = "hello too large"
	ProblemIntolerance      Problem = "hello not tolerated"
	ProblemPSK              Problem = "unknown PSK"
	ProblemFIPS             Problem = "FIPS"
	ProblemSecurityLevel    Problem = "insufficient security"
	ProblemResumption       Problem = "resumption broken"
	ProblemNotTrusted       Problem = "certificate not accepted"
	ProblemUnknownCA        Problem = "unknown issuer"
	ProblemSelfSigned       Problem = "self-signed certificate"
	ProblemSelfSignedRoot   Problem = "self-signed certificate in chain"
	ProblemIncomplete       Problem = "leaf not verifiable"
	ProblemExpired          Problem = "certificate expired"
	ProblemNotYetValid      Problem = "certificate not yet valid"
	ProblemDates            Problem = "certificate dates"
	ProblemClock            Problem = "clock wrong"
	ProblemHostname         Problem = "name mismatch"
	ProblemNoSAN            Problem = "name only in CN"
	ProblemRevoked          Problem = "certificate revoked"
	ProblemNoRevocation     Problem = "revocation unknown"
	ProblemCRLExpired       Problem = "CRL expired"
	ProblemStaple           Problem = "OCSP staple"
	ProblemPurpose          Problem = "wrong purpose"
	ProblemConstraints      Problem = "CA constraints"
	ProblemNameConstraints  Problem = "name constraints"
	ProblemMalformed        Problem = "certificate malformed"
	ProblemCertSignature    Problem = "certificate signature"
	ProblemWeak             Problem = "weak key or digest"
	ProblemLifetime         Problem = "lifetime too long"
	ProblemCT               Problem = "CT required"
	ProblemPin              Problem = "pin mismatch"
	ProblemDistrusted       Problem = "CA distrusted"
	ProblemChainSize        Problem = "chain too large"
	ProblemNoServerCert     Problem = "server has no certificate"
	ProblemUnsupportedCert  Problem = "certificate type unsupported"
	ProblemCertRequired     Problem = "client certificate required"
	ProblemClientCert       Problem = "client certificate bad or missing"
	ProblemKeyMismatch      Problem = "key does not match"
	ProblemUnrecognizedName Problem = "unrecognized name"
	ProblemMisdirected      Problem = "misdirected request"
	ProblemECH              Problem = "ECH rejected"
	ProblemInspection       Problem = "TLS inspection"
	ProblemAccessDenied     Problem = "access denied"
	ProblemDecrypt          Problem = "decrypt error"
	ProblemSSLProtocol      Problem = "SSL protocol error"
	ProblemProtocol         Problem = "protocol violation"
	ProblemInternal         Problem = "internal error"
	ProblemFile             Problem = "file or configuration"
	ProblemLocalPolicy      Problem = "local policy"
	ProblemUnknown          Problem = "no reason given"
)

// KnownProblem tells whether a word is one of the problems.
func KnownProblem(p Problem) bool { return slices.Contains(problems, p) }

var problems = []Problem{
	ProblemNameNotResolved, ProblemRefused, ProblemConnectTimeout, ProblemUnreachable, ProblemReset, ProblemClosed, ProblemTimeout,
	ProblemProxy, ProblemPortal, ProblemNotTLS, ProblemPlainClient, ProblemPlainServer, ProblemHTTP1, ProblemNoSTARTTLS, ProblemPROXYHeader, ProblemThrottled,
	ProblemHandshakeFailure, ProblemFatalAlert, ProblemNoCipher, ProblemVersionOrCipher, ProblemNoChannel, ProblemNoGroup, ProblemNoScheme, ProblemVersion,
	ProblemFallback, ProblemDowngrade, ProblemDHKey, ProblemRenegotiation, ProblemALPN, ProblemExtension, ProblemHelloRetry, ProblemHelloSize,
	ProblemIntolerance, ProblemPSK, ProblemFIPS, ProblemSecurityLevel, ProblemResumption, ProblemNotTrusted, ProblemUnknownCA,
	ProblemSelfSigned, ProblemSelfSignedRoot, ProblemIncomplete, ProblemExpired, ProblemNotYetValid, ProblemDates, ProblemClock,
	ProblemHostname, ProblemNoSAN, ProblemRevoked, ProblemNoRevocation, ProblemCRLExpired, ProblemStaple, ProblemPurpose, ProblemConstraints,
	ProblemNameConstraints, ProblemMalformed, ProblemCertSignature, ProblemWeak, ProblemLifetime, ProblemCT, ProblemPin, ProblemDistrusted,
	ProblemChainSize, ProblemNoServerCert, ProblemUnsupportedCert, ProblemCertRequired, ProblemClientCert, ProblemKeyMismatch,
	ProblemUnrecognizedName, ProblemMisdirected, ProblemECH, ProblemInspection, ProblemAccessDenied, ProblemDecrypt, ProblemSSLProtocol,
	ProblemProtocol, ProblemInternal, ProblemFile, ProblemLocalPolicy, ProblemUnknown,
}
