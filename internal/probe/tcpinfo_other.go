//go:build !linux

package probe

import (
	"net"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// tcpInfo knows nothing on this system.
func tcpInfo(net.Conn) *facts.TCPInfo { return nil }
