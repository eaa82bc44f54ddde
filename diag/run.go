package diag

// RunSchema is the value of Run.Schema.
const RunSchema = "tlswhy.run/1"

// Run sums up what was seen of a watched command. In JSON it follows the
// diagnoses of the failures.
type Run struct {
	Schema  string   `json:"schema"`
	Command []string `json:"command"` // empty for a relay without a command; passwords are left out
	// ExitCode is the command's own, 128 plus its number for a signal.
	ExitCode    int `json:"exit_code"`
	Connections int `json:"connections"` // all that were asked for
	Handshakes  int `json:"handshakes"`  // that completed
	Failed      int `json:"failed"`      // handshakes that did not
	Unreached   int `json:"unreached"`   // the server, or the proxy before it
	Plain       int `json:"plain"`       // requests for http:// pages
	Open        int `json:"open"`        // cut when the command had ended
	Unexplained int `json:"unexplained"` // failures beyond the number that is explained
	// Outcome says the same in words, with the next step where nothing was seen.
	Outcome string `json:"outcome"`
}
