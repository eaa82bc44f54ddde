//go:build linux || darwin

package probe

import "golang.org/x/sys/unix"

// CanClamp says that Shape.MaxSegment works on this system.
const CanClamp = true

// clamp bounds the segments of a socket that is not connected yet.
func clamp(fd uintptr, size int) error {
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, size)
}
