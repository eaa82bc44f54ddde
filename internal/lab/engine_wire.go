package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

func (e *engine) serveScripted(conn *serverConn, hello *tlswire.ClientHello) { conn.linger() }
