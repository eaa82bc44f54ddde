package starttls

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// tdsPreloginAnswer is a server's PRELOGIN with this value of ENCRYPTION.
func tdsPreloginAnswer(encryption string) string {
	body := "\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff" + "\x10\x00\x10\x00\x00\x00" + encryption
	return "\x04\x01\x00" + string(rune(8+len(body))) + "\x00\x00\x01\x00" + body
}

var _ = whole("mssql", tdsPreloginAnswer("\x01"))

func TestMSSQL(t *testing.T) {
	t.Parallel()
	check(t, "mssql", string(tdsRequest), []row{
		{name: "off", says: tdsPreloginAnswer("\x00") + tlsBytes},
		{name: "required", says: tdsPreloginAnswer("\x03") + tlsBytes},
		{name: "not supported", says: tdsPreloginAnswer("\x02"), want: NotOffered, step: "PRELOGIN", caps: []string{"ENCRYPT_NOT_SUP version 16.0.4096"}},
		{name: "unknown answer", says: tdsPreloginAnswer("\x07"), want: NotOffered, step: "PRELOGIN", caps: []string{"ENCRYPTION 7 version 16.0.4096"}},
		{name: "no encryption option", says: "\x04\x01\x00\x09\x00\x00\x00\x00\xff", want: WrongProtocol, step: "PRELOGIN", data: "\x04\x01\x00\x09\x00\x00\x00\x00\xff"},
		{name: "offset outside", says: "\x04\x01\x00\x0e\x00\x00\x00\x00\x01\x0f\xff\x00\x01\xff", want: WrongProtocol, step: "PRELOGIN", data: "\x04\x01\x00\x0e\x00\x00\x00\x00\x01\x0f\xff\x00\x01\xff"},
		{name: "ssh", says: "SSH-2.0-OpenSSH_9.2\r\n", want: WrongProtocol, step: "PRELOGIN", data: "SSH-2.0-OpenSSH_9.2"},
	})
}

// TestTDSConn passes a handshake through packets and what follows without.
func TestTDSConn(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer here.Close()
	c := mssql{}.Wrap(here)
	hello := append([]byte{22, 3, 1, 0x13, 0x88}, make([]byte, 5000)...)
	hello[5] = 2 // no ClientHello, and longer than a packet
	flight := []byte{20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 4, 9, 9, 9, 9}
	data := []byte{23, 3, 3, 0, 2, 7, 7}
	go func() {
		for _, p := range [][]byte{hello, flight, data} {
			_, _ = c.Write(p)
		}
	}()
	got := make([]byte, 4096+8+(5005-4088)+8+len(flight)+len(data))
	if _, err := io.ReadFull(there, got); err != nil {
		t.Fatal(err)
	}
	if got[0] != tdsPrelogin || got[1] != 0 || !bytes.Equal(got[8:4096], hello[:4088]) || got[4096] != tdsPrelogin || got[4097] != tdsLast {
		t.Errorf("got packets that begin % x and % x", got[:8], got[4096:4104])
	}
	if !bytes.HasSuffix(got, append(append([]byte{tdsPrelogin, tdsLast, 0, byte(8 + len(flight)), 0, 0, 0, 0}, flight...), data...)) {
		t.Errorf("got % x at the end, want the flight in a packet and data without", got[len(got)-40:])
	}
	go func() {
		_, _ = there.Write([]byte{tdsReply, 0, 0, 11, 0, 0, 0, 0, 22, 3, 3, tdsReply, 1, 0, 10, 0, 0, 0, 0, 0, 1, 23, 3, 3})
	}()
	back := make([]byte, 8)
	if _, err := io.ReadFull(c, back); err != nil || !bytes.Equal(back, []byte{22, 3, 3, 0, 1, 23, 3, 3}) {
		t.Errorf("got % x and %v", back, err)
	}
}
