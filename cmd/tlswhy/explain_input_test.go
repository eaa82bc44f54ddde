package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
)

// TestExplainPacked reads a log as logrotate keeps it.
func TestExplainPacked(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, "curl: (60) SSL certificate problem: certificate has expired\n"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		data    []byte
		matches int
		fails   bool
	}{
		{"error.log.gz", packed.Bytes(), 1, false},
		{"cut.log.gz", packed.Bytes()[:packed.Len()-9], 1, true},
		{"junk.gz", []byte("junk"), 0, true},
	} {
		in := explainInput{tt.name, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tt.data)), nil }}
		r, err := in.read()
		if (err != nil) != tt.fails || tt.matches > 0 && (r == nil || len(r.Matches) != tt.matches) {
			t.Errorf("%s: got %+v, %v", tt.name, r, err)
		}
	}
}
