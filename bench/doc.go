//go:build linux

// Command bench measures tlswhy beside programs that do the same, on this
// machine, and says what is not installed.
//
//	go run ./bench light       # CPU per target of a light check
//	go run ./bench inventory   # a server's suites, on loopback and 50 ms away
//	go run ./bench memory      # a list of 100,000 targets
//	go run ./bench all         # all of them, into docs/performance.md (make performance)
//
// TLSX, ZGRAB2 and BLACKBOX name checkouts of those programs, which are built
// and measured too. It needs nginx and openssl.
package main
