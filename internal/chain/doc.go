// Package chain reads X.509 certificates that other parsers refuse and says
// everything that is wrong with a certificate path.
//
// It knows the lenient reading of a certificate (a bad field never loses the
// rest), signature checks with three results, the building of all candidate
// paths from what was sent, what is at hand and the trust anchors, and the
// matching of names. It refuses to know sockets, files, the clock, and what a
// problem means for a user: the moment is given by the caller and the judgement
// is made elsewhere.
//
//	leaf := chain.Parse(der)
//	a := chain.Analyze(chain.Input{Sent: []*chain.Certificate{leaf}, Anchors: roots,
//		Name: "shop.example.com", Now: now})
//	for _, p := range a.BestPath().Problems {
//		fmt.Println(p.Kind, p.Detail)
//	}
//
// All functions are safe for concurrent use; certificates are never changed
// after Parse has returned them.
package chain
