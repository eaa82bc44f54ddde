package diag

// Echo is what arrived of ClientHellos at an echo server: tlswhy listen --echo.
type Echo struct {
	Address string `json:"address"` // host:port of the server
	// Channel is how it could be asked: "in clear" or "within TLS"; "" when it
	// could not, for the reason in Err.
	Channel string `json:"channel"`
	Err     string `json:"error,omitempty"`
	// From is our own address as the server sees it.
	From   string      `json:"from"`
	Hellos []EchoHello `json:"hellos"`
}

// EchoHello is one ClientHello that was sent to an echo server.
type EchoHello struct {
	Hello   string `json:"hello"`   // in words; "" is the client's own
	Attempt int    `json:"attempt"` // its number in Attempts
	// Fate is same, rewritten, remade (another one came in its place), short (a
	// part came), lost, unheard (the answer did not come back) or elsewhere (it
	// did not arrive, and yet somebody answered).
	Fate   string   `json:"fate"`
	Sent   int      `json:"sent"`    // bytes of the message
	Pieces []int    `json:"pieces"`  // in which it arrived, bytes
	Joined bool     `json:"joined"`  // sent in pieces with pauses between, arrived in one
	From   string   `json:"from"`    // where it arrived from, ip:port
	Change []string `json:"changed"` // what differs, in words
}
