package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// Prober makes attempts. The zero value dials by itself. It is safe for
// concurrent use.
type Prober struct {
	// Dial replaces the TCP connect. It must honour ctx.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Guard may refuse an address just before it is dialled; nil refuses none.
	Guard func(address string) error
	// Source is where connections leave this machine; not with Dial.
	Source Source
}

// Connect makes a TCP connection as the attempts do.
func (p Prober) Connect(ctx context.Context, _, address string) (net.Conn, error) {
	return p.dial(ctx, address, 0)
}

// dial connects within the time that ctx leaves.
func (p Prober) dial(ctx context.Context, address string, maxSegment int) (net.Conn, error) {
	if p.Dial != nil {
		return p.Dial(ctx, "tcp", address)
	}
	d := net.Dialer{KeepAlive: -1, LocalAddr: p.Source.local(address), Control: func(_, at string, c syscall.RawConn) (err error) {
		if p.Guard != nil {
			if err := p.Guard(at); err != nil {
				return err
			}
		}
		if err := p.Source.bind(c); err != nil {
			return err
		}
		if maxSegment <= 0 {
			return nil
		}
		if failed := c.Control(func(fd uintptr) { err = clamp(fd, maxSegment) }); failed != nil {
			return failed
		}
		return err
	}}
	return d.DialContext(ctx, "tcp", address)
}

// dialEnd says how a connect failed.
func dialEnd(ctx context.Context, err error) facts.End {
	end := facts.End{Kind: facts.EndLocal, Err: errorText(err)}
	switch {
	case canceled(ctx):
		end.Kind = facts.EndCanceled
	case isOneOf(err, refusedErrnos):
		end.Kind = facts.EndRefused
	case isOneOf(err, unreachableErrnos):
		end.Kind = facts.EndUnreachable
	case isTimeout(err):
		end.Kind = facts.EndNoConnect
	case isOneOf(err, resetErrnos):
		end.Kind = facts.EndReset
	}
	return end
}

// transportEnd says how a connection that stood came to its end.
func transportEnd(ctx context.Context, err error) facts.End {
	end := facts.End{Kind: facts.EndLocal, Err: errorText(err)}
	switch {
	case canceled(ctx):
		end.Kind = facts.EndCanceled
	case isTimeout(err):
		end.Kind = facts.EndTimeout
	case isOneOf(err, resetErrnos):
		end.Kind = facts.EndReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		end.Kind = facts.EndClosed
	case isOneOf(err, unreachableErrnos):
		end.Kind = facts.EndUnreachable
	case errors.Is(err, errLimit):
		end.Kind = facts.EndLimit
	}
	return end
}

// canceled is false for a context whose deadline has passed: that is a timeout.
func canceled(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), context.Canceled) || ctx.Err() == context.Canceled
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		isOneOf(err, timeoutErrnos) || errors.As(err, &timeout) && timeout.Timeout()
}

func isOneOf(err error, errnos []syscall.Errno) bool {
	for _, errno := range errnos {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// errorText is an error without the addresses, which the attempt knows.
func errorText(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}
