package diag

import "time"

// InventorySchema is the value of Inventory.Schema.
const InventorySchema = "tlswhy.inventory/1"

// Inventory is what a server offers. All lists are never nil. Every suite,
// group and scheme in it was picked by the server in a handshake of its own.
type Inventory struct {
	Schema string `json:"schema"`
	Target Target `json:"target"`
	// Verdict is ok, warning (weak things are offered), failure (there was no TLS
	// to look at) or untested.
	Verdict Verdict `json:"verdict"`
	// Outcome says how the connections ended where nothing could be seen.
	Outcome string `json:"outcome,omitempty"`
	Address string `json:"address"` // ip:port that was asked
	// Software is the server software as named or as its header says, "" when it
	// is not known.
	Software string `json:"software"`

	Versions     []OfferedVersion    `json:"versions"` // newest first
	Groups       []OfferedGroup      `json:"groups"`
	Schemes      []OfferedScheme     `json:"signature_schemes"`
	DH           []DHPrime           `json:"dh"`
	ALPN         []string            `json:"alpn"`
	Certificates []ServedCertificate `json:"certificates"`
	// Authorities are the names of the CAs in its demand for a client certificate.
	Authorities []string `json:"client_authorities"`
	// Anchors says which trust anchors the certificates were held to.
	Anchors    string     `json:"anchors,omitempty"`
	Properties []Property `json:"properties"`
	Records    []Record   `json:"dns"`
	// Weak are the things that a server should not offer today, worst first.
	Weak []Weakness `json:"weak"`
	// Guidelines compare the server with published recommendations.
	Guidelines []Guideline `json:"guidelines"`
	// NotTested names what could not be found out, with the reason. What is in
	// no list and not here is not offered.
	NotTested []NotTested `json:"not_tested"`
	Notes     []string    `json:"notes"`

	Connections int       `json:"connections"`
	RTTMS       float64   `json:"rtt_ms"` // of the fastest TCP connect
	StartedAt   time.Time `json:"started_at"`
	DurationMS  float64   `json:"duration_ms"`
	Tool        Tool      `json:"tool"`
}

// The values of OfferedVersion.Offered and Property.Value.
const (
	Yes     = "yes"
	No      = "no"
	Unknown = "unknown"
)

// OfferedVersion is one version of the protocol.
type OfferedVersion struct {
	Version string `json:"version"` // TLS 1.3 ... SSL 2.0
	Offered string `json:"offered"` // yes, no, unknown
	// Why says how the server declined, or why it is not known.
	Why    string         `json:"why,omitempty"`
	Suites []OfferedSuite `json:"cipher_suites"`
	// Order is server, client, mixed (groups of equal rank), or "" where there is
	// only one suite or it is not known. The suites are in the server's order
	// where it is server.
	Order string `json:"order"`
	// Complete says that it takes no other suite.
	Complete bool `json:"complete"`
}

// OfferedSuite is a cipher suite of one version.
type OfferedSuite struct {
	Name    string `json:"name"` // IANA
	OpenSSL string `json:"openssl"`
	Code    string `json:"code"`           // 0xC02F
	Bits    int    `json:"bits"`           // of the cipher's key
	Weak    string `json:"weak,omitempty"` // why it is weak, "" for a good one
}

// OfferedGroup is a named group of the key exchange.
type OfferedGroup struct {
	Name        string   `json:"name"`
	Code        string   `json:"code"`
	PostQuantum bool     `json:"post_quantum"`
	Versions    []string `json:"versions"`
}

// OfferedScheme is a signature scheme that the server signed with.
type OfferedScheme struct {
	Name     string   `json:"name"`
	Code     string   `json:"code"`
	Versions []string `json:"versions"`
	Weak     string   `json:"weak,omitempty"`
}

// DHPrime is a prime of finite-field Diffie-Hellman below TLS 1.3.
type DHPrime struct {
	Bits int    `json:"bits"`
	Name string `json:"name"` // ffdhe2048 ..., "" for another
	Weak string `json:"weak,omitempty"`
}

// ServedCertificate is a chain that the server sends.
type ServedCertificate struct {
	Chain    []Certificate `json:"chain"` // leaf first, as sent
	Versions []string      `json:"versions"`
	// For says for which name it is sent where that is not the target's own:
	// "no name", "an unknown name".
	For    string `json:"for,omitempty"`
	Staple bool   `json:"ocsp_staple"`
	SCTs   int    `json:"scts"` // of the certificate and the TLS extension
	Bytes  int    `json:"bytes"`
	// Trusted is yes or no: whether the reference client accepts the chain for
	// the target's name; "" where another name was asked for. Problems say why
	// not.
	Trusted  string   `json:"trusted,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

// Property is something that a server does or does not.
type Property struct {
	ID    string `json:"id"` // session-tickets, fallback-scsv ...
	Name  string `json:"name"`
	Value string `json:"value"` // yes, no, unknown
	Text  string `json:"text,omitempty"`
	Weak  string `json:"weak,omitempty"` // why the value is one to mend
}

// Record is an answer of the DNS that concerns TLS.
type Record struct {
	Name string   `json:"name"`
	Type string   `json:"type"` // CAA, TLSA, HTTPS
	Data []string `json:"data"` // empty: there is none
}

// Weakness is something that a server should not do today.
type Weakness struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
}

// Guideline is the comparison with one published configuration.
type Guideline struct {
	Name    string `json:"name"`    // Mozilla modern, intermediate, old
	Edition string `json:"edition"` // 6.0
	// Meets is yes, no, or unknown where too little could be found out.
	Meets      string      `json:"meets"`
	Deviations []Deviation `json:"deviations"`
}

// Deviation is one difference, with the least change that mends it.
type Deviation struct {
	ID   string `json:"id"` // version, cipher-suites, groups, certificate-key ...
	Text string `json:"text"`
	Fix  *Fix   `json:"fix,omitempty"`
}
