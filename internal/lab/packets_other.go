//go:build !linux

package lab

import "net"

// largePackets would ask the system, which does not say.
func largePackets(*net.TCPConn) bool { return true }
