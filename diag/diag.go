// Package diag holds the result of a diagnosis: what failed, why, how we know,
// how to fix it and how to verify the fix. It knows no I/O and no TLS; every
// report, the monitor and the JSON schema "tlswhy.diagnosis/1" are made of it.
//
// The JSON form is additive for ever: fields are added, never renamed, removed
// or given another meaning.
package diag

import "time"

// Schema is the value of Diagnosis.Schema.
const Schema = "tlswhy.diagnosis/1"

// Diagnosis is the answer for one target.
type Diagnosis struct {
	Schema  string  `json:"schema"`
	Target  Target  `json:"target"`
	Verdict Verdict `json:"verdict"`
	// Causes is ordered best first. When Verdict is failure, the first cause
	// of severity failure is the root cause. Never nil.
	Causes       []Cause       `json:"causes"`
	Handshake    Handshake     `json:"handshake"`
	Addresses    []Address     `json:"addresses"`
	Certificates []Certificate `json:"certificates"`
	Attempts     []Attempt     `json:"attempts"`
	NotTested    []NotTested   `json:"not_tested"`
	// Notes are statements about the run itself: a proxy variable that was
	// ignored, the trust store that was used, an address family without route.
	Notes []string `json:"notes"`
	// Stores says which programs' lists of roots the server's certificate leads
	// to, where they were looked into.
	Stores []Store `json:"stores,omitempty"`
	// Text is what the error message said, where the diagnosis began with one.
	// Without a live check its causes are candidates, best first.
	Text *Text `json:"text,omitempty"`
	// Next is the check that separates the candidates; nil where nothing is open.
	Next *Next `json:"next,omitempty"`
	// Observed is set when another client met the failure and we looked on.
	Observed *Observed `json:"observed,omitempty"`
	// Echo is set when an echo server was asked what arrives of ClientHellos.
	Echo *Echo `json:"echo,omitempty"`
	// Compared is set when several diagnoses were joined into this one.
	Compared  *Compared `json:"compared,omitempty"`
	StartedAt time.Time `json:"started_at"` // UTC
	// JudgedAt is the moment as of which certificates were judged, UTC: that of
	// --at, else StartedAt.
	JudgedAt   time.Time `json:"judged_at"`
	DurationMS float64   `json:"duration_ms"`
	Tool       Tool      `json:"tool"`
}

// Target is what was asked for.
type Target struct {
	Input    string `json:"input"` // as typed
	Name     string `json:"name"`  // DNS name or IP literal that the certificate must cover
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`          // https, http, tls, smtp, imap ...
	StartTLS string `json:"starttls"`          // protocol of the plaintext preamble, or ""
	SNI      string `json:"sni"`               // server_name sent, "" when none is sent
	Client   string `json:"client"`            // the client that the verdict is about
	Trust    string `json:"trust"`             // the anchors that were used, in words
	Address  string `json:"address,omitempty"` // host:port of --connect
}

// Verdict is the answer in one word.
type Verdict string

// The verdicts. Untested is only our own inability to test.
const (
	OK       Verdict = "ok"
	Warning  Verdict = "warning"
	Failure  Verdict = "failure"
	Untested Verdict = "untested"
)

// Severity says whether a cause breaks the client in question.
type Severity string

// The severities, worst first.
const (
	SeverityFailure Severity = "failure"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Confidence says how well a cause is established.
type Confidence string

// The confidences, best first.
const (
	// Proven: the smallest change flips the outcome there and back, or the
	// bytes themselves say it.
	Proven   Confidence = "proven"
	Strong   Confidence = "strong"
	Likely   Confidence = "likely"
	Possible Confidence = "possible"
)

// Rank orders confidences: proven is 0, unknown values come last.
func (c Confidence) Rank() int {
	for i, x := range []Confidence{Proven, Strong, Likely, Possible} {
		if c == x {
			return i
		}
	}
	return 4
}

// Stage is a step of the handshake.
type Stage string

// The stages in the order in which a connection passes them.
const (
	StageResolve     Stage = "resolve"
	StageConnect     Stage = "connect"
	StageProxy       Stage = "proxy"
	StagePreamble    Stage = "preamble"
	StageClientHello Stage = "client_hello"
	StageServerHello Stage = "server_hello"
	StageCertificate Stage = "certificate"
	StageClientAuth  Stage = "client_auth"
	StageFinished    Stage = "finished"
	StageApplication Stage = "application"
)

// Rank is the position of the stage, from 0; -1 for an unknown one.
func (s Stage) Rank() int {
	for i, x := range []Stage{StageResolve, StageConnect, StageProxy, StagePreamble, StageClientHello,
		StageServerHello, StageCertificate, StageClientAuth, StageFinished, StageApplication} {
		if s == x {
			return i
		}
	}
	return -1
}

// Cause is one finding.
type Cause struct {
	ID         string     `json:"id"`     // of the catalogue: cert-expired
	Family     string     `json:"family"` // cipher, version, certificate, sni, middlebox, client-auth, transport
	Severity   Severity   `json:"severity"`
	Confidence Confidence `json:"confidence"`
	Stage      Stage      `json:"stage"`
	Summary    string     `json:"summary"` // one line in plain words, without target and id
	// Addresses that show it; empty when it does not depend on the address.
	Addresses []string   `json:"addresses"`
	Evidence  []Evidence `json:"evidence"`
	// Affects names the client families that break, in words.
	Affects []string `json:"affects"`
	// Unaffected names those that do not break of it. A client in neither list
	// may break or not: nothing was seen or measured that would tell.
	Unaffected []string `json:"unaffected"`
	// NotRuledOut names other explanations that the evidence leaves standing.
	NotRuledOut []string `json:"not_ruled_out"`
	Fixes       []Fix    `json:"fixes"`
	// Verify is a command that is green once the cause is gone.
	Verify string `json:"verify"`
}

// Evidence is one statement that was seen, with the place where it was seen.
type Evidence struct {
	Text  string `json:"text"`
	Where string `json:"where"` // "attempts 1, 4", "Certificate, element 0", "file:line"
}

// Fix is one way out for one side.
type Fix struct {
	Side    string `json:"side"`             // server, client, network
	For     string `json:"for"`              // nginx, apache, java ... or "" for any
	Action  string `json:"action"`           // the named action: renew-certificate
	Text    string `json:"text"`             // what to do and why it is enough
	Config  string `json:"config,omitempty"` // ready to paste
	Command string `json:"command,omitempty"`
}

// Handshake is the ladder of the attempt that the verdict is about.
type Handshake struct {
	Attempt int    `json:"attempt"` // its number in Attempts, 0 when there was none
	Steps   []Step `json:"steps"`
}

// Status of a step.
type Status string

// The statuses.
const (
	StatusOK     Status = "ok"
	StatusBad    Status = "bad"    // the break, or a fault in it
	StatusWarn   Status = "warn"   // works, with something to know
	StatusNever  Status = "never"  // would have come after the break
	StatusInform Status = "inform" // neither good nor bad
)

// Step is one rung of the ladder.
type Step struct {
	Name   string   `json:"name"` // resolve, connect, ClientHello, ServerHello, Alert ...
	Stage  Stage    `json:"stage"`
	From   string   `json:"from"` // client, server or ""
	Status Status   `json:"status"`
	Text   string   `json:"text"`            // what it said, in one line
	Notes  []string `json:"notes"`           // lines under it; what is wrong in it
	AtMS   *float64 `json:"at_ms,omitempty"` // since the start of the attempt
	Bytes  int      `json:"bytes,omitempty"` // on the wire
}

// Address is one network address of the target.
type Address struct {
	Address string `json:"address"` // ip:port
	Family  string `json:"family"`  // ipv4, ipv6
	// Outcome is ok, a cause id, or untested.
	Outcome string  `json:"outcome"`
	Text    string  `json:"text"`
	RTTMS   float64 `json:"rtt_ms,omitempty"` // of the TCP connect
}

// Certificate is one certificate that was seen or used.
type Certificate struct {
	Role        string    `json:"role"`   // leaf, intermediate, root, extra, missing, client
	Source      string    `json:"source"` // sent, fetched, anchor, file
	Position    int       `json:"position"`
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"` // hex
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Names       []string  `json:"names"`
	Key         string    `json:"key"`       // "RSA 2048", "ECDSA P-256"
	Signature   string    `json:"signature"` // "SHA256-RSA"
	Fingerprint string    `json:"fingerprint_sha256"`
	Problems    []string  `json:"problems"`
	PEM         string    `json:"pem,omitempty"`
	// Link is the check of its signature with the next certificate of the path:
	// valid, invalid or unchecked; "" where there is none.
	Link string `json:"link,omitempty"`
	// The identifiers of its key and of its issuer's, hex, and where it says that
	// its issuer's certificate can be fetched.
	SubjectKeyID   string   `json:"subject_key_id,omitempty"`
	AuthorityKeyID string   `json:"authority_key_id,omitempty"`
	IssuerURLs     []string `json:"issuer_urls,omitempty"`
	// Of the leaf, where certificates are shown whole: the base64 SHA-256 of its
	// SubjectPublicKeyInfo, and how many SCTs came with it or in it.
	PublicKey string `json:"public_key_sha256,omitempty"`
	SCTs      int    `json:"scts,omitempty"`
	// Ahead are dated rules that its renewal will meet, of a leaf of a public CA.
	Ahead []Ahead `json:"ahead,omitempty"`
}

// Ahead is a rule that does not concern a certificate and will concern the one
// that replaces it.
type Ahead struct {
	Rule string    `json:"rule"` // lifetime, client-auth, distrust
	From time.Time `json:"from"` // for what is issued from then on
	Text string    `json:"text"`
	// Breaks says that the renewal cannot do what this certificate is for.
	Breaks bool `json:"breaks,omitempty"`
}

// Store is the list of trust anchors of one program. That its root is in the
// list is not all that a program asks of a certificate.
type Store struct {
	Program string `json:"program"` // Mozilla, Apple, Microsoft ...
	Date    string `json:"date"`    // of the list
	Has     bool   `json:"has"`     // the root
}

// Attempt is one connection.
type Attempt struct {
	N       int    `json:"n"`
	Address string `json:"address"`
	// Change says in words how its hello differs from the user's own; "" for
	// the user's own hello.
	Change     string    `json:"change"`
	Changes    any       `json:"changes,omitempty"` // the same, by property
	End        string    `json:"end"`               // in words: "server alert: handshake_failure (40)"
	EndKind    string    `json:"end_kind"`          // completed, stopped, refused, reset, closed, alert ...
	Stage      Stage     `json:"stage"`
	Alert      *int      `json:"alert,omitempty"`
	Version    string    `json:"version,omitempty"`
	Suite      string    `json:"cipher_suite,omitempty"`
	Group      string    `json:"group,omitempty"`
	ALPN       string    `json:"alpn,omitempty"`
	Sent       int       `json:"bytes_sent"`
	Received   int       `json:"bytes_received"`
	ConnectMS  float64   `json:"connect_ms"`
	DurationMS float64   `json:"duration_ms"`
	Messages   []Message `json:"messages"`
}

// Message is one message of an attempt's transcript.
type Message struct {
	From string  `json:"from"`
	Name string  `json:"name"`
	Size int     `json:"size"`
	AtMS float64 `json:"at_ms"`
	Raw  string  `json:"raw,omitempty"` // hex, bounded; only where asked for, or for unexplained
	// Fields are what the bytes mean, in their order; only where they are asked for.
	Fields []Field `json:"fields,omitempty"`
}

// Field is one part of a message, in words.
type Field struct {
	Name string `json:"name"` // as the RFC calls it: cipher_suites, server_name
	Text string `json:"text"`
}

// NotTested is something that was left out, with the reason.
type NotTested struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
}

// Tool says what made the diagnosis and how old its knowledge is.
type Tool struct {
	Version  string `json:"version"`
	Roots    string `json:"roots"`    // date of the embedded Mozilla roots
	Profiles string `json:"profiles"` // date of the client profiles
	Rules    int    `json:"rules"`    // number of causes in the catalogue
}

// FirstFailure returns the root cause, or nil when nothing failed.
func (d *Diagnosis) FirstFailure() *Cause {
	for i := range d.Causes {
		if d.Causes[i].Severity == SeverityFailure {
			return &d.Causes[i]
		}
	}
	return nil
}
