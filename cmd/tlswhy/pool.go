package main

import (
	"cmp"
	"context"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
)

// result is what came of one target: a diagnosis or a complaint.
type result struct {
	t   target
	d   *diag.Diagnosis
	err error
	// late says that the end came before it was finished, or begun.
	late bool
}

// ahead is how many results per worker may wait for an earlier, slower target.
const ahead = 8

// aheadLight is the same for light checks, whose results are small: of a long
// list some targets never answer, and the others need not wait for them.
const aheadLight = 64

// start diagnoses the targets; see pooled.
func (p *program) start(ctx context.Context, o options, parallel int, args []string, file string) (results <-chan chan result, finish func() error) {
	return pooled(ctx, p, parallel, args, file, func(t target) result {
		res, opts := result{t: t, err: t.err}, o
		if t.err == nil && p.bulk.turn(ctx, t, o) {
			res.d, res.err = p.bulk.check(ctx, p, t.input, &opts)
		}
		res.late = ctx.Err() != nil
		return res
	})
}

// pooled works on the targets, so many at a time. The results come in the
// order of the targets, each through a channel of its own; finish waits for
// the workers and returns what went wrong while reading. After ctx ends no new
// target is begun.
func pooled[R any](ctx context.Context, p *program, parallel int, args []string, file string, work func(target) R) (results <-chan chan R, finish func() error) {
	targets, readErr := p.targetChannel(ctx, args, file)
	queue := make(chan chan R, p.bulk.window(parallel))
	slots := make(chan struct{}, parallel)
	var workers sync.WaitGroup
	go func() {
		defer close(queue)
		for {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			var t target
			var ok bool
			select {
			case t, ok = <-targets:
			case <-ctx.Done():
			}
			if !ok {
				return
			}
			out := make(chan R, 1)
			queue <- out
			workers.Go(func() {
				defer func() { <-slots }()
				out <- work(t)
			})
		}
	}()
	return queue, func() error {
		workers.Wait()
		select {
		case err := <-readErr:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// targetChannel reads the targets beside the work. When ctx ends while a
// terminal or pipe is being read, the reading goroutine stays until the
// program ends: a read cannot be interrupted.
func (p *program) targetChannel(ctx context.Context, args []string, file string) (<-chan target, <-chan error) {
	targets, done := make(chan target), make(chan error, 1)
	go func() {
		defer close(targets)
		var failed error
		err := p.readTargets(args, file, func(t target) bool {
			admitted, err := p.bulk.admit(&t)
			if failed = err; err != nil || !admitted {
				return err == nil
			}
			select {
			case targets <- t:
				return true
			case <-ctx.Done():
				return false
			}
		})
		done <- cmp.Or(failed, err)
	}()
	return targets, done
}
