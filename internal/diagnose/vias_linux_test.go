package diagnose_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestVia leaves this machine from two addresses, one of which is cut off.
func TestVia(t *testing.T) {
	t.Parallel()
	r, o := startScenario(t, "healthy")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if strings.HasPrefix(conn.RemoteAddr().String(), "127.0.0.2:") {
					_, _ = conn.Read(make([]byte, 1))
					_ = conn.(*net.TCPConn).SetLinger(0)
					return
				}
				server, err := net.Dial("tcp", r.Addr)
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(server, conn); _ = server.(*net.TCPConn).CloseWrite() }()
				_, _ = io.Copy(conn, server)
			}()
		}
	}()
	o.Connect = []string{ln.Addr().String()}
	for _, tt := range []struct {
		via  []string
		want diag.Verdict
	}{
		{[]string{"127.0.0.1"}, diag.OK}, {[]string{"lo"}, diag.OK}, {[]string{"127.0.0.2"}, diag.Failure}, {[]string{"lo", "127.0.0.2"}, diag.Failure},
	} {
		o.Via = tt.via
		d, err := diagnose.Run(t.Context(), "https://shop.lab.test", o, diagnose.Env{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Verdict != tt.want && !(tt.want == diag.OK && d.Verdict == diag.Warning) {
			t.Errorf("%v: got %s\n%s", tt.via, d.Verdict, describe(d))
		}
		if len(tt.via) > 1 && (d.Compared == nil || d.Compared.Fault != diag.FaultNetwork || len(d.Compared.At) != 1 || d.Compared.At[0] != "127.0.0.2") {
			t.Errorf("got %+v\n%s", d.Compared, describe(d))
		}
	}
	for _, bad := range [][]string{{"nowhere0"}, {"192.0.2.200"}, {"lo", "lo"}, {"lo", "nowhere0"}, {"1", "2", "3", "4", "5"}} {
		o.Via = bad
		if _, err := diagnose.Run(t.Context(), "https://shop.lab.test", o, diagnose.Env{}); err == nil || !strings.Contains(err.Error(), "--via") {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}
