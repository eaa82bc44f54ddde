//go:build linux

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/loop"
	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// farm is an nginx with an ECDSA certificate of a private CA, at two ports:
// TLS 1.2 and 1.3 with X25519, and TLS 1.2 alone. It is another process, so that
// what is measured is the client.
type farm struct {
	address, older, ca string
	pool               *x509.CertPool
}

const farmName = "farm.test"

func startFarm(b *testing.B) *farm {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		b.Skip("nginx is not installed")
	}
	dir := b.TempDir()
	f := &farm{ca: filepath.Join(dir, "ca.pem"), pool: x509.NewCertPool()}
	root, rootKey := issueFor(b, "Farm Root", nil, nil)
	ca, caKey := issueFor(b, "Farm CA", root, rootKey)
	leaf, key := issueFor(b, farmName, ca, caKey)
	f.pool.AddCert(root)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.Fatal(err)
	}
	write := func(name, kind string, blocks ...[]byte) {
		var out []byte
		for _, data := range blocks {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), out, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	write("ca.pem", "CERTIFICATE", root.Raw)
	write("chain.pem", "CERTIFICATE", leaf.Raw, ca.Raw)
	write("key.pem", "PRIVATE KEY", der)
	f.address, f.older = freeAddress(b), freeAddress(b)
	conf := fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/errors crit;
events { worker_connections 1000; }
http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
ssl_certificate %[1]s/chain.pem; ssl_certificate_key %[1]s/key.pem; ssl_session_tickets off; ssl_ecdh_curve X25519;
server { listen %[2]s ssl; ssl_protocols TLSv1.2 TLSv1.3; return 200 ok; }
server { listen %[3]s ssl; ssl_protocols TLSv1.2; return 200 ok; } }`, dir, f.address, f.older)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(nginx, "-c", filepath.Join(dir, "nginx.conf"))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", f.older)
		if err == nil {
			c.Close()
			return f
		}
		if time.Now().After(until) {
			b.Fatalf("nginx does not answer: %v", err)
		}
	}
}

func freeAddress(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func issueFor(b *testing.B, name string, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(80 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	if name == farmName {
		t.DNSNames = []string{farmName, "*." + farmName}
	} else {
		t.IsCA, t.KeyUsage, t.ExtKeyUsage, t.NotAfter = true, x509.KeyUsageCertSign, nil, t.NotAfter.Add(5000*24*time.Hour)
	}
	if parent == nil {
		parent, by = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, by)
	if err != nil {
		b.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	return cert, key
}

func used(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLight is the processor time of one light check, beside that of
// others who do the same: a bare connection, crypto/tls, openssl s_client.
func BenchmarkLight(b *testing.B) {
	f := startFarm(b)
	l := &diagnose.Light{}
	ctx := context.Background()
	look := func(b *testing.B, o diagnose.Options, address, known string) diagnose.Sight {
		s, err := l.Look(ctx, "tls://"+farmName+":443", o, address, known)
		if err != nil || s.Diagnosis != nil && s.Diagnosis.Verdict == diag.Failure {
			b.Fatal(err, s)
		}
		return s
	}
	trusting := diagnose.Options{CAFile: f.ca}
	for _, c := range []struct {
		name string
		who  int
		run  func(*testing.B) func()
	}{
		{"tlswhy/TLS1.3-verified", syscall.RUSAGE_SELF, func(b *testing.B) func() {
			known := look(b, trusting, f.address, "").Digest
			return func() {
				if !look(b, trusting, f.address, known).Same {
					b.Fatal("the server has changed")
				}
			}
		}},
		{"tlswhy/TLS1.2-verified", syscall.RUSAGE_SELF, func(b *testing.B) func() {
			known := look(b, trusting, f.older, "").Digest
			return func() {
				if !look(b, trusting, f.older, known).Same {
					b.Fatal("the server has changed")
				}
			}
		}},
		{"tlswhy/TLS1.2-no-signature", syscall.RUSAGE_SELF, func(b *testing.B) func() {
			hello, _, err := client.Build(client.Reference(), client.Options{SNI: farmName, MaxVersion: tlswire.TLS12})
			if err != nil {
				b.Fatal(err)
			}
			spec := probe.Spec{Address: f.older, Hello: hello, Light: true, SkipKeyProof: true, Stop: probe.StopServerFlight, Stock: &probe.Stock{}}
			return func() {
				if a := probe.Attempt(ctx, spec); a.Certificate == nil {
					b.Fatal(a.End)
				}
			}
		}},
		{"tlswhy/judged", syscall.RUSAGE_SELF, func(b *testing.B) func() { return func() { look(b, trusting, f.address, "") } }},
		{"connect", syscall.RUSAGE_SELF, func(b *testing.B) func() {
			return func() {
				c, err := net.Dial("tcp", f.address)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = c.Write([]byte{21, 3, 1, 0, 2, 2, 40}) // an alert, so that the server ends it
				_, _ = c.Read(make([]byte, 100))
				c.Close()
			}
		}},
		{"crypto-tls/TLS1.3-verified", syscall.RUSAGE_SELF, func(b *testing.B) func() {
			config := &tls.Config{RootCAs: f.pool, ServerName: farmName, CurvePreferences: []tls.CurveID{tls.X25519}}
			return func() {
				c, err := tls.Dial("tcp", f.address, config)
				if err != nil {
					b.Fatal(err)
				}
				c.Close()
			}
		}},
		{"openssl-s_client", syscall.RUSAGE_CHILDREN, func(b *testing.B) func() {
			openssl, err := exec.LookPath("openssl")
			if err != nil {
				b.Skip("openssl is not installed")
			}
			return func() {
				cmd := exec.Command(openssl, "s_client", "-connect", f.address, "-servername", farmName, "-CAfile", f.ca, "-verify_return_error")
				cmd.Stdin = strings.NewReader("")
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := c.run(b)
			n, from := 0, used(c.who)
			for b.Loop() {
				f()
				n++
			}
			b.ReportMetric(float64((used(c.who)-from).Microseconds())/float64(n), "cpu-µs/op")
		})
	}
}

// looker is serve's checker without what asks others: lists of revocation, the
// CA's renewal information.
type looker struct{ light diagnose.Light }

func (l *looker) Check(ctx context.Context, e *monitor.Endpoint, address string, _ bool) (*diag.Diagnosis, error) {
	return diagnose.Run(ctx, e.Target, diagnose.Options{CAFile: e.CAFile, Connect: []string{address}}, diagnose.Env{})
}

func (l *looker) Glance(ctx context.Context, e *monitor.Endpoint, address, known string) (monitor.Sight, error) {
	s, err := l.light.Look(ctx, e.Target, diagnose.Options{CAFile: e.CAFile}, address, known)
	return monitor.Sight(s), err
}

// lagging is a store that notes how late endpoints are claimed. Its clock goes on
// where that of fill stopped, however long filling took.
type lagging struct {
	monitor.Store
	ahead time.Duration
	mu    sync.Mutex
	began time.Time // when all was done that had fallen due while the store was filled
	ready chan struct{}
	late  []time.Duration
}

func (l *lagging) Claim(ctx context.Context, now time.Time, vantage string, n int) (monitor.Batch, error) {
	batch, err := l.Store.Claim(ctx, now.Add(l.ahead), vantage, n)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.began.IsZero() && len(batch.Works) < n {
		l.began = now.Add(l.ahead)
		close(l.ready)
	}
	for _, w := range batch.Works {
		if !l.began.IsZero() && w.Due.After(l.began) {
			l.late = append(l.late, time.Since(w.Due)+l.ahead)
		}
	}
	return batch, err
}

func (l *lagging) Ingest(ctx context.Context, now time.Time, rules *monitor.Rules, b monitor.Batch, reports []monitor.Report) error {
	return l.Store.Ingest(ctx, now.Add(l.ahead), rules, b, reports)
}

func (l *lagging) NextDue(ctx context.Context, vantage string) (time.Time, error) {
	due, err := l.Store.NextDue(ctx, vantage)
	if due.IsZero() {
		return due, err
	}
	return due.Add(-l.ahead), err
}

// BenchmarkScale runs the monitor on many endpoints as it is in the middle of a
// day: all were checked within the interval, and of each hour's checks one is
// judged. It measures a minute (TLSWHY_BENCH_SCALE gives seconds above 1).
func BenchmarkScale(b *testing.B) {
	if os.Getenv("TLSWHY_BENCH_SCALE") == "" {
		b.Skip("TLSWHY_BENCH_SCALE is not set")
	}
	f := startFarm(b)
	span := time.Minute
	if d, err := time.ParseDuration(os.Getenv("TLSWHY_BENCH_SCALE") + "s"); err == nil && d > time.Second {
		span = d
	}
	for _, c := range []struct {
		n     int
		every time.Duration
	}{{10_000, 5 * time.Minute}, {100_000, 15 * time.Minute}} {
		b.Run(fmt.Sprintf("%d-every-%v", c.n, c.every), func(b *testing.B) {
			for b.Loop() {
				scale(b, f, c.n, c.every, span)
			}
		})
	}
}

func scale(b *testing.B, f *farm, n int, every, span time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	path := filepath.Join(b.TempDir(), "m.db")
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		b.Fatal(err)
	}
	rules := &monitor.Rules{}
	now := fill(b, store, rules, f, n, every)
	debug.FreeOSMemory()
	l := &lagging{Store: store, ahead: time.Until(now), ready: make(chan struct{})}
	w := &loop.Watcher{Store: l, Rules: func() *monitor.Rules { return rules }, Checker: &looker{}, Vantage: vantage, Gap: time.Microsecond,
		Resolve: func(context.Context, string) ([]netip.Addr, error) { return nil, os.ErrNotExist }}
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	<-l.ready
	from, began := used(syscall.RUSAGE_SELF), time.Now()
	most := 0
	for time.Since(began) < span {
		time.Sleep(time.Second)
		most = max(most, rss(b))
	}
	cpu, took := used(syscall.RUSAGE_SELF)-from, time.Since(began)
	cancel()
	<-done
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	slices.Sort(l.late)
	if len(l.late) == 0 {
		b.Fatal("nothing was checked")
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(l.late))/took.Seconds(), "checks/s")
	b.ReportMetric(cpu.Seconds()/took.Seconds(), "cores")
	b.ReportMetric(float64(cpu.Microseconds())/float64(len(l.late)), "cpu-µs/check")
	b.ReportMetric(float64(most)/1024, "RSS-MB")
	b.ReportMetric(l.late[len(l.late)*99/100].Seconds(), "lag-p99-s")
	b.ReportMetric(float64(fi.Size())/1e6, "db-MB")
}

// fill makes the store what it is after a while: each endpoint was checked
// within the last interval, at some moment of the hour for which that holds. It
// returns when that interval ends.
func fill(b *testing.B, store *sqlite.Store, rules *monitor.Rules, f *farm, n int, every time.Duration) time.Time {
	ctx := context.Background()
	s, err := (&diagnose.Light{}).Look(ctx, "tls://"+farmName+":443", diagnose.Options{CAFile: f.ca}, f.address, "")
	if err != nil || s.Diagnosis.Verdict == diag.Failure || s.Digest == "" {
		b.Fatal(err, s)
	}
	es := make([]monitor.Endpoint, n)
	for i := range es {
		host := fmt.Sprintf("e%d.%s", i, farmName)
		es[i] = monitor.Endpoint{ID: fmt.Sprintf("%016x", i), Target: "tls://" + host + ":443", Host: host, Port: 443, Connect: []string{f.address}, CAFile: f.ca, Interval: every, Owner: "web"}
	}
	start := time.Now().Add(-every)
	if err := store.SetEndpoints(ctx, start, "file", vantage, 0, es); err != nil {
		b.Fatal(err)
	}
	es = nil
	const batch = 500
	for i := 0; i < n; i += batch {
		now := start.Add(every * time.Duration(i) / time.Duration(n))
		works, err := store.Claim(ctx, now, vantage, batch)
		if err != nil {
			b.Fatal(err)
		}
		var reps []monitor.Report
		for k, w := range works.Works {
			o := monitor.Observe(s.Diagnosis, f.address, false)
			o.SNI, o.Digest, o.Until, o.MS = w.Endpoint.Host, s.Digest, now.Add(time.Duration((i+k*7919)%3600)*time.Second), s.MS
			reps = append(reps, monitor.Report{Endpoint: w.Endpoint.ID, Vantage: vantage, At: now, Addresses: []string{f.address}, Outcomes: []monitor.Outcome{o}})
		}
		if err := store.Ingest(ctx, now, rules, works, reps); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	return start.Add(every)
}

// rss is the memory of this process, in KB.
func rss(b *testing.B) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmRSS:")
	kb := 0
	if _, err := fmt.Sscan(line, &kb); err != nil {
		b.Fatal(err)
	}
	return kb
}
