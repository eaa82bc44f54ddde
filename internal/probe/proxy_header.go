package probe

import (
	"fmt"
	"net"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// proxyHeader sends version 1 of the PROXY protocol's header with the
// addresses of this very connection, so that nothing is pretended.
func (e *engine) proxyHeader() {
	if !e.spec.ProxyHeader {
		return
	}
	line := []byte(proxyLine(e.c.LocalAddr(), e.c.RemoteAddr()))
	e.note(tlswire.SideClient, "PROXY header", line, len(line))
	e.send(line)
}

func proxyLine(local, remote net.Addr) string {
	from, isTCP := local.(*net.TCPAddr)
	to, isTCPToo := remote.(*net.TCPAddr)
	if !isTCP || !isTCPToo {
		return "PROXY UNKNOWN\r\n"
	}
	family := "TCP4"
	if from.IP.To4() == nil {
		family = "TCP6"
	}
	return fmt.Sprintf("PROXY %s %s %s %d %d\r\n", family, from.IP, to.IP, from.Port, to.Port)
}
