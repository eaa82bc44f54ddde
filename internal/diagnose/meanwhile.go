package diagnose

import (
	"context"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// meanwhile makes, while the user's own hello meets silence, what the judge will
// ask for first should it go on: so that this costs no deadline. It begins once
// half of the hello's time has passed, and TCP stood.
func (r *runner) meanwhile(ctx context.Context, done <-chan struct{}) []*facts.Attempt {
	if len(causes.OfSilence(r.c)) == 0 {
		return nil
	}
	half := time.NewTimer(r.timeout() / 2)
	defer half.Stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return nil
	case <-half.C:
	}
	const rounds = 2 // in the other half
	c := *r.c
	for range rounds {
		ask := causes.OfSilence(&c)
		if len(ask) == 0 || !r.connected.Load() || ctx.Err() != nil {
			break
		}
		made := make([]*facts.Attempt, len(ask))
		var wg sync.WaitGroup
		for i, e := range ask {
			r.progress(r.words(e))
			wg.Go(func() {
				made[i] = r.attempt(ctx, e, true, max(r.timeout()/2/rounds, time.Second))
				r.tell(made[i])
			})
		}
		wg.Wait()
		c.Attempts = append(c.Attempts, made...)
	}
	return c.Attempts
}
