// Package tlswire turns bytes into TLS records, handshake messages, alerts and
// extensions, and back: SSL 2.0 to TLS 1.3. It knows the wire and the
// arithmetic of the key schedules; it knows no sockets, no clock, no policy
// and no causes.
//
//	hello, err := tlswire.ParseClientHello(message)
//	fmt.Println(hello.ServerName(), hello.SupportedVersions())
//
// Every message is read and written whole, with its 4-byte handshake header
// (Handshake.Raw); alerts and SSLv2 messages are what their record carries.
// Where the layout depends on the version or the suite, the caller says them.
//
// A parser that meets a broken rule returns a *WireError that names the field
// and the section, and beside it what could be read. Results share the memory
// of their input; RecordSplitter and Reassembler return memory of their own.
//
// The names are those of the IANA registries, generated from gen/data; to add a
// value, add its row there and run go generate.
package tlswire
