// Package relay stands between a client and its server. It passes every byte on
// unchanged, decrypts nothing, and records what passed: the client's real
// ClientHello, the server's answer, and how it ended.
//
// A Relay is a proxy of the kinds that programs know (HTTP CONNECT, plain HTTP,
// SOCKS5), or leads to one fixed target for clients that take no proxy. It
// refuses to judge; what it records are facts.Attempts.
//
//	r, err := relay.Listen("127.0.0.1:0", relay.Options{})
//	... run a client with HTTPS_PROXY=http:// + r.Addr() ...
//	for _, c := range r.Close() {
//		fmt.Println(c.Asked, c.Attempt.End.Kind)
//	}
package relay
