package lab

import (
	"net"

	"golang.org/x/sys/unix"
)

// largePackets tells whether a connection's segments may be larger than 1000
// bytes.
func largePackets(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	size := 0
	if raw.Control(func(fd uintptr) { size, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) }) != nil || err != nil {
		return true
	}
	return size > 1000
}
