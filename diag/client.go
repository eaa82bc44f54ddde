package diag

import "time"

// ClientSchema is the value of Client.Schema.
const ClientSchema = "tlswhy.client/1"

// Client is what one client offered, and what it will fail on.
type Client struct {
	Schema string    `json:"schema"`
	From   string    `json:"from"` // ip:port
	At     time.Time `json:"at"`   // UTC
	Offer  *Offer    `json:"offer,omitempty"`
	// LooksLike names known clients with the same fingerprint.
	LooksLike []string `json:"looks_like"`
	// Outcome says in words how the handshake with tlswhy ended.
	Outcome   string `json:"outcome"`
	Completed bool   `json:"completed"`
	Alert     *int   `json:"alert,omitempty"` // that the client sent
	Version   string `json:"version,omitempty"`
	Suite     string `json:"cipher_suite,omitempty"`
	Protocol  string `json:"alpn,omitempty"` // that was agreed on
	// Asked says that a client certificate was asked for.
	Asked        bool          `json:"client_certificate_asked"`
	Certificates []Certificate `json:"certificates"` // the client's own
	FailsOn      []Prediction  `json:"fails_on"`
	Works        []string      `json:"works"` // kinds of servers, in words
}

// Offer is a ClientHello in words, lists in the client's order.
type Offer struct {
	Versions      []string `json:"versions"`
	SNI           string   `json:"sni"`
	ALPN          []string `json:"alpn"`
	Suites        []string `json:"cipher_suites"`
	Groups        []string `json:"groups"`
	KeyShares     []string `json:"key_shares"`
	Schemes       []string `json:"signature_schemes"`
	Extensions    []string `json:"extensions"`
	Bytes         int      `json:"bytes"`
	Records       int      `json:"records"`
	Segments      []int    `json:"segments"` // bytes per read
	RecordVersion string   `json:"record_version"`
	// SchemesCert are for certificates only, where they differ from Schemes.
	SchemesCert []string `json:"signature_schemes_cert,omitempty"`
	// Compression are the algorithms for compressed certificates.
	Compression []string `json:"compress_certificate,omitempty"`
	// Marks are further properties: GREASE, ECH, session ticket, pre-shared key ...
	Marks []string `json:"marks"`
	JA3   string   `json:"ja3"`
	JA4   string   `json:"ja4"`
	// Raw is the ClientHello from its records on, in hex, as it came.
	Raw string `json:"raw,omitempty"`
}

// Prediction is a kind of server that a client cannot talk to.
type Prediction struct {
	Server string `json:"server"` // in words
	Cause  string `json:"cause"`  // id of the catalogue
}
