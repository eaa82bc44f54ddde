package lab

var _ = register(
	Scenario{ID: "healthy", Title: "nothing is wrong",
		Story: "TLS 1.2 and 1.3, a certificate for the right name, the whole chain. This is what the others are compared with."},
)
