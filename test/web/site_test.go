package web

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// site is an nginx whose certificate can be exchanged while it runs. nginx reads
// the file for each handshake when its name holds a variable; $https is "on".
type site struct {
	*server.Endpoint
	t    testing.TB
	file string
}

// newSite starts one that serves the certificates, which all have one key.
func newSite(t testing.TB, host string, chain ...*pki.Cert) *site {
	t.Helper()
	dir := server.Folder(t)
	s := &site{t: t, file: filepath.Join(dir, "chain-on.pem"), Endpoint: &server.Endpoint{Name: host, Hosts: []string{host}, Chain: filepath.Join(dir, "chain-$https.pem"), Key: filepath.Join(dir, "key.pem")}}
	key, err := chain[0].PrivatePEM()
	if err == nil {
		err = os.WriteFile(s.Key, key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.serve(chain...)
	server.Start(t, server.Nginx, s.Endpoint)
	return s
}

// serve exchanges what it serves.
func (s *site) serve(chain ...*pki.Cert) {
	s.t.Helper()
	next := s.file + ".new"
	if err := os.WriteFile(next, pki.PEM(chain...), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(next, s.file); err != nil { // no handshake sees half a file
		s.t.Fatal(err)
	}
}
