package client

import (
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Seen is the profile of a client that was watched at work: its hello is known
// to the byte, its judgement of certificates is not.
func Seen(name string, h *tlswire.ClientHello) *Profile {
	c := facts.Client{Name: name, MinVersion: h.MinVersion(), MaxVersion: h.MaxVersion(), MinRSABits: 2048, SendsSNI: h.ServerName() != ""}
	if c.MinVersion == 0 {
		c.MinVersion = min(tlswire.TLS10, c.MaxVersion) // without supported_versions a hello does not say
	}
	return &Profile{Name: name, Client: c, parse: func() (*tlswire.ClientHello, error) { return h, nil }}
}
