package facts

import (
	"crypto"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// Place is a line of a configuration.
type Place struct {
	File string
	Line int // from 1
}

// String is file:line, "" for the zero value.
func (p Place) String() string {
	if p.File == "" {
		return ""
	}
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Setting is what a line of a configuration is about, whatever the server calls
// it.
type Setting string

// The settings.
const (
	SetListen      Setting = "listen"
	SetName        Setting = "name"
	SetCertificate Setting = "certificate"
	SetKey         Setting = "key"
	SetChain       Setting = "chain"
	SetVersions    Setting = "versions"
	SetSuites      Setting = "suites"
	SetSuites13    Setting = "suites of TLS 1.3"
	SetGroups      Setting = "groups"
	SetDH          Setting = "DH parameters"
	SetVerify      Setting = "client verification"
	SetClientCA    Setting = "client CA"
	SetClientCRL   Setting = "client CRL"
	SetDepth       Setting = "client chain depth"
	SetStaple      Setting = "stapling"
	SetSchemes     Setting = "signature schemes"
	SetEnable      Setting = "TLS" // the line that switches it on or off
)

// Line is one directive.
type Line struct {
	Place
	Name, Value string // "ssl_protocols", "TLSv1 TLSv1.1"
}

// Site is one place at which a configuration serves TLS: a virtual host, a
// bind line, a mail service.
type Site struct {
	Software string // nginx, apache, haproxy, postfix, dovecot
	Title    string // for people: "shop.example.com", "frontend www"
	At       Place
	Listen   []string // as the server understands it: "0.0.0.0:443"
	Port     int
	Names    []string // that it answers to, as written
	Protocol string   // https, smtp, imaps ...
	StartTLS string   // the dialogue before TLS, "" for none
	// ProxyHeader says that the address wants a PROXY protocol header first.
	ProxyHeader bool

	Pairs []Pair
	// Server is what it negotiates, as far as the configuration and the defaults
	// of the software tell.
	Server Server
	// Level is OpenSSL's security level.
	Level   int
	DHPrime []byte // of its finite-field DH parameters, nil = none of its own

	// Verify says whether client certificates are wanted: "", "optional",
	// "required".
	Verify      string
	Authorities []*chain.Certificate // of client certificates
	Revocations []List               // for client certificates
	// Depth is how many CAs, the root included, may stand above a client's
	// certificate; nil = more than anybody has.
	Depth *int
	// PartialChains says that a CA of clients need not be a root.
	PartialChains bool
	// Unjudged says that client certificates of any CA are taken.
	Unjudged bool
	Staples  bool
	// Refuses says that its handshakes are refused on purpose, Plain that it
	// answers in clear although it has a certificate.
	Refuses, Plain bool
	// Optional says that clients use TLS here only if it works, and verify
	// nothing: mail between servers.
	Optional bool

	Lines  map[Setting]Line
	Faults []Fault
	// Peers are the sites at the same address, this one included. The first
	// answers where no name matches; Strict says that none does.
	Peers  []*Site
	Strict bool
	Reload string // the command that makes changes effective
}

// Pair is a certificate and its key.
type Pair struct {
	CertFile, KeyFile string
	Cert, KeyAt       Line
	Chain             []*chain.Certificate
	Key               crypto.PublicKey // nil when it could not be read
}

// Mismatch tells whether the key belongs to another certificate.
func (p *Pair) Mismatch() bool {
	return p.Key != nil && len(p.Chain) > 0 && !chain.MatchesKey(p.Chain[0], p.Key)
}

// Fault is something in a configuration that is wrong by itself.
type Fault struct {
	At   Place
	Text string // "the certificate /x.pem cannot be read: no such file"
	File string // the file that is at fault, "" for none
	// Word is the mistyped word, Meant the one that is known.
	Word, Meant string
	// Stops says that the server does not start, or serves no TLS there.
	Stops bool
	// Remark says that nothing breaks of it.
	Remark bool
}

// Line is where a setting was made, else where the site begins.
func (s *Site) Line(of ...Setting) Line {
	for _, x := range of {
		if l, ok := s.Lines[x]; ok {
			return l
		}
	}
	return Line{Place: s.At}
}

// Answering is the site among the peers that a client meets who sends this
// server name; nil means that it is refused.
func (s *Site) Answering(name string) *Site {
	peers := s.Peers
	if len(peers) == 0 {
		return s
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name != "" {
		best, length := (*Site)(nil), -1
		for _, p := range peers {
			for _, n := range p.Names {
				if l := nameFits(strings.ToLower(n), name); l > length {
					best, length = p, l
				}
			}
		}
		if best != nil {
			return best
		}
	}
	if s.Strict {
		return nil
	}
	return peers[0]
}

// nameFits is -1 where a pattern does not cover the name, else how well: exact
// names go before wildcards, the longer wildcard before the shorter.
func nameFits(pattern, name string) int {
	switch {
	case pattern == name:
		return 1 << 16
	case strings.HasPrefix(pattern, "*.") && strings.HasSuffix(name, pattern[1:]):
		return len(pattern)
	case strings.HasPrefix(pattern, ".") && (strings.HasSuffix(name, pattern) || name == pattern[1:]): // nginx: .example.com
		return len(pattern)
	}
	return -1
}
