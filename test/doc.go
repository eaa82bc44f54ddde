// Package test examines tlswhy on real servers: the web servers and proxies,
// mail, directory, database, chat and other servers of Debian, OpenSSL, GnuTLS,
// a JDK, Go and zcrypto, each with one named fault (or none), asked by one client. It knows the front door of the library and what a fault
// is; it shares nothing with the code under test.
//
// Scenarios are rows: a fault says what it does to an endpoint, on which kinds
// of servers it can be had, and which cause must come first. To add one, add a
// row to the table of its family in scenarios_*_test.go. The table below runs
// one family on one kind:
//
//	go test ./test -run 'TestScenarios/nginx/cert-expired' -v
package test
