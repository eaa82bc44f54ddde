package lab

import (
	"reflect"
	"strings"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// servers are the kinds of servers on which a fault must look the same.
var servers = []struct {
	suffix string
	change Server
	client ClientHint
}{
	{suffix: "tls12", change: Server{Offer: Offer{MaxVersion: tlswire.TLS12}}},
	{suffix: "tls13", change: Server{Offer: Offer{MinVersion: tlswire.TLS13}}},
	{suffix: "rsa", change: Server{Leaf: Leaf{Key: RSA2048}}},
	{suffix: "scripted", change: Server{Offer: Offer{Scripted: true}}},
	{suffix: "http11", change: Server{Offer: Offer{ALPN: []string{"http/1.1"}}}},
	{suffix: "asks", change: Server{ClientAuth: ClientAuth{Ask: "optional"}}},
	{suffix: "smtp", change: Server{Preamble: Preamble{StartTLS: "smtp"}}, client: ClientHint{StartTLS: "smtp"}},
	{suffix: "to-tls12", client: ClientHint{MaxVersion: "1.2"}},
	{suffix: "to-small", client: ClientHint{Groups: "x25519,secp256r1,secp384r1,secp521r1"}},
}

// Variants are the scenarios about certificates, SNI and client certificates on
// other kinds of servers and with other clients; the expected answers stay the
// same. Combinations that contradict each other are left out.
func Variants() []Scenario {
	var out []Scenario
	for _, s := range Scenarios() {
		if !s.varies() {
			continue
		}
		for _, kind := range servers {
			v := s
			if !merge(reflect.ValueOf(&v.Server).Elem(), reflect.ValueOf(kind.change)) ||
				!merge(reflect.ValueOf(&v.Client).Elem(), reflect.ValueOf(kind.client)) || !v.possible() {
				continue
			}
			if s.Control != nil && reflect.DeepEqual(*s.Control, s.Server) { // what answers for all stays one
				control := v.Server
				v.Control = &control
			}
			v.ID += "-on-" + kind.suffix
			out = append(out, v)
		}
	}
	return out
}

// varies reports whether the fault is independent of version, suite and
// protocol.
func (s *Scenario) varies() bool {
	f := &s.Server
	transport := !reflect.ValueOf(f.Transport).IsZero() || !reflect.ValueOf(f.Preamble).IsZero() || !reflect.ValueOf(f.Answer).IsZero() || !reflect.ValueOf(f.Breach).IsZero() || s.Client.FallbackSCSV ||
		!reflect.ValueOf(f.Stage).IsZero() || !reflect.ValueOf(f.Several).IsZero() || s.Client.NoConnect || s.Client.Protocol != "" || s.Client.StartTLS != "" || s.Client.Profile != ""
	hello := f.Hello
	hello.NoSNI, hello.SNI, hello.UnknownSNI = Reaction{}, Reaction{}, Reaction{}
	return !transport && reflect.ValueOf(hello).IsZero() && len(f.Suites) == 0 && len(f.ALPN) == 0 && s.Client.ALPN == "" &&
		!strings.HasPrefix(s.ID, "two-")
}

// possible is false for servers and clients that cannot meet for another
// reason than the scenario's.
func (s *Scenario) possible() bool {
	f, c := &s.Server, &s.Client
	switch {
	case f.MinVersion == tlswire.TLS13 && (f.MaxVersion == tlswire.TLS12 || c.MaxVersion == "1.2"):
		return false
	case f.MaxVersion == tlswire.TLS12 && c.MinVersion == "1.3":
		return false
	case f.Scripted && f.Staple != "": // it staples nothing
		return false
	case f.HTTP400 && c.StartTLS != "": // there is no HTTP
		return false
	case f.Ask == "optional" && c.Cert != "": // it would be checked
		return false
	case c.Groups != "" && len(f.Groups) > 0:
		return false
	case f.Status != 0 && c.StartTLS != "":
		return false
	}
	return true
}
