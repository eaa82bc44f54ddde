package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// An interruption ends the work with what is known. What has not ended after
// that time waits for something that cannot be interrupted, such as a pipe that
// nobody writes to.
const (
	graceOfOne = time.Second     // for one diagnosis
	graceOfAll = 2 * time.Second // for a command
)

// within runs work and gives up on it when ctx has ended for so long.
func within[T any](ctx context.Context, limit time.Duration, work func() T) (out T, ok bool) {
	done := make(chan T, 1)
	go func() { done <- work() }()
	select {
	case out = <-done:
		return out, true
	case <-ctx.Done():
	}
	select {
	case out = <-done:
		return out, true
	case <-time.After(limit):
		return out, false
	}
}

// orInterrupted makes a diagnosis end when its reading of files does not.
func orInterrupted(next diagnoser) diagnoser {
	type answer struct {
		d   *diag.Diagnosis
		err error
	}
	return func(ctx context.Context, target string, o *options) (*diag.Diagnosis, error) {
		a, ok := within(ctx, graceOfOne, func() answer {
			d, err := next(ctx, target, o)
			return answer{d, err}
		})
		if !ok {
			return nil, badUsage("a file that is a pipe needs somebody who writes to it", "interrupted before all files were read")
		}
		return a.d, a.err
	}
}

// input is standard input for a command that reads it whole.
func (p *program) input(ctx context.Context) io.Reader { return &interruptible{ctx: ctx, r: p.stdin} }

// until runs a command line, and gives up on it when it does not heed the end of
// ctx. A command that has an end of its own to make says so by p.patient.
func (p *program) until(ctx context.Context, work func() int) int {
	done := make(chan int, 1)
	go func() { done <- work() }()
	select {
	case code := <-done:
		return code
	case <-ctx.Done():
	}
	for {
		select {
		case code := <-done:
			return code
		case <-time.After(graceOfAll):
			if !p.patient.Load() {
				fmt.Fprintln(p.stderr, "tlswhy: interrupted")
				return exitInterrupted
			}
		}
	}
}

// regular tells whether a file can be read without waiting for anybody.
func regular(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}
