package guard

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		address        string
		public, inside bool
	}{
		{"93.184.216.34:80", true, true},
		{"[2606:2800:220:1::1]:80", true, true},
		{"127.0.0.1:80", false, true},
		{"127.9.9.9:80", false, true},
		{"[::1]:80", false, true},
		{"[::ffff:127.0.0.1]:80", false, true},
		{"[::ffff:10.0.0.1]:80", false, true},
		{"10.1.2.3:8080", false, true},
		{"172.16.0.1:80", false, true},
		{"192.168.1.1:80", false, true},
		{"100.64.1.1:80", false, true},
		{"[fd12::1]:80", false, true},
		{"[fe80::1%eth0]:80", false, false},
		{"169.254.1.1:80", false, false},
		{"[64:ff9b::10.0.0.1]:80", false, true},
		{"[64:ff9b::93.184.216.34]:80", true, true},
		{"[2002:7f00:1::]:80", false, true},
		{"[::10.0.0.1]:80", false, true},
		{"240.0.0.1:80", false, true},
		{"192.0.2.1:80", false, true},
		{"169.254.169.254:80", false, false},
		{"[::ffff:169.254.169.254]:80", false, false},
		{"[64:ff9b::169.254.169.254]:80", false, false},
		{"[fd00:ec2::254]:80", false, false},
		{"100.100.100.200:80", false, false},
		{"168.63.129.16:80", false, false},
		{"0.0.0.0:80", false, false},
		{"[::]:80", false, false},
		{"224.0.0.1:80", false, false},
		{"[ff02::1]:80", false, false},
		{"255.255.255.255:80", false, false},
		{"[::ffff:0:127.0.0.1]:80", false, true},
		{"[::ffff:0:169.254.169.254]:80", false, false},
		{"[64:ff9b:1::1]:80", false, true},
		{"[2001:0:1::1]:80", false, true},
		{"[2002:a9fe:a9fe::1]:80", false, false},
		{"nonsense", false, false},
		{"2130706433:80", false, false},
		{"localhost:80", false, false},
	} {
		t.Run(tc.address, func(t *testing.T) {
			t.Parallel()
			for _, allow := range []bool{false, true} {
				p := Policy{Loopback: allow, Private: allow}
				err := p.Check(tc.address)
				want := tc.public
				if allow {
					want = tc.inside
				}
				if (err == nil) != want || err != nil && !errors.Is(err, ErrForbidden) {
					t.Errorf("private allowed %v: got %v, want allowed %v", allow, err, want)
				}
			}
		})
	}
}

func TestAllowAndDeny(t *testing.T) {
	t.Parallel()
	p := Policy{Private: true, Allow: append([]netip.Prefix{netip.MustParsePrefix("127.0.0.8/32"), netip.MustParsePrefix("0.0.0.0/8")}, LinkLocal...),
		Deny: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16"), netip.MustParsePrefix("93.184.216.0/24"), netip.MustParsePrefix("169.254.169.254/32")}}
	for _, c := range []struct {
		address string
		allowed bool
	}{
		{"127.0.0.8:1", true}, {"127.0.0.1:1", false}, {"10.8.0.1:1", true}, {"10.9.0.1:1", false}, {"[::ffff:10.9.0.1]:1", false}, {"[64:ff9b::10.9.0.1]:1", false},
		{"93.184.216.34:1", false}, {"93.184.217.1:1", true}, {"169.254.3.3:1", true}, {"[fe80::1%eth0]:1", true}, {"169.254.169.254:1", false}, {"0.0.0.0:1", false},
	} {
		if err := p.Check(c.address); (err == nil) != c.allowed {
			t.Errorf("%s: got %v, want allowed %v", c.address, err, c.allowed)
		}
	}
}

// resolver asks a DNS server of the test, which answers the n-th question for an
// address with the n-th of these.
func resolver(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	started := make(chan struct{})
	s := &dns.Server{PacketConn: pc, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			n := min(int(asked.Add(1)), len(answers))
			rr, err := dns.NewRR(q.Question[0].Name + " 0 IN A " + answers[n-1])
			if err != nil {
				return
			}
			m.Answer = append(m.Answer, rr)
		}
		_ = w.WriteMsg(m) // whoever asked sees a timeout
	})}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// TestRebinding has a name that leads to a public address when it is looked at,
// and to this machine when it is dialled.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := resolver(t, "93.184.216.34", "127.0.0.1")
	looked, err := r.LookupNetIP(t.Context(), "ip4", "rebound.example.com")
	if err != nil || looked[0].String() != "93.184.216.34" {
		t.Fatalf("got %v, %v", looked, err)
	}
	p := Policy{Private: true}
	tr := p.Transport()
	d := &net.Dialer{Resolver: r, Control: p.Control}
	tr.DialContext = d.DialContext
	_, err = (&http.Client{Transport: tr}).Get("http://rebound.example.com:" + port)
	if !errors.Is(err, ErrForbidden) || asked.Load() != 0 {
		t.Errorf("got %v, and %d requests", err, asked.Load())
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(inner.Close)
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(inner.URL, "127.0.0.1", r.URL.Query().Get("to"), 1), http.StatusFound)
	}))
	t.Cleanup(outer.Close)
	port := netip.MustParseAddrPort(outer.Listener.Addr().String()).Port()
	p := Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	tr := p.Transport()
	// The first address is allowed with its port only: what follows is not.
	strict := func(address string) error {
		if netip.MustParseAddrPort(address).Port() == port {
			return p.Check(address)
		}
		return (&Policy{}).Check(address)
	}
	tr.DialContext = (&net.Dialer{Control: func(_, address string, _ syscall.RawConn) error { return strict(address) }}).DialContext
	for _, to := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		if _, err := (&http.Client{Transport: tr}).Get(outer.URL + "/?to=" + to); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: got %v", to, err)
		}
	}
	if asked.Load() != 0 {
		t.Error("the redirect was followed")
	}
}
