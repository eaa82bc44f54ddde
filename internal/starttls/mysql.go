package starttls

import (
	"context"
	"net"
	"strconv"

	"golang.org/x/crypto/cryptobyte"
)

var _ = register(mysql{})

// mysql is the client/server protocol of MySQL and MariaDB, whose client asks
// for TLS with a shortened login:
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
type mysql struct{}

// Capability flags.
const (
	mysqlProtocol41 = 1 << 9
	mysqlSSL        = 1 << 11
	mysqlSecure     = 1 << 15 // CLIENT_RESERVED2, once CLIENT_SECURE_CONNECTION
)

// mysqlFlags are names of flags that tell servers apart.
var mysqlFlags = []struct {
	bit  uint16
	name string
}{{1 << 3, "CONNECT_WITH_DB"}, {1 << 5, "COMPRESS"}, {1 << 7, "LOCAL_FILES"}, {mysqlProtocol41, "PROTOCOL_41"},
	{mysqlSSL, "SSL"}, {1 << 13, "TRANSACTIONS"}, {mysqlSecure, "SECURE_CONNECTION"}}

// mysqlRequest is an SSLRequest: flags, the largest packet, utf8mb4, 23 zeros.
var mysqlRequest = append([]byte{32, 0, 0, 1,
	mysqlProtocol41 & 0xff, (mysqlProtocol41 | mysqlSSL | mysqlSecure) >> 8, 0, 0,
	0, 0, 0, 1, 45}, make([]byte, 23)...)

// Name is "mysql".
func (mysql) Name() string { return "mysql" }

// Ports is 3306.
func (mysql) Ports() []int { return []int{3306} }

// Dialogue is the server's greeting, whose flags say whether it takes TLS, and
// SSLRequest. There is no answer to that but TLS.
func (p mysql) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p mysql) talk(d *dialogue) error {
	// The head is a length of three bytes, little-endian, and a number that
	// counts from 0.
	head, err := d.read(nil, 4)
	if err != nil {
		return p.cut(d, err)
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if size < 3 || size > maxLine || head[3] != 0 {
		return d.foreign(head)
	}
	first, err := d.read(nil, 1)
	if err != nil {
		return err
	}
	if first[0] != 9 && first[0] != 10 && first[0] != 0xff {
		return d.foreign(append(head, first...))
	}
	body, err := d.read(nil, size-1)
	if err != nil {
		return err
	}
	if first[0] == 0xff {
		return p.refused(d, body)
	}
	version, flags, ok := p.greeting(first[0], body)
	if !ok {
		return d.unreadable(WrongProtocol, append(append(head, first...), body...))
	}
	var capabilities []string
	for _, f := range mysqlFlags {
		if flags&f.bit != 0 {
			capabilities = append(capabilities, f.name)
		}
	}
	d.heard("greeting of protocol %d, version %s, capabilities %v", first[0], version, capabilities)
	if flags&mysqlSSL == 0 {
		failure := d.fail(NotOffered)
		failure.Capabilities = capabilities
		return failure
	}
	return d.write("SSLRequest", "SSLRequest", mysqlRequest)
}

// cut says that a greeting shorter than a head is another protocol's.
func (mysql) cut(d *dialogue, err error) error {
	if failure, ok := err.(*Error); ok && len(failure.Data) > 0 && failure.Data[0] >= ' ' && failure.Data[0] < 0x7f &&
		(failure.Problem == Silent || failure.Problem == Closed) && len(failure.Data) > 1 && failure.Data[1] >= ' ' {
		failure.Problem = WrongProtocol // letters, not a length
	}
	return err
}

// greeting reads version and flags of a greeting. Protocol 9 has no flags, and
// so no TLS.
func (mysql) greeting(protocol byte, body []byte) (version string, flags uint16, ok bool) {
	s := cryptobyte.String(body)
	for {
		var b uint8
		if !s.ReadUint8(&b) {
			return "", 0, false
		}
		if b == 0 {
			break
		}
		version += string(rune(b))
	}
	if protocol == 9 {
		return version, 0, true
	}
	var low []byte
	// Thread, the first half of the salt, a zero byte.
	if !s.Skip(4+8+1) || !s.ReadBytes(&low, 2) {
		return "", 0, false
	}
	return version, uint16(low[0]) | uint16(low[1])<<8, true
}

// refused reads an ERR packet: a code, perhaps an SQLSTATE, and words.
func (mysql) refused(d *dialogue, body []byte) error {
	code := int(body[0]) | int(body[1])<<8
	words := body[2:]
	if len(words) >= 6 && words[0] == '#' {
		words = words[6:]
	}
	d.heard("ERR %d %s", code, words)
	return refusal(d, Unavailable, strconv.Itoa(code), string(words))
}
