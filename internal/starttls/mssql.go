package starttls

import (
	"context"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

var _ = register(mssql{})

// mssql is Microsoft SQL Server, TDS 7: PRELOGIN agrees on encryption, and the
// handshake travels inside TDS packets ([MS-TDS], Sections 2.2.6.5 and 3.2.5.2).
// TDS 8 begins with TLS and needs none of this.
type mssql struct{}

// Name is "mssql".
func (mssql) Name() string { return "mssql" }

// Ports is 1433.
func (mssql) Ports() []int { return []int{1433} }

// Types of packets, the bit of the last packet of a message, options of
// PRELOGIN, and the answers to ENCRYPTION.
const (
	tdsHeader     = 8
	tdsMax        = 4096 // bytes of a packet before a size is agreed on
	tdsPrelogin   = 0x12
	tdsReply      = 0x04
	tdsLast       = 0x01
	tdsVersion    = 0x00
	tdsEncryption = 0x01
	tdsEnd        = 0xff
)

// tdsAnswers are names of the values of ENCRYPTION.
var tdsAnswers = map[byte]string{0: "ENCRYPT_OFF", 1: "ENCRYPT_ON", 2: "ENCRYPT_NOT_SUP", 3: "ENCRYPT_REQ"}

// tdsRequest is PRELOGIN with a version and ENCRYPT_ON. The offsets count from
// behind the header.
var tdsRequest = []byte{tdsPrelogin, tdsLast, 0, 26, 0, 0, 0, 0,
	tdsVersion, 0, 11, 0, 6, tdsEncryption, 0, 17, 0, 1, tdsEnd,
	16, 0, 0, 0, 0, 0, 1}

// Dialogue is PRELOGIN and its answer. The client begins.
func (p mssql) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p mssql) talk(d *dialogue) error {
	if err := d.open("PRELOGIN", "PRELOGIN (ENCRYPT_ON)", tdsRequest); err != nil {
		return err
	}
	head, err := d.read(nil, 1)
	if err != nil {
		return err
	}
	if head[0] != tdsReply && head[0] != tdsPrelogin {
		return d.foreign(head)
	}
	if head, err = d.read(head, tdsHeader-1); err != nil {
		return err
	}
	size := int(head[2])<<8 | int(head[3])
	if size <= tdsHeader || size > tdsMax {
		return d.foreign(head)
	}
	body, err := d.read(nil, size-tdsHeader)
	if err != nil {
		return err
	}
	options, ok := p.options(body)
	answer := options[tdsEncryption]
	if !ok || len(answer) == 0 {
		return d.unreadable(WrongProtocol, append(head, body...))
	}
	version := ""
	if v := options[tdsVersion]; len(v) >= 4 {
		version = fmt.Sprintf(", version %d.%d.%d", v[0], v[1], int(v[2])<<8|int(v[3]))
	}
	word, known := tdsAnswers[answer[0]&0x7f]
	if !known {
		word = fmt.Sprintf("ENCRYPTION %d", answer[0])
	}
	d.heard("PRELOGIN, %s%s", word, version)
	if word == "ENCRYPT_NOT_SUP" || !known {
		failure := d.fail(NotOffered)
		failure.Capabilities = []string{word + strings.TrimPrefix(version, ",")}
		return failure
	}
	return nil
}

// options reads the list of PRELOGIN: token, offset, length; then the data.
func (mssql) options(body []byte) (map[byte][]byte, bool) {
	out := map[byte][]byte{}
	for s := cryptobyte.String(body); ; {
		var token uint8
		var offset, length uint16
		if !s.ReadUint8(&token) {
			return nil, false
		}
		if token == tdsEnd {
			return out, true
		}
		if !s.ReadUint16(&offset) || !s.ReadUint16(&length) {
			return nil, false
		}
		data := cryptobyte.String(body)
		var value []byte
		if !data.Skip(int(offset)) || !data.ReadBytes(&value, int(length)) {
			return nil, false
		}
		out[token] = value
	}
}

// Wrap puts the records of the handshake into TDS packets and takes the
// server's out of theirs. What follows both Finished is TLS as it is.
func (mssql) Wrap(conn net.Conn) net.Conn { return &tdsConn{Conn: conn} }

// tdsConn is a connection whose handshake is wrapped. It is used by one
// goroutine in each direction.
type tdsConn struct {
	net.Conn
	left     int  // bytes of the server's current packet
	bare     bool // the server's records come without packets
	ccs      bool // we have sent ChangeCipherSpec
	finished bool // and Finished
}

// Read reads from the server's packets. The first byte tells them from bare
// records: TLS has no content type below 20.
func (c *tdsConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for !c.bare && c.left == 0 {
		var head [tdsHeader]byte
		if _, err := c.Conn.Read(head[:1]); err != nil {
			return 0, err
		}
		if head[0] != tdsReply && head[0] != tdsPrelogin {
			c.bare = true
			p[0] = head[0]
			return 1, nil
		}
		for n := 1; n < len(head); {
			k, err := c.Conn.Read(head[n:])
			if n += k; err != nil && n < len(head) {
				return 0, err
			}
		}
		if c.left = int(head[2])<<8 | int(head[3]); c.left < tdsHeader {
			return 0, fmt.Errorf("a TDS packet of %d bytes", c.left)
		}
		c.left -= tdsHeader
	}
	if !c.bare {
		p = p[:min(len(p), c.left)]
	}
	n, err := c.Conn.Read(p)
	if !c.bare {
		c.left -= n
	}
	return n, err
}

// Write sends records: in packets until our Finished is out, bare afterwards.
func (c *tdsConn) Write(p []byte) (int, error) {
	if c.finished {
		return c.Conn.Write(p)
	}
	c.note(p)
	for done := 0; done < len(p); {
		n := min(len(p)-done, tdsMax-tdsHeader)
		status := byte(0)
		if done+n == len(p) {
			status = tdsLast
		}
		packet := append([]byte{tdsPrelogin, status, byte((n + tdsHeader) >> 8), byte(n + tdsHeader), 0, 0, 0, 0}, p[done:done+n]...)
		if _, err := c.Conn.Write(packet); err != nil {
			return done, err
		}
		done += n
	}
	return len(p), nil
}

// note follows our records up to Finished, the first encrypted one behind
// ChangeCipherSpec. A second ClientHello may stand there too: it is in clear.
func (c *tdsConn) note(records []byte) {
	for s := cryptobyte.String(records); !s.Empty(); {
		var kind uint8
		var version uint16
		var body cryptobyte.String
		if !s.ReadUint8(&kind) || !s.ReadUint16(&version) || !s.ReadUint16LengthPrefixed(&body) {
			return
		}
		hello := len(body) > 4 && body[0] == 1 && int(body[1])<<16|int(body[2])<<8|int(body[3]) == len(body)-4
		switch {
		case kind == 20:
			c.ccs = true
		case c.ccs && (kind == 22 && !hello || kind == 23):
			c.finished = true
		}
	}
}
