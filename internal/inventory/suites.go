package inventory

import (
	"slices"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// pick is one choice of the server's: from a list, in the order it was offered.
type pick struct {
	from  []tlswire.CipherSuite
	suite tlswire.CipherSuite
}

// version finds the suites of a version whose opening was answered; from are
// the suites that the opening offered.
func (s *scan) version(v *Version, opened answer, from []tlswire.CipherSuite) {
	if got := chosen(opened); got != v.Version {
		v.Offered, v.How, v.refusal = No, "answers with "+got.String(), opened.n
		return
	}
	v.Offered = Yes
	s.progress("suites of " + v.Version.String())
	e := &enumeration{scan: s, v: v, base: s.wide(v.Version)}
	if v.narrow {
		e.base = narrow(v.Version)
	}
	e.take(opened, from)
	if v.Version == tlswire.TLS13 {
		e.modern(opened)
	} else {
		e.classic()
		if v.Version == tlswire.TLS12 && !s.o.Quick {
			s.schemes12(v)
		}
	}
	if v.narrow {
		v.Complete, v.How = false, "the server takes only short lists; unusual suites were not asked for"
	}
	if v.Order = v.order(); s.o.Quick && v.Version < tlswire.TLS13 {
		v.Order = ""
	}
	if v.Order != ServerOrder {
		v.Suites = byRank(v.Suites)
	}
}

// enumeration finds the suites of one version.
type enumeration struct {
	*scan
	v    *Version
	base offer
	mu   sync.Mutex
}

// take notes what the server picked from a list.
func (e *enumeration) take(a answer, from []tlswire.CipherSuite) (tlswire.CipherSuite, bool) {
	if a.verdict != picked || chosen(a) != e.v.Version {
		return 0, false
	}
	c := a.hello().CipherSuite
	if !slices.Contains(from, c) {
		return 0, false // a breach that is noted elsewhere; it says nothing of the list
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.v.Suites, c) {
		e.v.Suites = append(e.v.Suites, c)
	}
	e.v.picks = append(e.v.picks, pick{from, c})
	return c, true
}

// offer asks with these suites; 0 is no pick.
func (e *enumeration) offer(list []tlswire.CipherSuite, rides bool) (tlswire.CipherSuite, answer) {
	o, left := e.base, []tlswire.SignatureScheme(nil)
	o.suites = list
	q := question{hello: e.hello(o), stop: e.follow(e.v.Version)}
	rides = rides && e.v.Version == tlswire.TLS12 && q.stop == probe.StopServerFlight
	if rides {
		left = e.ride.leaves()
		o.schemes = without(o.schemes, left...)
	}
	a := e.ask(question{hello: e.hello(o), stop: q.stop})
	if rides && !e.ride.takes(a, left) && a.verdict != unknown {
		a = e.ask(q)
		e.ride.ends(a)
	}
	c, ok := e.take(a, list)
	if !ok {
		e.refused(a)
		if a.verdict == picked {
			a.verdict = declined // it picked what was not offered
		}
		return 0, a
	}
	return c, a
}

// refused notes that a list met a refusal, which a later answer has to guard.
func (e *enumeration) refused(a answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.v.refusal = max(e.v.refusal, a.n)
	e.v.guessed = e.v.guessed || a.guessed
}

// classic finds the suites below TLS 1.3. The first two lists are offered in
// opposite orders: a server with an order of its own shows it at once.
func (e *enumeration) classic() {
	left := without(e.base.suites, e.v.Suites...)
	second, a := e.offer(strongFirst(left), true)
	if second == 0 {
		e.v.Complete = a.verdict != unknown
		for _, part := range e.apart(left, a) {
			e.v.Complete = e.peel(part, false) && e.v.Complete
		}
		return
	}
	order := Order("")
	if !e.o.Quick {
		order = e.decide()
	}
	left = without(e.base.suites, e.v.Suites...)
	if order == ServerOrder {
		e.v.Complete = e.peel(left, true)
		return
	}
	e.v.Complete = e.split(left)
	if !e.o.Quick && e.v.order() == ServerOrder {
		e.rank()
	}
}

// decide finds out whose order decides after two lists were answered: it offers
// what the server takes of one authentication in the order that it has not
// followed yet.
func (e *enumeration) decide() Order {
	for _, known := range slices.Clone(e.v.Suites) {
		if order := e.v.order(); order != "" {
			return order
		}
		var rival tlswire.CipherSuite
		more := false
		like := func(c tlswire.CipherSuite) bool { return c != known && c.Info().Auth == known.Info().Auth }
		if i := slices.IndexFunc(e.v.Suites, like); i >= 0 {
			rival = e.v.Suites[i]
		} else if list := slices.DeleteFunc(without(e.base.suites, known), func(c tlswire.CipherSuite) bool { return !like(c) }); len(list) > 0 {
			rival, _ = e.offer(strongFirst(list), false)
			more = rival != 0
		}
		if rival != 0 && e.v.order() == "" {
			// Either the client's order decides, or the server likes the weak ones.
			e.offer([]tlswire.CipherSuite{harmless, rival, known}, false)
		}
		order := e.v.order()
		if more && order == ServerOrder {
			e.v.Suites = without(e.v.Suites, rival) // its place is not known yet
		}
		if order != "" {
			return order
		}
	}
	return ""
}

// rank brings the suites into the server's order where they were found in
// another.
func (e *enumeration) rank() {
	var ranked []tlswire.CipherSuite
	for left := e.v.Suites; len(left) > 0; left = without(left, ranked...) {
		c, _ := e.offer(weakFirst(left), false)
		if c == 0 {
			break
		}
		ranked = append(ranked, c)
	}
	e.v.Suites = append(ranked, without(e.v.Suites, ranked...)...)
}

// harmless is a suite that no server takes from a client without a key of its
// own. It stands before ChaCha20, see chachaLast.
const harmless = tlswire.TLS_PSK_WITH_AES_128_CBC_SHA

// peel takes away what the server picks until it picks nothing; the picks come
// in its order, if it has one. It reports whether the end was a refusal.
// rides says that signature schemes are found along the way.
func (e *enumeration) peel(left []tlswire.CipherSuite, rides bool) bool {
	left, a := e.exhaust(left, rides)
	complete := a.verdict != unknown
	for _, part := range e.apart(left, a) {
		_, a := e.exhaust(part, false)
		complete = complete && a.verdict != unknown
	}
	return complete
}

// exhaust is peel without a second thought about the refusal at the end.
func (e *enumeration) exhaust(left []tlswire.CipherSuite, rides bool) ([]tlswire.CipherSuite, answer) {
	a := answer{verdict: declined}
	for len(left) > 0 {
		var c tlswire.CipherSuite
		if c, a = e.offer(weakFirst(left), rides); c == 0 {
			return left, a
		}
		left = without(left, c)
	}
	return nil, a
}

// order is what the picks prove of whose order decides, among suites for the
// same kind of certificate: which certificate it takes may be another matter.
func (v *Version) order() Order {
	own, theirs := false, false
	for _, p := range v.picks {
		for _, c := range p.from {
			if c == p.suite {
				break
			}
			own = own || c.Info().Auth == p.suite.Info().Auth && slices.Contains(v.Suites, c) // it passed over one that it accepts
		}
		at := slices.Index(p.from, p.suite)
		theirs = theirs || slices.ContainsFunc(p.from[at+1:], func(c tlswire.CipherSuite) bool {
			return c.Info().Auth == p.suite.Info().Auth && v.prefers(c, p.suite)
		})
	}
	switch {
	case len(v.Suites) < 2:
		return ""
	case own && theirs:
		return MixedOrder
	case own:
		return ServerOrder
	case theirs:
		return ClientOrder
	}
	return ""
}

// prefers says whether the server once picked c where it might have picked d.
func (v *Version) prefers(c, d tlswire.CipherSuite) bool {
	return slices.ContainsFunc(v.picks, func(p pick) bool { return p.suite == c && slices.Contains(p.from, d) })
}

func without[T comparable](list []T, gone ...T) []T {
	var out []T
	for _, x := range list {
		if !slices.Contains(gone, x) {
			out = append(out, x)
		}
	}
	return out
}

func byRank(list []tlswire.CipherSuite) []tlswire.CipherSuite {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b tlswire.CipherSuite) int { return rank(b) - rank(a) })
	return list
}

// modern finds the suites and groups of TLS 1.3 together: neither choice
// depends on the other, and a HelloRetryRequest tells both.
func (e *enumeration) modern(opened answer) {
	if e.base.shares != nil {
		e.shared()
		return
	}
	group, _ := retryGroup(opened)
	e.addGroup(group, tlswire.TLS13)
	known := e.base.groups
	suites, groups := without(e.base.suites, e.v.Suites...), without(e.base.groups, group)
	select {
	case <-e.listed:
		e.scan.mu.Lock()
		listed := e.result.listed
		e.scan.mu.Unlock()
		for _, g := range listed {
			e.addGroup(g, tlswire.TLS13)
		}
		groups = without(groups, listed...)
	case <-time.After(e.patienceNow()):
	}
	moreSuites, moreGroups := len(suites) > 0, len(groups) > 0
	turn := strongFirst
	for moreSuites || moreGroups {
		o := e.base
		o.suites, o.groups = e.v.Suites, known
		if moreSuites {
			o.suites = turn(suites)
		}
		if moreGroups {
			o.groups = groups
		}
		c, g, v := e.both(o)
		if v == unknown {
			return
		}
		if v != picked && moreSuites && moreGroups {
			// One of the two lists is exhausted: which?
			o.groups = known
			if c, _, v = e.both(o); v == unknown {
				return
			}
			if v == picked {
				moreGroups = false
				e.allGroups(tlswire.TLS13)
			} else {
				moreSuites, e.v.Complete = false, true
				continue
			}
		}
		if v != picked {
			e.v.Complete = e.v.Complete || moreSuites
			if moreGroups {
				e.allGroups(tlswire.TLS13)
			}
			moreSuites, moreGroups = false, false
			continue
		}
		if moreSuites {
			suites = without(suites, c)
		}
		if moreGroups {
			e.addGroup(g, tlswire.TLS13)
			groups = without(groups, g)
		}
		turn = weakFirst
		moreSuites, moreGroups = moreSuites && len(suites) > 0, moreGroups && len(groups) > 0
	}
	if len(e.v.Suites) > 1 && e.v.order() != ServerOrder {
		e.offer([]tlswire.CipherSuite{tlswire.TLS_AES_128_CCM_8_SHA256, e.v.Suites[1], e.v.Suites[0]}, false)
	}
}

// both asks with suites and groups of TLS 1.3.
func (e *enumeration) both(o offer) (tlswire.CipherSuite, tlswire.Group, verdict) {
	a := e.ask(question{hello: e.hello(o), stop: probe.StopAnswer})
	c, ok := e.take(a, o.suites)
	g, fine := retryGroup(a)
	if ok && fine && slices.Contains(o.groups, g) {
		return c, g, picked
	}
	e.refused(a)
	if a.verdict == picked {
		return 0, 0, declined
	}
	return 0, 0, a.verdict
}

// retryGroup is the group that a HelloRetryRequest asks a share of.
func retryGroup(a answer) (tlswire.Group, bool) {
	if a.Retry == nil {
		return 0, false
	}
	share, ok := a.Retry.KeyShare()
	return share.Group, ok
}

// shared finds the suites of a TLS 1.3 server that sends no HelloRetryRequest;
// its groups are those that it answers a share of.
func (e *enumeration) shared() {
	e.v.Complete = e.peel(without(e.base.suites, e.v.Suites...), false)
	complete := true
	for _, g := range everyGroup(tlswire.TLS13) {
		if !probe.Supported(g) {
			complete = false
			continue
		}
		o := e.base
		o.groups, o.shares = []tlswire.Group{g}, []tlswire.Group{g}
		a := e.ask(question{hello: e.hello(o), stop: probe.StopAnswer})
		switch a.verdict {
		case picked:
			e.addGroup(g, tlswire.TLS13)
		case unknown:
			return
		}
	}
	if complete {
		e.allGroups(tlswire.TLS13)
	}
}

// addGroup notes a group that was picked in a version.
func (s *scan) addGroup(g tlswire.Group, v tlswire.Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.addGroup(g, v)
}

// allGroups notes that there are no other groups in a version.
func (s *scan) allGroups(v tlswire.Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.GroupsComplete[v] = true
}

// addGroup is the same while the scan is locked.
func (r *Result) addGroup(g tlswire.Group, v tlswire.Version) {
	if g == 0 {
		return
	}
	i := slices.IndexFunc(r.Groups, func(x Group) bool { return x.Group == g })
	if i < 0 {
		i = len(r.Groups)
		r.Groups = append(r.Groups, Group{Group: g})
	}
	if !slices.Contains(r.Groups[i].Versions, v) {
		r.Groups[i].Versions = append(r.Groups[i].Versions, v)
	}
}
