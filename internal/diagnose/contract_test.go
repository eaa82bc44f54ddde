package diagnose_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/lab"
	"github.com/tlswhy/tlswhy/internal/report"
)

// maxJSON bounds a diagnosis, whatever the peer sent.
const maxJSON = 1 << 20

// contract holds what JSON v1 promises of every diagnosis, but for the problems
// that are excepted.
func contract(t *testing.T, d *diag.Diagnosis, except ...string) {
	t.Helper()
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	if len(data) > maxJSON {
		t.Errorf("the JSON has %d bytes, more than %d", len(data), maxJSON)
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatalf("decoding: %v", err)
	}
	for _, problem := range complete(tree, reflect.TypeFor[diag.Diagnosis](), "") {
		t.Error(problem)
	}
	for _, problem := range coherent(d) {
		if !slices.Contains(except, problem) {
			t.Error(problem)
		}
	}
	for _, f := range report.Formats {
		var b bytes.Buffer
		if err := report.Write(&b, f, d, report.Options{Verbose: 2}); err != nil || b.Len() == 0 {
			t.Errorf("writing it as %s: %d bytes, %v", f, b.Len(), err)
		}
	}
}

// complete demands every field that is not marked omitempty, and no null. It
// returns at most a few problems.
func complete(v any, of reflect.Type, at string) (problems []string) {
	if v == nil {
		return []string{at + " is null"}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return complete(v, of.Elem(), at)
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is no list: %v", at, v)}
		}
		for i, x := range list {
			problems = append(problems, complete(x, of.Elem(), fmt.Sprintf("%s[%d]", at, i))...)
		}
	case reflect.Struct:
		if of == reflect.TypeFor[time.Time]() {
			return nil
		}
		object, ok := v.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is no object: %v", at, v)}
		}
		for f := range of.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			x, there := object[name]
			if !there {
				if options != "omitempty" {
					problems = append(problems, at+"."+name+" is missing")
				}
				continue
			}
			problems = append(problems, complete(x, f.Type, at+"."+name)...)
		}
	}
	return problems[:min(len(problems), 12)]
}

// coherent demands that the parts of a diagnosis do not contradict each other.
func coherent(d *diag.Diagnosis) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	first := d.FirstFailure()
	switch d.Verdict {
	case diag.OK, diag.Warning:
		if first != nil {
			bad("verdict %s with the failure %s", d.Verdict, first.ID)
		}
	case diag.Failure:
		if first == nil {
			bad("verdict failure without a failure")
		}
	case diag.Untested:
		if first != nil {
			bad("verdict untested with the failure %s", first.ID)
		}
		if len(d.NotTested) == 0 && len(d.Attempts) == 0 {
			bad("verdict untested without a word why")
		}
	default:
		bad("verdict %q", d.Verdict)
	}
	if d.Schema != diag.Schema {
		bad("schema %q", d.Schema)
	}
	if d.StartedAt.Location() != time.UTC || d.StartedAt.IsZero() {
		bad("started_at %v is not in UTC", d.StartedAt)
	}
	if d.Target.Port < 1 || d.Target.Name == "" || d.Target.Protocol == "" || d.Target.Client == "" {
		bad("target %+v", d.Target)
	}
	warned := false
	for _, c := range d.Causes {
		page, ok := causes.PageOf(c.ID)
		if !ok || page.Family != c.Family {
			bad("cause %q of family %q is not in the catalogue", c.ID, c.Family)
		}
		if c.Confidence.Rank() > 3 || c.Stage.Rank() < 0 || c.Summary == "" || strings.ContainsAny(c.Summary, "\n\r") {
			bad("cause %s: confidence %q, stage %q, summary %q", c.ID, c.Confidence, c.Stage, c.Summary)
		}
		if len(c.Evidence) > 20 {
			bad("cause %s has %d lines of evidence", c.ID, len(c.Evidence))
		}
		if len(c.Evidence) == 0 && c.Severity == diag.SeverityFailure {
			bad("cause %s has no evidence", c.ID)
		}
		for _, e := range c.Evidence {
			if e.Text == "" || e.Where == "" && !strings.HasSuffix(e.Text, "more like these") {
				bad("cause %s: evidence %+v", c.ID, e)
			}
		}
		for _, f := range c.Fixes {
			if !slices.Contains([]string{"server", "client", "network"}, f.Side) || f.Action == "" || f.Text+f.Config+f.Command == "" {
				bad("cause %s: fix %+v", c.ID, f)
			}
		}
		if c.Severity == diag.SeverityFailure && (len(c.Fixes) == 0 || c.Verify == "") {
			bad("cause %s: %d fixes, verify %q", c.ID, len(c.Fixes), c.Verify)
		}
		warned = warned || c.Severity == diag.SeverityWarning
		if !slices.Contains([]diag.Severity{diag.SeverityFailure, diag.SeverityWarning, diag.SeverityInfo}, c.Severity) {
			bad("cause %s: severity %q", c.ID, c.Severity)
		}
	}
	if d.Verdict == diag.OK && warned {
		bad("verdict ok with a warning")
	}
	if i := slices.IndexFunc(d.Causes, func(c diag.Cause) bool { return c.Severity == diag.SeverityFailure }); i > 0 {
		bad("the first failure stands at place %d", i)
	}
	for i, a := range d.Attempts {
		if a.N != i+1 || a.Stage.Rank() < 0 || a.End == "" || a.EndKind == "" || a.EndKind == facts.EndUnknown.String() {
			bad("attempt %d: n %d, stage %q, end %q, kind %q", i+1, a.N, a.Stage, a.End, a.EndKind)
		}
		if (a.Alert != nil) != (a.EndKind == facts.EndAlert.String()) {
			bad("attempt %d: alert %v, kind %s", a.N, a.Alert, a.EndKind)
		}
		for _, m := range a.Messages {
			if m.Name == "" || m.From != "client" && m.From != "server" && !strings.HasSuffix(m.Name, "more messages") {
				bad("attempt %d: message %+v", a.N, m)
				break
			}
		}
	}
	if d.Handshake.Attempt > len(d.Attempts) || d.Handshake.Attempt == 0 && len(d.Attempts) > 0 {
		bad("handshake of attempt %d of %d", d.Handshake.Attempt, len(d.Attempts))
	}
	broken := false
	for _, s := range d.Handshake.Steps {
		if s.Name+s.Text == "" || s.Stage.Rank() < 0 || !slices.Contains([]string{"", "client", "server"}, s.From) {
			bad("step %+v", s)
		}
		if !slices.Contains([]diag.Status{diag.StatusOK, diag.StatusBad, diag.StatusWarn, diag.StatusNever, diag.StatusInform}, s.Status) {
			bad("step %s: status %q", s.Name, s.Status)
		}
		broken = broken || s.Status == diag.StatusBad
	}
	if first != nil && !broken && len(d.Handshake.Steps) > 0 {
		bad(noBreak)
	}
	for _, a := range d.Addresses {
		if _, err := netip.ParseAddrPort(a.Address); err != nil || a.Family != "ipv4" && a.Family != "ipv6" || a.Text == "" {
			bad("address %+v", a)
		}
		if _, ok := causes.PageOf(a.Outcome); !ok && a.Outcome != "ok" && a.Outcome != "untested" {
			bad("address %s: outcome %q", a.Address, a.Outcome)
		}
	}
	for _, c := range d.Certificates {
		if !slices.Contains([]string{"leaf", "intermediate", "root", "extra", "missing", "client"}, c.Role) ||
			!slices.Contains([]string{"sent", "fetched", "anchor", "file"}, c.Source) || len(c.Fingerprint) != 64 {
			bad("certificate %q: role %q, source %q, fingerprint %q", c.Subject, c.Role, c.Source, c.Fingerprint)
		}
	}
	for _, n := range d.NotTested {
		if n.What == "" || n.Reason == "" {
			bad("not tested: %+v", n)
		}
	}
	return problems
}

// noBreak is a problem that facts which contradict each other may have.
const noBreak = "the ladder shows no break"

// TestContract holds JSON v1 for one scenario of each cause, and for healthy
// servers. Silent ones are among the hostile peers.
func TestContract(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, s := range lab.Scenarios() {
		if seen[s.Cause]++; s.Cause != "" && seen[s.Cause] > 1 || seen[s.Cause] > 12 || class(s) == "silent" {
			continue
		}
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			contract(t, diagnoseLab(t, s))
		})
	}
}

// TestContractIsChecked makes sure that the checks above see something.
func TestContractIsChecked(t *testing.T) {
	t.Parallel()
	d := &diag.Diagnosis{Causes: []diag.Cause{{ID: "none", Severity: diag.SeverityFailure}}}
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	delete(tree, "verdict")
	problems := strings.Join(complete(tree, reflect.TypeFor[diag.Diagnosis](), ""), "\n")
	for _, want := range []string{".verdict is missing", ".causes[0].addresses is null", ".attempts is null"} {
		if !strings.Contains(problems, want) {
			t.Errorf("got %q, want %q in it", problems, want)
		}
	}
	if got := coherent(d); len(got) < 5 {
		t.Errorf("got %q", got)
	}
}

// TestVerifyRepeatsTheOptions demands that the command of a cause repeats all
// that the answer depends on, and nothing else.
func TestVerifyRepeatsTheOptions(t *testing.T) {
	t.Parallel()
	r := startLab(t, "cert-expired")
	ca := file(t, "my ca.pem", r.CA)
	id := startLab(t, "client-cert-good")
	cert, key := file(t, "client.pem", id.ClientCert), file(t, "client.key", id.ClientKey)
	for _, c := range []struct {
		name string
		o    diagnose.Options
		want []string
	}{
		{"connect", diagnose.Options{}, nil},
		{"sni", diagnose.Options{SNI: "other.lab.test"}, []string{"--sni other.lab.test"}},
		{"sni none", diagnose.Options{SNI: "none"}, []string{"--sni none"}},
		{"versions", diagnose.Options{MinVersion: "1.2", MaxVersion: "1.3"}, []string{"--tls-min 1.2", "--tls-max 1.3"}},
		{"ciphers", diagnose.Options{Ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", MaxVersion: "1.2"}, []string{"--ciphers ECDHE-ECDSA-AES128-GCM-SHA256"}},
		{"groups", diagnose.Options{Groups: "P-256:X25519"}, []string{"--groups P-256:X25519"}},
		{"sigalgs", diagnose.Options{SigAlgs: "ecdsa_secp256r1_sha256"}, []string{"--sigalgs ecdsa_secp256r1_sha256"}},
		{"alpn", diagnose.Options{ALPN: "http/1.1"}, []string{"--alpn http/1.1"}},
		{"client", diagnose.Options{Client: "Java 8u161"}, []string{"--client 'Java 8u161'"}},
		{"client certificate", diagnose.Options{CertFile: cert, KeyFile: key}, []string{"--cert " + cert, "--key " + key}},
		{"family", diagnose.Options{Network: "ip4"}, []string{" -4 "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Connect, c.o.CAFile = []string{r.Addr}, ca
			d := run(t, "https://shop.lab.test/a b?c='d'", c.o)
			first := d.FirstFailure()
			if first == nil || first.ID != "cert-expired" {
				t.Fatalf("got\n%s", describe(d))
			}
			for _, want := range append(c.want, "tlswhy --connect "+r.Addr+" ", "--ca '"+ca+"'", ` 'https://shop.lab.test/a b?c='\''d'\'''`) {
				if !strings.Contains(first.Verify, want) {
					t.Errorf("verify is %q, want %q in it", first.Verify, want)
				}
			}
			if c.want == nil && strings.Count(first.Verify, " --") != 2 {
				t.Errorf("verify %q repeats more than was said", first.Verify)
			}
		})
	}
	d := run(t, "shop.lab.test", diagnose.Options{Connect: []string{r.Addr}, CAFile: ca, Command: "my own words"})
	if first := d.FirstFailure(); first == nil || first.Verify != "my own words" {
		t.Errorf("the command that was given is not repeated\n%s", describe(d))
	}
}
