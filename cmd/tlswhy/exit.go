package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/report"
)

// The exit codes. Nagios output has its own four (0 OK, 1 WARNING, 2 CRITICAL,
// 3 UNKNOWN).
const (
	exitHealthy     = 0   // works; with warnings too, unless --strict
	exitFailure     = 1   // a failure was diagnosed
	exitUsage       = 2   // bad target, option or file; nothing was judged for it
	exitUntested    = 3   // we could not test
	exitInterrupted = 130 // SIGINT or SIGTERM came first
)

// worse combines the codes of several targets: a diagnosed failure wins, then
// a target that could not be read, then one that could not be tested. Thus 0
// means that every single line was understood, tested and healthy.
func worse(a, b int) int {
	for _, code := range []int{exitInterrupted, exitFailure, exitUsage, exitUntested} {
		if a == code || b == code {
			return code
		}
	}
	return exitHealthy
}

// codeOf is the exit code of one diagnosis.
func codeOf(v diag.Verdict, strict bool) int {
	switch v {
	case diag.OK:
		return exitHealthy
	case diag.Warning:
		if strict {
			return exitFailure
		}
		return exitHealthy
	case diag.Failure:
		return exitFailure
	}
	return exitUntested
}

// pluginCode is the exit code for Nagios: what was printed, or UNKNOWN where
// something could not be read.
func pluginCode(printed, code int) int {
	if code == exitUsage {
		return report.WorstNagios(printed, 3)
	}
	return printed
}

// codeOfTarget is codeOf for a live target: a file of ours that is of no use is
// no failure of the server, which was not asked.
func codeOfTarget(d *diag.Diagnosis, strict bool) int {
	if c := d.FirstFailure(); c != nil && c.ID == "file-or-config-error" && len(d.Attempts) == 0 && len(d.Addresses) == 0 {
		return exitUsage
	}
	return codeOf(d.Verdict, strict)
}

// exitError ends the program with a code; what there is to say was said.
type exitError int

// Error implements error.
func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a command line that makes no sense, with what to do instead.
type usageError struct{ msg, hint string }

// Error implements error.
func (e *usageError) Error() string { return e.msg }

func badUsage(hint, format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...), hint: hint}
}

// complain prints an error with its hint and returns the exit code.
func complain(w io.Writer, err error) int {
	if err == nil {
		return exitHealthy
	}
	var code exitError
	if errors.As(err, &code) {
		return int(code)
	}
	msg, hint := explain(err)
	fmt.Fprintln(w, "tlswhy: "+clean(msg))
	if hint != "" {
		fmt.Fprintln(w, "        "+clean(hint))
	}
	return exitUsage
}
