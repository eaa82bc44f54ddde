package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// Severity is how much an incident matters.
type Severity string

// The severities of findings and incidents.
const (
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Rank orders severities: "" is 0, then warning, then critical.
func (s Severity) Rank() int {
	switch s {
	case Critical:
		return 2
	case Warning:
		return 1
	}
	return 0
}

// Finding is one thing that is wrong with an endpoint at one address.
type Finding struct {
	// Key is what makes it the same incident: the cause's id, or one word for
	// causes that are stages of one trouble ("expiry").
	Key      string          `json:"key"`
	Cause    string          `json:"cause"` // id of the catalogue, or the monitor's own: drift-issuer ...
	Severity Severity        `json:"severity"`
	Summary  string          `json:"summary"`
	Evidence []diag.Evidence `json:"evidence,omitempty"`
	Fixes    []diag.Fix      `json:"fixes,omitempty"`
	Verify   string          `json:"verify,omitempty"`
	// Stage is where it shows: a handshake that ends before it says nothing of it.
	Stage diag.Stage `json:"stage,omitempty"`
	// Network says that the finding may as well be ours: nothing came back.
	Network bool `json:"network,omitempty"`
	// Certificate is the fingerprint of the certificate that it is about, or "".
	Certificate string `json:"certificate,omitempty"`
}

// Element is one certificate of the verified path.
type Element struct {
	Role        string    `json:"role"` // leaf, intermediate, missing, root
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Names       []string  `json:"names,omitempty"`
	Key         string    `json:"key"`
	Fingerprint string    `json:"fingerprint"`
	Anchor      bool      `json:"anchor,omitempty"`
	// Of the leaf: the SHA-256 of its key, base64, and whether SCTs came with it.
	PublicKey string `json:"public_key,omitempty"`
	SCTs      bool   `json:"scts,omitempty"`
	// Ahead are dated rules that the renewal will meet.
	Ahead []diag.Ahead `json:"ahead,omitempty"`
}

// Lifetime is how long the certificate is valid.
func (e *Element) Lifetime() time.Duration { return e.NotAfter.Sub(e.NotBefore) }

// Snapshot is what one handshake looked like.
type Snapshot struct {
	Version    string    `json:"version,omitempty"` // "TLS 1.3"
	Suite      string    `json:"suite,omitempty"`
	ALPN       string    `json:"alpn,omitempty"`
	ClientCert bool      `json:"client_cert,omitempty"` // the server asked for one
	Path       []Element `json:"path,omitempty"`        // leaf first; empty without certificates
	Verified   bool      `json:"verified,omitempty"`    // Path is a valid path
}

// Leaf returns the leaf, or nil.
func (s *Snapshot) Leaf() *Element {
	if len(s.Path) == 0 || s.Path[0].Role != "leaf" {
		return nil
	}
	return &s.Path[0]
}

// Outcome is what a check met at one address.
type Outcome struct {
	Address string       `json:"address"` // ip:port; "" when the name has none
	SNI     string       `json:"sni"`
	Verdict diag.Verdict `json:"verdict"`
	// Stage is how far the handshake came.
	Stage diag.Stage `json:"stage"`
	// Reached says that the server sent something: bytes, or at least a refusal.
	Reached  bool      `json:"reached"`
	Findings []Finding `json:"findings,omitempty"`
	Seen     Snapshot  `json:"seen"`
	// Signature tells outcomes of light checks apart: as long as it stays, the
	// full diagnosis that was made for it is still the explanation.
	Signature string `json:"signature"`
	// Deep says that Findings come from a full diagnosis.
	Deep bool    `json:"deep,omitempty"`
	MS   float64 `json:"ms"`
	// Note is why it is untested.
	Note string `json:"note,omitempty"`

	// Digest stands for all that was seen and judged, "" where a check cannot say;
	// Until is how long the same would be judged alike. Same is a check that saw
	// the digest that is known of the address: then only Address, SNI and MS are
	// there, and the rest is what it was.
	Digest string    `json:"digest,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Same   bool      `json:"same,omitempty"`

	// Offer is the inventory that was made with the check; nil for none.
	Offer *Offer `json:"offer,omitempty"`

	// Diagnosis is what Findings were taken from; nil where it is not at hand.
	Diagnosis *diag.Diagnosis `json:"diagnosis,omitempty"`
}

// Tested tells whether the check said anything of the server.
func (o *Outcome) Tested() bool { return o.Same || o.Verdict != diag.Untested }

// Answered tells whether there was a handshake that went well.
func (o *Outcome) Answered() bool {
	return o.Same || o.Verdict == diag.OK || o.Verdict == diag.Warning
}

// Report is one check of an endpoint: all addresses that the name has, and what
// was met at those that were tried.
type Report struct {
	Endpoint string    `json:"endpoint"`
	Vantage  string    `json:"vantage"`
	At       time.Time `json:"at"`
	// Addresses are all that the name has now, tried or not; nil when the name
	// could not be resolved.
	Addresses []string  `json:"addresses"`
	Outcomes  []Outcome `json:"outcomes"`
}

// silentCauses are those in which nothing came back from the server, so that
// our own network explains them as well.
var silentCauses = []string{"dns-failure", "tcp-timeout", "handshake-timeout", "pmtu-blackhole", "middlebox-blackhole"}

// Observe turns the diagnosis of one address into an outcome.
func Observe(d *diag.Diagnosis, address string, deep bool) Outcome {
	o := Outcome{Address: address, SNI: d.Target.SNI, Verdict: d.Verdict, Deep: deep, MS: d.DurationMS, Diagnosis: d}
	a := own(d)
	var signature []string
	if a != nil {
		o.Reached = a.Received > 0 || a.EndKind == "refused" || a.EndKind == "reset"
		o.Stage = a.Stage
		o.Seen.Version, o.Seen.Suite, o.Seen.ALPN = a.Version, a.Suite, a.ALPN
		o.Seen.ClientCert = slices.ContainsFunc(a.Messages, func(m diag.Message) bool { return m.From == "server" && m.Name == "CertificateRequest" })
		alert := ""
		if a.Alert != nil {
			alert = fmt.Sprint(*a.Alert)
		}
		signature = append(signature, a.EndKind, string(a.Stage), alert)
	}
	o.Seen.Path, o.Seen.Verified = path(d)
	if leaf := o.Seen.Leaf(); leaf != nil {
		signature = append(signature, leaf.Fingerprint)
	}
	for _, c := range d.Causes {
		if c.Severity == diag.SeverityInfo {
			continue
		}
		signature = append(signature, c.ID)
		f := finding(&c)
		if leaf := o.Seen.Leaf(); leaf != nil && c.Stage == diag.StageCertificate {
			f.Certificate = leaf.Fingerprint
		}
		f.Network = slices.Contains(silentCauses, c.ID) && !o.Reached
		if !slices.ContainsFunc(o.Findings, func(x Finding) bool { return x.Key == f.Key }) {
			o.Findings = append(o.Findings, f)
		}
	}
	o.Signature = strings.Join(signature, " ")
	return o
}

// own is the connection with the client's own hello.
func own(d *diag.Diagnosis) *diag.Attempt {
	for i := range d.Attempts {
		if d.Attempts[i].Change == "" {
			return &d.Attempts[i]
		}
	}
	return nil
}

// expiryCauses are stages of one trouble, and hence of one incident.
var expiryCauses = []string{"expires-soon", "cert-expired"}

// KeyExpiry is the incident of a certificate that nears its end or is past it.
const KeyExpiry = "expiry"

func finding(c *diag.Cause) Finding {
	f := Finding{Key: c.ID, Cause: c.ID, Severity: Warning, Summary: c.Summary, Stage: c.Stage, Evidence: c.Evidence, Fixes: c.Fixes, Verify: c.Verify}
	if c.Severity == diag.SeverityFailure {
		f.Severity = Critical
	}
	if c.ID == "renewed-not-deployed" {
		f.Severity = Warning // what is served still works; its end is judged by itself
	}
	if slices.Contains(expiryCauses, c.ID) {
		f.Key = KeyExpiry
	}
	return f
}

// path is the judged path: certificates beside it are no part of it, however
// expired they are.
func path(d *diag.Diagnosis) (out []Element, verified bool) {
	verified = true
	for _, c := range d.Certificates {
		if !slices.Contains([]string{"leaf", "intermediate", "missing", "root"}, c.Role) {
			continue
		}
		verified = verified && len(c.Problems) == 0
		out = append(out, Element{Role: c.Role, Subject: c.Subject, Issuer: c.Issuer, Serial: c.Serial, NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
			Names: c.Names, Key: c.Key, Fingerprint: c.Fingerprint, Anchor: c.Source == "anchor" || c.Role == "root", Ahead: c.Ahead,
			PublicKey: c.PublicKey, SCTs: c.SCTs > 0})
	}
	slices.SortStableFunc(out, func(a, b Element) int { return cmp.Compare(order(a.Role), order(b.Role)) })
	return out, verified && len(out) > 0
}

func order(role string) int {
	return slices.Index([]string{"leaf", "intermediate", "missing", "root"}, role)
}
