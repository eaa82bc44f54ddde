//go:build !unix

package main

import (
	"context"
	"os"
)

// hangUps never delivers: this system knows no SIGHUP.
func hangUps(context.Context) <-chan os.Signal { return nil }
