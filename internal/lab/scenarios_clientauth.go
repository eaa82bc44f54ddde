package lab

var _ = register(
	Scenario{ID: "client-cert-required", Cause: "client-cert-required", Title: "the server insists on a client certificate",
		Story: "With TLS 1.3 the client believes that the handshake succeeded: the server's refusal comes afterwards, " +
			"as an alert on the first read.",
		Server: Server{ClientAuth: ClientAuth{Ask: "required"}}},
)
