package lab

import (
	"errors"
	"fmt"
	"io"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// wireServer is one connection of the scripted server: a TLS server on the
// structures of tlswire, which does as the faults say.
type wireServer struct {
	e     *engine
	f     *Server
	conn  *serverConn
	hello *tlswire.ClientHello

	version    tlswire.Version
	suite      tlswire.CipherSuite
	scheme     tlswire.SignatureScheme // of the server's proof
	random     []byte
	transcript tlswire.Transcript

	out      *tlswire.Protector // nil = in clear
	in       *tlswire.Unprotector
	pending  []byte // written, not yet sent
	messages tlswire.Reassembler

	clientChain [][]byte
	protocol    string // by ALPN
	rest        []byte // application data that was not read yet
}

// serveScripted serves the connection with the scripted server.
func (e *engine) serveScripted(conn *serverConn, hello *tlswire.ClientHello) {
	s := &wireServer{e: e, f: &e.faults, conn: conn, hello: hello, random: random(32)}
	err := s.serve()
	var reacted errReacted
	var refusal errAlert
	switch {
	case errors.As(err, &reacted):
		return // the connection is as the fault wants it
	case errors.As(err, &refusal):
		_ = Alert(refusal.alert).do(conn, s.alert) // always an error
		return
	}
	conn.linger()
}

// errAlert ends the handshake by an alert of the server.
type errAlert struct {
	alert tlswire.AlertDescription
	why   string
}

// Error says why.
func (e errAlert) Error() string { return e.why + ": " + e.alert.String() }

func refuse(alert tlswire.AlertDescription, format string, args ...any) error {
	return errAlert{alert, fmt.Sprintf(format, args...)}
}

// write adds data to the flight, in records of one type.
func (s *wireServer) write(t tlswire.ContentType, data []byte) error {
	for first := true; first || len(data) > 0; first = false {
		piece := data[:min(len(data), tlswire.MaxPlaintext)]
		data = data[len(piece):]
		if s.out != nil {
			s.pending = s.out.Seal(s.pending, t, piece)
			continue
		}
		version := min(s.version, tlswire.TLS12)
		if version == 0 {
			version = tlswire.TLS10
		}
		record, err := tlswire.Record{Type: t, Version: version, Fragment: piece}.Marshal()
		if err != nil {
			return err
		}
		s.pending = append(s.pending, record...)
	}
	return nil
}

// flush sends the flight.
func (s *wireServer) flush() error {
	data := s.pending
	s.pending = nil
	if len(data) == 0 {
		return nil
	}
	_, err := s.conn.Write(data)
	return err
}

// message is something with a handshake message's bytes.
type message func() ([]byte, error)

// send adds a handshake message to the flight and to the transcript.
func (s *wireServer) send(m message) error {
	data, err := m()
	if err != nil {
		return err
	}
	s.transcript.Add(data)
	return s.write(tlswire.ContentHandshake, data)
}

// stage sends what is pending and applies the reaction of a stage.
func (s *wireServer) stage(r Reaction) error {
	if r.IsZero() {
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	return r.do(s.conn, s.alert)
}

// alert sends an alert in the protection of the moment.
func (s *wireServer) alert(a tlswire.Alert) error {
	if err := s.write(tlswire.ContentAlert, a.Marshal()); err != nil {
		return err
	}
	return s.flush()
}

// record reads and opens one record. Alerts of the client end the handshake.
func (s *wireServer) record() (tlswire.ContentType, []byte, error) {
	for {
		record, err := tlswire.ReadRecord(s.conn, 0)
		if err != nil {
			return 0, nil, err
		}
		// RFC 8446, Section 5: ChangeCipherSpec of the compatibility mode.
		if record.Type == tlswire.ContentChangeCipherSpec && s.version >= tlswire.TLS13 {
			continue
		}
		t, data := record.Type, record.Fragment
		if s.in != nil {
			if t, data, err = s.in.Open(record); err != nil {
				return 0, nil, refuse(tlswire.AlertBadRecordMAC, "opening a record: %v", err)
			}
		}
		if t == tlswire.ContentAlert {
			return t, data, io.EOF
		}
		return t, data, nil
	}
}

// next reads the next handshake message without adding it to the transcript.
func (s *wireServer) next() (tlswire.Handshake, error) {
	for {
		m, ok, err := s.messages.Next()
		if err != nil || ok {
			return m, err
		}
		t, data, err := s.record()
		if err != nil {
			return m, err
		}
		if t != tlswire.ContentHandshake {
			return m, refuse(tlswire.AlertUnexpectedMessage, "reading a handshake message: got %v", t)
		}
		if err := s.messages.Push(data); err != nil {
			return m, err
		}
	}
}

// Read reads application data.
func (s *wireServer) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		t, data, err := s.record()
		if err != nil {
			return 0, err
		}
		if t == tlswire.ContentApplicationData {
			s.rest = data
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Write writes application data.
func (s *wireServer) Write(p []byte) (int, error) {
	if err := s.write(tlswire.ContentApplicationData, p); err != nil {
		return 0, err
	}
	return len(p), s.flush()
}
