package diagnose

import (
	"context"
	"slices"
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
	s.got.server = facts.Server{Versions: map[tlswire.Version]bool{}, SuitesComplete: true, GroupsComplete: true, SchemesComplete: true}
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
	for i, v := range versions[:2] {
		if len(suites[i]) > 0 {
			wg.Go(func() { s.groups(v) })
			wg.Go(func() { s.schemes(v) })
		}
	}
	wg.Wait()
	for _, p := range s.got.named {
		if kind := authOf(p.Chain[0]); !slices.Contains(s.got.server.Keys, kind) {
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
	var offer []tlswire.CipherSuite
	for _, suite := range tlswire.AllCipherSuites() {
		if info := suite.Info(); !info.SCSV && !info.PSK && suite.AllowedIn(v) && suite != tlswire.TLS_NULL_WITH_NULL_NULL {
			offer = append(offer, suite)
		}
	}
	choose := func(list []tlswire.CipherSuite) (tlswire.CipherSuite, *facts.Attempt) {
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
	for len(offer) > 0 {
		suite, a := choose(offer)
		if suite == 0 {
			s.mu.Lock()
			answered := a != nil && (refuses(a) || a.ServerHello != nil)
			if len(found) > 0 || answered {
				s.got.server.Versions[v] = len(found) > 0
			}
			if !answered {
				s.got.server.SuitesComplete = false
			}
			s.mu.Unlock()
			break
		}
		found = append(found, suite)
		offer = slices.DeleteFunc(slices.Clone(offer), func(x tlswire.CipherSuite) bool { return x == suite })
	}
	if len(found) > 1 {
		first, _ := choose(found)
		backward := slices.Clone(found)
		slices.Reverse(backward)
		last, _ := choose(backward)
		own = first != 0 && first == last
	}
	return found, own
}

// groups learns the groups of a version.
func (s *surveyor) groups(v tlswire.Version) {
	offer := tlswire.AllGroups()
	for len(offer) > 0 {
		stop := probe.StopServerFlight
		if v >= tlswire.TLS13 {
			stop = probe.StopServerHello
		}
		a := s.try(v, true, stop, func(h *tlswire.ClientHello) {
			h.SetGroups(offer)
			if v >= tlswire.TLS13 {
				h.SetKeyShares([]tlswire.KeyShare{})
				return
			}
			h.SetCipherSuites(slices.DeleteFunc(slices.Clone(h.CipherSuites), func(x tlswire.CipherSuite) bool { return x.Info().Kex != tlswire.KexECDHE }))
		})
		group := tlswire.Group(0)
		switch {
		case a == nil:
		case a.Retry != nil:
			if share, ok := a.Retry.KeyShare(); ok {
				group = share.Group
			}
		case a.KeyExchange != nil:
			group = a.KeyExchange.Group
		}
		s.mu.Lock()
		if !slices.Contains(offer, group) {
			if a == nil || !refuses(a) {
				s.got.server.GroupsComplete = false
			}
			s.mu.Unlock()
			return
		}
		if !slices.Contains(s.got.server.Groups, group) {
			s.got.server.Groups = append(s.got.server.Groups, group)
		}
		s.mu.Unlock()
		offer = slices.DeleteFunc(slices.Clone(offer), func(g tlswire.Group) bool { return g == group })
	}
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
