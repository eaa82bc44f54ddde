//go:build !windows

package main

import "os"

// enableColor says whether the terminal understands escape sequences; here
// TERM decides that later.
func enableColor(*os.File) bool { return true }
