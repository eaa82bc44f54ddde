package main

import (
	"errors"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

var errNotPositive = errors.New("not positive")

// positiveInt and positiveDuration are values that must be more than nothing: a
// 0 that was typed is a slip and never means the default.
type (
	positiveInt      int
	positiveDuration time.Duration
)

// Set implements pflag.Value.
func (p *positiveInt) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err == nil && n < 1 {
		err = errNotPositive
	}
	*p = positiveInt(n)
	return err
}

// Type implements pflag.Value.
func (*positiveInt) Type() string { return "int" }

// String implements pflag.Value.
func (p *positiveInt) String() string { return strconv.Itoa(int(*p)) }

// Set implements pflag.Value.
func (p *positiveDuration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = errNotPositive
	}
	*p = positiveDuration(d)
	return err
}

// Type implements pflag.Value.
func (*positiveDuration) Type() string { return "duration" }

// String implements pflag.Value.
func (p *positiveDuration) String() string { return time.Duration(*p).String() }

// positive declares an option whose number is 1 or more.
func positive(fs *pflag.FlagSet, to *int, name, usage string) {
	fs.Var((*positiveInt)(to), name, usage)
}

// lasting declares an option whose duration is more than none.
func lasting(fs *pflag.FlagSet, to *time.Duration, name, usage string) {
	fs.Var((*positiveDuration)(to), name, usage)
}
