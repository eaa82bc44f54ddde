package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/guard"
)

type guardKey struct{}

// withGuard lends a diagnosis the rule for the addresses that it may dial.
func withGuard(ctx context.Context, p *guard.Policy) context.Context {
	return context.WithValue(ctx, guardKey{}, p)
}

// forbiddenError is a target that may not be dialled: our own inability, which
// says nothing of the server.
type forbiddenError struct{ err error }

// Error implements error.
func (e *forbiddenError) Error() string {
	return fmt.Sprintf("%v; what may be reached is said under networks in the configuration", e.err)
}

// Unwrap returns the cause.
func (e *forbiddenError) Unwrap() error { return e.err }

// underGuard makes a diagnosis under the rule that ctx carries, if any.
func underGuard(ctx context.Context, env diagnose.Env, run func(diagnose.Env) (*diag.Diagnosis, error)) (*diag.Diagnosis, error) {
	p, ok := ctx.Value(guardKey{}).(*guard.Policy)
	if !ok {
		return run(env)
	}
	var mu sync.Mutex
	refused := map[string]error{}
	env.Guard = func(address string) error {
		err := p.Check(address)
		if err != nil {
			mu.Lock()
			refused[address] = err
			mu.Unlock()
		}
		return err
	}
	d, err := run(env)
	if err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range d.Attempts {
		if err, ok := refused[d.Attempts[i].Address]; ok {
			return nil, &forbiddenError{err}
		}
	}
	return d, nil
}
