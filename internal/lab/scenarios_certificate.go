package lab

var _ = register(
	Scenario{ID: "cert-expired", Cause: "cert-expired", Title: "the certificate expired 12 days ago",
		Story: "The renewal broke weeks ago and nobody noticed. Everything else is in order: " +
			"the chain, the name, the key. Every client that checks certificates turns away.",
		Server: Server{Leaf: Leaf{Expired: 12 * day}}},
)
