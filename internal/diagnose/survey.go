package diagnose

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// survey is what was seen of a server by those who want to know how it answers
// other clients.
type survey struct {
	server facts.Server
	// named and nameless are the chains that it serves, one per key, with the
	// server name and without; nameless is nil where it is refused.
	named, nameless []facts.Pair
	dh              []byte // the prime of its finite-field DH
	asks            bool   // for a client certificate
	spoke           bool   // TLS, to any of our hellos
	connections     int
}

// surveyor asks a server hello by hello: each offers what is not yet known to
// be accepted, until the server finds nothing.
type surveyor struct {
	r       *runner
	ctx     context.Context
	address string
	slots   chan struct{}

	mu  sync.Mutex
	got survey
}

// surveyParallel bounds the connections that are open at a time.
const surveyParallel = 8

// survey learns what the server at an address negotiates.
func (r *runner) survey(ctx context.Context, address string) survey {
	s := &surveyor{r: r, ctx: ctx, address: address, slots: make(chan struct{}, surveyParallel)}
	s.got.server = facts.Server{Versions: map[tlswire.Version]bool{}, SuitesComplete: true, GroupsComplete: true, SchemesComplete: true, OwnGroups: map[tlswire.Version]bool{}}
	versions := []tlswire.Version{tlswire.TLS13, tlswire.TLS12, tlswire.TLS11, tlswire.TLS10, tlswire.SSL3}
	suites := make([][]tlswire.CipherSuite, len(versions))
	own := make([]bool, len(versions))
	var wg sync.WaitGroup
	for i, v := range versions {
		wg.Go(func() { suites[i], own[i] = s.suites(v) })
	}
	wg.Go(s.nameless)
	wg.Go(s.ssl2)
	wg.Wait()
	for i, list := range suites {
		for _, suite := range list {
			if !slices.Contains(s.got.server.Suites, suite) {
				s.got.server.Suites = append(s.got.server.Suites, suite)
			}
		}
		s.got.server.OwnOrder = s.got.server.OwnOrder || own[i]
	}
	if len(suites[0]) > 0 {
		wg.Go(func() { s.groups(tlswire.TLS13) })
		wg.Go(func() { s.schemes(tlswire.TLS13) })
	}
	if len(suites[1]) > 0 {
		wg.Go(func() { s.schemes(tlswire.TLS12) })
	}
	if i := slices.IndexFunc(suites[1:], func(list []tlswire.CipherSuite) bool { return len(list) > 0 }) + 1; i > 0 {
		classic := func(kex ...tlswire.KeyExchange) bool {
			return slices.ContainsFunc(suites[i], func(x tlswire.CipherSuite) bool { return slices.Contains(kex, x.Info().Kex) })
		}
		if classic(tlswire.KexDHE) {
			wg.Go(func() { s.namesDH(versions[i]) })
		}
		if classic(tlswire.KexECDHE) {
			wg.Go(func() { s.groups(versions[i]) })
			if classic(tlswire.KexRSA) {
				wg.Go(func() { s.fallsBack(versions[i]) })
			}
		}
		wg.Go(func() { s.oldFormat(versions[i], suites[i]) })
	}
	if len(suites[0]) == 0 && len(suites[1]) > 0 {
		wg.Go(s.stuck)
	}
	wg.Wait()
	if s.got.server.SchemesComplete && slices.ContainsFunc(suites[1], func(x tlswire.CipherSuite) bool { return x.Info().Kex == tlswire.KexRSA }) {
		s.signsOrEnds()
	}
	if i := slices.IndexFunc(suites[1:], func(list []tlswire.CipherSuite) bool { return len(list) > 0 }) + 1; i > 0 {
		s.curves(versions[i])
	}
	for _, p := range s.got.named {
		if kind := facts.AuthOf(p.Chain[0]); !slices.Contains(s.got.server.Keys, kind) {
			s.got.server.Keys = append(s.got.server.Keys, kind)
		}
	}
	s.got.server.NeedsSNI = len(s.got.named) > 0 && s.got.nameless == nil
	return s.got
}

// try sends a hello of one version, as wide as it can be and then changed.
func (s *surveyor) try(v tlswire.Version, name bool, stop probe.Stop, change func(*tlswire.ClientHello)) *facts.Attempt {
	w := &s.r.c.Want
	e := facts.Experiment{Address: s.address, Changes: facts.Changes{Version: client.FormatVersion(v), Suites: "all", Groups: "all", Schemes: "all"}}
	if !name {
		e.Changes.SNI = "none"
	}
	allowed := s.r.allowance(e, true, time.Now().Add(s.r.timeout()))
	spec := probe.Spec{Of: e, Address: s.address, Stop: stop, Decompress: s.r.env.Decompress,
		Timeouts: probe.Timeouts{Connect: allowed, Preamble: allowed, Total: allowed}}
	if err := speak(&spec, w, e); err != nil {
		return nil
	}
	change(spec.Hello)
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		return nil
	}
	defer func() { <-s.slots }()
	a := probe.Prober{Dial: s.r.env.Dial, Guard: s.r.env.Guard}.Attempt(s.ctx, spec)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.connections++
	if a.ServerHello == nil && a.Retry == nil && a.SSL2 == nil {
		return a
	}
	s.got.spoke = true
	if a.Request != nil {
		s.got.asks = true
	}
	if kx := a.KeyExchange; kx != nil && len(kx.P) > 0 {
		s.got.dh, s.got.server.DHBits = kx.P, 8*len(kx.P)
	}
	pairs := &s.got.named
	if !name {
		pairs = &s.got.nameless
	}
	if len(a.Chain) > 0 && !slices.ContainsFunc(*pairs, func(p facts.Pair) bool { return p.Chain[0].Equal(a.Chain[0]) }) {
		*pairs = append(*pairs, facts.Pair{Chain: a.Chain})
	}
	return a
}

// refuses says that the end of an attempt is an answer: nothing more of that.
func refuses(a *facts.Attempt) bool {
	switch a.End.Kind {
	case facts.EndAlert, facts.EndClosed, facts.EndReset:
		return true
	}
	return false
}

// suites lists what the server accepts in a version, in its order where it has
// one, and notes whether it speaks the version.
func (s *surveyor) suites(v tlswire.Version) (found []tlswire.CipherSuite, own bool) {
	found, left, answered := s.picks(v, strongFirst(v))
	if len(found) > 0 && v < tlswire.TLS13 {
		// A server that picks its certificate before the suite finds nothing for
		// the one while it has suites for the other, and some pick a suite with
		// DHE and end for want of parameters: ask for each by itself.
		var parts [3][]tlswire.CipherSuite
		for _, x := range left {
			i := 0
			if info := x.Info(); info.Auth == tlswire.AuthRSA && info.Kex == tlswire.KexDHE {
				i = 1
			} else if info.Auth != tlswire.AuthRSA {
				i = 2
			}
			parts[i] = append(parts[i], x)
		}
		for _, part := range parts {
			more, _, ended := s.picks(v, part)
			found, answered = append(found, more...), answered && ended
		}
	}
	s.mu.Lock()
	if len(found) > 0 || answered {
		s.got.server.Versions[v] = len(found) > 0
	}
	s.got.server.SuitesComplete = s.got.server.SuitesComplete && answered
	s.mu.Unlock()
	// ChaCha20 may stand outside of the order, for phones.
	chacha := slices.DeleteFunc(slices.Clone(found), func(x tlswire.CipherSuite) bool { return !isChaCha(x) })
	rest := slices.DeleteFunc(slices.Clone(found), isChaCha)
	if len(rest) > 1 {
		first, _ := s.choose(v, rest)
		slices.Reverse(rest)
		last, _ := s.choose(v, rest)
		own = first != 0 && first == last
	}
	if own && len(chacha) > 0 && !isChaCha(found[0]) {
		picked, _ := s.choose(v, append(chacha, rest...))
		s.mu.Lock()
		s.got.server.ChaChaFirst = s.got.server.ChaChaFirst || isChaCha(picked)
		s.mu.Unlock()
	}
	return found, own
}

// picks offers a list until the server picks no more of it; answered says that
// it refused the rest.
func (s *surveyor) picks(v tlswire.Version, offer []tlswire.CipherSuite) (found, left []tlswire.CipherSuite, answered bool) {
	for len(offer) > 0 {
		suite, a := s.choose(v, offer)
		if suite == 0 {
			return found, offer, a != nil && (refuses(a) || a.ServerHello != nil)
		}
		found, offer = append(found, suite), lacking(offer, suite)
	}
	return found, nil, true
}

// choose lets the server choose; 0 is that it finds nothing.
func (s *surveyor) choose(v tlswire.Version, list []tlswire.CipherSuite) (tlswire.CipherSuite, *facts.Attempt) {
	stop := probe.StopServerFlight
	if v >= tlswire.TLS13 {
		stop = probe.StopServerHello
	}
	a := s.try(v, true, stop, func(h *tlswire.ClientHello) { h.SetCipherSuites(slices.Clone(list)) })
	if a == nil || a.ServerHello == nil || a.Version != v || !slices.Contains(list, a.ServerHello.CipherSuite) {
		return 0, a
	}
	return a.ServerHello.CipherSuite, a
}

func isChaCha(x tlswire.CipherSuite) bool { return strings.HasPrefix(x.Info().Cipher, "CHACHA20") }

// strongFirst are all suites of a version, AES-GCM first as most clients have it.
func strongFirst(v tlswire.Version) []tlswire.CipherSuite {
	var out []tlswire.CipherSuite
	for _, suite := range tlswire.AllCipherSuites() {
		if info := suite.Info(); !info.SCSV && !info.PSK && suite.AllowedIn(v) && suite != tlswire.TLS_NULL_WITH_NULL_NULL {
			out = append(out, suite)
		}
	}
	rank := func(x tlswire.CipherSuite) int {
		switch info := x.Info(); {
		case info.Export || info.Auth == tlswire.AuthAnon || info.Cipher == "NULL":
			return 4
		case info.Kex == tlswire.KexECDHE && strings.HasPrefix(info.Cipher, "AES") && strings.HasSuffix(info.Cipher, "GCM"):
			return 0
		case info.AEAD && strings.HasPrefix(info.Cipher, "AES"):
			return 1
		case info.AEAD:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(out, func(a, b tlswire.CipherSuite) int { return rank(a) - rank(b) })
	return out
}

func lacking[T comparable](list []T, x T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(y T) bool { return y == x })
}

// groups learns the groups of a version, and whose order of them decides.
func (s *surveyor) groups(v tlswire.Version) {
	offer := tlswire.AllGroups()
	var found []tlswire.Group
	for len(offer) > 0 {
		group, a := s.group(v, offer, nil)
		if !slices.Contains(offer, group) {
			if a == nil || !refuses(a) {
				s.mu.Lock()
				s.got.server.GroupsComplete = false
				s.mu.Unlock()
			}
			break
		}
		found, offer = append(found, group), lacking(offer, group)
	}
	own := false
	// Post-quantum groups go first with most servers, whatever the order.
	if able := slices.DeleteFunc(slices.Clone(found), func(g tlswire.Group) bool { return client.PostQuantum(g) || !probe.Supported(g) }); len(able) > 1 {
		pair := able[:2]
		first, _ := s.group(v, pair, pair)
		second, _ := s.group(v, []tlswire.Group{pair[1], pair[0]}, []tlswire.Group{pair[1], pair[0]})
		own = first != 0 && first == second
	}
	if own && v >= tlswire.TLS13 {
		found = s.shared(found)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.server.OwnGroups[v] = own
	first, second := found, s.got.server.Groups
	if v < tlswire.TLS13 { // the order of TLS 1.3 is the one to keep
		first, second = second, first
	}
	s.got.server.Groups = slices.Clone(first)
	for _, g := range second {
		if !slices.Contains(first, g) {
			s.got.server.Groups = append(s.got.server.Groups, g)
		}
	}
}

// shared puts groups into the order in which the server takes those whose key
// shares are there: it may ask for a share in another.
func (s *surveyor) shared(found []tlswire.Group) []tlswire.Group {
	var out []tlswire.Group
	left := slices.DeleteFunc(slices.Clone(found), func(g tlswire.Group) bool { return !probe.Supported(g) })
	for len(left) > 0 {
		g, _ := s.group(tlswire.TLS13, left, left)
		if !slices.Contains(left, g) {
			break
		}
		out, left = append(out, g), lacking(left, g)
	}
	return append(out, slices.DeleteFunc(slices.Clone(found), func(g tlswire.Group) bool { return slices.Contains(out, g) })...)
}

// group lets the server choose among groups; below TLS 1.3 with suites that
// need one.
func (s *surveyor) group(v tlswire.Version, offer, shares []tlswire.Group) (tlswire.Group, *facts.Attempt) {
	stop := probe.StopServerFlight
	if v >= tlswire.TLS13 {
		stop = probe.StopServerHello
	}
	a := s.try(v, true, stop, func(h *tlswire.ClientHello) {
		h.SetGroups(offer)
		if v < tlswire.TLS13 {
			h.SetCipherSuites(slices.DeleteFunc(slices.Clone(h.CipherSuites), func(x tlswire.CipherSuite) bool { return x.Info().Kex != tlswire.KexECDHE }))
			return
		}
		list := []tlswire.KeyShare{}
		for _, g := range shares {
			list = append(list, tlswire.KeyShare{Group: g})
		}
		h.SetKeyShares(list)
	})
	switch {
	case a == nil:
	case a.Retry != nil:
		if share, ok := a.Retry.KeyShare(); ok {
			return share.Group, a
		}
	case a.KeyExchange != nil:
		return a.KeyExchange.Group, a
	case a.ServerHello != nil:
		share, _ := a.ServerHello.KeyShare()
		return share.Group, a
	}
	return 0, a
}

// fallsBack looks what a client meets with none of the server's groups, where a
// suite without groups would do.
func (s *surveyor) fallsBack(v tlswire.Version) {
	a := s.try(v, true, probe.StopServerHello, func(h *tlswire.ClientHello) {
		h.SetGroups([]tlswire.Group{0x0001}) // sect163k1, of 2006
		h.SetCipherSuites(slices.DeleteFunc(slices.Clone(h.CipherSuites), func(x tlswire.CipherSuite) bool {
			return x.Info().Kex != tlswire.KexECDHE && x.Info().Kex != tlswire.KexRSA
		}))
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.server.GroupOrNothing = a != nil && refuses(a)
}

// oldFormat looks whether the server reads a hello in the format of SSL 2.0
// that offers what it speaks.
func (s *surveyor) oldFormat(v tlswire.Version, suites []tlswire.CipherSuite) {
	a := s.try(v, true, probe.StopServerHello, func(h *tlswire.ClientHello) {
		specs := make([]uint32, len(suites))
		for i, x := range suites {
			specs[i] = uint32(x)
		}
		*h = tlswire.ClientHello{SSL2: true, Version: v, Random: make([]byte, 32), CipherSuites: suites, SSL2Specs: specs}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.server.NoSSL2Format = a != nil && a.ServerHello == nil && (refuses(a) || a.End.Kind == facts.EndNotTLS)
}

// schemes learns the signature schemes of a version, and with them the
// certificates of all keys.
func (s *surveyor) schemes(v tlswire.Version) {
	offer := tlswire.AllSchemes()
	for len(offer) > 0 {
		a := s.try(v, true, probe.StopServerFlight, func(h *tlswire.ClientHello) {
			h.SetSignatureSchemes(offer)
			if v < tlswire.TLS13 {
				h.SetCipherSuites(slices.DeleteFunc(slices.Clone(h.CipherSuites), func(x tlswire.CipherSuite) bool {
					kex := x.Info().Kex
					return kex != tlswire.KexECDHE && kex != tlswire.KexDHE
				}))
			}
		})
		scheme := tlswire.SignatureScheme(0)
		switch {
		case a == nil:
		case v >= tlswire.TLS13:
			scheme = a.KeyProof.Scheme
		case a.KeyExchange != nil:
			scheme = a.KeyExchange.Scheme
		}
		s.mu.Lock()
		if !slices.Contains(offer, scheme) {
			if a == nil || !refuses(a) {
				s.got.server.SchemesComplete = false
			}
			s.mu.Unlock()
			return
		}
		if !slices.Contains(s.got.server.Schemes, scheme) {
			s.got.server.Schemes = append(s.got.server.Schemes, scheme)
		}
		s.mu.Unlock()
		offer = slices.DeleteFunc(slices.Clone(offer), func(x tlswire.SignatureScheme) bool { return x == scheme })
	}
}

// ssl2 tries the oldest version with all of its ciphers.
func (s *surveyor) ssl2() {
	a := s.try(tlswire.SSL3, true, probe.StopServerHello, func(h *tlswire.ClientHello) {
		*h = tlswire.ClientHello{SSL2: true, Version: tlswire.SSL2, Random: make([]byte, 16),
			SSL2Specs: []uint32{0x010080, 0x020080, 0x030080, 0x040080, 0x050080, 0x060040, 0x0700C0}}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if a != nil && (a.SSL2 != nil || refuses(a) || a.End.Kind == facts.EndNotTLS) {
		s.got.server.Versions[tlswire.SSL2] = a.SSL2 != nil
	}
}

// nameless looks at what a client gets that names no server.
func (s *surveyor) nameless() {
	for _, v := range []tlswire.Version{tlswire.TLS13, tlswire.TLS12, tlswire.TLS10} {
		if a := s.try(v, false, probe.StopServerFlight, func(*tlswire.ClientHello) {}); a == nil || len(a.Chain) > 0 {
			return
		}
	}
}

// site is the server as a configuration would describe it.
func (s *survey) site(name string) *facts.Site {
	named := &facts.Site{Names: []string{name}, Pairs: s.named, Server: s.server, DHPrime: s.dh}
	if s.nameless == nil || slices.ContainsFunc(s.named, func(p facts.Pair) bool { return p.Chain[0].Equal(s.nameless[0].Chain[0]) }) {
		return named
	}
	fallback := &facts.Site{Pairs: s.nameless, Server: s.server, DHPrime: s.dh}
	named.Peers = []*facts.Site{fallback, named}
	return named
}
