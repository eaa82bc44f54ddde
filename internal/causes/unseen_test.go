package causes

import (
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestHelloUnseen judges a connection that was captured from the ServerHello on:
// what the client offered is not known, and nothing is said of it. The near miss
// is the same with a hello that offers less.
func TestHelloUnseen(t *testing.T) {
	t.Parallel()
	judge := func(hello *tlswire.ClientHello) []diag.Cause {
		sh := &tlswire.ServerHello{Version: tlswire.TLS12, CipherSuite: tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Random: make([]byte, 32)}
		a := &facts.Attempt{N: 1, Address: "192.0.2.1:443", Sent: hello, ServerHello: sh, Version: tlswire.TLS12, Seen: &facts.Seen{},
			End: facts.End{Kind: facts.EndAlert, Stage: diag.StageFinished, By: tlswire.SideServer, Alert: tlswire.Alert{Level: 2, Description: tlswire.AlertHandshakeFailure}}}
		found, _ := Judge(&facts.Case{At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Attempts: []*facts.Attempt{a}, Spent: true,
			Want:   facts.Want{Input: "192.0.2.1:443", Hello: hello, Client: facts.Client{Name: "the client", MinVersion: tlswire.SSL3, MaxVersion: tlswire.TLS13}},
			Lookup: facts.Lookup{Addresses: []string{a.Address}, Given: true}})
		return found
	}
	said := func(found []diag.Cause) bool {
		for _, c := range found {
			if c.ID == "protocol-version" {
				return true
			}
		}
		return false
	}
	if found := judge(nil); said(found) {
		t.Errorf("a version that nobody saw: %+v", found)
	}
	old := &tlswire.ClientHello{Version: tlswire.TLS11, CipherSuites: []tlswire.CipherSuite{tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
	if found := judge(old); !said(found) {
		t.Errorf("TLS 1.2 for a client of TLS 1.1: got %+v", found)
	}
}
