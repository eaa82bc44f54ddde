package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is the server's own certificate and key, read again when the files
// change. A pair that cannot be read is told, and the last good one stays.
type Certificate struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	seen    [2]stamp
	checked time.Time
}

type stamp struct {
	at   time.Time
	size int64
}

// lookEvery is how often the files are looked at, when there are connections.
const lookEvery = 2 * time.Second

// LoadCertificate reads the files.
func LoadCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key, log: log}
	return c, c.load()
}

func (c *Certificate) load() error {
	seen := c.stamps()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("reading the server's certificate %q and key %q: %w", c.cert, c.key, err)
	}
	c.pair, c.seen = &pair, seen
	return nil
}

func (c *Certificate) stamps() (out [2]stamp) {
	for i, f := range []string{c.cert, c.key} {
		if fi, err := os.Stat(f); err == nil {
			out[i] = stamp{fi.ModTime(), fi.Size()}
		}
	}
	return out
}

// Config is for the listener.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil }}
}

func (c *Certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= lookEvery || now.Before(c.checked) {
		c.checked = now
		if seen := c.stamps(); seen != c.seen {
			if err := c.load(); err != nil {
				c.log.Error("the server's certificate cannot be read again; the last good one stays", "err", err)
				c.seen = seen // told once for each version
			} else {
				c.log.Info("the server's certificate was read again", "file", c.cert)
			}
		}
	}
	return c.pair
}
