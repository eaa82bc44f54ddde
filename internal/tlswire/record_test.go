package tlswire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	var stream []byte
	want := []Record{
		{ContentHandshake, TLS10, []byte("fragment")},
		{ContentAlert, SSL3, []byte{2, 40}},
		{ContentApplicationData, TLS12, make([]byte, MaxCiphertext)},
		{ContentHandshake, TLS12, []byte{}},
		{ContentSSL2, SSL2, []byte{0, 0, 1}},
	}
	for _, r := range want {
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, b...)
	}
	check := func(how string, i int, got Record) {
		if got.Type != want[i].Type || got.Version != want[i].Version || !bytes.Equal(got.Fragment, want[i].Fragment) {
			t.Errorf("%s: record %d: got %v %v, %d bytes", how, i, got.Type, got.Version, len(got.Fragment))
		}
	}
	r := iotest.HalfReader(bytes.NewReader(stream))
	for i := range want {
		got, err := ReadRecord(r, 0)
		if err != nil {
			t.Fatal(err)
		}
		check("reader", i, got)
	}
	if _, err := ReadRecord(r, 0); err != io.EOF {
		t.Errorf("at the end: got %v, want EOF", err)
	}
	for _, size := range []int{1, 3, 1000, len(stream)} {
		var s RecordSplitter
		n := 0
		for rest := stream; len(rest) > 0; {
			k := min(size, len(rest))
			s.Push(rest[:k])
			rest = rest[k:]
			for {
				got, ok, err := s.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				check("splitter", n, got)
				n++
			}
		}
		if n != len(want) || len(s.Remaining()) != 0 {
			t.Errorf("splitter by %d: got %d records, %d bytes left", size, n, len(s.Remaining()))
		}
	}
}

func TestRecordErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	tests := []struct {
		name  string
		in    io.Reader
		check func(error) bool
	}{
		{"nothing", strings.NewReader(""), func(err error) bool { return err == io.EOF }},
		{"reset at once", iotest.ErrReader(broken), func(err error) bool { return err == broken }},
		{"cut header", strings.NewReader("\x16\x03"), func(err error) bool {
			var e *TruncatedRecordError
			return errors.As(err, &e) && errors.Is(err, io.ErrUnexpectedEOF) && string(e.Got) == "\x16\x03" && e.Want == 5
		}},
		{"cut fragment", strings.NewReader("\x16\x03\x03\x00\x08four"), func(err error) bool {
			var e *TruncatedRecordError
			return errors.As(err, &e) && errors.Is(err, io.ErrUnexpectedEOF) && len(e.Got) == 9 && e.Want == 13
		}},
		{"only a header", strings.NewReader("\x16\x03\x03\x00\x08"), func(err error) bool {
			var e *TruncatedRecordError
			return errors.As(err, &e) && errors.Is(err, io.ErrUnexpectedEOF) && len(e.Got) == 5
		}},
		{"reset within", io.MultiReader(strings.NewReader("\x16\x03\x03\x00\x08four"), iotest.ErrReader(broken)), func(err error) bool {
			var e *TruncatedRecordError
			return errors.As(err, &e) && errors.Is(err, broken) && len(e.Got) == 9
		}},
		{"too large", strings.NewReader("\x16\x03\x03\xff\xff"), func(err error) bool {
			var e *RecordTooLargeError
			return errors.As(err, &e) && e.Length == 65535 && e.Limit == MaxCiphertext && e.Type == ContentHandshake
		}},
		{"HTTP", strings.NewReader("HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat("x", 200)), func(err error) bool {
			var e *NotTLSError
			return errors.As(err, &e) && errors.Is(err, ErrNotTLS) && len(e.First) == 64 && strings.HasPrefix(string(e.First), "HTTP/1.1 400 Bad Request")
		}},
		{"short text", strings.NewReader("no"), func(err error) bool {
			var e *NotTLSError
			return errors.As(err, &e) && string(e.First) == "no"
		}},
		{"wrong major version", strings.NewReader("\x16\x04\x01\x00\x01a"), func(err error) bool { return errors.Is(err, ErrNotTLS) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := ReadRecord(test.in, 0); !test.check(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRecordSplitterErrorsStay(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{"short": "no", "long": "HTTP/1.1 400 Bad Request", "large": "\x16\x03\x03\xff\xff"} {
		var s RecordSplitter
		s.Push([]byte(in))
		_, _, first := s.Next()
		s.Push([]byte("\x16\x03\x03\x00\x00"))
		_, _, second := s.Next()
		if first == nil || first != second {
			t.Errorf("%s: got %v, then %v", name, first, second)
		}
	}
}

func TestReassembler(t *testing.T) {
	t.Parallel()
	var stream []byte
	for i := range 5 {
		msg, _ := MarshalHandshake(TypeCertificate, bytes.Repeat([]byte{byte(i)}, 100*i))
		stream = append(stream, msg...)
	}
	for size := 1; size <= len(stream); size = size*3 + 1 {
		var a Reassembler
		n := 0
		for rest := stream; len(rest) > 0; {
			k := min(size, len(rest))
			if err := a.Push(rest[:k]); err != nil {
				t.Fatal(err)
			}
			rest = rest[k:]
			for {
				m, ok, err := a.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				if len(m.Body) != 100*n || len(m.Raw) != 4+100*n || m.Type != TypeCertificate {
					t.Errorf("by %d: message %d: got %v of %d bytes", size, n, m.Type, len(m.Body))
				}
				n++
			}
		}
		if n != 5 || len(a.Pending()) != 0 {
			t.Errorf("by %d: got %d messages, %d bytes left", size, n, len(a.Pending()))
		}
	}
}

func TestReassemblerBounds(t *testing.T) {
	t.Parallel()
	var a Reassembler
	if err := a.Push([]byte{11, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	var large *HandshakeTooLargeError
	if _, _, err := a.Next(); !errors.As(err, &large) || large.Length != 1<<24-1 || large.Type != TypeCertificate || large.Total {
		t.Errorf("message: got %v", err)
	}
	b := Reassembler{Total: 10}
	if err := b.Push(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if err := b.Push(make([]byte, 3)); !errors.As(err, &large) || !large.Total {
		t.Errorf("total: got %v", err)
	}
}
