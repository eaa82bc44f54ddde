package client

import (
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

const (
	referenceName    = "reference client (OpenSSL 3.5 defaults)"
	referenceProfile = "OpenSSL 3.5.0 (git)"
)

// noHello stands in until a test has found that the reference's file is gone.
func noHello() (*tlswire.ClientHello, error) { return nil, errNoHello }

// Reference returns the reference client: the default hello of OpenSSL 3.5 and
// the judgement of a strict command-line client at security level 2. It offers
// no ALPN; that is added for HTTP targets, see Options.
func Reference() *Profile {
	ref := Profile{Name: referenceName, Family: "OpenSSL", Version: "3.5.0", parse: noHello}
	for _, p := range index() {
		if p.Name == referenceProfile {
			ref = *p
		}
	}
	ref.Name = referenceName
	ref.Client = facts.Client{
		Name: referenceName, Reference: true, Stack: ref.Family,
		MinVersion: tlswire.TLS12, MaxVersion: tlswire.TLS13,
		MinRSABits: 2048, MinDHBits: 2048, SendsSNI: true,
	}
	return &ref
}
