package lab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var update = flag.Bool("update", false, "rewrite testdata/outcomes.txt")

// patience is how long the test's client waits for servers that answer, and
// impatience for those of which it is known that they do not.
const (
	patience   = 20 * time.Second
	impatience = 400 * time.Millisecond
)

const outcomesFile = "testdata/outcomes.txt"

// Every scenario starts, answers as described and stops. What Go's own TLS
// client makes of it is kept in testdata/outcomes.txt, one line per scenario;
// it differs from the expected cause where Go is more lenient or stricter than
// the reference client.
func TestScenarios(t *testing.T) {
	t.Parallel()
	want, err := readOutcomes()
	if err != nil && !*update {
		t.Fatal(err)
	}
	var mu sync.Mutex
	got := map[string]string{}
	t.Run("all", func(t *testing.T) {
		for _, s := range Scenarios() {
			t.Run(s.ID, func(t *testing.T) {
				t.Parallel()
				r, err := Start(t.Context(), s)
				if errors.Is(err, errBacklog) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				wait := patience
				if strings.HasSuffix(want[s.ID], "timeout") {
					wait = impatience
				}
				outcome := meet(r, wait)
				if err := r.Close(); err != nil {
					t.Errorf("closing: %v", err)
				}
				mu.Lock()
				got[s.ID] = outcome
				mu.Unlock()
				if !*update && outcome != want[s.ID] {
					t.Errorf("a Go client gets\n\t%s\nwant\n\t%s", outcome, want[s.ID])
				}
			})
		}
	})
	if *update {
		if err := writeOutcomes(got); err != nil {
			t.Fatal(err)
		}
	}
}

func readOutcomes() (map[string]string, error) {
	data, err := os.ReadFile(outcomesFile)
	if err != nil {
		return nil, err
	}
	want := map[string]string{}
	for line := range strings.Lines(string(data)) {
		id, outcome, _ := strings.Cut(strings.TrimSpace(line), "\t")
		want[id] = strings.TrimSpace(outcome)
	}
	return want, nil
}

func writeOutcomes(got map[string]string) error {
	var b bytes.Buffer
	for _, s := range Scenarios() {
		fmt.Fprintf(&b, "%s\t%s\n", s.ID, got[s.ID])
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		return err
	}
	return os.WriteFile(outcomesFile, b.Bytes(), 0o644)
}

// meet connects as the scenario's client would, with crypto/tls, and says what
// came of it.
func meet(r *Running, wait time.Duration) string {
	hint := r.Scenario.Client
	if hint.NoConnect {
		return "not connected"
	}
	conn, err := net.DialTimeout("tcp", r.Addr, wait)
	if err != nil {
		return plain(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(wait))
	if hint.Protocol == "http" {
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", r.Name)
		line, _ := bufio.NewReader(conn).ReadString('\n')
		return strings.TrimSpace(line)
	}
	if hint.StartTLS != "" {
		if hint.StartTLS != "smtp" && hint.StartTLS != "imap" {
			return "not spoken here"
		}
		if refusal := upgrade(conn, hint.StartTLS); refusal != "" {
			return refusal
		}
	}
	config, err := clientConfig(r)
	if err != nil {
		return err.Error()
	}
	client := tls.Client(conn, config)
	if err := client.Handshake(); err != nil {
		return plain(err)
	}
	state := client.ConnectionState()
	summary := tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
	if state.CurveID != 0 {
		summary += " " + state.CurveID.String()
	}
	switch {
	case hint.StartTLS == "smtp":
		fmt.Fprintf(client, "EHLO x\r\n")
	case hint.StartTLS == "imap":
		fmt.Fprintf(client, "a3 NOOP\r\n")
	case hint.Protocol == "tls" && r.Scenario.Server.Mute:
		return summary
	case r.Scenario.Cause != "" && (r.Scenario.Server.Ask != "" || !r.Scenario.Server.AfterFinished.IsZero()):
		// A refusal is waiting. A request could meet a closed connection, whose
		// error would then hide it.
	default:
		fmt.Fprintf(client, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", r.Name)
	}
	line, err := bufio.NewReader(client).ReadString('\n')
	if err != nil {
		return summary + ", then " + plain(err)
	}
	return summary + ", " + strings.TrimSpace(line)
}

// upgrade talks SMTP or IMAP up to the go-ahead and returns the words with
// which it does not come.
func upgrade(conn net.Conn, protocol string) string {
	steps := map[string][]string{"smtp": {"", "EHLO x", "STARTTLS"}, "imap": {"", "a1 CAPABILITY", "a2 STARTTLS"}}[protocol]
	in := bufio.NewReader(conn)
	said := ""
	for _, step := range steps {
		if step != "" {
			fmt.Fprintf(conn, "%s\r\n", step)
		}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return "preamble: " + plain(err)
			}
			said = strings.TrimSpace(line)
			more := len(said) > 3 && said[3] == '-' || strings.HasPrefix(said, "* CAP")
			if strings.HasPrefix(step, "a1") && strings.HasPrefix(said, "* CAP") && !strings.Contains(said, "STARTTLS") {
				return "preamble: " + said
			}
			if strings.Contains(said, "XXXXXXXA") {
				return "preamble: " + said
			}
			if !more {
				break
			}
		}
		if !strings.HasPrefix(said, "2") && !strings.HasPrefix(said, "* OK") && !strings.Contains(said, " OK ") {
			return "preamble: " + said
		}
	}
	return ""
}

// clientConfig is the scenario's client as far as crypto/tls can be it.
func clientConfig(r *Running) (*tls.Config, error) {
	hint := r.Scenario.Client
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.CA)
	config := &tls.Config{RootCAs: pool, ServerName: r.Name, InsecureSkipVerify: true}
	config.VerifyConnection = func(state tls.ConnectionState) error {
		intermediates := x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			intermediates.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: intermediates, DNSName: r.Name,
			CurrentTime: time.Now().Add(hint.At)})
		return err
	}
	switch hint.SNI {
	case "none":
		config.ServerName = ""
	case "":
	default:
		config.ServerName = hint.SNI
	}
	versions := map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
	config.MinVersion, config.MaxVersion = versions[hint.MinVersion], versions[hint.MaxVersion]
	if hint.Ciphers != "" {
		list, err := tlswire.ParseCipherSuites(hint.Ciphers)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			config.CipherSuites = append(config.CipherSuites, uint16(s))
		}
	}
	if hint.Groups != "" {
		list, err := tlswire.ParseGroups(hint.Groups)
		if err != nil {
			return nil, err
		}
		for _, g := range list {
			config.CurvePreferences = append(config.CurvePreferences, tls.CurveID(g))
		}
	}
	switch {
	case hint.ALPN != "":
		config.NextProtos = []string{hint.ALPN}
	case hint.Protocol == "" && hint.StartTLS == "":
		config.NextProtos = []string{"http/1.1"}
		if r.Scenario.Server.ALPN != nil {
			config.NextProtos = []string{"h2", "http/1.1"}
		}
	}
	if r.ClientCert != nil {
		pair, err := tls.X509KeyPair(r.ClientCert, r.ClientKey)
		if err != nil {
			return nil, err
		}
		// Go would send none that the server's list of CAs does not name.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return config, nil
}

var changing = []*regexp.Regexp{
	regexp.MustCompile(`127\.0\.0\.1:\d+(->127\.0\.0\.1:\d+)?`),
	regexp.MustCompile(`: current time .*`),
	regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:Z+-]+`),
	regexp.MustCompile(`certificate is valid for .*, not`),
}

// plain is an error's text without what changes from run to run.
func plain(err error) string {
	var network *net.OpError
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset" // by a read, a write or the dial: that is a matter of chance
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	}
	text := err.Error()
	for _, re := range changing {
		text = re.ReplaceAllString(text, "...")
	}
	text = strings.ReplaceAll(text, "\n", " ")
	return strings.TrimSpace(text[:min(len(text), 160)])
}

func TestScenariosAreWellFormed(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	causes := map[string]bool{}
	healthy, two := 0, 0
	for _, s := range Scenarios() {
		if seen[s.ID] {
			t.Errorf("%s: the id stands twice", s.ID)
		}
		seen[s.ID] = true
		causes[s.Cause] = true
		for _, id := range s.Also {
			causes[id] = true // some causes are never more than a warning
		}
		if got, ok := Lookup(s.ID); !ok || got.ID != s.ID {
			t.Errorf("%s: Lookup does not find it", s.ID)
		}
		for _, cause := range append([]string{s.ID, s.Near}, s.Also...) {
			if cause != "" && !id.MatchString(cause) {
				t.Errorf("%s: %q is no id", s.ID, cause)
			}
		}
		if s.Title == "" || s.Story == "" || strings.HasSuffix(s.Title, ".") || !strings.HasSuffix(s.Story, ".") && !strings.HasSuffix(s.Story, ")") {
			t.Errorf("%s: title %q, story %q", s.ID, s.Title, s.Story)
		}
		if s.Near != "" && s.Near == s.Cause {
			t.Errorf("%s: is near what it is", s.ID)
		}
		if s.Cause == "" {
			healthy++
		}
		if strings.HasPrefix(s.ID, "two-") {
			two++
		}
	}
	if len(seen) < 120 || healthy < 15 || two < 10 {
		t.Errorf("got %d scenarios, %d healthy, %d with two faults", len(seen), healthy, two)
	}
	for _, s := range Scenarios() {
		if s.Near != "" && !causes[s.Near] {
			t.Errorf("%s: no scenario has the cause %q that it is near to", s.ID, s.Near)
		}
	}
}

// Every fault is used by a scenario, else nobody knows that it works.
func TestEveryFaultIsUsed(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, s := range Scenarios() {
		servers := []*Server{&s.Server}
		if p := s.Proxy; p != nil && p.Leads != nil {
			servers = append(servers, p.Leads)
		}
		for _, server := range servers {
			walkFaults(reflect.ValueOf(*server), func(name string, v reflect.Value) {
				if !v.IsZero() {
					used[name] = true
				}
			})
		}
	}
	walkFaults(reflect.ValueOf(Server{}), func(name string, _ reflect.Value) {
		if !used[name] {
			t.Errorf("no scenario uses the fault %s", name)
		}
	})
}

func walkFaults(server reflect.Value, visit func(string, reflect.Value)) {
	for i := range server.NumField() {
		group := server.Type().Field(i)
		if n := group.Type.NumField(); n > 25 {
			visit(fmt.Sprintf("%s has %d fields, more than 25", group.Name, n), reflect.Value{})
		}
		for j := range group.Type.NumField() {
			visit(group.Name+"."+group.Type.Field(j).Name, server.Field(i).Field(j))
		}
	}
}

// A running scenario leaves nothing behind.
func TestCloseStopsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, id := range []string{"healthy", "handshake-timeout", "trickle", "incomplete-chain", "server-endless", "slow-accept", "mute", "one-at-a-time"} {
		s, ok := Lookup(id)
		if !ok {
			t.Fatalf("no scenario %q", id)
		}
		r, err := Start(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", r.Addr)
		if err != nil {
			t.Fatal(err)
		}
		hello := &tlswire.ClientHello{Version: tlswire.TLS12, Random: random(32), CipherSuites: suites12, Compression: []uint8{0}}
		record, err := hello.MarshalRecord()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(record); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := r.Close(); err != nil {
			t.Errorf("%s: closing: %v", id, err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: closing took %v", id, took)
		}
		conn.Close()
	}
	deadline := time.Now().Add(30 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		buf := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after\n%s", before, after, buf[:runtime.Stack(buf, true)])
	}
}

// The primes are primes of the size that they are said to have.
func TestPrimes(t *testing.T) {
	t.Parallel()
	for bits := range modp {
		if p := modpPrime(bits); p.BitLen() != bits || !p.ProbablyPrime(10) {
			t.Errorf("the prime of %d bits has %d or is none", bits, p.BitLen())
		}
	}
}

func TestArgs(t *testing.T) {
	t.Parallel()
	r := &Running{Addr: "127.0.0.1:4433", ClientCert: []byte("x")}
	hint := ClientHint{Name: "x.lab.test", StartTLS: "smtp", SNI: "none", MaxVersion: "1.2"}
	got := hint.Args(r, "ca.pem", "c.pem", "k.pem", "a.crl")
	want := []string{"--connect", "127.0.0.1:4433", "--ca", "ca.pem", "--cert", "c.pem", "--key", "k.pem", "--sni", "none",
		"--tls-max", "1.2", "--starttls", "smtp", "smtp://x.lab.test:4433"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (ClientHint{Name: "::1", Protocol: "tls"}).Target("[::1]:1"), "tls://[::1]:1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Pairs are combined without losing a fault, and their servers start.
func TestPairs(t *testing.T) {
	t.Parallel()
	pairs := Pairs()
	if len(pairs) < 200 {
		t.Errorf("got %d pairs", len(pairs))
	}
	for i, s := range pairs {
		if s.Cause == "" || len(s.Also) == 0 || s.Also[0] == s.Cause {
			t.Errorf("%s: cause %q, also %q", s.ID, s.Cause, s.Also)
		}
		if i%10 == 0 { // each start makes certificates
			start(t, s)
		}
	}
	both, ok := combine("cert-expired", "cipher-mismatch")
	if !ok || both.Cause != "cipher-mismatch" || !slices.Equal(both.Also, []string{"cert-expired"}) ||
		both.Server.Expired == 0 || both.Server.Key != RSA2048 || len(both.Server.Suites) == 0 {
		t.Errorf("got %+v", both)
	}
	if _, ok := combine("cert-expired", "cert-not-yet-valid"); ok {
		t.Error("two dates were combined")
	}
}

// Variants start, and keep their scenario's answer.
func TestVariants(t *testing.T) {
	t.Parallel()
	variants := Variants()
	if len(variants) < 300 {
		t.Errorf("got %d variants", len(variants))
	}
	seen := map[string]bool{}
	for i, s := range variants {
		if seen[s.ID] {
			t.Errorf("%s stands twice", s.ID)
		}
		seen[s.ID] = true
		if i%10 == 0 {
			start(t, s)
		}
	}
}
