package diag

import "time"

// ClientsSchema is the value of Clients.Schema.
const ClientsSchema = "tlswhy.clients/1"

// Clients says which known clients can connect to a target, and why the others
// cannot.
type Clients struct {
	Schema string `json:"schema"`
	Target Target `json:"target"`
	// Address is the one that was asked, ip:port; "" when none was.
	Address string `json:"address"`
	// Replayed says that the hello of every client was sent; otherwise the
	// outcomes are predicted from what the server was seen to negotiate.
	Replayed    bool          `json:"replayed"`
	Connections int           `json:"connections"` // made to learn what the server negotiates, replays excluded
	Clients     []KnownClient `json:"clients"`     // in use today first, then by family, newest first
	// Older sums up the clients that are not in use any more.
	Older      []ClientGroup `json:"older"`
	NotTested  []NotTested   `json:"not_tested"`
	Notes      []string      `json:"notes"`
	StartedAt  time.Time     `json:"started_at"` // UTC
	DurationMS float64       `json:"duration_ms"`
	Tool       Tool          `json:"tool"`
}

// The outcomes of a KnownClient.
const (
	ClientConnects = "connects"
	ClientFails    = "fails"
	ClientUnknown  = "unknown" // too little was seen of the server
)

// KnownClient is one client and how it fares.
type KnownClient struct {
	Name     string   `json:"name"`
	Also     []string `json:"also"`
	Family   string   `json:"family"`
	Platform string   `json:"platform,omitempty"`
	Release  string   `json:"release"`            // its own version: "8u31"
	Released string   `json:"released,omitempty"` // "2015-01"
	Captured string   `json:"captured,omitempty"` // the day on which its hello was seen, where that is known
	Current  bool     `json:"current"`            // in use today, as far as is known
	Trust    string   `json:"trust"`              // whose roots it was judged by

	Outcome string `json:"outcome"`
	// Version, Suite and Group are what is negotiated; empty where nothing is.
	Version string `json:"version,omitempty"`
	Suite   string `json:"cipher_suite,omitempty"`
	Group   string `json:"group,omitempty"`
	// Cause is why it fails; nil when it connects, or nothing is known.
	Cause *Cause `json:"cause,omitempty"`
	// End is how the replay ended, in words; Predicted the outcome that was
	// expected, where the replay had another one.
	End       string `json:"end,omitempty"`
	Predicted string `json:"predicted,omitempty"`
}

// ClientGroup are clients that fare alike.
type ClientGroup struct {
	Outcome string   `json:"outcome"`
	Cause   string   `json:"cause"`   // id, "" when they connect
	Summary string   `json:"summary"` // of the first of them
	Clients []string `json:"clients"` // families with ranges of versions: "Java ≤ 7u25"
	Count   int      `json:"count"`
}

// Failing counts the clients that fail; of those in use today alone, and of all.
func (c *Clients) Failing() (current, all int) {
	for _, k := range c.Clients {
		if k.Outcome == ClientFails {
			all++
			if k.Current {
				current++
			}
		}
	}
	return current, all
}
