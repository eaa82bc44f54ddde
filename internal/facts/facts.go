// Package facts holds the words that all inputs share: what was wanted, what
// was tried, what came back and how it ended. Inputs produce facts, the
// catalogue (package causes) reads them. Facts state what was seen and draw no
// conclusion.
package facts

import (
	"net/http"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Case is all that the judge reads. It holds no handle to the outside world.
type Case struct {
	At time.Time // the judged moment, UTC
	// AtGiven says that the user chose the moment; else it is this machine's
	// clock, which Built has certainly left behind.
	AtGiven bool
	Built   time.Time
	Want    Want
	Lookup  Lookup
	// Controls are other servers, unrelated to the target, which the user named
	// to compare with: what fails there too is not the target's fault.
	Controls []Control
	Attempts []*Attempt
	// Others are handshakes of other clients, or at other times, that worked
	// with the same server; nobody made them for the sake of comparison.
	Others []*Attempt
	// Fetches are the answers to experiments of kind Fetch, good or bad.
	Fetches []Fetched
	// Walk is how far the hello gets, nil where nobody asked.
	Walk *Walk
	// Spent says that the budget is used up: nothing more can be tried.
	Spent bool
	// Texts are what error messages and logs say of the same failure.
	Texts []TextMatch
	// Site is what a configuration says of the server, nil where none was read;
	// Faults is what is wrong with a configuration outside of any site.
	Site   *Site
	Faults []Fault
}

// Want is the client that the verdict is about and what it wants to reach.
type Want struct {
	Input    string
	Name     string // DNS name or IP literal that the certificate must cover
	Port     int
	Protocol string // https, http, tls, smtp, imap ...
	StartTLS string // protocol of the preamble, "" for TLS from the first byte
	// SpeaksFirst says that clients of Protocol begin, with words that we know.
	SpeaksFirst bool
	// Guessed says that Protocol was not said by the user but derived from the
	// port; what only the guess breaks is no failure.
	Guessed bool

	Hello  *tlswire.ClientHello // the user's own hello, before it is armed
	Client Client
	// RecordSplit and SegmentSplit cut the user's own hello into records and
	// TCP segments of so many bytes; 0 leaves it whole.
	RecordSplit, SegmentSplit int
	// Proxy is the proxy that the user's client goes through, nil for none.
	// OtherProxy is one that its environment names and that it leaves out.
	Proxy, OtherProxy *Proxy
	// CanClamp says that this machine lets a program set the largest segment.
	CanClamp bool

	// Identity is the client certificate chain to present, leaf first; empty
	// when there is none.
	Identity []*chain.Certificate
	// IdentityKeyMismatch says that the key that was given does not belong to
	// the certificate that was given.
	IdentityKeyMismatch               bool
	IdentityCertFile, IdentityKeyFile string

	Anchors     []*chain.Certificate
	AnchorsFrom string // in words: "the system store (142 roots)", "--ca ca.pem"
	// AnchorsPrivate says that the anchors are the user's own file and not a
	// public store.
	AnchorsPrivate bool
	// DistrustAfter are roots whose newer leaves are refused, by SHA-256.
	DistrustAfter map[[32]byte]time.Time
	// Demand is what is wanted of certificates beyond a valid path.
	Demand Demand
	// Stores are the lists of other programs, nil as long as nobody asked.
	Stores []Store
	// AtHand are certificates that may complete a path without the server
	// having sent them: intermediates found in --ca or known publicly.
	AtHand []*chain.Certificate

	// Local is what is wrong with the user's own files, nil when nothing is; no
	// connection is made then.
	Local *LocalFault

	// Repeat is how many connections with the user's own hello to make to each
	// address; 0 = one, and a few more where answers may differ.
	Repeat int
	// OnDisk is the chain that the server is expected to serve, as a file on its
	// machine holds it (OnDiskFile); empty when nobody said.
	OnDisk     []*chain.Certificate
	OnDiskFile string
	// Revocation says what the client does about revocation beside a staple:
	// RevocationSoft, RevocationHard, or "" for nothing.
	Revocation string
	// Lists are the revocation lists that the user gave.
	Lists []List
	// RequireStaple says that the client wants a stapled OCSP response.
	RequireStaple bool

	Server string // software whose fixes to print (--server), "" when unknown
	// Command is the user's own command line, to be repeated as "verify".
	Command string
}

// LocalFault is a file of the user's that is readable and of no use.
type LocalFault struct {
	File, Role string // Role: "CA file", "client certificate", "client key"
	Problem    string // in words: "it holds a private key, but no certificate"
	Mend       string // what mends it, "" when that is not known
	// Ours says that the file may be in order and only we cannot use it.
	Ours bool
}

// Client is how the client judges what it gets; the hello says what it offers.
type Client struct {
	Name       string // "reference client (OpenSSL 3.5 defaults)", "Java 6u45"
	Reference  bool
	Stack      string // the library whose measured habits it has, "" when not known
	MinVersion tlswire.Version
	MaxVersion tlswire.Version
	// SignedFrom is the oldest version in which the client takes the server's
	// signature, where it offers older ones all the same (SHA-1 below OpenSSL's
	// security level 0); those it ends well only with suites that sign nothing.
	// 0 = MinVersion.
	SignedFrom tlswire.Version
	MinRSABits int // of keys below the anchor; 0 = any
	MinDHBits  int // of the server's finite-field DH prime; 0 = any
	AllowSHA1  bool
	CNFallback bool
	// NoRFC5746 says that the client goes on without secure renegotiation.
	NoRFC5746 bool
	SendsSNI  bool
	// Rules are the dated rules that it enforces.
	Rules Rules
	// RequiresALPN says that the client ends where the server selects none of
	// its application protocols.
	RequiresALPN bool
}

// Control is a server to compare with.
type Control struct {
	Name    string // that it is asked for; an IP literal is no server_name
	Address string // ip:port; never one of the target's
}

// Lookup is the result of resolving the target's name.
type Lookup struct {
	Name      string
	Addresses []string // IP literals; the order is the resolver's
	// Err is the resolver's text, "" when it answered; NotFound means that the
	// name does not exist or has no address.
	Err      string
	NotFound bool
	// WrongFamily says that it has addresses, but none of the wanted family.
	WrongFamily bool
	Timeout     bool
	Took        time.Duration
	// Given says that the addresses come from --connect or an IP literal.
	Given bool
}

// The words of Want.Revocation.
const (
	RevocationSoft = "soft" // asks, and goes on without an answer
	RevocationHard = "hard" // asks, and fails without an answer
)

// List is a revocation list that the user gave.
type List struct {
	From string // in words: "--crl ca.crl"
	List *chain.RevocationList
}

// Lowest is the oldest version in which the client ends a handshake with the
// suite well; 0 stands for a suite that signs.
func (c Client) Lowest(suite tlswire.CipherSuite) tlswire.Version {
	if suite.Info().Kex == tlswire.KexRSA {
		return c.MinVersion
	}
	return max(c.MinVersion, c.SignedFrom)
}

// Kind is the kind of an experiment.
type Kind uint8

// The kinds of experiments.
const (
	Handshake Kind = iota
	Fetch          // what a certificate points to; URL says where, What what
	Plain          // plaintext instead of TLS; What says which words
	// OnFile is no connection: the chain was read from a file, and Address is
	// the file's name.
	OnFile
)

// The words of a Plain experiment.
const (
	PlainHTTP = "http" // an HTTP/1.1 request for the target's path
	PlainOwn  = "own"  // the first words of the target's own protocol
)

// The words of a Handshake.
const (
	Quiet  = "quiet"  // no request is sent after it
	Resume = "resume" // it offers the session of the address Session
	Later  = "later"  // it comes after a pause
)

// The words of a Fetch; "" is an issuer certificate by AIA.
const (
	FetchList = "revocation list"
	FetchOCSP = "OCSP"
)

// Experiment is one thing to try. It is comparable; the zero value of Changes
// is the user's own hello.
type Experiment struct {
	Kind    Kind
	Address string // ip:port
	Changes Changes
	Repeat  int    // 0 for the first time, then 1, 2 ...
	URL     string // of a Fetch
	What    string // of a Plain or a Fetch; or Quiet, Resume, Later
	Session string // of Resume: the address whose session is offered
	Body    string // of a Fetch: what is posted, "" for GET
	// Direct skips the STARTTLS dialogue: TLS from the first byte.
	Direct bool
}

// Fetched is the answer to a Fetch.
type Fetched struct {
	URL, What, Body string // of the experiment

	At           time.Time            // when the answer was there
	Certificates []*chain.Certificate // What is ""
	List         *chain.RevocationList
	OCSP         *chain.OCSPResponse
	Err          string // in words, "" when it worked
}

// Answers tells whether it is the answer to the experiment.
func (f *Fetched) Answers(e Experiment) bool {
	return e.Kind == Fetch && f.URL == e.URL && f.What == e.What && f.Body == e.Body
}

// Attempt is one connection with its whole transcript. A partial transcript is
// kept; nil pointers mean that the message never came.
type Attempt struct {
	N       int // from 1, in the order in which they were started
	Of      Experiment
	Address string // ip:port
	Started time.Time
	// Alone says that no other attempt to the same address ran beside it.
	Alone bool

	Connect time.Duration // of the TCP connect; through a proxy, to the proxy
	Passage *Passage      // through a proxy, nil without
	// Peer is the ip:port that was dialled, where that is not Address.
	Peer     string
	Preamble []PreambleLine

	Sent     *tlswire.ClientHello // as armed and sent; the second one after a HelloRetryRequest
	Messages []Message            // both directions, in order

	Retry       *tlswire.ServerHello // the HelloRetryRequest
	ServerHello *tlswire.ServerHello
	SSL2        *tlswire.SSL2ServerHello
	Version     tlswire.Version // negotiated, 0 before the ServerHello
	Encrypted   *tlswire.EncryptedExtensions
	Certificate *tlswire.Certificate
	Chain       []*chain.Certificate // the certificates as sent, parsed leniently
	Staple      []byte               // stapled OCSP response, DER
	KeyExchange *tlswire.ServerKeyExchange
	Request     *tlswire.CertificateRequest
	// KeyProof is the check of the signature by which the server proves that it
	// holds the certificate's key (ServerKeyExchange or CertificateVerify);
	// with RSA key exchange the Finished proves it.
	KeyProof Proof
	Finished Proof // of the server's Finished
	Tickets  int   // NewSessionTicket messages
	Session  Session
	// IdentitySent says that a non-empty Certificate was presented;
	// IdentityVerify the scheme it was proven with.
	IdentitySent   bool
	IdentityVerify tlswire.SignatureScheme
	// Alerts are all alerts received, warnings included, in order.
	Alerts []tlswire.Alert
	// Violations are breaches of the RFCs by the peer that did not end the
	// attempt by themselves.
	Violations []Violation
	HTTP       *HTTP
	// Reply holds the first words of a server of another protocol after the
	// handshake, bounded; they are asked for only where it wanted a client
	// certificate.
	Reply []byte

	End           End
	BytesSent     int
	BytesReceived int
	TCP           *TCPInfo

	// Seen is set when another client made the attempt and we looked on.
	Seen *Seen
	// Site is set when nothing was connected: it is what a configuration makes
	// one expect. Because is the line that decides the end.
	Site    *Site
	Because Line
}

// Session is what became of an offer to resume an earlier session, and what
// the attempt left to resume. The kinds are "session ID", "ticket" and "PSK".
type Session struct {
	Offered string // the kind, "" when none was offered
	Resumed bool   // the server took the offer
	Left    string // the kind that a later attempt may offer, "" = none
	// EarlyData is how many bytes of early data a ticket allows (RFC 8446,
	// Section 4.6.1).
	EarlyData uint32
	// Renegotiation says what came of a second hello of ours within the
	// connection: accepted or refused; "" where there was none, or no answer.
	Renegotiation string
}

// PreambleLine is one line of a plaintext dialogue.
type PreambleLine struct {
	From tlswire.Side
	Text string
}

// Message is one record-layer or handshake message as it passed.
type Message struct {
	From tlswire.Side
	Name string        // ClientHello, Alert, ChangeCipherSpec, application data ...
	Raw  []byte        // plaintext of the message, bounded
	Size int           // on the wire, in bytes
	At   time.Duration // since Started
	// Packet is the last packet of the capture that holds it, 0 without one.
	Packet int
}

// Proof is a check with three results; the zero value means that there was
// nothing to check.
type Proof struct {
	Result ProofResult
	Reason string // why it is invalid or cannot be checked
	Scheme tlswire.SignatureScheme
}

// ProofResult is the outcome of a Proof.
type ProofResult uint8

// The outcomes.
const (
	ProofNone ProofResult = iota
	ProofValid
	ProofInvalid
	ProofCannotCheck
)

// HTTP is the first answer of the application.
type HTTP struct {
	Status int // 0 when the answer was no HTTP
	Proto  string
	Header http.Header
	Body   []byte // bounded
	Raw    []byte // the first bytes, bounded
}

// TCPInfo is what the kernel knew at the end (Linux only).
type TCPInfo struct {
	RTT           time.Duration
	Retransmits   int
	Unacked       int
	Sacked        int
	BytesAcked    int64
	BytesReceived int64
	OutOfOrder    int
	SndMSS        int
	PathMTU       int
}

// Refusal is a server's word against going on in a plaintext dialogue.
type Refusal struct {
	Step string // what it answered: "greeting", "STARTTLS" ...
	Code string // "421", "NO"; "" where the protocol has none
	Text string
	// Temporary says that the server asks to come again, Denied that it speaks
	// of this client or its address.
	Temporary, Denied bool
}

// EndKind is how an attempt ended.
type EndKind uint8

// The ends. They are facts and never folded into one another.
const (
	EndUnknown     EndKind = iota
	EndCompleted           // handshake and, where one was sent, first request
	EndStopped             // we stopped on purpose: enough was seen
	EndRefused             // RST to the SYN
	EndUnreachable         // no route, ICMP
	EndNoConnect           // SYN unanswered until the deadline
	EndProxy               // the proxy did not open the tunnel
	EndPreamble            // the plaintext dialogue did not lead to TLS
	EndAlert               // fatal alert (or close_notify) from the peer
	EndReset               // RST after the connection stood
	EndClosed              // FIN before the handshake was complete
	EndTimeout             // silence until the deadline
	EndNotTLS              // the peer answered with bytes that are no TLS
	EndMalformed           // TLS records, but a message that cannot be read
	EndLocal               // we cannot go on: Err says why
	EndLimit               // a bound of ours on bytes or messages
	EndCanceled            // our context ended
)

var endNames = [...]string{"unknown", "completed", "stopped", "refused", "unreachable", "no-connect", "proxy", "preamble",
	"alert", "reset", "closed", "timeout", "not-tls", "malformed", "local", "limit", "canceled"}

// String returns the name as used in JSON: refused, reset, closed ...
func (k EndKind) String() string {
	if int(k) < len(endNames) {
		return endNames[k]
	}
	return "unknown"
}

// End is how and where an attempt ended.
type End struct {
	Kind EndKind
	// Stage is the one that was not passed: client_hello = no ServerHello came;
	// server_hello = it came, the certificate did not; certificate = the rest of
	// the server's flight did not; client_auth = our flight answered a
	// CertificateRequest and was not accepted (in TLS 1.3 up to the first bytes
	// after the handshake); finished = the same without a CertificateRequest;
	// application = the handshake stands.
	Stage diag.Stage
	By    tlswire.Side
	Alert tlswire.Alert // of EndAlert; of EndLocal: the alert that we sent
	Data  []byte        // first bytes that are no TLS, bounded
	Err   string        // the local error's text, for EndLocal and the transport ends
	// Preamble says why the plaintext dialogue led nowhere, in the words of
	// package starttls; of EndPreamble.
	Preamble string
	// Refusal is what the server said when it refused the dialogue, nil when it
	// did not.
	Refusal *Refusal
	// WriteErr is an error of a write that came before the end.
	WriteErr string
	After    time.Duration // since the ClientHello was sent (or since the start, before that)
}
