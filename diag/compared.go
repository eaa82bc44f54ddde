package diag

import "time"

// Compared is what several diagnoses of one target, made from several places,
// say together. The causes beside it are the verdict on them all.
type Compared struct {
	// Fault says whose it is.
	Fault Fault `json:"fault"`
	// At names the vantages whose network, settings or time it is; empty where
	// the fault is the server's or nobody's.
	At       []string      `json:"at"`
	Vantages []Vantage     `json:"vantages"` // in the order given
	Rows     []ComparedRow `json:"rows"`
}

// Fault is whose a failure is, as far as several vantages tell.
type Fault string

// The faults.
const (
	FaultNone    Fault = "none"    // it works everywhere
	FaultNetwork Fault = "network" // of the vantages in At: the path between them and the server
	FaultDNS     Fault = "dns"     // the name leads elsewhere, or nowhere, for the vantages in At
	FaultServer  Fault = "server"  // or what stands right before it: the same for all
	FaultMachine Fault = "machine" // one of several behind the name, or its neighbour's old state
	FaultClient  Fault = "client"  // the settings of the vantages in At
	FaultTime    Fault = "time"    // it changed between the runs
	FaultSeveral Fault = "several" // a fault of the server's, and one that hides it for At
	FaultOpen    Fault = "open"    // what was tried does not part the explanations
)

// Vantage is one of the diagnoses that were compared.
type Vantage struct {
	Label   string  `json:"label"` // as the user names it: a file, an interface
	Verdict Verdict `json:"verdict"`
	// Cause is the id of the first failure, "" without one; Confidence its own.
	Cause      string     `json:"cause"`
	Confidence Confidence `json:"confidence,omitempty"`
	Summary    string     `json:"summary"`
	Addresses  []string   `json:"addresses"` // ip:port that were asked
	Client     string     `json:"client"`
	Trust      string     `json:"trust"`
	StartedAt  time.Time  `json:"started_at"` // UTC
	Tool       string     `json:"tool"`       // its version
}

// ComparedRow is one experiment, or one property, at every vantage.
type ComparedRow struct {
	What  string   `json:"what"`
	Cells []string `json:"cells"` // one for each vantage; "" = not tried there
	// Differs says that those who tried it met different things.
	Differs bool `json:"differs"`
}
