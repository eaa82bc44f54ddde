package diagnose

import (
	"context"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// assumed is another reading of a target whose protocol was only guessed from
// its port.
type assumed struct {
	target, startTLS string
	note             string
}

// second makes the diagnosis again where the port has shown that the guess of
// its protocol was wrong: it greets in the words of a STARTTLS protocol, or
// speaks TLS where a greeting was waited for. What does not lead to TLS is no
// better guess; nil then.
func (r *runner) second(ctx context.Context, o Options, env Env) *diag.Diagnosis {
	for _, a := range r.readings() {
		again := o
		again.StartTLS = a.startTLS
		d, behind, err := run(ctx, a.target, again, env)
		if err != nil || !behind {
			continue
		}
		d.Target.Input = r.target.Input
		d.Notes = append([]string{a.note}, d.Notes...)
		return d
	}
	return nil
}

// readings lists what the target may be instead.
func (r *runner) readings() []assumed {
	w := &r.c.Want
	if !w.Guessed || r.opts.StartTLS != "" {
		return nil
	}
	for _, a := range r.c.Attempts {
		switch {
		case w.StartTLS == "" && a.End.Kind == facts.EndNotTLS && len(a.Preamble) == 0:
			name, _ := tlswire.IdentifyPlaintext(a.End.Data)
			var out []assumed
			words := strings.Split(name, "-or-")
			if len(words) > 1 {
				words = append(words, "lmtp") // whose greeting has the same form
			}
			for _, word := range words {
				if p, ok := starttls.Lookup(word); ok {
					out = append(out, assumed{r.target.Input, p.Name(), fmt.Sprintf("port %d greets as %s does, so TLS was asked for in its way; --starttls %s says so at once",
						w.Port, strings.ToUpper(p.Name()), p.Name())})
				}
			}
			return out
		case w.StartTLS != "" && a.Of.Direct && a.ServerHello != nil:
			return []assumed{{"tls://" + r.host() + fmt.Sprintf(":%d", w.Port), "", fmt.Sprintf("port %d speaks TLS from the first byte, without the %s dialogue that is usual there; tls://%s:%[1]d says so at once",
				w.Port, strings.ToUpper(w.StartTLS), r.host())}}
		}
	}
	return nil
}

// behind tells whether TLS was reached at any address.
func (r *runner) behind() bool {
	for _, a := range r.c.Attempts {
		if a.ServerHello != nil || a.SSL2 != nil || len(a.Alerts) > 0 {
			return true
		}
	}
	return false
}
