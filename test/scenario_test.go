package test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// host is the name that scenarios ask for unless they say otherwise.
const host = "www.shop.test"

// scenario is one server with one fault (or none), asked by one client.
type scenario struct {
	name  string // fault and variant; the kind is put before it
	class string // family, for the summary
	kind  *server.Kind
	ep    server.Endpoint
	// serve starts a server of its own kind on the endpoint; kind is nil then.
	serve func(testing.TB, *server.Endpoint)

	target string // the endpoint's port is put behind it, where there is one; "" = https://host
	opts   tlswhy.Options

	want    []string // the first failing cause is one of these
	also    []string // failing causes that must be there too
	warn    []string // causes that must be there as warnings
	healthy bool     // no failing cause at all
}

// fault is a row of the tables: it makes one scenario per kind of server.
type fault struct {
	name  string
	class string
	on    []*server.Kind
	// make changes a correct endpoint and a correct client; k says in whose
	// language.
	make    func(w *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options)
	target  string
	want    []string
	also    []string
	warn    []string
	healthy bool
}

func (f fault) scenarios(w *world) []scenario {
	var out []scenario
	for _, k := range f.on {
		s := scenario{name: f.name, class: f.class, kind: k, target: f.target,
			want: f.want, also: f.also, warn: f.warn, healthy: f.healthy,
			ep:   server.Endpoint{Name: k.Name + "/" + f.name, Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key},
			opts: tlswhy.Options{CAFile: w.RootFile}}
		if f.make != nil {
			f.make(w, k, &s.ep, &s.opts)
		}
		out = append(out, s)
	}
	return out
}

// pair names the files of a chain and its key.
type pair struct{ chain, key string }

// world holds the certificates of all scenarios.
type world struct {
	*pki.PKI
	t    testing.TB
	good pair
	// Other is an authority that nobody trusts.
	other *pki.PKI
	// client is issued by clientCA, and clientCAFile is what servers trust.
	clientCA, clientInter *pki.Cert
	clientCAFile          string
	clientAIA             string
	dh1024                string
	client                pair
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{PKI: pki.New(t, "Test"), t: t, other: pki.New(t, "Foreign")}
	w.AIA = w.publish(func() *pki.Cert { return w.Intermediate })
	w.clientAIA = w.publish(func() *pki.Cert { return w.clientInter })
	w.dh1024 = w.DHParams1024()
	w.good = w.leaf("good", pki.Spec{})
	w.clientCA = w.Issue(nil, pki.Spec{CN: "Client Root", CA: true, KeyID: "client-root"})
	w.clientInter = w.Issue(w.clientCA, pki.Spec{CN: "Client Intermediate", CA: true, KeyID: "client-intermediate"})
	w.clientCAFile = w.CertFile("client-root", w.clientCA)
	w.client = w.clientLeaf("client", pki.Spec{}, true)
	return w
}

// leaf issues a server certificate and writes it with the intermediate.
func (w *world) leaf(name string, s pki.Spec) pair {
	w.t.Helper()
	if s.DNS == nil && s.CN == "" && s.IPs == nil {
		s.DNS = []string{host}
	}
	return w.files(name, w.Leaf(s), w.Intermediate)
}

func (w *world) files(name string, certs ...*pki.Cert) pair {
	w.t.Helper()
	c, k := w.Files(name, certs...)
	return pair{c, k}
}

// join writes files one after the other into a new one.
func (w *world) join(name string, files ...string) string {
	w.t.Helper()
	var all []byte
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, body...)
	}
	return w.Write(name, all)
}

// firstOnly writes the first certificate of a chain file into one of its own.
func (w *world) firstOnly(chain string) string {
	w.t.Helper()
	body, err := os.ReadFile(chain)
	if err != nil {
		w.t.Fatal(err)
	}
	block, _ := pem.Decode(body)
	return w.Write("first-of-"+filepath.Base(chain), pem.EncodeToMemory(block))
}

// publish serves a certificate under the address that AIA names.
func (w *world) publish(c func() *pki.Cert) string {
	w.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/pkix-cert")
		_, _ = rw.Write(c().DER)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(ln)
	}()
	w.t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return "http://" + ln.Addr().String() + "/issuer.cer"
}

// outcome is what one scenario came to, for the summary.
type outcome struct {
	name, class string
	ok, healthy bool
	want        string // the cause that should come first; "" on a healthy server
	first       bool   // it does, or rightly none
	failures    []string
	wrong       []string
	connections int
	addresses   int
	took        time.Duration
}

// board collects outcomes; it is safe for concurrent use.
type board struct {
	// counts lets a wrong diagnosis be counted instead of failing the test.
	counts bool
	mu     sync.Mutex
	all    []outcome
}

func (b *board) add(o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, o)
}

// diagnose asks the front door and measures.
func (s *scenario) diagnose(t testing.TB) (*diag.Diagnosis, outcome) {
	t.Helper()
	opts := s.opts
	target := s.target
	if target == "" {
		target = "https://" + host
		if len(s.ep.Hosts) > 0 {
			target = "https://" + s.ep.Hosts[0]
		}
	}
	if s.ep.Port != 0 {
		target = fmt.Sprintf("%s:%d", target, s.ep.Port)
		if len(opts.Connect) == 0 {
			opts.Connect = []string{s.ep.Target()}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	start := time.Now()
	d, err := tlswhy.Diagnose(ctx, target, &opts)
	if err != nil {
		t.Fatalf("diagnosing: %v", err)
	}
	o := outcome{name: s.ep.Name, class: s.class, healthy: s.healthy, failures: failures(d),
		connections: len(d.Attempts), addresses: max(1, len(d.Addresses)), took: time.Since(start)}
	if len(s.want) > 0 && !s.healthy {
		o.want = s.want[0]
	}
	if len(o.failures) == 0 {
		o.first = s.healthy
	} else {
		o.first = slices.Contains(s.want, o.failures[0])
	}
	return d, o
}

// failures lists the causes of severity failure, best first.
func failures(d *diag.Diagnosis) []string {
	var out []string
	for _, c := range d.Causes {
		if c.Severity == diag.SeverityFailure {
			out = append(out, c.ID)
		}
	}
	return out
}

func warnings(d *diag.Diagnosis) []string {
	var out []string
	for _, c := range d.Causes {
		if c.Severity == diag.SeverityWarning {
			out = append(out, c.ID)
		}
	}
	return out
}

// never are causes that no scenario has, not even as a warning: the servers are
// current software, and nothing stands between them and the client.
var never = []string{"hello-intolerance", "hello-too-large", "version-intolerance", "middlebox-reset",
	"middlebox-blackhole", "middlebox-inspection", "middlebox-downgrade", "pmtu-blackhole", "rate-limited"}

// judge compares a diagnosis with what the scenario wants.
func (s *scenario) judge(d *diag.Diagnosis) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	got := failures(d)
	switch {
	case s.healthy && len(got) > 0:
		say("got failing causes %v on a healthy server", got)
	case s.healthy && d.Verdict != diag.OK && d.Verdict != diag.Warning:
		say("got verdict %s, want ok or warning", d.Verdict)
	case !s.healthy && len(got) == 0:
		say("got verdict %s without a failing cause, want %v", d.Verdict, s.want)
	case !s.healthy && !slices.Contains(s.want, got[0]):
		say("got %v first, want %v", got, s.want)
	case !s.healthy && d.Verdict != diag.Failure:
		say("got verdict %s, want failure", d.Verdict)
	}
	for _, id := range got {
		if !slices.Contains(s.want, id) && !slices.Contains(s.also, id) && !s.healthy {
			say("got %s beside %v: one fault, one cause", id, s.want)
		}
	}
	for _, id := range s.also {
		if !slices.Contains(got, id) {
			say("got failing causes %v, want %s among them", got, id)
		}
	}
	for _, id := range s.warn {
		if w := warnings(d); !slices.Contains(w, id) {
			say("got warnings %v, want %s among them", w, id)
		}
	}
	for _, c := range d.Causes {
		if slices.Contains(never, c.ID) && !slices.Contains(s.want, c.ID) {
			say("got %s (%s), but nothing here is intolerant of anything", c.ID, c.Severity)
		}
		if c.Severity != diag.SeverityFailure {
			continue
		}
		if len(c.Evidence) == 0 {
			say("%s has no evidence", c.ID)
		}
		if len(c.Fixes) == 0 {
			say("%s has no fix", c.ID)
		}
		if c.Verify == "" {
			say("%s has no command that verifies the fix", c.ID)
		}
	}
	return wrong
}

// explain prints what the diagnosis said, for a scenario that went wrong.
func explain(d *diag.Diagnosis) string {
	var b strings.Builder
	for _, c := range d.Causes {
		fmt.Fprintf(&b, "  %s %s (%s): %s\n", c.Severity, c.ID, c.Confidence, c.Summary)
		for _, e := range c.Evidence {
			fmt.Fprintf(&b, "      %s [%s]\n", e.Text, e.Where)
		}
	}
	for _, a := range d.Attempts {
		fmt.Fprintf(&b, "  attempt %d %q: %s at %s, %s %s %s, %.0f ms\n", a.N, a.Change, a.End, a.Stage, a.Version, a.Suite, a.Group, a.DurationMS)
	}
	for _, n := range d.NotTested {
		fmt.Fprintf(&b, "  not tested: %s: %s\n", n.What, n.Reason)
	}
	return b.String()
}

func (s *scenario) run(t *testing.T, b *board) {
	t.Helper()
	d, o := s.diagnose(t)
	wrong := s.judge(d)
	if _, err := json.Marshal(d); err != nil {
		wrong = append(wrong, "the diagnosis is no JSON: "+err.Error())
	}
	o.ok, o.wrong = len(wrong) == 0, wrong
	b.add(o)
	if b.counts {
		return
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if len(wrong) > 0 {
		t.Logf("%s: %s\n%s", s.ep.Name, d.Verdict, explain(d))
	}
}

// summary says how good the diagnoses were and what they cost.
func (b *board) summary() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out strings.Builder
	right, controls, alarms := 0, 0, 0
	classes := map[string][]outcome{}
	for _, o := range b.all {
		if o.ok {
			right++
		}
		if o.healthy {
			controls++
			if len(o.failures) > 0 {
				alarms++
			}
		}
		classes[o.class] = append(classes[o.class], o)
	}
	fmt.Fprintf(&out, "%d scenarios, %d right; %d healthy controls, %d false alarms\n", len(b.all), right, controls, alarms)
	fmt.Fprintf(&out, "%-12s %5s  %-18s %s\n", "class", "n", "connections", "time")
	fmt.Fprintf(&out, "%-12s %5s  %-18s %s\n", "", "", "median  90 %  max", "median     90 %      max")
	for _, n := range sortedKeys(classes) {
		os := classes[n]
		var conns []int
		var times []time.Duration
		for _, o := range os {
			conns = append(conns, o.connections)
			times = append(times, o.took.Round(time.Millisecond))
		}
		slices.Sort(conns)
		slices.Sort(times)
		fmt.Fprintf(&out, "%-12s %5d  %6d %5d %4d  %8v %8v %8v\n", n, len(os),
			at(conns, 50), at(conns, 90), at(conns, 100), at(times, 50), at(times, 90), at(times, 100))
	}
	var many []string
	for _, o := range b.all {
		if o.connections > maxMedianConnections && o.took < silence {
			many = append(many, fmt.Sprintf("%s %d", o.name, o.connections))
		}
	}
	slices.Sort(many)
	fmt.Fprintf(&out, "more than %d connections, silent servers aside: %s\n", maxMedianConnections, strings.Join(many, ", "))
	return out.String()
}

func weeksAgo(n int) time.Time { return time.Now().Add(-time.Duration(n) * 7 * pki.Day) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// at returns the percentile of a sorted list.
func at[T any](sorted []T, percent int) T {
	return sorted[(len(sorted)-1)*percent/100]
}

// TestMain lets more scenarios run at once than there are processors: they
// wait more than they work.
func TestMain(m *testing.M) {
	for _, name := range []string{"http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"} {
		_ = os.Unsetenv(name) // what is tested listens on this machine
	}
	flag.Parse()
	parallel := false
	flag.Visit(func(f *flag.Flag) { parallel = parallel || f.Name == "test.parallel" })
	if !parallel {
		if err := flag.Set("test.parallel", "4"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
