package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"
)

// Endpoint is one thing that is watched: a target as tlswhy diagnose takes it,
// with what the watcher needs to know beside it.
type Endpoint struct {
	// ID is stable for as long as the endpoint is the same to its owner; it is
	// made by NewID unless the source has its own.
	ID string `json:"id"`
	// Target is a host, host:port or URL.
	Target string `json:"target"`
	// Host is the name or address in Target, Port its port.
	Host string `json:"host"`
	Port int    `json:"port"`

	// Kind is KindServer, KindFile or KindSource; Source names where the endpoint
	// comes from, "" for the monitor's own file.
	Kind   string `json:"kind,omitempty"`
	Source string `json:"source,omitempty"`

	// Connect are addresses (HOST:PORT) to dial instead of those of Host.
	Connect []string `json:"connect,omitempty"`

	Tags    map[string]string `json:"tags,omitempty"`
	Owner   string            `json:"owner,omitempty"`
	Runbook string            `json:"runbook,omitempty"` // text or a link, repeated in alerts

	Interval time.Duration `json:"interval"` // between two checks; 0 is DefaultInterval
	// Inventory is the time between two inventories of each address (what the
	// server offers); 0 makes none.
	Inventory time.Duration `json:"inventory,omitempty"`

	StartTLS string   `json:"starttls,omitempty"`
	SNI      string   `json:"sni,omitempty"`
	CertFile string   `json:"cert_file,omitempty"` // client certificate and its key: names of files
	KeyFile  string   `json:"key_file,omitempty"`
	CAFile   string   `json:"ca_file,omitempty"`
	Trust    string   `json:"trust,omitempty"`
	Pins     []string `json:"pins,omitempty"`
	// Revocation is "off" to ask nobody whether certificates are revoked, "hard"
	// to fail without an answer; "" asks and goes on without one.
	Revocation string `json:"revocation,omitempty"`

	// DiskFile is the file on the monitor's host that the server is to serve;
	// Reload is how to make it do so: a command or words. PasswordFile opens a
	// KindFile.
	DiskFile     string `json:"disk_file,omitempty"`
	Reload       string `json:"reload,omitempty"`
	PasswordFile string `json:"password_file,omitempty"`

	Expect Expect `json:"expect"`
}

// Expect is what the owner demands beyond a healthy handshake. Zero values
// demand nothing.
type Expect struct {
	Issuer     string `json:"issuer,omitempty"`      // words that the leaf's issuer contains
	MinVersion string `json:"min_version,omitempty"` // "TLS 1.2": the negotiated version, and all that an inventory sees, is at least that
	ALPN       string `json:"alpn,omitempty"`        // the protocol that is negotiated
	ClientCert *bool  `json:"client_cert,omitempty"` // whether the server asks for a client certificate
	// Names must all be covered by the certificate; Key begins the words for its
	// key ("ECDSA", "RSA 4096"); Staple demands a stapled OCSP response.
	Names  []string `json:"names,omitempty"`
	Key    string   `json:"key,omitempty"`
	Staple bool     `json:"staple,omitempty"`
	// Warn and Critical replace the thresholds of expiry: time left. 0 keeps them.
	Warn     time.Duration `json:"warn,omitempty"`
	Critical time.Duration `json:"critical,omitempty"`
}

// The kinds of endpoints. A file of certificates is judged like what a server
// sends; a source of endpoints is watched as well, so that its failure is an
// incident like any other.
const (
	KindServer = ""
	KindFile   = "file"
	KindSource = "source"
)

// The bounds of an endpoint's interval.
const (
	DefaultInterval = 5 * time.Minute
	MinInterval     = 10 * time.Second
	// MaxAddresses is how many addresses of one name are checked at a time.
	MaxAddresses = 8
)

// Every is the interval, with the default filled in.
func (e *Endpoint) Every() time.Duration {
	if e.Interval <= 0 {
		return DefaultInterval
	}
	return max(e.Interval, MinInterval)
}

// NewID names an endpoint after what makes it another endpoint: where it is and
// how it is spoken to. Tags, owner and thresholds may change without a new
// history.
func NewID(e *Endpoint) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{e.Target, e.StartTLS, e.SNI, e.CertFile, e.CAFile, e.Trust, strings.Join(e.Connect, ",")}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// Site is what tells related endpoints from unrelated ones: the last two labels
// of a name, or an address's network. It is a heuristic: under co.uk
// all names look related, which errs towards too few witnesses.
func (e *Endpoint) Site() string {
	if e.Kind != KindServer {
		return "" // it uses no network
	}
	if a, err := netip.ParseAddr(e.Host); err == nil {
		bits := 24
		if a.Is6() {
			bits = 48
		}
		if p, err := a.Prefix(bits); err == nil && !a.IsLoopback() {
			return p.String()
		}
		return e.Host + " " + e.ID // on loopback every port is a server of its own
	}
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(e.Host), "."), ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

// The scopes of reachability: an uplink that is cut leaves the own network
// reachable.
const (
	ScopePublic  = "public"
	ScopePrivate = "private"
)

// ScopeOf says to which of them an address (ip:port) belongs. A name without an
// address is looked for in public.
func ScopeOf(address string) string {
	ap, err := netip.ParseAddrPort(address)
	if err == nil && (ap.Addr().IsPrivate() || ap.Addr().IsLoopback() || ap.Addr().IsLinkLocalUnicast()) {
		return ScopePrivate
	}
	return ScopePublic
}
