// Package inventory finds out what a server offers: versions, cipher suites in
// its order, groups, signature schemes, certificates, extensions, resumption.
// It offers sets, lets the server pick, takes the pick away and goes on, so that
// each thing that it says is offered was picked by the server itself. No
// handshake is completed where the ServerHello tells enough, in TLS 1.3 a
// HelloRetryRequest, which costs neither side a key.
//
// A refusal says little by itself: servers ban, time out and take fright at
// long lists. So a refusal counts when the server has answered another hello
// after it; what cannot be found out is said (Result.Unknown). The package
// judges nothing.
//
//	r := inventory.Take(ctx, inventory.Options{Address: "192.0.2.1:443", Name: "example.com"})
//	for _, v := range r.Versions {
//		fmt.Println(v.Version, v.Offered, v.Suites)
//	}
package inventory
