package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/keyfile"
	monitorservice "github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/truststore"
	"github.com/tlswhy/tlswhy/internal/truststore/programs"
)

// options are those of the library.
type options = tlswhy.Options

// diagnoser is the front door of the library; tests put another behind it.
type diagnoser func(ctx context.Context, target string, o *options) (*diag.Diagnosis, error)

// diagnoseTarget lends the library what the program has beyond it: the trust
// stores of other programs, and the environment, in which proxy variables are
// noticed.
func (p *program) diagnoseTarget(ctx context.Context, target string, o *options) (*diag.Diagnosis, error) {
	env := p.lend()
	if p.keys != nil {
		p.keys(&env)
	}
	if live, ok := monitorservice.LiveFrom(ctx); ok {
		env.Attempted = live.Attempt
	}
	return underGuard(ctx, env, func(env diagnose.Env) (*diag.Diagnosis, error) {
		return diagnose.Run(ctx, target, diagnose.Options(*o), env)
	})
}

// lend is what the program adds to the library.
func (p *program) lend() diagnose.Env {
	return diagnose.Env{Sources: []truststore.Source{programs.Lists{}}, Environ: p.environ, LookupTLSA: lookupTLSA, LookupRecords: lookupRecords, Answers: p.answers, Guard: p.guard}
}

// aboutTarget says whether an error concerns the target rather than the
// options, which are the same for every target.
func aboutTarget(input string, err error) bool {
	var usage *tlswhy.UsageError
	if !errors.As(err, &usage) {
		return false
	}
	_, bad := diagnose.ParseTarget(input)
	return bad != nil
}

// explain takes an error apart: what is wrong, and what to do.
func explain(err error) (msg, hint string) {
	var own *usageError
	var usage *tlswhy.UsageError
	var file *tlswhy.FileError
	switch {
	case errors.As(err, &own):
		return own.msg, own.hint
	case errors.As(err, &usage):
		return usage.Msg, usage.Hint
	case errors.As(err, &file):
		switch {
		case errors.Is(file.Err, fs.ErrNotExist):
			return fmt.Sprintf("reading the %s: %q does not exist", file.Role, file.File), ""
		case errors.Is(file.Err, fs.ErrPermission):
			return fmt.Sprintf("reading the %s: no permission to read %q", file.Role, file.File), ""
		}
		var key *keyfile.Error
		if errors.As(file.Err, &key) {
			return fmt.Sprintf("reading the %s %q: %s", file.Role, file.File, key.Msg), key.Hint
		}
		return file.Error(), ""
	}
	return err.Error(), ""
}
