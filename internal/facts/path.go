package facts

import "time"

// The words of Changes.Path.
const (
	PathDirect = "direct" // without the proxy that the user's client takes
	PathProxy  = "proxy"  // through the proxy that it leaves out
)

// Proxy is a proxy that leads to the target; its credentials stay outside of
// the facts.
type Proxy struct {
	Scheme  string // http, https, socks5 ...
	Address string // host:port
	Login   bool   // a user name and password go along
	From    string // what names it: "--proxy", "HTTPS_PROXY"
	// Why says why the user's client leaves it out, "" where it does not:
	// "--proxy none", "NO_PROXY".
	Why string
}

// Passage is what became of the way through a proxy.
type Passage struct {
	Proxy Proxy
	// Step is where it ended, "" when the tunnel stood.
	Step PassageStep
	// Asked is the host:port that the proxy was asked for.
	Asked string
	// Lines and Body are its answer in clear, bounded. A SOCKS proxy says nothing
	// in clear.
	Lines []string
	Body  []byte
	// Took is the time from the connect until the tunnel stood, or did not.
	Took time.Duration
}

// PassageStep is a step on the way through a proxy.
type PassageStep string

// The steps, in their order.
const (
	PassageLookup  PassageStep = "lookup"  // of the proxy's name
	PassageConnect PassageStep = "connect" // to the proxy
	PassageTLS     PassageStep = "TLS"     // with a proxy of scheme https
	PassageTunnel  PassageStep = "tunnel"  // CONNECT or SOCKS
)
