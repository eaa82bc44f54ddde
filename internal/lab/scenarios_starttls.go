package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

// refusals are the words with which each protocol refuses TLS: for good, and
// for now.
var refusals = []struct{ protocol, lasting, now string }{
	{"lmtp", "502 5.5.1 TLS is not configured", "454 4.7.0 TLS not available due to temporary reason"},
	{"pop3", "-ERR TLS is not configured", "-ERR [SYS/TEMP] try again later"},
	{"sieve", `NO "TLS is not configured"`, `NO (TRYLATER) "try again later"`},
	{"nntp", "580 can not initiate TLS negotiation", "400 service temporarily unavailable"},
	{"ftp", "534 policy requires no TLS", "431 necessary security resource is temporarily unavailable"},
	{"irc", ":irc.lab.test 691 * :STARTTLS failed (wrong moon phase)", "ERROR :Closing link: (too many connections, try again later)"},
	{"ldap", "2 unsupported extended operation", "52 TLS is not available, try again later"},
	{"postgres", "28000 no pg_hba.conf entry for host", "53300 sorry, too many clients already"},
	{"mysql", "1130 Host 'x' is not allowed to connect to this MySQL server", "1040 Too many connections"},
	{"rdp", "3 no certificate", ""},
	{"xmpp", "failure", ""},
	{"xmpp-server", "failure", ""},
	{"mssql", "", ""},
}

var _ = register(startTLSScenarios()...)

// startTLSScenarios are the faults of the plaintext dialogue in every protocol
// but SMTP and IMAP, which scenarios_transport.go covers.
func startTLSScenarios() []Scenario {
	var out []Scenario
	for _, r := range refusals {
		p := r.protocol
		add := func(id, cause, title, story string, or []string, f Preamble, change func(*Scenario)) {
			f.StartTLS = p
			s := Scenario{ID: id, Cause: cause, Or: or, Title: title, Story: story, Server: Server{Preamble: f}, Client: ClientHint{StartTLS: p}}
			if cause == "" {
				s.Near = "starttls-missing"
			}
			if p == "mssql" { // TDS 7 knows no newer one
				s.Server.MaxVersion = tlswire.TLS12
			}
			if change != nil {
				change(&s)
			}
			out = append(out, s)
		}
		add(p, "", p+" with its step to TLS", "As it should be.", nil, Preamble{}, nil)
		add(p+"-expired", "cert-expired", "expired behind the "+p+" dialogue", "The dialogue is in order, the certificate is not.", nil, Preamble{},
			func(s *Scenario) { s.Server.Leaf.Expired = 20 * day })
		add("starttls-missing-"+p, "starttls-missing", "the "+p+" server does not offer TLS", "It says what it can do, and TLS is not part of it.", nil, Preamble{NotOffered: true}, nil)
		if r.lasting != "" {
			add("starttls-refused-"+p, "starttls-missing", "the "+p+" server refuses TLS", "Asked for, and refused: "+r.lasting+".", []string{"access-denied"}, Preamble{RefuseStartTLS: r.lasting}, nil)
		}
		if r.now != "" {
			add("starttls-later-"+p, "starttls-missing", "the "+p+" server refuses TLS for now", "Asked for, and put off: "+r.now+".", []string{"rate-limited"}, Preamble{RefuseStartTLS: r.now}, nil)
		}
		add("starttls-eof-"+p, "eof-during-handshake", "the connection ends after the go-ahead of "+p, "Both sides agreed on TLS, then the server is gone.",
			nil, Preamble{CloseAfterGoAhead: true}, nil)
	}
	for _, p := range []string{"smtp", "imap", "pop3", "ftp"} {
		out = append(out,
			Scenario{ID: "starttls-plain-" + p, Cause: "server-speaks-plaintext", Or: []string{"protocol-violation", "starttls-missing"}, Title: "the go-ahead of " + p + ", and then plain text",
				Story:  "The server agrees to TLS and answers the ClientHello in clear.",
				Server: Server{Preamble: Preamble{StartTLS: p, PlainAfterGoAhead: "500 what was that?"}}, Client: ClientHint{StartTLS: p}},
			Scenario{ID: "starttls-injected-" + p, Cause: "server-speaks-plaintext", Or: []string{"protocol-violation", "starttls-missing"}, Title: "words between the go-ahead of " + p + " and TLS",
				Story:  "Something puts a line in clear behind the go-ahead: an attacker does that, and a server that answers twice.",
				Server: Server{Preamble: Preamble{StartTLS: p, Inject: "250 injected\r\n"}}, Client: ClientHint{StartTLS: p}})
	}
	return append(out,
		Scenario{ID: "starttls-silent", Cause: "handshake-timeout", Title: "no greeting", Story: "TCP connects, and nobody says a word.",
			Server: Server{Preamble: Preamble{StartTLS: "smtp", Silent: true}}, Client: ClientHint{StartTLS: "smtp"}},
		Scenario{ID: "starttls-long-greeting", Near: "starttls-missing", Title: "a greeting of three hundred lines", Story: "Legal notices go on for pages; the protocol allows it.",
			Server: Server{Preamble: Preamble{StartTLS: "smtp", LongGreeting: 300}}, Client: ClientHint{StartTLS: "smtp"}},
	)
}
