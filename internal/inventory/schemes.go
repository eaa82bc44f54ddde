package inventory

import (
	"slices"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// ride finds signature schemes along with the suites of TLS 1.2: each hello
// leaves out those that were seen. Where that may have changed the pick, the
// same list is offered again with all of them.
type ride struct {
	mu   sync.Mutex
	over bool
	kind string // of the key, "rsa" or "ecdsa"
	seen []tlswire.SignatureScheme
	all  []string // kinds of which all are known
}

// leaves is what the next hello leaves out.
func (r *ride) leaves() []tlswire.SignatureScheme {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return nil
	}
	return slices.Clone(r.seen)
}

// takes notes what an answer was signed with. It reports false where the pick
// may be owed to the schemes that were left out.
func (r *ride) takes(a answer, left []tlswire.SignatureScheme) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	scheme := signedWith(a)
	if scheme == 0 || slices.Contains(left, scheme) {
		return len(left) == 0
	}
	kind := kindOf(scheme)
	if r.kind == "" {
		r.kind = kind
	}
	if kind != r.kind {
		return len(left) == 0
	}
	if !slices.Contains(r.seen, scheme) {
		r.seen = append(r.seen, scheme)
	}
	return true
}

// ends takes the answer with all schemes: if it is signed after all, the kind
// has no schemes beyond those that were left out.
func (r *ride) ends(a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if scheme := signedWith(a); scheme != 0 && kindOf(scheme) == r.kind && !r.over {
		r.all = append(r.all, r.kind)
	}
	r.over = true
}

// signedWith is the scheme of a ServerKeyExchange, 0 for none.
func signedWith(a answer) tlswire.SignatureScheme {
	if a.Attempt == nil || a.KeyExchange == nil || !a.KeyExchange.HasScheme {
		return 0
	}
	return a.KeyExchange.Scheme
}

// kindOf is the kind of key that makes such signatures, RSA keys alike.
func kindOf(s tlswire.SignatureScheme) string {
	if strings.HasPrefix(s.Key(), "rsa") {
		return "rsa"
	}
	return "ecdsa"
}

// schemes12 finds the schemes of TLS 1.2 that did not come along with its
// suites.
func (s *scan) schemes12(v *Version) {
	var wg sync.WaitGroup
	complete := [2]bool{true, true}
	for i, kind := range []string{"rsa", "ecdsa"} {
		var suites []tlswire.CipherSuite
		for _, c := range v.Suites {
			info := c.Info()
			signs := info.Kex == tlswire.KexECDHE || info.Kex == tlswire.KexDHE
			if signs && !info.PSK && (info.Auth == tlswire.AuthRSA && kind == "rsa" || info.Auth == tlswire.AuthECDSA && kind == "ecdsa") {
				suites = append(suites, c)
			}
		}
		if len(suites) == 0 || slices.Contains(s.ride.all, kind) {
			continue
		}
		o := s.wide(tlswire.TLS12)
		o.suites = suites
		o.schemes = slices.DeleteFunc(o.schemes, func(x tlswire.SignatureScheme) bool { return kindOf(x) != kind || slices.Contains(s.ride.seen, x) })
		wg.Go(func() { complete[i] = s.peelSchemes(o) })
	}
	wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.SchemesComplete[tlswire.TLS12] = complete[0] && complete[1] && v.Complete
}

func (s *scan) peelSchemes(o offer) bool {
	for len(o.schemes) > 0 {
		a := s.ask(question{hello: s.hello(o), stop: probe.StopServerFlight})
		scheme := signedWith(a)
		if a.verdict == unknown || a.verdict == picked && scheme == 0 {
			return false
		}
		if !slices.Contains(o.schemes, scheme) {
			s.relied(a)
			return true
		}
		o.schemes = without(o.schemes, scheme)
	}
	return true
}

// hidden finds what TLS 1.3 encrypts: signature schemes and application
// protocols, both at once, since the server chooses each by itself.
func (s *scan) hidden(o offer, first answer) {
	schemes, names := o.schemes, append(slices.Clone(s.o.ALPN), nobody)
	moreSchemes, moreNames := true, len(names) > 0
	a := first
	for {
		scheme, name := tlswire.SignatureScheme(0), ""
		if a.verdict == picked {
			scheme = a.KeyProof.Scheme
			if a.Encrypted != nil {
				name = a.Encrypted.ALPN()
			}
		}
		switch {
		case a.verdict == picked && moreNames && !slices.Contains(names, name):
			moreNames = false
			s.protocol("", No, a)
		case a.verdict == declined && a.End.Alert.Description == tlswire.AlertNoApplicationProtocol && moreNames:
			moreNames = false
			s.protocol("", Yes, a)
		case a.verdict == picked && moreNames:
			names = without(names, name)
			s.protocol(name, Unknown, a)
		}
		refused := a.verdict == declined && a.End.Alert.Description != tlswire.AlertNoApplicationProtocol || a.verdict == dropped
		foreign := a.verdict == picked && scheme != 0 && !slices.Contains(schemes, scheme) // it signs as it can
		if a.verdict == picked && moreSchemes && scheme != 0 {
			schemes = without(schemes, scheme)
		}
		if (refused || foreign) && moreSchemes && a.Sent != nil {
			moreSchemes = false
			s.relied(a)
			s.mu.Lock()
			s.result.SchemesComplete[tlswire.TLS13] = true
			s.mu.Unlock()
		}
		if a.verdict == unknown || a.verdict == picked && scheme == 0 || refused && a.n == first.n {
			return // the certificate was not reached: nothing can be told
		}
		if !moreSchemes && !moreNames {
			return
		}
		next := o
		if next.alpn = nil; moreNames && len(names) > 0 {
			next.alpn = names
		} else {
			moreNames = false
		}
		if moreSchemes {
			next.schemes = schemes
		}
		if !moreSchemes && !moreNames || len(next.schemes) == 0 {
			return
		}
		a = s.ask(question{hello: s.hello(next), stop: probe.StopServerFlight, full: true})
	}
}

// nobody is an application protocol that no server has (RFC 8701): it shows
// what is done without a common one.
const nobody = "\x0A\x0A"

// protocol notes an application protocol, or with "" that there is no other, and
// whether the server then refuses the handshake.
func (s *scan) protocol(name string, strict Answer, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == nobody {
		return
	}
	if name != "" {
		if !slices.Contains(s.result.ALPN, name) {
			s.result.ALPN = append(s.result.ALPN, name)
		}
		return
	}
	s.result.ALPNComplete = true
	s.result.Properties["alpn-strict"] = Property{Answer: strict}
	s.refusals = append(s.refusals, a.n)
}

// protocols12 finds the application protocols of a server without TLS 1.3.
func (s *scan) protocols12(o offer) {
	for names := append(slices.Clone(s.o.ALPN), nobody); len(names) > 0; {
		o.alpn = names
		a := s.ask(question{hello: s.hello(o), stop: probe.StopServerHello})
		switch {
		case a.verdict == picked && slices.Contains(names, a.ServerHello.ALPN()):
			name := a.ServerHello.ALPN()
			names = without(names, name)
			s.protocol(name, Unknown, a)
			continue
		case a.verdict == picked:
			s.protocol("", No, a)
		case a.verdict == declined && a.End.Alert.Description == tlswire.AlertNoApplicationProtocol:
			s.protocol("", Yes, a)
		}
		return
	}
}

// addScheme notes a scheme that the server signed with. The scan is locked.
func (r *Result) addScheme(x tlswire.SignatureScheme, v tlswire.Version) {
	i := slices.IndexFunc(r.Schemes, func(y Scheme) bool { return y.Scheme == x })
	if i < 0 {
		i = len(r.Schemes)
		r.Schemes = append(r.Schemes, Scheme{Scheme: x})
	}
	if !slices.Contains(r.Schemes[i].Versions, v) {
		r.Schemes[i].Versions = append(r.Schemes[i].Versions, v)
	}
}
