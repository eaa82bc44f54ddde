package diagnose

import (
	"errors"
	"syscall"
)

func isNoRoute(err error) bool {
	const wsaENetUnreach, wsaEAddrNotAvail = syscall.Errno(10051), syscall.Errno(10049)
	return errors.Is(err, wsaENetUnreach) || errors.Is(err, wsaEAddrNotAvail)
}
