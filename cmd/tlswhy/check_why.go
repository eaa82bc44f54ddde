package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/report"
)

// runWhy prints why somebody was, or was not, told of each endpoint. The exit
// code says nothing of the endpoints.
func (p *program) runWhy(ctx context.Context, f *checkFlags, format report.Format, names []string) error {
	a, err := p.asker(f)
	if err != nil {
		return err
	}
	if format != report.Text && format != report.JSON {
		return badUsage("text or json", "--why has no format of that name")
	}
	for n, name := range names {
		x, err := a.why(ctx, name)
		var silent *monitorError
		if errors.As(err, &silent) {
			fmt.Fprintln(p.stderr, "tlswhy: "+silent.msg)
			return exitError(exitUntested)
		}
		if err != nil {
			return err
		}
		if format == report.JSON {
			err = json.NewEncoder(p.stdout).Encode(x)
		} else {
			if n > 0 {
				fmt.Fprintln(p.stdout)
			}
			err = writeWhy(p.stdout, x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// why asks for the explanation of an endpoint.
func (a *asker) why(ctx context.Context, name string) (*monitor.Explanation, error) {
	e, err := a.find(ctx, name)
	if err != nil {
		return nil, err
	}
	x := &monitor.Explanation{}
	return x, a.get(ctx, "/endpoints/"+url.PathEscape(e.ID)+"/why", x)
}

// writeWhy lays an explanation out for people.
func writeWhy(w io.Writer, x *monitor.Explanation) error {
	out := fmt.Sprintf("%s\n  %s\n", clean(x.Target), clean(x.Answer))
	for _, f := range x.Findings {
		out += fmt.Sprintf("\nFinding %s (%s) at %s, since %s\n  %s\n  %s\n", f.Cause, f.Severity, clean(f.Address), f.First.UTC().Format(time.RFC3339), clean(f.Summary), clean(f.Why))
	}
	for _, i := range x.Incidents {
		state := "over"
		if i.Open {
			state = "open"
		}
		out += fmt.Sprintf("\nIncident %s, %s (%s), %s\n  %s\n", i.ID, i.Cause, i.Severity, state, clean(i.Why))
		for _, d := range i.Deliveries {
			out += fmt.Sprintf("  %s  %s to %s: %s, tries %d\n", d.Written.UTC().Format(time.RFC3339), d.Kind, clean(d.Channel), d.State, d.Tries)
		}
	}
	for _, r := range x.Routes {
		out += fmt.Sprintf("\nIf something %s happened now\n", r.Severity)
		for _, why := range r.Why {
			out += "  " + clean(why) + "\n"
		}
	}
	_, err := io.WriteString(w, out)
	return err
}
