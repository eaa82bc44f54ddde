package lab

import (
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// tickets is a server that can resume sessions.
var tickets = Offer{Tickets: true}

var _ = register(
	Scenario{ID: "proxy-protocol", Cause: "proxy-protocol", Title: "the port wants a PROXY header first",
		Story:  "It is meant for the load balancer only, which sends one line with the client's address before the TLS bytes. A ClientHello is none, so the server hangs up.",
		Server: Server{Several: Several{ProxyHeader: Close}}},
	Scenario{ID: "proxy-protocol-reset", Cause: "proxy-protocol", Title: "the port wants a PROXY header and resets",
		Story: "The same with a reset.", Server: Server{Several: Several{ProxyHeader: Reset}}},
	Scenario{ID: "proxy-protocol-silent", Cause: "proxy-protocol", Title: "the port waits for a PROXY header",
		Story: "It says nothing to those who begin otherwise.", Server: Server{Several: Several{ProxyHeader: Silence}}},
	Scenario{ID: "proxy-protocol-smtp", Cause: "proxy-protocol", Title: "a mail server behind a balancer waits for a PROXY header",
		Story:  "Its greeting comes only after the header.",
		Server: Server{Several: Several{ProxyHeader: Close}, Preamble: Preamble{StartTLS: "smtp"}}, Client: ClientHint{StartTLS: "smtp"}},
	Scenario{ID: "proxy-protocol-expired", Cause: "proxy-protocol", Also: []string{"cert-expired"}, Title: "a PROXY header is wanted, and the certificate has expired",
		Story: "What stands behind the first fault is seen too.", Server: Server{Several: Several{ProxyHeader: Close}, Leaf: Leaf{Expired: 9 * day}}},
	Scenario{ID: "closes-on-proxy-header", Cause: "eof-during-handshake", Near: "proxy-protocol", Title: "every connection is closed, with a PROXY header too",
		Story: "The header changes nothing.", Server: Server{Hello: Hello{Every: Close}}},

	Scenario{ID: "misdirected-request", Cause: "misdirected-request", Title: "SNI and Host name different virtual hosts",
		Story:  "The certificate covers both names. The server takes the request for the one and the connection for the other, and answers 421.",
		Server: Server{Leaf: Leaf{Names: []string{DefaultName, "blog.lab.test"}}, Several: Several{Misdirected: true}}, Client: ClientHint{SNI: "blog.lab.test"}},
	Scenario{ID: "misdirected-unknown", Cause: "misdirected-request", Title: "the server has no virtual host for the name",
		Story: "The certificate covers it, the handshake passes, and HTTP says 421.", Server: Server{App: App{Status: 421}}},
	Scenario{ID: "sni-of-another", Near: "misdirected-request", Title: "another SNI than Host, and the server does not mind",
		Story: "Both names are on the certificate.", Server: Server{Leaf: Leaf{Names: []string{DefaultName, "blog.lab.test"}}}, Client: ClientHint{SNI: "blog.lab.test"}},

	Scenario{ID: "backend-closed", Also: []string{"backend-closed"}, Title: "TLS works, and nobody stands behind it",
		Story: "A balancer that ends TLS has no live backend: it takes the request and hangs up.", Server: Server{Several: Several{Hangup: Close}}},
	Scenario{ID: "backend-closed-reset", Also: []string{"backend-closed"}, Title: "TLS works, and the request is met by a reset",
		Story: "As with stunnel when its backend refuses.", Server: Server{Several: Several{Hangup: Reset}, Offer: tls12}},
	Scenario{ID: "closes-on-other-protocol", Near: "backend-closed", Title: "a protocol that is no HTTP hangs up",
		Story: "Asked with the bare protocol tls: what it expects is not known.", Server: Server{Several: Several{Hangup: Close}}, Client: ClientHint{Protocol: "tls"}},

	Scenario{ID: "resumption-broken", Also: []string{"resumption-broken"}, Title: "resumed sessions are met by decrypt_error",
		Story:  "The first connection works. One that offers the ticket of the first fails with alert 51 instead of going on in full.",
		Server: Server{Offer: tickets, Several: Several{Resumption: Alert(tlswire.AlertDecryptError)}}},
	Scenario{ID: "resumption-closed", Also: []string{"resumption-broken"}, Title: "resumed sessions are closed",
		Story: "No word, in TLS 1.2.", Server: Server{Offer: Offer{Tickets: true, MaxVersion: tlswire.TLS12}, Several: Several{Resumption: Close}}},
	Scenario{ID: "resumption-unknown-psk", Also: []string{"resumption-broken"}, Title: "an unknown ticket is taken for an attack",
		Story: "Alert 115 where a full handshake should follow.", Server: Server{Offer: tickets, Several: Several{Resumption: Alert(tlswire.AlertUnknownPSKIdentity)}}},
	Scenario{ID: "resumption-wrong-session", Also: []string{"resumption-broken"}, Title: "the server resumes another session",
		Story: "Its cache mixes sessions up: the binder does not fit the key.", Server: Server{Several: Several{WrongSession: true}}},
	Scenario{ID: "resumption-wrong-session-12", Also: []string{"resumption-broken"}, Title: "the server resumes another session (TLS 1.2)",
		Story: "Both sides take the session up, with different secrets.", Server: Server{Offer: tls12, Several: Several{WrongSession: true}}},
	Scenario{ID: "foreign-tickets", Near: "resumption-broken", Title: "tickets that the server does not know again",
		Story: "Each machine has ticket keys of its own; a full handshake follows, as it should.", Server: Server{Several: Several{ForeignTickets: true}}},
	Scenario{ID: "foreign-tickets-12", Near: "resumption-broken", Title: "tickets that the server does not know again (TLS 1.2)",
		Story: "The same in TLS 1.2.", Server: Server{Offer: tls12, Several: Several{ForeignTickets: true}}},
	Scenario{ID: "resumption-mute", Near: "resumption-broken", Title: "a silent server that resumes sessions",
		Story: "The handshake stands each time; the HTTP request never gets an answer.", Server: Server{Offer: tickets, App: App{Mute: true}}},
	Scenario{ID: "foreign-addresses", Near: "resumption-broken", Title: "two addresses with ticket keys of their own",
		Story: "The ticket of the one is unknown to the other.", Server: Server{Offer: tickets, Several: Several{Addresses: []Server{{Several: Several{ForeignTickets: true}}}}}},
)

var _ = register(
	Scenario{ID: "inconsistent-endpoints", Cause: "inconsistent-endpoints", Or: []string{"connection-reset"}, Title: "one of three backends resets every connection",
		Story:  "The load balancer spreads connections over three machines. One is broken.",
		Server: Server{Several: Several{Backends: []Server{{}, {Hello: Hello{Every: Reset}}}}}},
	Scenario{ID: "inconsistent-first", Cause: "inconsistent-endpoints", Or: []string{"eof-during-handshake"}, Title: "the first of two backends closes every connection",
		Story: "The other works.", Server: Server{Hello: Hello{Every: Close}, Several: Several{Backends: []Server{{}}}}},
	Scenario{ID: "inconsistent-expired", Cause: "cert-expired", Also: []string{"inconsistent-endpoints"}, Title: "one of two backends has an expired certificate",
		Story: "The renewal reached only one machine.", Server: Server{Leaf: Leaf{Expired: 4 * day}, Several: Several{Backends: []Server{{}}}}},
	Scenario{ID: "inconsistent-expired-second", Cause: "cert-expired", Also: []string{"inconsistent-endpoints"}, Title: "the second of two backends has an expired certificate",
		Story: "The first dial looks healthy.", Server: Server{Several: Several{Backends: []Server{{Leaf: Leaf{Expired: 4 * day}}}}}},
	Scenario{ID: "inconsistent-addresses", Cause: "cert-expired", Also: []string{"inconsistent-endpoints"}, Title: "one of two addresses has an expired certificate",
		Story: "Who gets which depends on the resolver.", Server: Server{Several: Several{Addresses: []Server{{Leaf: Leaf{Expired: 4 * day}}}}}},
	Scenario{ID: "inconsistent-address-closed", Cause: "eof-during-handshake", Also: []string{"inconsistent-endpoints"}, Title: "one of two addresses closes every connection",
		Story: "The other works.", Server: Server{Several: Several{Addresses: []Server{{Hello: Hello{Every: Close}}}}}},
	Scenario{ID: "inconsistent-second-certificate", Also: []string{"inconsistent-endpoints"}, Title: "the RSA certificate beside the ECDSA one has expired",
		Story:  "Only clients that cannot use ECDSA get it, so nobody noticed.",
		Server: Server{Several: Several{SecondLeaf: &Leaf{Key: RSA2048, Expired: 7 * day}}}},
	Scenario{ID: "second-certificate", Near: "inconsistent-endpoints", Title: "an RSA certificate beside the ECDSA one",
		Story: "Both are valid.", Server: Server{Several: Several{SecondLeaf: &Leaf{Key: RSA2048}}}},
	Scenario{ID: "rolling-renewal", Near: "inconsistent-endpoints", Title: "two backends with certificates of their own",
		Story: "Both are valid: a renewal that goes from machine to machine.", Server: Server{Several: Several{Backends: []Server{{Leaf: Leaf{Expired: -80 * day}}}}}},
	Scenario{ID: "rolling-renewal-addresses", Near: "inconsistent-endpoints", Title: "two addresses with certificates of their own",
		Story: "Both are valid.", Server: Server{Several: Several{Addresses: []Server{{Leaf: Leaf{Expired: -80 * day}}}}}},

	Scenario{ID: "rate-limited", Also: []string{"rate-limited"}, Title: "two connections, and then resets",
		Story:  "After a second without connections it works again.",
		Server: Server{Several: Several{Limit: 2, LimitBy: Reset, LimitFor: time.Second}}},
	Scenario{ID: "rate-limited-banned", Also: []string{"rate-limited"}, Title: "two connections, and then none",
		Story: "A ban that lasts.", Server: Server{Several: Several{Limit: 2, LimitBy: Close}}},
	Scenario{ID: "rate-limited-429", Also: []string{"rate-limited"}, Title: "HTTP says 429",
		Story: "Too many requests; TLS is in order.", Server: Server{App: App{Status: 429}}},
	Scenario{ID: "rate-limited-429-later", Also: []string{"rate-limited"}, Title: "HTTP says 429 from the second connection on",
		Story: "TLS is in order.", Server: Server{Offer: tickets, Several: Several{Limit: 1, LimitStatus: 429}}},
	Scenario{ID: "one-at-a-time-tickets", Near: "rate-limited", Title: "one connection at a time, with tickets",
		Story: "The next connection waits until the one before is gone.", Server: Server{Offer: tickets, Transport: Transport{OneAtATime: true}}},
)
