package probe

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// CanLimitHops says that Spec.Hops works on this system.
const CanLimitHops = true

// limitHops bounds how far what is sent from now on gets, and has the kernel
// tell when a router gives it up (ip(7), IP_RECVERR). It takes no privilege.
func limitHops(conn net.Conn, hops int) error {
	raw := rawConn(conn)
	if raw == nil {
		return unix.ENOTSUP
	}
	level, limit, tell := unix.IPPROTO_IP, unix.IP_TTL, unix.IP_RECVERR
	if ap, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil && ap.Addr().Is6() && !ap.Addr().Is4In6() {
		level, limit, tell = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, unix.IPV6_RECVERR
	}
	var failed error
	err := raw.Control(func(fd uintptr) {
		if failed = unix.SetsockoptInt(int(fd), level, tell, 1); failed == nil {
			failed = unix.SetsockoptInt(int(fd), level, limit, hops)
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// leave ends a connection whose hops were limited: a reset that gets through, so
// that the server does not wait for the rest.
func leave(conn net.Conn) {
	const usual = 64
	_ = limitHops(conn, usual)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
