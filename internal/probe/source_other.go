//go:build !linux

package probe

import "errors"

func bindTo(uintptr, string) error { return errors.ErrUnsupported }

// bindable says why a socket cannot be bound to an interface.
func bindable(string) string { return "this system has no such option" }
