//go:build linux

package netns

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
)

const (
	echoIP     = "10.77.2.4"
	echoSecret = "correct-horse-battery-staple"
)

// echo starts tlswhy listen --echo beside the server, at the same port.
func (b *bed) echo(program string) {
	b.t.Helper()
	b.in("s", "ip", "addr", "add", echoIP+"/24", "dev", "right")
	b.start("s", echoIP+":443", program, "listen", "--echo", "--echo-secret-file", b.file("secret", echoSecret), echoIP+":443")
}

// ends are networks of which the other end tells what arrived there. A parser
// lets the first segment of a hello pass before it knows whose it is, which may
// come before we ask, or after.
var ends = []struct {
	name, fate, id string
	make           func(*bed)
}{
	{"nothing in between", "same", "", func(b *bed) {}},
	{"the name dropped", "short lost", "middlebox-blackhole", func(b *bed) { b.dpi("drop name " + target) }},
	{"the name reset", "short lost", "middlebox-reset", func(b *bed) { b.dpi("reset name " + target) }},
	{"narrow to the server", "lost", "pmtu-blackhole", func(b *bed) { b.narrow("10.77.2.0/24", "right") }},
	{"hellos of 1000 bytes reset", "short lost", "hello-too-large", func(b *bed) { b.dpi("reset bytes 1000") }},
	{"TLS 1.3 hidden on the way", "rewritten", "middlebox-downgrade", func(b *bed) { b.relay("change 002b 7f2b") }},
	{"sslsplit inspects", "remade", "middlebox-inspection", func(b *bed) { b.sslsplit() }},
	{"a far server", "same", "", func(b *bed) { b.delay(60) }},
}

// TestOtherEnd asks an echo server on the far side of each network.
func TestOtherEnd(t *testing.T) {
	program := ready(t)
	p := pki.New(t, "End")
	for _, x := range ends {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, p)
			b.origin("", "")
			b.echo(program)
			x.make(b)
			d := b.diagnose(program, "--timeout", "10s", "--echo", echoIP+":443", "--echo-secret-file", filepath.Join(b.dir, "secret"))
			id, confidence := "", diag.Confidence("")
			if first := d.FirstFailure(); first != nil {
				id, confidence = first.ID, first.Confidence
			}
			if d.Echo == nil || len(d.Echo.Hellos) == 0 {
				t.Fatalf("nothing was heard: %+v\n%s", d.Echo, transcript(d))
			}
			t.Logf("%s (%s), %s, %d connections, %.0f ms", id, confidence, d.Echo.Hellos[0].Fate, len(d.Attempts), d.DurationMS)
			if fate := d.Echo.Hellos[0].Fate; !strings.Contains(x.fate, fate) || x.id != "" && (id != x.id || confidence != diag.Proven) {
				t.Errorf("got %s, %s (%s); want %s, %s\n%s", fate, id, confidence, x.fate, x.id, transcript(d))
			}
			if x.fate == "same" && d.Verdict != diag.OK {
				t.Errorf("got %s\n%s", d.Verdict, transcript(d))
			}
		})
	}
}

// TestTwoPlaces compares what is seen from a network that interferes and from
// one that does not.
func TestTwoPlaces(t *testing.T) {
	program := ready(t)
	p := pki.New(t, "Places")
	for _, x := range []struct {
		name       string
		here       func(*bed)
		fault      diag.Fault
		id         string
		confidence diag.Confidence
	}{
		{"the name reset here", func(b *bed) { b.origin("", ""); b.dpi("reset name " + target) }, diag.FaultNetwork, "middlebox-reset", diag.Strong},
		{"all TLS reset here", func(b *bed) {
			b.origin("", "")
			b.filter("-m", "length", "--length", "100:", "-j", "REJECT", "--reject-with", "tcp-reset")
		}, diag.FaultNetwork, "middlebox-reset", diag.Likely},
		{"sslsplit here", func(b *bed) { b.origin("", ""); b.sslsplit() }, diag.FaultNetwork, "middlebox-inspection", diag.Proven},
		{"hellos of 1000 bytes reset here", func(b *bed) { b.origin("", ""); b.dpi("reset bytes 1000") }, diag.FaultNetwork, "hello-too-large", diag.Strong},
		{"nothing here either", func(b *bed) { b.origin("", "") }, diag.FaultNone, "", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			here, there := newBed(t, p), newBed(t, p)
			x.here(here)
			there.origin("", "")
			files := []string{filepath.Join(here.dir, "here.json"), filepath.Join(here.dir, "there.json")}
			for i, b := range []*bed{here, there} {
				body, err := json.Marshal(b.diagnose(program))
				if err == nil {
					err = os.WriteFile(files[i], body, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			cmd := exec.Command(program, append([]string{"compare", "-o", "json"}, files...)...)
			cmd.Stdout = &out
			_ = cmd.Run() // the exit code follows the verdict
			d := &diag.Diagnosis{}
			if err := json.Unmarshal(out.Bytes(), d); err != nil || d.Compared == nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			id, confidence := "", diag.Confidence("")
			if first := d.FirstFailure(); first != nil {
				id, confidence = first.ID, first.Confidence
			}
			t.Logf("%s at %s: %s (%s)", d.Compared.Fault, strings.Join(d.Compared.At, ", "), id, confidence)
			if d.Compared.Fault != x.fault || id != x.id || confidence != x.confidence {
				t.Errorf("want %s: %s (%s)\n%s", x.fault, x.id, x.confidence, transcript(d))
			}
		})
	}
}
