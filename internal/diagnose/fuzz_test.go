package diagnose_test

import (
	"context"
	"encoding/json"
	"net"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// FuzzDiagnose lets a server say any bytes, once the client has spoken, and
// close. Whatever it says, there is a diagnosis without contradictions.
func FuzzDiagnose(f *testing.F) {
	for _, s := range []string{
		"",
		"\x15\x03\x03\x00\x02\x02\x28",
		"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n",
		"220 mx ESMTP\r\n",
		"\x16\x03\x03\x00\x04\x0e\x00\x00\x00",
		// A ServerHello of TLS 1.2 with ECDHE_ECDSA and renegotiation_info, an
		// empty Certificate, ServerHelloDone.
		"\x16\x03\x03\x00\x31\x02\x00\x00\x2d\x03\x03" + "0123456789abcdef0123456789abcdef" + "\x00\xc0\x2b\x00\x00\x05\xff\x01\x00\x01\x00" +
			"\x16\x03\x03\x00\x07\x0b\x00\x00\x03\x00\x00\x00" + "\x16\x03\x03\x00\x04\x0e\x00\x00\x00",
		// SSL 2.0.
		"\x80\x0b\x04\x00\x01\x00\x02\x00\x00\x00\x00\x00\x00",
	} {
		f.Add([]byte(s))
	}
	var data atomic.Pointer[[]byte]
	address := serve(f, func(c net.Conn) {
		if greet(c) {
			_, _ = c.Write(*data.Load()) // the client may be gone
		}
	})
	f.Fuzz(func(t *testing.T, said []byte) {
		if len(said) > 1<<16 {
			t.Skip("longer than a fuzzer needs")
		}
		data.Store(&said)
		d, err := diagnose.Run(context.Background(), "https://shop.lab.test",
			diagnose.Options{Connect: []string{address}, Trust: "mozilla", Timeout: 300 * time.Millisecond, MaxConnections: 4}, diagnose.Env{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(d)
		if err != nil || len(text) > maxJSON {
			t.Fatalf("JSON of %d bytes, %v", len(text), err)
		}
		var tree any
		if err := json.Unmarshal(text, &tree); err != nil {
			t.Fatal(err)
		}
		for _, problem := range append(complete(tree, reflect.TypeFor[diag.Diagnosis](), ""), coherent(d)...) {
			t.Errorf("%s\n%s", problem, describe(d))
		}
		if d.Verdict != diag.Failure {
			t.Errorf("got %s\n%s", d.Verdict, describe(d))
		}
	})
}
