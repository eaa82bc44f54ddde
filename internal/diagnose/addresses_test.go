package diagnose_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// outcomes are the outcomes by address.
func outcomes(d *diag.Diagnosis) map[string]string {
	out := map[string]string{}
	for _, a := range d.Addresses {
		out[a.Address] = a.Outcome
	}
	return out
}

// anchors puts the anchors of several labs into one file.
func anchors(t *testing.T, rs ...interface{ anchors() []byte }) string {
	t.Helper()
	var all []byte
	for _, r := range rs {
		all = append(all, r.anchors()...)
	}
	return file(t, "ca.pem", all)
}

type pemOf []byte

func (p pemOf) anchors() []byte { return p }

func TestTwoFaultyAddresses(t *testing.T) {
	t.Parallel()
	expired, old := startLab(t, "cert-expired"), startLab(t, "cipher-camellia-only")
	ca := anchors(t, pemOf(expired.CA), pemOf(old.CA))
	d := run(t, "shop.lab.test", diagnose.Options{Connect: []string{expired.Addr, old.Addr}, CAFile: ca})
	contract(t, d)
	if got := outcomes(d); len(d.Addresses) != 2 || got[expired.Addr] != "cert-expired" || got[old.Addr] != "cipher-mismatch" {
		t.Errorf("got %v\n%s", got, describe(d))
	}
	for _, c := range d.Causes {
		want := map[string]string{"cert-expired": expired.Addr, "cipher-mismatch": old.Addr}[c.ID]
		if want != "" && (len(c.Addresses) != 1 || c.Addresses[0] != want) {
			t.Errorf("%s is said of %q, want %s", c.ID, c.Addresses, want)
		}
	}
	if first := d.FirstFailure(); first == nil || first.ID != "cipher-mismatch" {
		t.Errorf("negotiation comes before dates\n%s", describe(d))
	}
}

func TestOneAddressOfSeveral(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, scenario, want string }{
		{"refused", "tcp-refused", "tcp-refused"},
		{"expired", "cert-expired", "cert-expired"},
		{"silent", "handshake-timeout", "handshake-timeout"},
		{"closes", "eof-during-handshake", "eof-during-handshake"},
		{"plain", "server-speaks-plaintext", "server-speaks-plaintext"},
		{"other certificate", "hostname-mismatch", "hostname-mismatch"},
	} {
		for _, badFirst := range []bool{false, true} {
			name := c.name + " last"
			if badFirst {
				name = c.name + " first"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				good, bad := startLab(t, "healthy"), startLab(t, c.scenario)
				connect := []string{good.Addr, bad.Addr}
				if badFirst {
					slices.Reverse(connect)
				}
				d := run(t, "shop.lab.test", diagnose.Options{Connect: connect, CAFile: anchors(t, pemOf(good.CA), pemOf(bad.CA)), Timeout: 2 * time.Second})
				contract(t, d)
				first := d.FirstFailure()
				if first == nil || first.ID != c.want || !slices.Equal(first.Addresses, []string{bad.Addr}) {
					t.Fatalf("got %+v\n%s", first, describe(d))
				}
				if got := outcomes(d); got[good.Addr] != "ok" || got[bad.Addr] != c.want {
					t.Errorf("got %v", got)
				}
				if !slices.Equal([]string{d.Addresses[0].Address, d.Addresses[1].Address}, connect) {
					t.Errorf("the addresses are not in the order in which they were given: %v", d.Addresses)
				}
				if d.Handshake.Attempt == 0 || d.Attempts[d.Handshake.Attempt-1].Address != bad.Addr {
					t.Errorf("the ladder is of attempt %d, which is not of the broken address\n%s", d.Handshake.Attempt, describe(d))
				}
			})
		}
	}
}

func TestIPv4AndIPv6(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here: ", err)
	} else {
		l.Close()
	}
	four := startLab(t, "healthy")
	_, port, err := net.SplitHostPort(four.Addr)
	if err != nil {
		t.Fatal(err)
	}
	six := serveOn(t, "[::1]:0", func(c net.Conn) { greet(c) }) // closes
	_, sixPort, err := net.SplitHostPort(six)
	if err != nil {
		t.Fatal(err)
	}
	ca := file(t, "ca.pem", four.CA)
	for _, c := range []struct {
		name     string
		o        diagnose.Options
		failure  string
		families []string
	}{
		{"both", diagnose.Options{Connect: []string{"127.0.0.1:" + port, "[::1]:" + sixPort}}, "eof-during-handshake", []string{"ipv4", "ipv6"}},
		{"IPv4 only", diagnose.Options{Connect: []string{"127.0.0.1:" + port, "[::1]:" + sixPort}, Network: "ip4"}, "", []string{"ipv4"}},
		{"IPv6 only", diagnose.Options{Connect: []string{"127.0.0.1:" + port, "[::1]:" + sixPort}, Network: "ip6"}, "eof-during-handshake", []string{"ipv6"}},
		{"resolved by hand", diagnose.Options{Resolve: []string{"shop.lab.test:" + port + ":127.0.0.1,127.0.0.1"}}, "", []string{"ipv4"}},
		{"resolved by hand, IPv6", diagnose.Options{Resolve: []string{"other.lab.test:" + port + ":192.0.2.1", "*:" + port + ":[::1]"}}, "tcp-refused", []string{"ipv6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.CAFile = ca
			d := run(t, "shop.lab.test:"+port, c.o)
			contract(t, d)
			got := ""
			if first := d.FirstFailure(); first != nil {
				got = first.ID
			}
			if got != c.failure {
				t.Errorf("got %q, want %q\n%s", got, c.failure, describe(d))
			}
			var families []string
			for _, a := range d.Addresses {
				families = append(families, a.Family)
			}
			if !slices.Equal(families, c.families) {
				t.Errorf("got the families %v, want %v", families, c.families)
			}
		})
	}
}

// TestNoRoute demands that an address that cannot be tried from here is named,
// and breaks nothing.
func TestNoRoute(t *testing.T) {
	t.Parallel()
	r := startLab(t, "healthy")
	ca := file(t, "ca.pem", r.CA)
	const nowhere = "[2001:db8::1]:443"
	if c, err := net.Dial("udp", nowhere); err == nil {
		c.Close()
		t.Skip("this machine has a route for IPv6")
	}
	d := run(t, "shop.lab.test", diagnose.Options{Connect: []string{nowhere, r.Addr}, CAFile: ca})
	contract(t, d)
	if d.Verdict != diag.OK && d.Verdict != diag.Warning || !slices.ContainsFunc(d.NotTested, func(n diag.NotTested) bool { return n.What == nowhere }) {
		t.Errorf("got %s, not tested %v\n%s", d.Verdict, d.NotTested, describe(d))
	}
	for _, a := range d.Attempts {
		if a.Address == nowhere {
			t.Error("it was tried")
		}
	}
	d = run(t, "shop.lab.test", diagnose.Options{Connect: []string{nowhere}, CAFile: ca})
	contract(t, d)
	if d.Verdict != diag.Untested || len(d.NotTested) == 0 || len(d.Attempts) > 0 {
		t.Errorf("nothing can be tried: got %s, not tested %v\n%s", d.Verdict, d.NotTested, describe(d))
	}
}

func TestManyAddresses(t *testing.T) {
	t.Parallel()
	r := startLab(t, "healthy")
	_, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		t.Fatal(err)
	}
	connect := []string{r.Addr}
	for i := range 20 {
		connect = append(connect, net.JoinHostPort("127.0.1."+string(rune('a'+i)), port)) // no addresses: names that do not resolve
	}
	d := run(t, "shop.lab.test", diagnose.Options{Connect: connect, CAFile: file(t, "ca.pem", r.CA)})
	contract(t, d)
	if !slices.ContainsFunc(d.Addresses, func(a diag.Address) bool { return a.Address == r.Addr && a.Outcome == "ok" }) {
		t.Errorf("got %v\n%s", d.Addresses, describe(d))
	}
}

// TestBadOptions lists options that make no sense: each is a usage error, and
// none reaches the network.
func TestBadOptions(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	address := serve(t, func(net.Conn) { reached.Add(1) })
	for _, c := range []struct {
		name string
		o    diagnose.Options
		says string
	}{
		{"connect without host", diagnose.Options{Connect: []string{":443"}}, "--connect"},
		{"connect with a port of letters", diagnose.Options{Connect: []string{"h:x"}}, "--connect"},
		{"connect to port 0", diagnose.Options{Connect: []string{"127.0.0.1:0"}}, "--connect"},
		{"second connect is bad", diagnose.Options{Connect: []string{address, "127.0.0.1:70000"}}, "--connect"},
		{"resolve without address", diagnose.Options{Resolve: []string{"shop.lab.test:443"}}, "--resolve"},
		{"resolve with a name", diagnose.Options{Resolve: []string{"shop.lab.test:443:localhost"}}, "--resolve"},
		{"network", diagnose.Options{Network: "ip5"}, "network"},
		{"version", diagnose.Options{MinVersion: "1.4"}, "--tls-min"},
		{"version of letters", diagnose.Options{MaxVersion: "new"}, "--tls-max"},
		{"SSL 2.0", diagnose.Options{MinVersion: "ssl2"}, "--tls-min"},
		{"versions crossed", diagnose.Options{MinVersion: "1.3", MaxVersion: "1.2"}, "above"},
		{"ciphers", diagnose.Options{Ciphers: "NO-SUCH-SUITE"}, "--ciphers"},
		{"groups", diagnose.Options{Groups: "P-1"}, "--groups"},
		{"sigalgs", diagnose.Options{SigAlgs: "rot13"}, "--sigalgs"},
		{"alpn empty", diagnose.Options{ALPN: "h2,,x"}, "--alpn"},
		{"alpn overlong", diagnose.Options{ALPN: strings.Repeat("x", 256)}, "--alpn"},
		{"sni", diagnose.Options{SNI: "not a name"}, "host name"},
		{"client", diagnose.Options{Client: "Netscape 17"}, "Netscape"},
		{"server", diagnose.Options{Server: "ngnix"}, "ngnix"},
		{"trust", diagnose.Options{Trust: "nobody"}, "nobody"},
		{"starttls", diagnose.Options{StartTLS: "gopher"}, "gopher"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.o.Connect == nil && c.o.Resolve == nil {
				c.o.Connect = []string{address}
			}
			d, err := diagnose.Run(context.Background(), "shop.lab.test", c.o, diagnose.Env{})
			var bad *diagnose.UsageError
			if !errors.As(err, &bad) || d != nil {
				t.Fatalf("got %v, %v, want a *UsageError", d, err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %q, want %q in it", err, c.says)
			}
		})
	}
	t.Cleanup(func() {
		if n := reached.Load(); n > 0 {
			t.Errorf("%d connections were made", n)
		}
	})
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	r := startLab(t, "healthy")
	ca := file(t, "ca.pem", r.CA)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d, err := diagnose.Run(ctx, "shop.lab.test", diagnose.Options{Connect: []string{r.Addr}, CAFile: ca}, diagnose.Env{})
	if err != nil {
		t.Fatal(err)
	}
	contract(t, d)
	if d.Verdict != diag.Untested {
		t.Errorf("before the start: got %s\n%s", d.Verdict, describe(d))
	}
}

// TestCanceledMidway ends the context while a server is silent: at once there
// is an answer, and it blames nobody.
func TestCanceledMidway(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"first attempt", "experiments"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var n atomic.Int32
			address := serve(t, func(c net.Conn) {
				if n.Add(1) > 1 || when == "first attempt" {
					greet(c)
					cancel()
					hear(c)
					return
				}
				greet(c) // and close: there is something to find out
			})
			began := time.Now()
			d, err := diagnose.Run(ctx, "shop.lab.test", diagnose.Options{Connect: []string{address}, Trust: "mozilla", Timeout: 30 * time.Second}, diagnose.Env{})
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			contract(t, d)
			switch {
			case when == "first attempt" && d.Verdict != diag.Untested:
				t.Errorf("got %s\n%s", d.Verdict, describe(d))
			case when == "experiments" && d.Verdict == diag.OK:
				t.Errorf("got %s\n%s", d.Verdict, describe(d))
			}
			for _, c := range d.Causes {
				if c.Severity == diag.SeverityFailure && c.Confidence == diag.Proven && c.ID != "eof-during-handshake" {
					t.Errorf("%s is proven by an unfinished run\n%s", c.ID, describe(d))
				}
			}
		})
	}
}

// TestBudget counts the connections that a server sees.
func TestBudget(t *testing.T) {
	t.Parallel()
	for budget := 1; budget <= 3; budget++ {
		for _, peer := range []string{"closes", "answers"} {
			t.Run(peer+" "+string(rune('0'+budget)), func(t *testing.T) {
				t.Parallel()
				var n atomic.Int32
				count := func(c net.Conn) { n.Add(1) }
				address, o := "", diagnose.Options{Trust: "mozilla"}
				if peer == "closes" {
					address = serve(t, func(c net.Conn) { count(c); greet(c) })
				} else {
					r := startLab(t, "cipher-mismatch")
					o = diagnose.Options{CAFile: file(t, "ca.pem", r.CA)}
					address = serve(t, func(c net.Conn) { count(c); relay(c, r.Addr) })
				}
				o.Connect, o.MaxConnections = []string{address}, budget
				d := run(t, "shop.lab.test", o)
				contract(t, d)
				if got := int(n.Load()); got > budget || got == 0 || len(d.Attempts) > budget {
					t.Errorf("%d connections, %d attempts, at most %d were allowed", got, len(d.Attempts), budget)
				}
				if d.Verdict != diag.Failure {
					t.Errorf("got %s\n%s", d.Verdict, describe(d))
				}
				if !slices.ContainsFunc(d.NotTested, func(n diag.NotTested) bool { return strings.Contains(n.Reason, "budget") }) {
					t.Errorf("nothing is said of the budget: %v\n%s", d.NotTested, describe(d))
				}
			})
		}
	}
}

// TestBudgetBelowAddresses demands that what can be tried is tried.
func TestBudgetBelowAddresses(t *testing.T) {
	t.Parallel()
	a, b := startLab(t, "cert-expired"), startLab(t, "cert-expired")
	d := run(t, "shop.lab.test", diagnose.Options{Connect: []string{a.Addr, b.Addr}, CAFile: anchors(t, pemOf(a.CA), pemOf(b.CA)), MaxConnections: 1})
	contract(t, d)
	if d.Verdict != diag.Failure || len(d.Attempts) != 1 || outcomes(d)[b.Addr] != "untested" {
		t.Errorf("got %s after %d attempts, want the failure of the first address\n%s", d.Verdict, len(d.Attempts), describe(d))
	}
}

// TestPlainHTTPWithoutAnswer asks a port for plain HTTP that says nothing.
func TestPlainHTTPWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, peer := range map[string]func(net.Conn){"silent": hear, "closes": func(c net.Conn) { greet(c) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := run(t, "http://shop.lab.test", diagnose.Options{Connect: []string{serve(t, peer)}, Trust: "mozilla", Timeout: 300 * time.Millisecond})
			contract(t, d)
			if d.Verdict != diag.Failure {
				t.Errorf("got %s\n%s", d.Verdict, describe(d))
			}
		})
	}
}

// relay joins a connection to another server.
func relay(c net.Conn, address string) {
	to, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, c) // ends with either connection
		to.Close()
	}()
	_, _ = io.Copy(c, to) // the same
}

// patience is far more than a diagnosis with a timeout should take: how much
// more depends on what else the machine does.
const patience = 30 * time.Second

func TestTimeoutIsHonoured(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		timeout time.Duration
		peer    func(net.Conn)
		target  string
	}{
		{"silence", 200 * time.Millisecond, hear, ""},
		{"silence, default", 0, hear, ""},
		{"silence before SMTP", 300 * time.Millisecond, hear, "smtp://shop.lab.test"},
		{"silence after a while", 300 * time.Millisecond, func(c net.Conn) {
			greet(c)
			_, _ = io.WriteString(c, "\x16\x03\x03\x00\x7a\x02") // and nothing more
			hear(c)
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.target == "" {
				c.target = "https://shop.lab.test"
			}
			address := serve(t, c.peer)
			began := time.Now()
			d := run(t, c.target, diagnose.Options{Connect: []string{address}, Trust: "mozilla", Timeout: c.timeout})
			if took := time.Since(began); took > patience {
				t.Errorf("took %v\n%s", took, describe(d))
			}
			contract(t, d)
			if d.Verdict != diag.Failure {
				t.Errorf("got %s\n%s", d.Verdict, describe(d))
			}
		})
	}
}

// TestNothingIsLeftBehind runs alone: no goroutine of a diagnosis outlives it.
func TestNothingIsLeftBehind(t *testing.T) {
	silent := serve(t, hear)
	lab := startLab(t, "incomplete-chain")
	ca := file(t, "ca.pem", lab.CA)
	ours := func() (string, int) {
		buf := make([]byte, 1<<20)
		stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
		stacks = slices.DeleteFunc(stacks, func(s string) bool {
			return !strings.Contains(s, "tlswhy/internal/") || strings.Contains(s, "diagnose_test.serveOn") || strings.Contains(s, "internal/lab.") ||
				strings.Contains(s, "testing.tRunner")
		})
		return strings.Join(stacks, "\n\n"), len(stacks)
	}
	run(t, "shop.lab.test", diagnose.Options{Connect: []string{silent, lab.Addr}, CAFile: ca, Timeout: 100 * time.Millisecond})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := diagnose.Run(ctx, "shop.lab.test", diagnose.Options{Connect: []string{silent, lab.Addr}, CAFile: ca}, diagnose.Env{}); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		left, n := ours()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left\n%s", n, left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestConcurrentUse is for the race detector: one set of options, many targets.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	good, bad := startLab(t, "client-cert-good"), startLab(t, "cipher-mismatch")
	var mu sync.Mutex
	said := 0
	o := diagnose.Options{CAFile: anchors(t, pemOf(good.CA), pemOf(bad.CA)), CertFile: file(t, "c.pem", good.ClientCert), KeyFile: file(t, "k.pem", good.ClientKey),
		Connect: []string{good.Addr, bad.Addr}, Progress: func(string) { mu.Lock(); said++; mu.Unlock() }}
	var task sync.WaitGroup
	for range 12 {
		task.Go(func() {
			d, err := diagnose.Run(context.Background(), "shop.lab.test", o, diagnose.Env{})
			if err != nil {
				t.Error(err)
				return
			}
			if first := d.FirstFailure(); first == nil || first.ID != "cipher-mismatch" {
				t.Errorf("got\n%s", describe(d))
			}
		})
	}
	task.Wait()
	if said == 0 {
		t.Error("no progress was told")
	}
}
