package lab

import (
	"context"
	"net"
	"syscall"
	"time"
)

// fillBacklog opens a port whose accept queue is full: Linux then drops further
// SYNs and the client's connect gets no answer.
func (r *Running) fillBacklog(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r.Addr = listener.Addr().String()
	r.atEnd(listener.Close)
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), 0) }); err != nil {
		return err
	}
	if listenErr != nil {
		return listenErr
	}
	dialer := net.Dialer{Timeout: 300 * time.Millisecond}
	for range 8 {
		conn, err := dialer.DialContext(ctx, "tcp", r.Addr)
		if err != nil {
			return nil // full
		}
		r.atEnd(conn.Close)
	}
	return errBacklog
}
