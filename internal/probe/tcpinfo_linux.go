package probe

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// tcpInfo asks the kernel what it knows of the connection; nil when it does
// not say.
func tcpInfo(conn net.Conn) *facts.TCPInfo {
	raw := rawConn(conn)
	if raw == nil {
		return nil
	}
	var info *unix.TCPInfo
	var failed error
	if err := raw.Control(func(fd uintptr) {
		info, failed = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	}); err != nil || failed != nil {
		return nil
	}
	return &facts.TCPInfo{
		RTT:           time.Duration(info.Rtt) * time.Microsecond,
		Retransmits:   int(info.Total_retrans),
		Unacked:       int(info.Unacked),
		Sacked:        int(info.Sacked),
		BytesAcked:    int64(info.Bytes_acked),
		BytesReceived: int64(info.Bytes_received),
		OutOfOrder:    int(info.Rcv_ooopack),
		SndMSS:        int(info.Snd_mss),
		PathMTU:       int(info.Pmtu),
	}
}

// rawConn finds the socket, also below a connection that wraps another.
func rawConn(conn net.Conn) syscall.RawConn {
	for range 10 {
		if c, ok := conn.(syscall.Conn); ok {
			raw, err := c.SyscallConn()
			if err != nil {
				return nil
			}
			return raw
		}
		wrapper, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		conn = wrapper.NetConn()
	}
	return nil
}
