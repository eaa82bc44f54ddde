package inventory

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// experiment is one thing to find out beside versions and suites.
type experiment struct {
	id string // of the property, "" when it fills in a list
	// below and from bound the versions that a server must offer for it to make
	// sense; zero is no bound.
	from, below tlswire.Version
	long        bool // left out where it is to be quick
	run         func(s *scan, v *view)
}

// experiments are all of them. Each makes its connections one after the other;
// they run side by side.
var experiments = []experiment{
	{run: (*scan).complete},
	{run: (*scan).nameless},
	{id: "fallback-scsv", from: tlswire.SSL3, below: tlswire.TLS13, run: (*scan).fallback},
	{id: "resumption-ticket", from: tlswire.TLS10, below: tlswire.TLS13, long: true, run: (*scan).tickets},
	{id: "resumption-id", from: tlswire.TLS10, below: tlswire.TLS13, long: true, run: (*scan).ids},
	{from: tlswire.TLS10, below: tlswire.TLS13, run: (*scan).curves},
}

// view is what the openings have shown.
type view struct {
	offered []tlswire.Version // newest first, from TLS 1.0 on
	shares  []tlswire.Group   // for which the TLS 1.3 server needs no second hello
}

// old is the newest version below TLS 1.3, 0 for none.
func (v *view) old() tlswire.Version {
	for _, x := range v.offered {
		if x < tlswire.TLS13 {
			return x
		}
	}
	return 0
}

// look takes from the openings what the experiments start from.
func look(opened []answer) *view {
	v := &view{}
	for i, x := range versions {
		if x < tlswire.TLS10 {
			break // still under way
		}
		a := opened[i]
		if a.Attempt == nil || a.verdict != picked || chosen(a) != x {
			continue
		}
		v.offered = append(v.offered, x)
		if g, ok := retryGroup(a); ok && x == tlswire.TLS13 && probe.Supported(g) {
			v.shares = []tlswire.Group{g}
		}
	}
	if v.shares == nil {
		v.shares = []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256}
	}
	return v
}

// properties makes the experiments.
func (s *scan) properties(v *view) {
	if len(v.offered) == 0 {
		close(s.listed)
		return
	}
	var wg sync.WaitGroup
	for _, e := range experiments {
		if e.long && s.o.Quick {
			continue
		}
		if slices.ContainsFunc(v.offered, func(x tlswire.Version) bool { return x >= e.from && (e.below == 0 || x < e.below) }) {
			wg.Go(func() { e.run(s, v) })
		}
	}
	wg.Wait()
}

// set notes a property.
func (s *scan) set(id string, a Answer, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Properties[id] = Property{a, text}
}

// doubt says why something is not known after an attempt that did not get as
// far as it should.
func (s *scan) doubt(id string, a answer) {
	why := how(a)
	switch {
	case a.verdict == unknown:
		why = "not asked"
	case a.Request != nil:
		why = "the handshake needs a client certificate"
	case a.verdict == picked:
		why = "the handshake ended: " + a.End.Kind.String()
		switch a.End.Kind {
		case facts.EndAlert:
			why = "the handshake ended with the alert " + a.End.Alert.Description.String()
		case facts.EndLimit:
			why = "the server sends more than is read"
		}
	}
	s.set(id, Unknown, why)
}

// stands says whether the handshake of an attempt was completed.
func stands(a answer) bool {
	return a.verdict == picked && (a.End.Kind == facts.EndCompleted || a.End.Kind == facts.EndStopped)
}

// best is the offer of the newest version, with shares of TLS 1.3.
func (s *scan) best(v *view) offer {
	o := s.wide(v.offered[0])
	o.suites = strongFirst(o.suites)
	if o.version == tlswire.TLS13 {
		o.shares = v.shares
	}
	return o
}

// complete makes the one handshake that goes to the end, request and all, and
// resumes it in TLS 1.3. Its key share is of a group that is rarely anybody's
// first choice: then servers say which groups they have (RFC 8446, Section
// 4.2.7).
func (s *scan) complete(v *view) {
	o := s.best(v)
	o.alpn = s.o.ALPN
	if o.version == tlswire.TLS13 {
		o.shares = []tlswire.Group{tlswire.GroupP384}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	defer wg.Wait()
	var left *probe.Session
	h := s.hello(o)
	if o.version == tlswire.TLS13 {
		h.SetExtension(tlswire.ExtEncryptedClientHello, fakeECH())
	}
	a := s.whole(question{hello: h, request: s.o.Request, full: true, keep: func(x *probe.Session) {
		mu.Lock()
		defer mu.Unlock()
		left = x
	}})
	s.mu.Lock()
	if a.Encrypted != nil {
		s.result.listed = groupsOf(a.Encrypted)
		_, has := a.Encrypted.Extension(tlswire.ExtEncryptedClientHello)
		s.result.Properties["ech"] = Property{Answer: answerOf(has)}
	}
	s.result.First = a.Attempt
	s.mu.Unlock()
	close(s.listed)
	if o.version < tlswire.TLS13 {
		s.protocols12(s.agreeable(v))
		return
	}
	if a.verdict == picked && a.KeyProof.Scheme != 0 {
		o.shares = v.shares
		wg.Go(func() { s.hidden(o, a) })
	}
	mu.Lock()
	session := left
	mu.Unlock()
	switch {
	case session == nil && stands(a):
		s.set("resumption-psk", No, "no ticket comes")
	case session == nil:
		s.doubt("resumption-psk", a)
	default:
		s.resume("resumption-psk", o, session)
		s.set("early-data", answerOf(a.Session.EarlyData > 0), "")
	}
}

// fakeECH looks like an encrypted ClientHello and is none (RFC 9849, Section
// 6.2): a server that knows the extension answers with its keys.
func fakeECH() []byte {
	const enc, payload = 32, 176
	b := []byte{0, 0, 1, 0, 1, 0, 0, enc} // outer, HKDF-SHA256, AES-128-GCM, a config's number
	b = append(b, make([]byte, enc)...)
	b = append(b, 0, payload)
	b = append(b, make([]byte, payload)...)
	_, _ = rand.Read(b[5:6]) // it never fails
	_, _ = rand.Read(b[8 : 8+enc])
	_, _ = rand.Read(b[len(b)-payload:])
	return b
}

// groupsOf is the server's own list in its EncryptedExtensions.
func groupsOf(e *tlswire.EncryptedExtensions) []tlswire.Group {
	data, ok := e.Extension(tlswire.ExtSupportedGroups)
	if !ok {
		return nil
	}
	h := tlswire.ClientHello{Extensions: []tlswire.Extension{{Type: tlswire.ExtSupportedGroups, Data: data}}}
	return h.Groups()
}

// resume offers a session at its own address and at the others.
func (s *scan) resume(id string, o offer, session *probe.Session) {
	if len(o.shares) == 0 && o.version == tlswire.TLS13 {
		o.shares = []tlswire.Group{tlswire.GroupX25519}
	}
	q := question{hello: s.hello(o), stop: probe.StopServerHello, session: session}
	a := s.ask(q)
	if a.verdict != picked {
		s.doubt(id, a)
		return
	}
	text := ""
	if a.Session.Resumed && len(s.o.Others) > 0 {
		q.address = s.o.Others[0]
		b := s.once(s.ctx, q, false)
		switch {
		case b.verdict != picked:
			text = "not known at " + q.address
		case b.Session.Resumed:
			text = "at " + q.address + ", too"
		default:
			text = "but not at " + q.address
		}
	}
	s.set(id, answerOf(a.Session.Resumed), text)
}

// whole asks for a whole handshake. Where it stopped halfway, others beside it
// may have been the reason.
func (s *scan) whole(q question) answer {
	a := s.ask(q)
	if a.verdict == picked && a.End.Kind == facts.EndTimeout && a.End.Stage != diag.StageApplication {
		return s.once(s.ctx, q, true)
	}
	return a
}

// handshake makes a whole handshake of an old version and returns its session.
func (s *scan) handshake(id string, o offer, stop probe.Stop, change func(*tlswire.ClientHello)) (*probe.Session, answer) {
	var mu sync.Mutex
	var left *probe.Session
	h := s.hello(o)
	if change != nil {
		change(h)
	}
	a := s.whole(question{hello: h, stop: stop, keep: func(x *probe.Session) {
		mu.Lock()
		defer mu.Unlock()
		left = x
	}})
	mu.Lock()
	defer mu.Unlock()
	switch {
	case !stands(a):
		s.doubt(id, a)
	case left == nil:
		s.set(id, No, "")
	}
	return left, a
}

// agreeable are suites whose handshakes we can complete, for resumption.
func (s *scan) agreeable(v *view) offer {
	o := s.wide(v.old())
	o.suites = slices.DeleteFunc(strongFirst(o.suites), func(c tlswire.CipherSuite) bool { return !usual(c) })
	o.groups = slices.DeleteFunc(slices.Clone(o.groups), func(g tlswire.Group) bool { return !probe.Supported(g) })
	return o
}

// tickets asks for resumption by session ticket (RFC 5077).
func (s *scan) tickets(v *view) {
	const id = "resumption-ticket"
	o := s.agreeable(v)
	session, a := s.handshake(id, o, probe.StopRenegotiation, nil) // which does a ticket no harm
	if a.Attempt != nil && a.Session.Renegotiation != "" {
		s.set("client-renegotiation", answerOf(a.Session.Renegotiation == "accepted"), "")
	}
	switch {
	case session == nil:
	case session.Kind() == "ticket":
		s.resume(id, o, session)
	default:
		s.set(id, No, "")
	}
}

// ids asks for resumption by session ID, which a ticket would replace.
func (s *scan) ids(v *view) {
	const id = "resumption-id"
	o := s.agreeable(v)
	o.noTicket = true
	compressing := func(h *tlswire.ClientHello) { h.Compression = []byte{1, 0} } // DEFLATE (RFC 3749), along the way
	session, a := s.handshake(id, o, probe.StopFinished, compressing)
	if a.verdict == picked {
		s.set("compression", answerOf(a.ServerHello.Compression != 0), "")
	}
	if a.verdict != picked || a.ServerHello.Compression != 0 {
		session, _ = s.handshake(id, o, probe.StopFinished, nil)
	}
	if session != nil {
		s.resume(id, o, session)
	}
}

// nameless asks without a name.
func (s *scan) nameless(v *view) { s.named("sni-needed", s.best(v), "", "no name") }

// misnamed asks with a name that nobody has. It comes last: an answer guards
// the refusals before it.
func (s *scan) misnamed(v *view) {
	if !s.o.Quick && len(v.offered) > 0 {
		s.named("sni-strict", s.best(v), "unknown.invalid", "an unknown name")
	}
}

// named asks with another name than the server's.
func (s *scan) named(id string, o offer, name, what string) {
	if s.o.Name == "" {
		return
	}
	h := s.hello(o)
	h.SetServerName(name)
	a := s.ask(question{hello: h, stop: probe.StopServerFlight})
	switch a.verdict {
	case declined, dropped:
		s.set(id, Yes, how(a))
		s.relied(a)
	case picked:
		s.set(id, No, "")
		s.mu.Lock()
		s.result.stranger(a, what)
		s.mu.Unlock()
	default:
		s.doubt(id, a)
	}
}

// relied notes a refusal that something rests on.
func (s *scan) relied(a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = append(s.refusals, a.n)
}

// fallback asks whether a needless downgrade is noticed (RFC 7507).
func (s *scan) fallback(v *view) {
	if len(v.offered) < 2 {
		return
	}
	o := s.wide(v.offered[1])
	o.suites = append(strongFirst(o.suites), tlswire.TLS_FALLBACK_SCSV)
	a := s.ask(question{hello: s.hello(o), stop: probe.StopServerHello})
	switch {
	case a.verdict == picked:
		s.set("fallback-scsv", No, "")
	case a.verdict == declined && a.End.Alert.Description == tlswire.AlertInappropriateFallback:
		s.set("fallback-scsv", Yes, "")
	case a.verdict == dropped: // the same hello without the signal was answered
		s.set("fallback-scsv", Yes, how(a))
		s.relied(a)
	default:
		s.doubt("fallback-scsv", a)
	}
}

// curves asks for the groups below TLS 1.3: all of them, or those that TLS 1.3
// has no place for where its groups are known.
func (s *scan) curves(v *view) {
	o := s.wide(v.old())
	o.suites = slices.DeleteFunc(strongFirst(o.suites), func(c tlswire.CipherSuite) bool { return c.Info().Kex != tlswire.KexECDHE })
	left := o.groups
	if v.offered[0] == tlswire.TLS13 {
		left = slices.DeleteFunc(slices.Clone(left), func(g tlswire.Group) bool { return groupIn(g, tlswire.TLS13) })
	}
	for len(left) > 0 {
		o.groups = left
		a := s.ask(question{hello: s.hello(o), stop: probe.StopServerFlight})
		if a.verdict == unknown {
			return
		}
		if a.verdict != picked || a.KeyExchange == nil || !slices.Contains(left, a.KeyExchange.Group) {
			s.allGroups(o.version)
			s.relied(a)
			return
		}
		s.addGroup(a.KeyExchange.Group, o.version)
		left = without(left, a.KeyExchange.Group)
	}
}

// observed are the properties that every answer shows in passing.
func (r *Result) observed() {
	n := &r.seen
	yesOf := func(id string, yes, asked int) {
		if asked > 0 {
			r.Properties[id] = Property{Answer: answerOf(yes > 0)}
			if yes > 0 && yes < asked {
				r.Properties[id] = Property{Yes, fmt.Sprintf("in %d of %d answers", yes, asked)}
			}
		}
	}
	yesOf("secure-renegotiation", n.renegotiation, n.hellos)
	yesOf("extended-master-secret", n.extended, n.asking)
	yesOf("encrypt-then-mac", n.encryptThenMAC, n.cbc)
	yesOf("session-tickets", n.tickets, n.ticketed)
	if r.speaks(tlswire.TLS13) {
		r.Properties["hello-retry-request"] = Property{Answer: answerOf(n.retries > 0)}
		yesOf("downgrade-sentinel", n.sentinel, n.below13)
	}
	yesOf("ocsp-staple", n.staples, n.flights)
	kinds := map[chain.KeyAlgorithm]int{}
	for _, c := range r.Certificates {
		if c.SNI == "" && len(c.Chain) > 0 {
			kinds[c.Chain[0].Key.Algorithm]++
		}
	}
	for kind, n := range kinds {
		if n > 1 {
			r.vary(fmt.Sprintf("%d %s certificates were sent for the same name", n, kind))
		}
	}
	if n.flights > 0 {
		r.Properties["client-certificate"] = Property{Answer: answerOf(n.requests > 0)}
	}
}

func (r *Result) speaks(v tlswire.Version) bool {
	return slices.ContainsFunc(r.Versions, func(x *Version) bool { return x.Version == v && x.Offered == Yes })
}
