package diagnose

import (
	"context"
	"slices"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/compare"
)

// maxVias bounds from how many places of this machine one target is diagnosed.
const maxVias = 4

// runVias makes the diagnosis from each of several sources, side by side, and
// joins what they say: with the VPN and without it.
func runVias(ctx context.Context, target string, o Options, env Env) (*diag.Diagnosis, error) {
	if len(o.Via) > maxVias {
		return nil, usage("", "%d times --via is more than %d", len(o.Via), maxVias)
	}
	for i, v := range o.Via {
		if slices.Contains(o.Via[:i], v) {
			return nil, usage("name different ones", "--via %s is given twice", v)
		}
	}
	all := make([]compare.Vantage, len(o.Via))
	errs := make([]error, len(o.Via))
	var wg sync.WaitGroup
	for i, v := range o.Via {
		one := o
		one.Via = []string{v}
		if say := o.Progress; say != nil {
			one.Progress = func(s string) { say(v + ": " + s) }
		}
		wg.Go(func() {
			all[i].Label = v
			all[i].Diagnosis, errs[i] = Run(ctx, target, one, env)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return compare.Join(all)
}
