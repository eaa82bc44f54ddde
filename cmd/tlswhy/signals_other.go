//go:build !unix

package main

import "os"

// forwarded are the signals that a command is to get which were meant for it.
var forwarded = []os.Signal{os.Interrupt}

// sentToAll reports that a console sent a signal: to all its processes.
func sentToAll(os.Signal) bool { return true }
