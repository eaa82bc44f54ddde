// Package echo tells a client what arrived of the ClientHellos that it sent: the
// bytes, the pieces in which they came, and from where. A Server notes them and
// answers as any TLS server would; who knows the secret may ask for what it
// noted. The two ends can then compare byte for byte, and whatever a box on the
// path rewrote, ended, swallowed or cut into other pieces shows.
//
// # The dialogue
//
// It is spoken in clear or, where only TLS gets through, within TLS on the same
// port. Both ends prove that they know the secret, the client first, so that
// nobody else gets anything to guess it by:
//
//	C: TLSWHY-ECHO/1 <nonce of the client>
//	S: <nonce of the server>
//	C: <HMAC-SHA256 of "client" and both nonces>
//	S: <HMAC-SHA256 of "server" and both nonces>
//	C: report <number of the last arrival that is known>
//	S: <JSON> <HMAC-SHA256 of the request's count and the JSON, keyed by the session>
//
// Nothing that was sent by one address goes to another without that: there is no
// reflection. What is noted is bounded, and so is how often one address may come.
package echo
