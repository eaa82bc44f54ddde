// Package lab starts broken TLS servers on demand, in process, on 127.0.0.1: a
// correct server plus named faults. It is for practising, for demonstrations
// and for examining the diagnosis, with which it shares nothing but the words
// of the wire: it knows no causes beyond the ids that a scenario names as its
// expected answer.
//
// A Scenario is a server with its faults, the client that meets it and the
// expected answer. Start runs its server:
//
//	s, _ := lab.Lookup("cert-expired")
//	running, err := lab.Start(ctx, s)
//	defer running.Close()
//	// connect to running.Addr, ask for running.Name, trust running.CA
//
// A fault is one commented field in faults.go. Most servers are crypto/tls;
// what crypto/tls cannot do (SSL 2.0 and 3.0, finite-field Diffie-Hellman,
// answers against the RFC, any alert at any stage) is done by a scripted
// server on the structures of package tlswire.
package lab
