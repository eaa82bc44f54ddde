// Package client knows how named clients speak and judge: the ClientHello of
// each as it was captured, and what each accepts, one file per client in data.
// It builds the user's own hello from a profile and flags, changes hellos for
// experiments, and predicts which clients a server turns away. It sends
// nothing; random, key shares and session IDs are the sender's to fill.
//
//	p, err := client.Lookup("java 6")
//	hello, how, err := client.Build(p, client.Options{SNI: "shop.example.com"})
package client
