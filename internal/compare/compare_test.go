package compare_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/compare"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const shop, other = "192.0.2.10:443", "192.0.2.11:443"

// leaf is the certificate that the server shows.
func leaf(fingerprint, issuer string) diag.Certificate {
	return diag.Certificate{Role: "leaf", Source: "sent", Subject: "CN=shop.example.com", Issuer: issuer, Fingerprint: fingerprint,
		NotBefore: noon.Add(-30 * 24 * time.Hour), NotAfter: noon.Add(60 * 24 * time.Hour)}
}

const public, private = "CN=R10, O=Let's Encrypt, C=US", "CN=FG100E, O=Fortinet"

// works is a diagnosis of a healthy server.
func works(change ...func(*diag.Diagnosis)) *diag.Diagnosis {
	d := &diag.Diagnosis{Schema: diag.Schema, Verdict: diag.OK, StartedAt: noon, JudgedAt: noon,
		Target:       diag.Target{Input: "shop.example.com", Name: "shop.example.com", Port: 443, Protocol: "https", SNI: "shop.example.com", Client: "reference client", Trust: "the system store"},
		Addresses:    []diag.Address{{Address: shop, Outcome: "ok"}},
		Handshake:    diag.Handshake{Attempt: 1},
		Certificates: []diag.Certificate{leaf("aaaaaaaaaaaa", public)},
		Attempts:     []diag.Attempt{{N: 1, Address: shop, EndKind: "completed", End: "the handshake completes", Received: 4000}}}
	for _, c := range change {
		c(d)
	}
	return d
}

// fails is one whose own hello ended so.
func fails(id, family, kind string, stage diag.Stage, change ...func(*diag.Diagnosis)) *diag.Diagnosis {
	return works(append([]func(*diag.Diagnosis){func(d *diag.Diagnosis) {
		d.Verdict = diag.Failure
		d.Causes = []diag.Cause{{ID: id, Family: family, Severity: diag.SeverityFailure, Confidence: diag.Likely, Stage: stage, Summary: "it fails", Evidence: []diag.Evidence{{Text: "seen", Where: "attempt 1"}}}}
		d.Attempts[0].EndKind, d.Attempts[0].End, d.Attempts[0].Stage = kind, kind, stage
		if stage.Rank() <= diag.StageClientHello.Rank() {
			d.Attempts[0].Received, d.Certificates = 0, nil
		}
	}}, change...)...)
}

// tried adds an experiment that was made as well.
func tried(change, kind string) func(*diag.Diagnosis) {
	return func(d *diag.Diagnosis) {
		d.Attempts = append(d.Attempts, diag.Attempt{N: len(d.Attempts) + 1, Address: d.Attempts[0].Address, Change: change, Changes: map[string]any{"SNI": "none"}, EndKind: kind, End: kind})
	}
}

func at(address string) func(*diag.Diagnosis) {
	return func(d *diag.Diagnosis) {
		d.Addresses = []diag.Address{{Address: address}}
		d.Attempts[0].Address = address
	}
}

func hours(n int) func(*diag.Diagnosis) {
	return func(d *diag.Diagnosis) {
		d.StartedAt, d.JudgedAt = d.StartedAt.Add(time.Duration(n)*time.Hour), d.JudgedAt.Add(time.Duration(n)*time.Hour)
	}
}

func shows(c diag.Certificate) func(*diag.Diagnosis) {
	return func(d *diag.Diagnosis) { d.Certificates = []diag.Certificate{c} }
}

func sure(c diag.Confidence) func(*diag.Diagnosis) {
	return func(d *diag.Diagnosis) { d.Causes[0].Confidence = c }
}

func set(f func(*diag.Diagnosis)) func(*diag.Diagnosis) { return f }

// TestJoin holds the verdict on two places or more.
func TestJoin(t *testing.T) {
	t.Parallel()
	hello, cert := diag.StageClientHello, diag.StageCertificate
	until := func(fingerprint string, from, to time.Duration) diag.Certificate {
		c := leaf(fingerprint, public)
		c.NotBefore, c.NotAfter = noon.Add(from), noon.Add(to)
		return c
	}
	day := 24 * time.Hour
	for _, x := range []struct {
		name       string
		home, work *diag.Diagnosis
		more       []*diag.Diagnosis
		fault      diag.Fault
		at         string
		id         string
		confidence diag.Confidence
		next       bool
	}{
		{name: "healthy", home: works(), work: works(), fault: diag.FaultNone},
		{name: "a name reset here only", home: fails("sni-unrecognized", "sni", "reset", hello, tried("without SNI", "completed")), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "middlebox-reset", confidence: diag.Strong},
		{name: "a name swallowed here only", home: fails("sni-unrecognized", "sni", "timeout", hello, tried("without SNI", "completed")), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "middlebox-blackhole", confidence: diag.Strong},
		{name: "a name reset here, days apart", home: fails("sni-unrecognized", "sni", "reset", hello, tried("without SNI", "completed")), work: works(hours(72)),
			fault: diag.FaultNetwork, at: "home", id: "middlebox-reset", confidence: diag.Strong},
		{name: "all cut here only", home: fails("connection-reset", "transport", "reset", hello), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "middlebox-reset", confidence: diag.Likely},
		{name: "an outage in between", home: fails("connection-reset", "transport", "reset", hello), work: works(hours(3)),
			fault: diag.FaultOpen, at: "home", id: "middlebox-reset", confidence: diag.Possible},
		{name: "no connection from here", home: fails("tcp-timeout", "transport", "no-connect", diag.StageConnect), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "tcp-timeout", confidence: diag.Likely},
		{name: "no connection, another address", home: fails("tcp-timeout", "transport", "no-connect", diag.StageConnect, at(other)), work: works(),
			fault: diag.FaultOpen, at: "home", id: "tcp-timeout", confidence: diag.Possible, next: true},
		{name: "a narrow tunnel", home: fails("pmtu-blackhole", "middlebox", "timeout", hello, sure(diag.Strong), tried("with small TCP segments", "completed")), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "pmtu-blackhole", confidence: diag.Proven},
		{name: "a large hello breaks here", home: fails("hello-too-large", "version", "reset", hello, tried("a small hello", "completed")), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "hello-too-large", confidence: diag.Strong},
		{name: "plain HTTP here", home: fails("server-speaks-plaintext", "transport", "not-tls", hello, set(func(d *diag.Diagnosis) { d.Attempts[0].Received, d.Causes[0].Stage = 300, diag.StageServerHello })), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "captive-portal", confidence: diag.Strong},
		{name: "inspection here", home: fails("unknown-ca", "certificate", "completed", cert, shows(leaf("bbbb", private))), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "middlebox-inspection", confidence: diag.Strong},
		{name: "inspection seen here, confirmed", home: fails("middlebox-inspection", "middlebox", "completed", cert, sure(diag.Strong), shows(leaf("bbbb", private))), work: works(),
			fault: diag.FaultNetwork, at: "home", id: "middlebox-inspection", confidence: diag.Proven},
		{name: "the proxy refuses", home: fails("proxy-refused", "middlebox", "preamble", diag.StageProxy), work: works(), fault: diag.FaultNetwork, at: "home", id: "proxy-refused", confidence: diag.Likely},
		{name: "the name is unknown here", home: fails("dns-failure", "transport", "", diag.StageResolve), work: works(), fault: diag.FaultDNS, at: "home", id: "dns-failure", confidence: diag.Strong},
		{name: "split DNS with an inner CA", home: fails("unknown-ca", "certificate", "completed", cert, at("10.0.0.5:443"), shows(leaf("bbbb", "CN=House CA"))), work: works(),
			fault: diag.FaultDNS, at: "home", id: "unknown-ca", confidence: diag.Likely, next: true},
		{name: "a block page by DNS", home: fails("hostname-mismatch", "certificate", "completed", cert, at(other), shows(leaf("bbbb", private))), work: works(),
			fault: diag.FaultDNS, at: "home", id: "hostname-mismatch", confidence: diag.Likely, next: true},

		// Near misses.
		{name: "the same at both", home: fails("cert-expired", "certificate", "completed", cert), work: fails("cert-expired", "certificate", "completed", cert),
			fault: diag.FaultServer, id: "cert-expired", confidence: diag.Likely},
		{name: "silence at both", home: fails("handshake-timeout", "transport", "timeout", hello, sure(diag.Possible)), work: fails("handshake-timeout", "transport", "timeout", hello),
			fault: diag.FaultServer, id: "handshake-timeout", confidence: diag.Likely},
		{name: "the name is refused at both", home: fails("sni-unrecognized", "sni", "reset", hello), work: fails("sni-unrecognized", "sni", "reset", hello),
			fault: diag.FaultServer, id: "sni-unrecognized", confidence: diag.Likely},
		{name: "inspection at both", home: fails("middlebox-inspection", "middlebox", "completed", cert), work: fails("middlebox-inspection", "middlebox", "completed", cert),
			fault: diag.FaultNetwork, at: "home,work", id: "middlebox-inspection", confidence: diag.Likely},
		{name: "a pool with two certificates of one CA", home: works(shows(leaf("bbbb", public))), work: works(), fault: diag.FaultNone},
		{name: "one of a pool has expired", home: fails("cert-expired", "certificate", "completed", cert, shows(until("bbbb", -90*day, -day))), work: works(),
			fault: diag.FaultMachine, at: "home", id: "cert-expired", confidence: diag.Likely},
		{name: "expired since", home: works(shows(until("aaaa", -90*day, day))), work: fails("cert-expired", "certificate", "completed", cert, hours(48), shows(until("aaaa", -90*day, day))),
			fault: diag.FaultTime, at: "work", id: "cert-expired", confidence: diag.Likely},
		{name: "renewed in between", home: fails("cert-expired", "certificate", "completed", cert, shows(until("bbbb", -90*day, -day))), work: works(hours(48), shows(until("aaaa", day, 90*day))),
			fault: diag.FaultTime, at: "home", id: "cert-expired", confidence: diag.Strong},
		{name: "other roots", home: fails("unknown-ca", "certificate", "completed", cert, set(func(d *diag.Diagnosis) { d.Target.Trust = "--ca corp.pem" })), work: works(),
			fault: diag.FaultClient, at: "home", id: "unknown-ca", confidence: diag.Likely},
		{name: "other roots and another certificate", home: fails("unknown-ca", "certificate", "completed", cert, shows(leaf("bbbb", private)), set(func(d *diag.Diagnosis) { d.Target.Trust = "--ca corp.pem" })), work: works(),
			fault: diag.FaultOpen, at: "home", id: "unknown-ca", confidence: diag.Possible},
		{name: "an old client", home: fails("protocol-version", "version", "alert", hello, set(func(d *diag.Diagnosis) { d.Target.Client = "Java 6" })), work: works(),
			fault: diag.FaultClient, at: "home", id: "protocol-version", confidence: diag.Likely},
		{name: "an alert here only", home: fails("internal-error", "transport", "alert", diag.StageServerHello, set(func(d *diag.Diagnosis) { d.Attempts[0].Received = 7 })), work: works(),
			fault: diag.FaultMachine, at: "home", id: "internal-error", confidence: diag.Likely},
		{name: "two faults", home: fails("tcp-timeout", "transport", "no-connect", diag.StageConnect), work: fails("cert-expired", "certificate", "completed", cert),
			fault: diag.FaultSeveral, at: "home", id: "cert-expired", confidence: diag.Likely},
		{name: "cut in two ways", home: fails("connection-reset", "transport", "reset", hello), work: fails("handshake-timeout", "transport", "timeout", hello),
			fault: diag.FaultOpen, at: "home", id: "connection-reset", confidence: diag.Likely},
		{name: "three places", home: fails("connection-reset", "transport", "reset", hello), work: works(hours(5)), more: []*diag.Diagnosis{works()},
			fault: diag.FaultNetwork, at: "home", id: "middlebox-reset", confidence: diag.Likely},
		{name: "untested", home: works(func(d *diag.Diagnosis) { d.Verdict = diag.Untested }), work: works(), fault: diag.FaultOpen},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			in := []compare.Vantage{{Label: "home", Diagnosis: x.home}, {Label: "work", Diagnosis: x.work}}
			for _, d := range x.more {
				in = append(in, compare.Vantage{Label: "third", Diagnosis: d})
			}
			before, _ := json.Marshal(in)
			d, err := compare.Join(in)
			if err != nil {
				t.Fatal(err)
			}
			if after, _ := json.Marshal(in); string(before) != string(after) {
				t.Error("what was given has changed")
			}
			id, confidence := "", diag.Confidence("")
			if len(d.Causes) > 0 {
				id, confidence = d.Causes[0].ID, d.Causes[0].Confidence
			}
			if at := strings.Join(d.Compared.At, ","); d.Compared.Fault != x.fault || at != x.at || id != x.id || confidence != x.confidence || (d.Next != nil) != x.next {
				out, _ := json.MarshalIndent(d, "", " ")
				t.Errorf("got %s at %q, %s (%s), next %v; want %s at %q, %s (%s), next %v\n%s", d.Compared.Fault, at, id, confidence, d.Next != nil, x.fault, x.at, x.id, x.confidence, x.next, out)
			}
			for _, c := range d.Causes {
				if len(c.Evidence) == 0 || c.Summary == "" || c.Family == "" {
					t.Errorf("a cause without evidence, words or family: %+v", c)
				}
			}
			for _, r := range d.Compared.Rows {
				if len(r.Cells) != len(in) {
					t.Errorf("%d cells in %+v", len(r.Cells), r)
				}
			}
		})
	}
}

// TestNotes holds what is said of runs that are hard to compare.
func TestNotes(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		b    func(*diag.Diagnosis)
		want string
	}{
		"alike":    {func(*diag.Diagnosis) {}, ""},
		"times":    {hours(5), "a and b were run 5 h apart"},
		"versions": {func(d *diag.Diagnosis) { d.Tool.Version = "2" }, "a and b come from different versions"},
		"clients":  {func(d *diag.Diagnosis) { d.Target.Client = "Java 6" }, "a and b speak as different clients"},
		"roots":    {func(d *diag.Diagnosis) { d.Target.Trust = "x" }, "a and b trust different roots"},
		"names":    {func(d *diag.Diagnosis) { d.Target.SNI = "x" }, "a and b send different names"},
		"masked":   {func(d *diag.Diagnosis) { d.Target.Name = "www.name-1.example" }, "b is masked"},
	} {
		d, err := compare.Join([]compare.Vantage{{Label: "a", Diagnosis: works()}, {Label: "b", Diagnosis: works(x.b)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(d.Notes, "\n"); !strings.HasPrefix(got, x.want) || x.want == "" && got != "" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestMasked compares what cannot be compared by names: masks are not addresses.
func TestMasked(t *testing.T) {
	t.Parallel()
	mask := func(d *diag.Diagnosis) {
		d.Target.Name, d.Target.SNI = "name-1.example", "name-1.example"
		for i := range d.Certificates {
			d.Certificates[i].Fingerprint = "fingerprint-1"
		}
	}
	a := fails("connection-reset", "transport", "reset", diag.StageClientHello, mask)
	sets, alone := compare.Sets([]compare.File{{Label: "a", Diagnoses: []*diag.Diagnosis{a}}, {Label: "b", Diagnoses: []*diag.Diagnosis{works(mask)}}})
	if len(sets) != 1 || len(alone) != 0 {
		t.Fatalf("got %d sets, %q alone", len(sets), alone)
	}
	d, err := compare.Join(sets[0])
	if err != nil {
		t.Fatal(err)
	}
	if d.Compared.Fault != diag.FaultOpen || d.Causes[0].Confidence != diag.Possible {
		t.Errorf("got %s, %s", d.Compared.Fault, d.Causes[0].Confidence)
	}
}

func TestSets(t *testing.T) {
	t.Parallel()
	named := func(name string) *diag.Diagnosis { return works(func(d *diag.Diagnosis) { d.Target.Name = name }) }
	sets, alone := compare.Sets([]compare.File{
		{Label: "a", Diagnoses: []*diag.Diagnosis{named("one"), named("two"), named("three"), named("two")}},
		{Label: "b", Diagnoses: []*diag.Diagnosis{named("TWO."), named("one"), named("four")}},
	})
	var got []string
	for _, s := range sets {
		got = append(got, s[0].Diagnosis.Target.Name+"/"+s[1].Diagnosis.Target.Name)
	}
	if !slices.Equal(got, []string{"one/one", "two/TWO."}) || !slices.Equal(alone, []string{"three:443 is in a only", "four:443 is in b only"}) {
		t.Errorf("got %q, alone %q", got, alone)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	good, _ := json.Marshal(works())
	for name, x := range map[string]struct {
		text, err string
		n         int
	}{
		"one":          {string(good), "", 1},
		"several":      {string(good) + "\n" + string(good) + "\n\n" + string(good), "", 3},
		"empty":        {"", "it is empty", 0},
		"no JSON":      {"hello", "it is no JSON of tlswhy", 0},
		"cut":          {string(good) + string(good[:len(good)/2]), "after diagnosis 1", 0},
		"something":    {`{"a":1}`, `it holds ""`, 0},
		"a client":     {`{"schema":"tlswhy.client/1"}`, `it holds "tlswhy.client/1"`, 0},
		"from later":   {`{"schema":"tlswhy.diagnosis/2"}`, "update tlswhy", 0},
		"a comparison": {`{"schema":"tlswhy.diagnosis/1","compared":{}}`, "it holds a comparison", 0},
	} {
		ds, err := compare.Read(strings.NewReader(x.text))
		if len(ds) != x.n || (err == nil) != (x.err == "") || err != nil && !strings.Contains(err.Error(), x.err) {
			t.Errorf("%s: got %d, %v", name, len(ds), err)
		}
	}
}

// FuzzJoin joins whatever the files hold.
func FuzzJoin(f *testing.F) {
	a, _ := json.Marshal(works())
	b, _ := json.Marshal(fails("sni-unrecognized", "sni", "reset", diag.StageClientHello))
	f.Add(string(a), string(b))
	f.Add(`{"schema":"tlswhy.diagnosis/1","verdict":"failure","causes":[{"severity":"failure"}]}`, string(a))
	f.Fuzz(func(t *testing.T, a, b string) {
		x, err := compare.Read(strings.NewReader(a))
		y, err2 := compare.Read(strings.NewReader(b))
		if err != nil || err2 != nil {
			return
		}
		sets, _ := compare.Sets([]compare.File{{Label: "a", Diagnoses: x}, {Label: "b", Diagnoses: y}})
		for _, s := range append(sets, []compare.Vantage{{Label: "a", Diagnosis: x[0]}, {Label: "b", Diagnosis: y[0]}}) {
			d, err := compare.Join(s)
			if err != nil || d.Compared == nil || d.Verdict == "" {
				t.Fatalf("got %v, %v", d, err)
			}
		}
	})
}
