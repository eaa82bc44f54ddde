package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// flip is the smallest change that was found to help: from fails, to gets past
// the stage where it failed, and the two differ in props only.
type flip struct {
	from, to *facts.Attempt
	again    []*facts.Attempt // from repeated after to
	props    []facts.Property
	// without holds, for each of several props, the attempt that failed for the
	// lack of just this one.
	without map[facts.Property]*facts.Attempt
	// What a compact hello owes its success to: whether a hello without
	// post-quantum groups helps too, whether it still does when it is padded to
	// the old size, and whether a hello capped at TLS 1.2 helps.
	classic, padded, capped bool
}

// has tells whether the flip changes the property.
func (f *flip) has(p facts.Property) bool { return slices.Contains(f.props, p) }

// steady tells whether from failed again in the same way.
func (f *flip) steady() bool {
	return len(f.again) > 0 && !slices.ContainsFunc(f.again, func(a *facts.Attempt) bool {
		return a.End.Kind != f.from.End.Kind || a.End.Stage != f.from.End.Stage
	})
}

// chance tells whether the unchanged hello works at other times.
func (f *flip) chance() bool {
	return slices.ContainsFunc(f.again, func(a *facts.Attempt) bool { return further(f.from, a) })
}

// repeats is how often a failure is repeated: an alert is a decision, a reset
// or a close may be chance, even one that follows a pattern. Silence is dear.
func repeats(a *facts.Attempt) int {
	if a.End.Kind == facts.EndReset || a.End.Kind == facts.EndClosed {
		return 2
	}
	return 1
}

// confidence is proven when the outcome was flipped there and back.
func (f *flip) confidence() diag.Confidence {
	switch {
	case f.steady():
		return diag.Proven
	case len(f.again) == 0:
		return diag.Strong
	}
	return diag.Possible // it failed once and worked later: the change may be chance
}

// flipOf returns the flip that changes the property, or nil.
func (v *view) flipOf(p facts.Property) *flip {
	for i := range v.flips {
		if v.flips[i].has(p) {
			return &v.flips[i]
		}
	}
	return nil
}

// progress grades how far an attempt got, for comparison only.
func progress(a *facts.Attempt) int {
	switch {
	case a == nil:
		return -1
	case completed(a):
		return 100
	case a.End.Kind == facts.EndStopped:
		return 10 * diag.StageFinished.Rank()
	}
	return 10 * a.End.Stage.Rank()
}

// further tells whether an attempt got past the stage where cur failed. The
// same end a little later is no progress: a server that cuts after so many
// bytes, or refuses once it knows who asks, does so whatever the hello says.
func further(cur, a *facts.Attempt) bool {
	if progress(a) <= progress(cur) {
		return false
	}
	if completed(a) || a.End.Kind != cur.End.Kind || a.End.Alert != cur.End.Alert || a.End.Stage == diag.StageClientAuth {
		return true
	}
	return cur.End.Kind == facts.EndAlert && cur.End.Stage.Rank() < diag.StageCertificate.Rank()
}

// unexplained tells whether an attempt ended during the negotiation in a way
// that its own bytes do not explain, so that experiments are worth their price.
func (v *view) unexplained(a *facts.Attempt) bool {
	if a == nil || v.refusesVersion(a) {
		return false
	}
	switch a.End.Kind {
	case facts.EndAlert, facts.EndReset, facts.EndClosed, facts.EndTimeout, facts.EndMalformed:
	default:
		return false
	}
	switch a.End.Stage {
	case diag.StageClientHello, diag.StageServerHello, diag.StageCertificate:
		return a.KeyProof.Result != facts.ProofInvalid
	case diag.StageFinished:
		return a.Request == nil && a.KeyProof.Result != facts.ProofInvalid
	}
	return false
}

// explore follows the smallest changes that help from the user's own hello
// onwards: the best attempt becomes the next base, so that faults behind the
// first one are found too. It sets flips, deep and stuck, and returns what has
// to be tried before it can go on.
func (v *view) explore() []facts.Experiment {
	if cut(v.base) { // by the handshake, or because of our request?
		if v.quiet() == nil {
			return v.ask(facts.Experiment{Address: v.addrs[0], What: facts.Quiet})
		}
		return nil
	}
	cur := v.base
	for range 3 {
		if !v.unexplained(cur) || v.spokePlain() != nil {
			return nil
		}
		best, ask := v.better(cur)
		if len(ask) > 0 {
			return ask
		}
		if best == nil {
			v.giveUp()
			return nil
		}
		f, ask := v.shrink(cur, best)
		if len(ask) > 0 {
			return ask
		}
		if f.chance() {
			v.flaky = true
			v.giveUp()
			return nil
		}
		v.flips = append(v.flips, *f)
		cur, v.deep = f.to, f.to
	}
	return nil
}

// giveUp says that experiments lead no further. Where all of them only moved
// the same end a little, they explain nothing.
func (v *view) giveUp() {
	v.stuck = true
	if v.deep.End.Kind == v.base.End.Kind && v.deep.End.Alert == v.base.End.Alert {
		v.flips, v.deep = nil, v.base
	}
}

// better returns the attempt that gets further than cur with the fewest
// changes, or what to try to find one.
func (v *view) better(cur *facts.Attempt) (*facts.Attempt, []facts.Experiment) {
	from := cur.Of.Changes
	var best *facts.Attempt
	for _, a := range v.tries {
		if a.Of.Kind != facts.Handshake || a.Of.Direct || a.Of.Changes == from || !further(cur, a) {
			continue
		}
		if best == nil || closer(a, best, from) {
			best = a
		}
	}
	if best != nil {
		return best, nil
	}
	for _, round := range v.rounds(cur) {
		if ask := v.untried(round...); len(ask) > 0 {
			if v.mute() && v.plain(facts.PlainHTTP) == nil {
				ask = append(ask, v.ask(facts.Experiment{Kind: facts.Plain, What: facts.PlainHTTP, Address: v.addrs[0]})...)
			}
			return nil, ask
		}
	}
	return nil, nil
}

// closer prefers fewer changed properties, then the lower version, then more
// progress.
func closer(a, b *facts.Attempt, from facts.Changes) bool {
	da, db := len(from.Diff(a.Of.Changes)), len(from.Diff(b.Of.Changes))
	if da != db {
		return da < db
	}
	if ma, mb := offered(a).MaxVersion(), offered(b).MaxVersion(); ma != mb {
		return ma < mb
	}
	return progress(a) > progress(b)
}

// rounds lists what to try from a failed attempt: a round at a time, the most
// telling first. How it ended decides only the order.
func (v *view) rounds(cur *facts.Attempt) [][]facts.Changes {
	from := cur.Of.Changes
	wide := widen(from, "ssl3-1.3")
	wides := []facts.Changes{wide}
	if top := v.highest(cur); top < tlswire.TLS13 {
		// What an old client lacks may be a suite rather than a version: the own
		// versions first, then a step at a time.
		wides = []facts.Changes{widen(from, from.Version)}
		for cap := top + 1; cap <= tlswire.TLS13; cap++ {
			if cap != tlswire.TLS11 {
				wides = append(wides, widen(from, versionRange(tlswire.SSL3, cap)))
			}
		}
	}
	sni := v.flipSNI(from)
	alpn := v.flipALPN(from)
	compact := from.With(facts.PropShape, "compact")
	everything := widen(alpn, "ssl3-1.3").With(facts.PropSNI, sni.SNI).With(facts.PropSuites, "any")
	smallest := widen(alpn, "ssl3-1.2").With(facts.PropSNI, sni.SNI).With(facts.PropShape, "compact")
	if cur.End.Kind == facts.EndAlert {
		switch cur.End.Alert.Description {
		case tlswire.AlertUnrecognizedName:
			return [][]facts.Changes{{sni}, wides, {everything}}
		case tlswire.AlertNoApplicationProtocol:
			return [][]facts.Changes{{alpn}, wides, {everything}}
		case tlswire.AlertProtocolVersion:
			return [][]facts.Changes{wides, {sni, compact, everything}}
		}
		return [][]facts.Changes{append(wides, sni), {compact, everything}, {alpn, smallest}}
	}
	// Silence costs a deadline for each round; a close or reset is often a
	// matter of the name or of the size.
	return [][]facts.Changes{append(wides, sni, compact), {everything, alpn, smallest, from.With(facts.PropShape, "ssl2")}}
}

// widen offers all that any client ever offered in the negotiation, of these
// versions.
func widen(c facts.Changes, versions string) facts.Changes {
	return c.With(facts.PropVersion, versions).With(facts.PropSuites, "all").
		With(facts.PropGroups, "all").With(facts.PropSchemes, "all")
}

// flipSNI takes the server_name away, or adds the target's; unchanged when
// there is no name to send.
func (v *view) flipSNI(c facts.Changes) facts.Changes {
	switch sent := offered(v.base).ServerName(); {
	case c.SNI != "":
		return c.With(facts.PropSNI, "")
	case sent != "":
		return c.With(facts.PropSNI, "none")
	case !v.isIP() && v.c.Want.Name != "":
		return c.With(facts.PropSNI, v.c.Want.Name)
	}
	return c
}

func (v *view) flipALPN(c facts.Changes) facts.Changes {
	switch {
	case c.ALPN != "":
		return c.With(facts.PropALPN, "")
	case len(offered(v.base).ALPN()) > 0:
		return c.With(facts.PropALPN, "none")
	}
	return c.With(facts.PropALPN, "h2,http/1.1")
}

// untried turns changes into experiments and leaves out those that were made.
func (v *view) untried(changes ...facts.Changes) []facts.Experiment {
	var ask []facts.Experiment
	for _, ch := range changes {
		e := facts.Experiment{Address: v.addrs[0], Changes: ch}
		if len(v.at(ch)) == 0 && !slices.Contains(ask, e) {
			ask = append(ask, e)
		}
	}
	return v.ask(ask...)
}

// ask passes experiments on while there is budget.
func (v *view) ask(es ...facts.Experiment) []facts.Experiment {
	if v.c.Spent {
		return nil
	}
	return es
}

// works returns an attempt with these changes that gets further than cur.
func (v *view) works(cur *facts.Attempt, ch facts.Changes) *facts.Attempt {
	for _, a := range v.at(ch) {
		if further(cur, a) && v.honest(a) {
			return a
		}
	}
	return nil
}

// honest is false where a server took a version that the changes did not mean
// to offer: a hello without supported_versions cannot say where it begins, so
// such an answer says nothing about the change itself.
func (v *view) honest(a *facts.Attempt) bool {
	return a.Version == 0 || v.base.Sent == nil || v.takes(v.base, a.Version) || strings.Contains(a.Of.Changes.Version, "-")
}

// shrink reduces the changes between cur and best to those that are needed,
// and repeats cur once it knows them (A/B/A).
func (v *view) shrink(cur, best *facts.Attempt) (*flip, []facts.Experiment) {
	from := cur.Of.Changes
	if pure := v.deficit(cur, best, false); pure != from && pure != best.Of.Changes {
		if ask := v.untried(pure); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, pure); a != nil {
			best = a
		}
	}
	if guess := v.deficit(cur, best, true); guess != from && guess != best.Of.Changes && len(from.Diff(best.Of.Changes)) > 1 {
		if ask := v.untried(guess); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, guess); a != nil {
			best = a
		}
	}
	f := &flip{from: cur, without: map[facts.Property]*facts.Attempt{}}
	// One property after the other is taken back: what still works without it
	// does without it, the others are needed.
	for _, p := range from.Diff(best.Of.Changes) {
		if f.props = from.Diff(best.Of.Changes); len(f.props) < 2 {
			break
		}
		less := best.Of.Changes.With(p, from.Get(p))
		if ask := v.untried(less); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, less); a != nil {
			best = a
		} else if as := v.at(less); len(as) > 0 {
			f.without[p] = as[0]
		}
	}
	best, ask := v.refine(f, cur, best)
	if len(ask) > 0 {
		return nil, ask
	}
	f.to, f.props = best, from.Diff(best.Of.Changes)
	for _, a := range v.at(from) {
		if a.N > best.N {
			f.again = append(f.again, a)
		}
	}
	if len(f.again) < repeats(cur) {
		e := facts.Experiment{Address: v.addrs[0], Changes: from, Repeat: len(v.at(from))}
		if ask := v.ask(e); len(ask) > 0 {
			return nil, ask
		}
	}
	return f, nil
}

// refine takes a compact hello apart: size, post-quantum groups, TLS 1.3 and ALPN
// all leave it at once.
func (v *view) refine(f *flip, cur, best *facts.Attempt) (*facts.Attempt, []facts.Experiment) {
	if best.Of.Changes.Shape != "compact" {
		return best, nil
	}
	for _, alpn := range []string{best.Of.Changes.ALPN, "none"} {
		b := best.Of.Changes.With(facts.PropALPN, alpn)
		classic, padded := b.With(facts.PropShape, "classic"), b.With(facts.PropShape, "classic,padded")
		capped := b.With(facts.PropShape, "")
		if b.Version == "" {
			capped.Version = "1.2"
		}
		if ask := v.untried(classic, padded, capped); len(ask) > 0 {
			return nil, ask
		}
		small, large, low := v.works(cur, classic), v.works(cur, padded), v.works(cur, capped)
		f.classic, f.padded, f.capped = small != nil, large != nil, low != nil
		switch {
		case small != nil:
			return small, nil
		case low != nil:
			return low, nil
		case len(offered(cur).ALPN()) == 0:
			return best, nil
		}
	}
	return best, nil
}

// deficit reads from what the server chose in to what the failed hello lacked.
// The server does not say what it needed besides; with says whether to carry
// to's other changes along.
func (v *view) deficit(failed, to *facts.Attempt, with bool) facts.Changes {
	ch, had := failed.Of.Changes, offered(failed)
	for _, p := range []facts.Property{facts.PropSNI, facts.PropALPN, facts.PropShape, facts.PropIdentity} {
		if with {
			ch = ch.With(p, to.Of.Changes.Get(p))
		}
	}
	if to.Version == 0 {
		return ch
	}
	newVersion := !v.takes(failed, to.Version)
	if newVersion {
		ch.Version = versionRange(min(to.Version, v.lowest(failed)), max(to.Version, had.MaxVersion()))
	}
	if to.ServerHello == nil {
		return ch
	}
	if s := to.ServerHello.CipherSuite; !slices.Contains(had.CipherSuites, s) && !(newVersion && to.Version == tlswire.TLS13) {
		ch.Suites = "+" + s.String()
	}
	if g := agreedGroup(to); g != 0 && !slices.Contains(had.Groups(), g) {
		ch.Groups = "+" + g.String()
	}
	if s := to.KeyProof.Scheme; s != 0 && to.Version >= tlswire.TLS12 && !slices.Contains(had.SignatureSchemes(), s) {
		ch.Schemes = "+" + s.String()
	}
	return ch
}

// agreedGroup is the named group of a handshake, 0 when it used none.
func agreedGroup(a *facts.Attempt) tlswire.Group {
	if a == nil {
		return 0
	}
	if a.Version == tlswire.TLS13 && a.ServerHello != nil {
		if share, ok := a.ServerHello.KeyShare(); ok {
			return share.Group
		}
		return 0
	}
	if a.KeyExchange != nil {
		return a.KeyExchange.Group
	}
	return 0
}

// versionRange writes a range as Changes.Version takes it.
func versionRange(low, high tlswire.Version) string {
	if low == high {
		return versionWord(low)
	}
	return versionWord(low) + "-" + versionWord(high)
}

func versionWord(v tlswire.Version) string {
	switch v {
	case tlswire.SSL2:
		return "ssl2"
	case tlswire.SSL3:
		return "ssl3"
	case tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13:
		return fmt.Sprintf("1.%d", v-tlswire.TLS10)
	}
	return fmt.Sprintf("0x%04X", uint16(v))
}

// lowest is the oldest version that an attempt's hello stands for. A hello
// without supported_versions does not say; the client's own rule does.
func (v *view) lowest(a *facts.Attempt) tlswire.Version {
	if low := offered(a).MinVersion(); low != 0 {
		return low
	}
	return min(v.c.Want.Client.MinVersion, offered(a).MaxVersion())
}

// highest is the newest version that an attempt's hello offers.
func (v *view) highest(a *facts.Attempt) tlswire.Version { return offered(a).MaxVersion() }

// takes tells whether the client goes on with this version after this hello.
func (v *view) takes(a *facts.Attempt, version tlswire.Version) bool {
	return offered(a).Offers(version) && version >= v.lowest(a)
}

// refusesVersion tells whether the server chose a version that the wanted
// client does not take.
func (v *view) refusesVersion(a *facts.Attempt) bool {
	return a.SSL2 == nil && a.Version != 0 && !v.takes(a, a.Version)
}

// join lists words: "a, b and c".
func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// cut tells whether the peer ended without a word once both Finished of TLS 1.3
// had passed, and our request with them.
func cut(a *facts.Attempt) bool { return a != nil && stands(a) && a.Request == nil && abrupt(a) }

// stands tells whether both Finished of TLS 1.3 have passed. The server may
// still refuse, by an alert; silence or an end without one is the application's.
func stands(a *facts.Attempt) bool {
	return a.Version == tlswire.TLS13 && a.Finished.Result != facts.ProofNone && a.End.Stage.Rank() >= diag.StageClientAuth.Rank()
}

// completed tells whether the handshake stands. What the application says or
// does not say after it is no failure of TLS.
func completed(a *facts.Attempt) bool {
	switch {
	case a == nil:
		return false
	case a.End.Kind == facts.EndCompleted:
		return true
	case a.End.Kind == facts.EndTimeout:
		return a.End.Stage == diag.StageApplication || stands(a)
	case a.End.Kind == facts.EndClosed, a.End.Kind == facts.EndReset, a.End.Kind == facts.EndLimit:
		return a.End.Stage == diag.StageApplication
	case a.End.Kind == facts.EndAlert:
		return a.End.Alert.Description == tlswire.AlertCloseNotify && !sslv2Error(a) && (a.End.Stage == diag.StageApplication || stands(a))
	}
	return false
}
