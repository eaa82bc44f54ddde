// Package probe makes one attempt: it dials, speaks the plaintext preamble,
// sends a ClientHello of any shape, completes the handshake where it can and
// keeps the whole transcript. Its TLS engine is its own, so that two attempts
// that differ in one property differ in nothing else, and so that broken peers
// are described rather than refused.
//
// It completes TLS 1.0 to 1.3 with ECDHE, DHE and RSA key exchange and stops
// after the server's flight of SSL 2.0 and 3.0. It resumes no sessions, sends
// no early data and judges nothing: a chain that nobody trusts and a signature
// that does not verify are facts, and the handshake goes on. It must not be
// used to protect data.
//
//	attempt := probe.Attempt(ctx, probe.Spec{Address: "192.0.2.1:443", Hello: template})
//	fmt.Println(attempt.End.Kind, attempt.End.Stage, attempt.End.Alert)
package probe
