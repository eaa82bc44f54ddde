package client

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var errRead = errors.New("read")

// goReads lets crypto/tls, an independent reader, parse a hello.
func goReads(h *tlswire.ClientHello) (info *tls.ClientHelloInfo, err error) {
	record, err := h.MarshalRecord()
	if err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	go func() {
		defer ours.Close()
		if _, err := ours.Write(record); err == nil {
			_, _ = ours.Read(make([]byte, 1024)) // its alert
		}
	}()
	server := tls.Server(theirs, &tls.Config{GetConfigForClient: func(got *tls.ClientHelloInfo) (*tls.Config, error) {
		info = got
		return nil, errRead
	}})
	err = server.Handshake()
	theirs.Close()
	if info != nil {
		return info, nil
	}
	return nil, err
}

// TestPeerReads holds that another implementation reads what is built and what
// experiments make of it. It refuses hellos of SSL 2.0 format.
func TestPeerReads(t *testing.T) {
	t.Parallel()
	for _, p := range Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			base, _, err := Build(p, Options{SNI: "shop.example.com"})
			if err != nil {
				t.Fatal(err)
			}
			for _, ch := range changesOfAll() {
				h, err := Apply(base, ch)
				if err != nil {
					t.Errorf("%+v: %v", ch, err)
					continue
				}
				if h.SSL2 {
					continue
				}
				info, err := goReads(h)
				if err != nil {
					t.Errorf("%+v: %v", ch, err)
					continue
				}
				if info.ServerName != h.ServerName() || len(info.CipherSuites) != len(h.CipherSuites) || len(info.SupportedCurves) != len(h.Groups()) {
					t.Errorf("%+v: read %+v of %+v", ch, info, h)
				}
			}
		})
	}
}
