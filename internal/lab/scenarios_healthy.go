package lab

import (
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(
	Scenario{ID: "healthy", Title: "nothing is wrong",
		Story: "TLS 1.2 and 1.3, a certificate for the right name, the whole chain. This is what the others are compared with."},
	Scenario{ID: "healthy-scripted", Title: "nothing is wrong, from the other server",
		Story: "The same by the lab's scripted server.", Server: Server{Offer: Offer{Scripted: true}}},
	Scenario{ID: "p384", Title: "a P-384 certificate", Story: "Common in government profiles.", Server: Server{Leaf: Leaf{Key: P384}}},
	Scenario{ID: "rsa-tls12", Title: "RSA and TLS 1.2", Story: "The ordinary server of 2016.", Server: Server{Leaf: rsaLeaf, Offer: tls12}},
	Scenario{ID: "post-quantum-only", Title: "only the post-quantum group", Near: "no-common-group",
		Story:  "The reference client has it.",
		Server: Server{Offer: Offer{MinVersion: tlswire.TLS13, Groups: groups(tlswire.GroupX25519MLKEM768)}}},
	Scenario{ID: "tickets", Title: "session tickets", Story: "The server sends tickets after the handshake, before any data.", Server: Server{Offer: Offer{Tickets: true}}},
	Scenario{ID: "slow-accept", Title: "the server takes its time", Near: "handshake-timeout",
		Story: "A second and a half passes before it serves a connection.", Server: Server{Transport: Transport{AcceptDelay: 1500 * time.Millisecond}}},
	Scenario{ID: "one-at-a-time", Title: "one connection at a time", Near: "handshake-timeout",
		Story: "The next connection waits until the one before is gone, as with openssl s_server.", Server: Server{Transport: Transport{OneAtATime: true}}},
	Scenario{ID: "small-segments", Title: "the answer comes in small pieces", Near: "eof-during-handshake",
		Story: "Seven bytes at a time.", Server: Server{Transport: Transport{Segment: 7}}},
	Scenario{ID: "mute", Title: "a server that says nothing after the handshake", Near: "handshake-timeout",
		Story: "TLS stands; the protocol above it waits for the client, which has nothing to say.", Server: Server{App: App{Mute: true}}, Client: ClientHint{Protocol: "tls"}},
	Scenario{ID: "nginx", Title: "a server that names itself", Story: "Server: nginx/1.29.2, so that the fixes can be nginx's.", Server: Server{App: App{ServerHeader: "nginx/1.29.2"}}},
	Scenario{ID: "tls-not-http", Title: "TLS without HTTP", Story: "Asked with the bare protocol tls.", Client: ClientHint{Protocol: "tls"}},
	Scenario{ID: "client-tls12", Title: "a client that stops at TLS 1.2", Near: "protocol-version", Story: "Old, but not too old.", Client: ClientHint{MaxVersion: "1.2"}},
	Scenario{ID: "client-without-pq", Title: "a client without post-quantum groups", Near: "hello-too-large",
		Story:  "Its hello is small enough for the server that breaks on large ones.",
		Server: Server{Hello: Hello{Large: Reset}}, Client: ClientHint{Groups: "x25519,secp256r1,secp384r1"}},
)
