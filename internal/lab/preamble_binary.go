package lab

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
)

// binaries are the dialogues that are no lines of text. RefuseStartTLS begins
// with the code of the protocol there: "52 unavailable".
var binaries = map[string]func(*engine, *serverConn) bool{
	"ldap": (*engine).talkLDAP, "postgres": (*engine).talkPostgres, "mysql": (*engine).talkMySQL,
	"rdp": (*engine).talkRDP, "mssql": (*engine).talkTDS, "xmpp": (*engine).talkXMPP, "xmpp-server": (*engine).talkXMPP,
}

// refusalCode splits RefuseStartTLS; without one it is the given code.
func (e *engine) refusalCode(otherwise int) (code int, text string, refused bool) {
	f := &e.faults
	if f.RefuseStartTLS == "" {
		return otherwise, "not supported", f.NotOffered
	}
	if _, err := fmt.Sscanf(f.RefuseStartTLS, "%d", &code); err != nil {
		return otherwise, f.RefuseStartTLS, true
	}
	_, text, _ = strings.Cut(f.RefuseStartTLS, " ")
	return code, text, true
}

// last says the last words of a dialogue that leads nowhere.
func last(conn *serverConn, data []byte) bool {
	_, _ = conn.Write(data) // the client may be gone
	conn.linger()
	return false
}

// talkLDAP answers an extended request (RFC 4511, Section 4.12).
func (e *engine) talkLDAP(conn *serverConn) bool {
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil || head[0] != 0x30 || head[1] > 0x7f {
		return false
	}
	if _, err := io.CopyN(io.Discard, conn, int64(head[1])); err != nil {
		return false
	}
	answer := func(code int, text string) []byte {
		body := append([]byte{10, 1, byte(code), 4, 0, 4, byte(len(text))}, text...)
		body = append([]byte{2, 1, 1, 0x78, byte(len(body))}, body...)
		return append([]byte{0x30, byte(len(body))}, body...)
	}
	if code, text, refused := e.refusalCode(2); refused {
		return last(conn, answer(code, text))
	}
	return e.goAhead(conn, answer(0, ""))
}

// talkPostgres answers an SSLRequest with one letter, or an ErrorResponse.
func (e *engine) talkPostgres(conn *serverConn) bool {
	if _, err := io.CopyN(io.Discard, conn, 8); err != nil {
		return false
	}
	f := &e.faults
	switch {
	case f.RefuseStartTLS != "": // "53300 sorry, too many clients already"
		code, text, _ := strings.Cut(f.RefuseStartTLS, " ")
		body := "SFATAL\x00C" + code + "\x00M" + text + "\x00\x00"
		return last(conn, append(binary.BigEndian.AppendUint32([]byte("E"), uint32(len(body)+4)), body...))
	case f.NotOffered:
		return last(conn, []byte("N"))
	}
	return e.goAhead(conn, []byte("S"))
}

// talkMySQL greets and waits for an SSLRequest, to which there is no answer.
func (e *engine) talkMySQL(conn *serverConn) bool {
	packet := func(body string) []byte { return append([]byte{byte(len(body)), byte(len(body) >> 8), 0, 0}, body...) }
	if code, text, refused := e.refusalCode(0); refused && !e.faults.NotOffered {
		return last(conn, packet("\xff"+string([]byte{byte(code), byte(code >> 8)})+text))
	}
	flags := "\xff\xff"
	if e.faults.NotOffered {
		flags = "\xff\xf7" // without CLIENT_SSL
	}
	greeting := packet("\x0a8.0.36-lab\x00\x01\x00\x00\x00saltsalt\x00" + flags + "\x2d\x02\x00\xff\xdf\x15" + strings.Repeat("\x00", 10) + "saltsaltsalt\x00mysql_native_password\x00")
	if _, err := conn.Write(greeting); err != nil {
		return false
	}
	if _, err := io.CopyN(io.Discard, conn, 36); err != nil {
		return false
	}
	return e.goAhead(conn, nil)
}

// talkRDP confirms a connection request ([MS-RDPBCGR], Section 2.2.1.2).
func (e *engine) talkRDP(conn *serverConn) bool {
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil || head[0] != 3 || head[3] < 4 {
		return false
	}
	if _, err := io.CopyN(io.Discard, conn, int64(head[3])-4); err != nil {
		return false
	}
	answer := func(kind, value byte) []byte {
		return []byte{3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, kind, 0, 8, 0, value, 0, 0, 0}
	}
	if code, _, refused := e.refusalCode(2); refused {
		return last(conn, answer(3, byte(code)))
	}
	return e.goAhead(conn, answer(2, 1))
}

// talkTDS answers PRELOGIN ([MS-TDS], Section 2.2.6.5); the handshake follows
// in packets.
func (e *engine) talkTDS(conn *serverConn) bool {
	head := make([]byte, 8)
	if _, err := io.ReadFull(conn, head); err != nil || head[0] != 0x12 || head[3] < 8 {
		return last(conn, nil) // SQL Server hangs up
	}
	if _, err := io.CopyN(io.Discard, conn, int64(head[3])-8); err != nil {
		return false
	}
	encryption := byte(1)
	if _, _, refused := e.refusalCode(0); refused {
		encryption = 2
	}
	answer := []byte{4, 1, 0, 26, 0, 0, 1, 0, 0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0x10, 0, 0, 0, encryption}
	if encryption == 2 {
		return last(conn, answer)
	}
	if !e.goAhead(conn, answer) {
		return false
	}
	conn.tds = new(tdsPackets)
	return true
}

// talkXMPP opens a stream and its negotiation (RFC 6120, Section 5).
func (e *engine) talkXMPP(conn *serverConn) bool {
	until := func(word string) bool {
		for range 20 {
			tag, err := readUntil(conn, '>')
			if err != nil {
				return false
			}
			if strings.Contains(tag, word) {
				return true
			}
		}
		return false
	}
	if !until("<stream:stream") {
		return false
	}
	feature := "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
	if e.faults.NotOffered {
		feature = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
	}
	header := "<?xml version='1.0'?><stream:stream from='lab.test' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	if e.faults.Greeting != "" {
		return last(conn, []byte(header+"<stream:error>"+e.faults.Greeting+"</stream:error></stream:stream>"))
	}
	if _, err := conn.Write([]byte(header + "<stream:features>" + feature + "</stream:features>")); err != nil || !until("<starttls") {
		return false
	}
	if e.faults.RefuseStartTLS != "" {
		return last(conn, []byte("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"))
	}
	return e.goAhead(conn, []byte("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"))
}

// tdsPackets carries the server's side of a handshake in TDS packets.
type tdsPackets struct {
	left   int  // bytes of the client's current packet
	bareIn bool // the client's records come without packets
	ccs    bool // ChangeCipherSpec was written
	done   bool // and Finished
}

func (t *tdsPackets) read(conn net.Conn, p []byte) (int, error) {
	for !t.bareIn && t.left == 0 {
		head := make([]byte, 8)
		if _, err := io.ReadFull(conn, head[:1]); err != nil {
			return 0, err
		}
		if head[0] != 0x12 {
			t.bareIn = true
			p[0] = head[0]
			return 1, nil
		}
		if _, err := io.ReadFull(conn, head[1:]); err != nil {
			return 0, err
		}
		t.left = max(0, int(binary.BigEndian.Uint16(head[2:]))-8)
	}
	if !t.bareIn {
		p = p[:min(len(p), t.left)]
	}
	n, err := conn.Read(p)
	if !t.bareIn {
		t.left -= n
	}
	return n, err
}

// write wraps all up to the flight that holds the server's Finished.
func (t *tdsPackets) write(conn net.Conn, p []byte) (int, error) {
	if t.done {
		return conn.Write(p)
	}
	for rest := p; len(rest) >= 5; {
		n := 5 + int(binary.BigEndian.Uint16(rest[3:]))
		t.done = t.done || t.ccs && (rest[0] == 22 || rest[0] == 23)
		t.ccs = t.ccs || rest[0] == 20
		rest = rest[min(n, len(rest)):]
	}
	for done := 0; done < len(p); {
		n := min(len(p)-done, 4088)
		packet := append([]byte{0x12, 1, byte((n + 8) >> 8), byte(n + 8), 0, 0, 0, 0}, p[done:done+n]...)
		if _, err := conn.Write(packet); err != nil {
			return done, err
		}
		done += n
	}
	return len(p), nil
}
