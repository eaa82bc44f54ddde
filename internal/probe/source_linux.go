package probe

import (
	"errors"

	"golang.org/x/sys/unix"
)

// bindTo makes a socket use one interface, whatever the routes say. Since Linux
// 5.7 that takes no privilege.
func bindTo(fd uintptr, name string) error { return unix.BindToDevice(int(fd), name) }

// bindable says why a socket cannot be bound to the interface, "" where it can.
func bindable(name string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = unix.Close(fd) }()
	switch err := bindTo(uintptr(fd), name); {
	case errors.Is(err, unix.EPERM):
		return "this kernel lets only root bind to an interface"
	case err != nil:
		return err.Error()
	}
	return ""
}
