package main

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// serveDNS answers on a port of loopback until the test ends.
func serveDNS(t *testing.T, handler dns.HandlerFunc) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	server := &dns.Server{PacketConn: conn, Handler: handler, NotifyStartedFunc: func() { close(ready) }}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	<-ready
	t.Cleanup(func() {
		_ = server.Shutdown() // the test is over
		<-done
	})
	return conn.LocalAddr().String()
}

func TestAskTLSA(t *testing.T) {
	t.Parallel()
	addr := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		switch q.Question[0].Name {
		case "_25._tcp.mx.example.com.":
			for _, text := range []string{
				"_25._tcp.mx.example.com. 60 IN CNAME tlsa.example.com.",
				"tlsa.example.com. 60 IN TLSA 3 1 1 ab12",
				"tlsa.example.com. 60 IN TLSA 2 0 0 00",
			} {
				rr, err := dns.NewRR(text)
				if err != nil {
					t.Error(err)
				}
				m.Answer = append(m.Answer, rr)
			}
		case "_25._tcp.broken.example.com.":
			m.Rcode = dns.RcodeServerFailure
		default:
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m) // the client may be gone
	})
	got, err := askTLSA(context.Background(), []string{addr}, "_25._tcp.mx.example.com")
	if err != nil || len(got) != 2 || got[0].Usage != 3 || got[0].Selector != 1 || got[0].Matching != 1 || len(got[0].Data) != 2 || got[1].Usage != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := askTLSA(context.Background(), []string{addr}, "_25._tcp.none.example.com"); err != nil || got != nil {
		t.Errorf("a name that does not exist: got %+v, %v", got, err)
	}
	if _, err := askTLSA(context.Background(), []string{addr}, "_25._tcp.broken.example.com"); err == nil {
		t.Error("SERVFAIL is no error")
	}
	if _, err := askTLSA(context.Background(), nil, "_25._tcp.mx.example.com"); err == nil {
		t.Error("no server is no error")
	}
}

func TestAskRecords(t *testing.T) {
	t.Parallel()
	zone := map[uint16]string{dns.TypeCAA: `0 issue "ca.example.net"`, dns.TypeHTTPS: `1 . alpn="h2" ech="AEX+"`}
	addr := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if data := zone[q.Question[0].Qtype]; data != "" {
			rr, err := dns.NewRR("example.com. 60 IN " + dns.TypeToString[q.Question[0].Qtype] + " " + data)
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		_ = w.WriteMsg(m) // the client may be gone
	})
	for _, kind := range []string{"CAA", "HTTPS", "TLSA"} {
		got, err := askRecords(context.Background(), []string{addr}, "example.com", kind)
		want := zone[dns.StringToType[kind]]
		if err != nil || len(got) > 1 || strings.Join(got, "") != want {
			t.Errorf("%s: got %q, %v, want %q", kind, got, err, want)
		}
	}
}
