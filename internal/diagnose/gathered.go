package diagnose

import (
	"context"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// Gathered judges facts that were gathered elsewhere: by a capture, from a file,
// out of an error text. Nothing is asked of the target; what certificates point
// to is fetched, unless fetches is false. Notes go into the result.
func Gathered(ctx context.Context, c *facts.Case, o Options, env Env, fetches bool, notes ...string) *diag.Diagnosis {
	r := &runner{plan: &plan{opts: o, env: env, notes: notes}, c: c, started: time.Now()}
	limit := r.started.Add(r.timeout() + afterFirst)
	for {
		found, ask := causes.Judge(c)
		ask = slices.DeleteFunc(ask, func(e facts.Experiment) bool { return e.Kind != facts.Fetch })
		switch {
		case len(ask) > 0 && fetches && ctx.Err() == nil && time.Until(limit) >= tooShort:
			r.batch(ctx, ask, limit)
		case !c.Spent:
			c.Spent = true // nothing more can be tried: the judge concludes
		default:
			return r.result(found)
		}
	}
}
