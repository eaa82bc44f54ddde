package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/guard"
	"github.com/tlswhy/tlswhy/internal/lab"
	monitorservice "github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/report"
)

// TestSameCause demands that the command line, the page and the report of a target
// name the same cause.
func TestSameCause(t *testing.T) {
	t.Parallel()
	scenarios := lab.Scenarios()
	for _, id := range []string{"cert-expired", "cipher-mismatch", "incomplete-chain", "client-cert-required"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(scenarios, func(s lab.Scenario) bool { return s.ID == id })
			server, err := lab.Start(context.WithoutCancel(t.Context()), scenarios[i])
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Close() })
			run := func(format report.Format) string {
				var out, talk bytes.Buffer
				p := newProgram()
				p.stdin, p.stdout, p.stderr, p.outTerminal, p.errTerminal = strings.NewReader(""), &out, &talk, false, false
				if code := p.run(t.Context(), []string{"--connect", server.Addr, "--trust", "mozilla", "-o", string(format), "shop.lab.test"}); code != exitFailure {
					t.Fatalf("got exit code %d: %s", code, talk.String())
				}
				return out.String()
			}
			said := &diag.Diagnosis{}
			if err := json.Unmarshal([]byte(run(report.JSON)), said); err != nil {
				t.Fatal(err)
			}
			page, err := newProgram().diagnoseFor(t.Context(), &guard.Policy{Loopback: true}, monitorservice.DiagnoseRequest{Target: "shop.lab.test", Connect: []string{server.Addr}, Trust: "mozilla"})
			if err != nil {
				t.Fatal(err)
			}
			want := said.FirstFailure()
			if got := page.FirstFailure(); want == nil || got == nil || got.ID != want.ID || got.Summary != want.Summary {
				t.Fatalf("the command says %+v, the page %+v", want, page.FirstFailure())
			}
			drawn, err := report.View{}.Render(page)
			if err != nil {
				t.Fatal(err)
			}
			for name, html := range map[string]string{"the page": string(drawn), "the report": run(report.HTML)} {
				if !strings.Contains(html, "<code>"+want.ID+"</code>") || !strings.Contains(html, "it breaks here") {
					t.Errorf("%s does not say %s", name, want.ID)
				}
			}
		})
	}
}
