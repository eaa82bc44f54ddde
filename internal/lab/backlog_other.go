//go:build !linux

package lab

import "context"

// fillBacklog needs Linux.
func (r *Running) fillBacklog(context.Context) error { return errBacklog }
