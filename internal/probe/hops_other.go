//go:build !linux

package probe

import (
	"errors"
	"net"
)

// CanLimitHops says that Spec.Hops works on this system.
const CanLimitHops = false

func limitHops(net.Conn, int) error { return errors.ErrUnsupported }

func leave(net.Conn) {}
