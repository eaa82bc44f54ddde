package relay

import "net"

// buffered is a connection of which some bytes were read already.
type buffered struct {
	net.Conn
	ahead []byte
}

// Read gives the bytes that were read ahead first.
func (b *buffered) Read(p []byte) (int, error) {
	if len(b.ahead) > 0 {
		n := copy(p, b.ahead)
		b.ahead = b.ahead[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}
