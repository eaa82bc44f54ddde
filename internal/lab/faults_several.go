package lab

import "time"

// Several are faults that show over several connections, or stand before TLS.
type Several struct {
	// Backends share the address with this server: connections go to each of
	// them in turn.
	Backends []Server
	// Addresses are further addresses of the name, each with a server.
	Addresses []Server
	// Limit is how many connections are served; LimitBy reacts to further ones,
	// or LimitStatus answers them in HTTP. After LimitFor without a connection
	// the count begins anew (0 = never).
	Limit       int
	LimitBy     Reaction
	LimitStatus int
	LimitFor    time.Duration
	// Resumption reacts to hellos that offer a session.
	Resumption Reaction
	// WrongSession resumes, but with the secrets of another session.
	WrongSession bool
	// ForeignTickets offers tickets and does not know them again.
	ForeignTickets bool
	// ProxyHeader reacts to connections that do not begin with a header of the
	// PROXY protocol.
	ProxyHeader Reaction
	// SecondLeaf is a second certificate, for hellos that cannot use the first.
	SecondLeaf *Leaf
	// Hangup reacts to the first application data.
	Hangup Reaction
	// Misdirected answers 421 to another server_name than the scenario's name.
	Misdirected bool
}
