package test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/tlswire"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// shapeFaults are servers that a hello's shape, or what it lacks, decides about,
// and healthy ones that must bear any shape.
func shapeFaults(w *world) []fault {
	type change = func(*world, *server.Kind, *server.Endpoint, *tlswhy.Options)
	bears := func(name string, o func(*tlswhy.Options)) fault {
		return fault{name: "healthy-" + name, class: "healthy", on: append([]*server.Kind{}, modern...), healthy: true,
			make: func(_ *world, _ *server.Kind, _ *server.Endpoint, to *tlswhy.Options) { o(to) }}
	}
	row := func(name, class string, on []*server.Kind, want string, f change) fault {
		return fault{name: name, class: class, on: on, want: []string{want}, make: f}
	}
	fallback := func(_ *world, _ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) {
		o.MaxVersion, o.FallbackSCSV = "1.2", true
	}
	return []fault{
		row("fallback-refused", "version", kinds(nginx, apache, haproxy, stunnel, openssl, gnutls, golang), "inappropriate-fallback", fallback),
		{name: "healthy-fallback", class: "healthy", on: kinds(nginx, haproxy, openssl, gnutls, golang), healthy: true,
			make: func(w *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Max = "1.2"
				fallback(w, k, e, o)
			}},
		row("encrypt-then-mac-required", "version", kinds(gnutls), "extension-required",
			func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Max, e.Ciphers, o.Client = "1.2", "-CIPHER-ALL:+AES-128-CBC:%FORCE_ETM", "android 4.4.2"
			}),
		{name: "healthy-encrypt-then-mac", class: "healthy", on: kinds(gnutls), healthy: true,
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Max, e.Ciphers = "1.2", "-CIPHER-ALL:+AES-128-CBC:%FORCE_ETM"
			}},
		{name: "healthy-p521-certificate", class: "healthy", on: kinds(nginx, haproxy), healthy: true, warn: []string{"no-common-group"},
			make: func(w *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { // browsers do not list its curve
				p := w.leaf("p521", pki.Spec{Key: "p521"})
				e.Max, e.Chain, e.Key = "1.2", p.chain, p.key
			}},
		row("alpn-insisted-on", "version", kinds(stunnel, openssl, gnutls), "alpn-no-overlap",
			func(_ *world, _ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) {
				o.ALPN, o.RequireALPN = "h2", true
			}),
		bears("hello-4000-bytes", func(o *tlswhy.Options) { o.HelloSize = 4000 }),
		bears("hello-in-segments", func(o *tlswhy.Options) { o.SegmentSplit = 400 }),
		bears("hello-in-records", func(o *tlswhy.Options) { o.RecordSplit = 600 }),
		bears("hello-with-grease", func(o *tlswhy.Options) { o.GREASE = true }),
		bears("hello-in-record-3.3", func(o *tlswhy.Options) { o.RecordVersion = "3.3" }),
		bears("hello-of-chromium", func(o *tlswhy.Options) { o.Client = "chromium 137" }),
	}
}

// boxes are correct servers of Go's behind a box on the path.
func boxes(w *world) []scenario {
	row := func(name, class, want, profile string, box func(net.Conn, *tls.Config)) scenario {
		return scenario{name: name, class: class, want: []string{want},
			ep:   server.Endpoint{Name: "own/" + name, Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key},
			opts: tlswhy.Options{CAFile: w.RootFile, Client: profile},
			serve: func(t testing.TB, e *server.Endpoint) {
				conf := server.GoConfig(t, e)
				server.ServeConns(t, e, func(c net.Conn) { box(c, conf) })
			}}
	}
	return []scenario{
		row("box-hides-tls13", "version", "middlebox-downgrade", "", renaming(0x002B)),
		row("box-reads-one-segment", "version", "hello-too-large", "", oneSegment),
		row("box-blocks-ech", "version", "ech-rejected", "chromium 137", resetting(withECH)),
		row("box-blocks-group", "version", "hello-intolerance", "", resetting(withPostQuantum)),
	}
}

// renaming is a box that turns the type of an extension into one that nobody
// knows, so that lengths stay.
func renaming(extension uint16) func(net.Conn, *tls.Config) {
	return func(c net.Conn, conf *tls.Config) {
		hello := firstRead(c)
		old := []byte{byte(extension >> 8), byte(extension), 0}
		if i := bytes.LastIndex(hello, old); i > 0 {
			copy(hello[i:], []byte{0x7A, 0x7A})
		}
		answerHTTP(tls.Server(&replayed{Conn: c, first: hello}, conf), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

// oneSegment is a box that keeps no more of a hello than one packet holds.
func oneSegment(c net.Conn, conf *tls.Config) {
	hello := firstRead(c)
	if len(hello) > 1400 || len(hello) < 5 || len(hello) < 5+int(hello[3])<<8+int(hello[4]) {
		reset(c)
		return
	}
	answerHTTP(tls.Server(&replayed{Conn: c, first: hello}, conf), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

// withECH and withPostQuantum read the hello: what is random in it may look like
// anything.
func withECH(h *tlswire.ClientHello) bool { return h.HasExtension(tlswire.ExtEncryptedClientHello) }

func withPostQuantum(h *tlswire.ClientHello) bool {
	return slices.ContainsFunc(h.Groups(), client.PostQuantum)
}

// resetting is a box that resets some hellos.
func resetting(some func(*tlswire.ClientHello) bool) func(net.Conn, *tls.Config) {
	return func(c net.Conn, conf *tls.Config) {
		hello := firstRead(c)
		if n := 5; len(hello) > n && hello[0] == 22 {
			n += int(binary.BigEndian.Uint16(hello[3:]))
			if h, err := tlswire.ParseClientHello(hello[5:min(n, len(hello))]); err == nil && some(h) {
				reset(c)
				return
			}
		}
		answerHTTP(tls.Server(&replayed{Conn: c, first: hello}, conf), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

func firstRead(c net.Conn) []byte {
	buf := make([]byte, 1<<16)
	n, _ := c.Read(buf)
	return buf[:n]
}

func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	c.Close()
}

// replayed is a connection whose first bytes were read already.
type replayed struct {
	net.Conn
	first []byte
}

// Read implements io.Reader.
func (r *replayed) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

var _ io.Reader = (*replayed)(nil)
