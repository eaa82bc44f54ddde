package lab

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"time"
)

// banners are what servers of other protocols say first.
var banners = map[string]string{
	"ssh":   "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
	"smtp":  "220 mx.lab.test ESMTP Postfix\r\n",
	"pop3":  "+OK POP3 server ready\r\n",
	"imap":  "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] IMAP server ready\r\n",
	"ftp":   "220 (vsFTPd 3.0.3)\r\n",
	"mysql": "J\x00\x00\x00\x0a8.0.36\x00\x0b\x00\x00\x00\x12\x34\x56\x78\x21\x22\x23\x24\x00\xff\xf7\xff\x02\x00\xff\xdf\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x31\x32\x33\x34\x35\x36\x37\x38\x39\x30\x41\x42\x00caching_sha2_password\x00",
}

// speak is a server of another protocol than TLS.
func speak(conn *serverConn, protocol string, app *App) {
	if banner, ok := banners[protocol]; ok {
		_, _ = conn.Write([]byte(banner)) // the client may be gone
		// Such servers wait for a command and give up on nonsense.
		buf := make([]byte, 4096)
		if _, err := conn.Read(buf); err == nil && protocol != "mysql" {
			_, _ = conn.Write([]byte("500 bad command\r\n"))
		}
		conn.linger()
		return
	}
	switch protocol {
	case "http":
		speakHTTP(conn, app)
		return
	case "redis":
		buf := make([]byte, 4096)
		if _, err := conn.Read(buf); err == nil {
			_, _ = conn.Write([]byte("-ERR unknown command\r\n"))
		}
	case "echo":
		_, _ = io.Copy(conn, conn) // until the client has enough
	case "random":
		waitForBytes(conn)
		_, _ = conn.Write(append([]byte{0x83, 0x11}, random(300)...)) // no text, no TLS
	case "longrecord":
		waitForBytes(conn)
		_, _ = conn.Write(append([]byte{0x16, 0x03, 0x03, 0xFF, 0xFF}, random(2000)...))
	case "endless":
		waitForBytes(conn)
		flood(conn, append([]byte{0x83, 0x11}, random(8190)...))
	case "records":
		waitForBytes(conn)
		flood(conn, append([]byte{0x17, 0x03, 0x03, 0x10, 0x00}, random(0x1000)...))
	}
	conn.linger()
}

func waitForBytes(conn *serverConn) {
	buf := make([]byte, 4096)
	_, _ = conn.Read(buf) // whatever comes, the answer is the same
}

// flood sends the bytes again and again until the client has enough.
func flood(conn *serverConn, data []byte) {
	for {
		_ = conn.SetWriteDeadline(time.Now().Add(30 * time.Second)) // fails only when closed
		if _, err := conn.Write(data); err != nil {
			return
		}
	}
}

// speakHTTP is a plain HTTP server: it answers requests, and what is none with
// status 400.
func speakHTTP(conn *serverConn, app *App) {
	in := bufio.NewReader(io.LimitReader(conn, 1<<16))
	status := "400 Bad Request"
	if first, err := in.Peek(1); err == nil && first[0] >= 'A' && first[0] <= 'Z' {
		if _, err := http.ReadRequest(in); err == nil {
			status = "200 OK"
			if app.Status != 0 {
				status = fmt.Sprint(app.Status, " ", http.StatusText(app.Status))
			}
		}
	}
	_, _ = conn.Write([]byte("HTTP/1.1 " + status + "\r\nServer: nginx/1.26.2\r\n" + app.fields() + "Content-Type: text/plain\r\nConnection: close\r\n" +
		"Content-Length: " + map[bool]string{true: "3", false: "4"}[status == "200 OK"] + "\r\n\r\n" +
		map[bool]string{true: "ok\n", false: "bad\n"}[status == "200 OK"])) // the client may be gone
	conn.linger()
}
