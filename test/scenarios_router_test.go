package test

import (
	"testing"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// TestBehindARouter puts HAProxy in front, in TCP mode: it picks the server by
// SNI without ending TLS, and hangs up where it has none.
func TestBehindARouter(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers")
	}
	t.Parallel()
	w := newWorld(t)
	old := w.leaf("routed-old", pki.Spec{DNS: []string{"old.shop.test"}, NotAfter: weeksAgo(3)})
	good := &server.Endpoint{Name: "good", Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key}
	late := &server.Endpoint{Name: "late", Hosts: []string{"old.shop.test"}, Chain: old.chain, Key: old.key}
	server.Start(t, golang, good, late)
	router := &server.Endpoint{Name: "router", Plain: true, Port: server.FreePort(t)}
	router.Extra = []string{
		"mode tcp", "tcp-request inspect-delay 3s", "tcp-request content accept if { req.ssl_hello_type 1 }",
		"use_backend good if { req.ssl_sni -i " + host + " }", "use_backend late if { req.ssl_sni -i old.shop.test }",
		"use_backend dead if { req.ssl_sni -i dead.shop.test }",
		"backend good", "mode tcp", "server s " + good.Target(),
		"backend late", "mode tcp", "server s " + late.Target(),
		"backend dead", "mode tcp", "server s 127.0.0.1:1",
	}
	server.Start(t, haproxy, router)
	for _, c := range []struct {
		name, host, sni string
		want            []string
	}{
		{"healthy", host, "", nil},
		{"expired-behind", "old.shop.test", "", []string{"cert-expired"}},
		{"no-sni", host, "none", []string{"sni-missing"}},
		// No name is told from a dead server by bytes alone: every hello ends alike.
		{"unknown-name", "unknown.shop.test", "", []string{"eof-during-handshake", "sni-unrecognized"}},
		{"dead-server", "dead.shop.test", "", []string{"eof-during-handshake", "connection-reset", "sni-unrecognized"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := scenario{ep: server.Endpoint{Name: c.name, Port: router.Port, Hosts: []string{c.host}}, want: c.want, healthy: c.want == nil,
				opts: tlswhy.Options{CAFile: w.RootFile, SNI: c.sni}}
			d, _ := s.diagnose(t)
			if wrong := s.judge(d); len(wrong) > 0 {
				t.Errorf("%v\n%s", wrong, explain(d))
			}
		})
	}
}
