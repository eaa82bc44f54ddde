// Package tlswire turns bytes into TLS records, handshake messages, alerts and
// extensions, and back: SSL 2.0 to TLS 1.3. It knows the wire and the
// arithmetic of the key schedules; it knows no sockets, no clock, no policy
// and no causes.
//
//	hello, err := tlswire.ParseClientHello(message)
//	fmt.Println(hello.ServerName(), hello.SupportedVersions())
package tlswire
