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
	again    *facts.Attempt // from repeated after to; nil when it was not
	props    []facts.Property
	// without holds, for each of several props, the attempt that failed for the
	// lack of just this one.
	without map[facts.Property]*facts.Attempt
	// others are further attempts that help by changing one property.
	others []*facts.Attempt
}

// has tells whether the flip changes the property.
func (f *flip) has(p facts.Property) bool { return slices.Contains(f.props, p) }

// steady tells whether from failed again in the same way.
func (f *flip) steady() bool {
	return f.again != nil && f.again.End.Kind == f.from.End.Kind && f.again.End.Stage == f.from.End.Stage
}

// confidence is proven when the outcome was flipped there and back.
func (f *flip) confidence() diag.Confidence {
	switch {
	case f.steady():
		return diag.Proven
	case f.again == nil:
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

// unexplained tells whether an attempt ended during the negotiation in a way
// that its own bytes do not explain, so that experiments are worth their price.
func unexplained(a *facts.Attempt) bool {
	if a == nil || len(refusals(a)) > 0 {
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
	cur := v.base
	for range 3 {
		if !unexplained(cur) {
			return nil
		}
		best, ask := v.better(cur)
		if len(ask) > 0 {
			return ask
		}
		if best == nil {
			v.stuck = true
			return nil
		}
		f, ask := v.shrink(cur, best)
		if len(ask) > 0 {
			return ask
		}
		v.flips = append(v.flips, *f)
		cur, v.deep = f.to, f.to
	}
	return nil
}

// better returns the attempt that gets further than cur with the fewest
// changes, or what to try to find one.
func (v *view) better(cur *facts.Attempt) (*facts.Attempt, []facts.Experiment) {
	from := cur.Of.Changes
	var best *facts.Attempt
	for _, a := range v.tries {
		if a.Of.Kind != facts.Handshake || a.Of.Direct || a.Of.Changes == from || progress(a) <= progress(cur) {
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
			return nil, ask
		}
	}
	return nil, nil
}

// closer prefers fewer changed properties, then more progress.
func closer(a, b *facts.Attempt, from facts.Changes) bool {
	da, db := len(from.Diff(a.Of.Changes)), len(from.Diff(b.Of.Changes))
	if da != db {
		return da < db
	}
	return progress(a) > progress(b)
}

// rounds lists what to try from a failed attempt: a round at a time, the most
// telling first. How it ended decides only the order.
func (v *view) rounds(cur *facts.Attempt) [][]facts.Changes {
	from := cur.Of.Changes
	wide := widen(from)
	sni := v.flipSNI(from)
	alpn := v.flipALPN(from)
	compact := from.With(facts.PropShape, "compact")
	everything := widen(alpn).With(facts.PropSNI, sni.SNI)
	if cur.End.Kind == facts.EndAlert {
		switch cur.End.Alert.Description {
		case tlswire.AlertUnrecognizedName:
			return [][]facts.Changes{{sni}, {wide}, {everything}}
		case tlswire.AlertNoApplicationProtocol:
			return [][]facts.Changes{{alpn}, {wide, everything}}
		case tlswire.AlertProtocolVersion:
			return [][]facts.Changes{{wide}, {sni, compact, everything}}
		}
		return [][]facts.Changes{{wide, sni}, {compact, everything}, {alpn}}
	}
	// Silence costs a deadline for each round; a close or reset is often a
	// matter of the name or of the size.
	return [][]facts.Changes{{wide, sni, compact}, {everything, alpn, from.With(facts.PropShape, "ssl2")}}
}

// widen offers all that any client ever offered in the negotiation.
func widen(c facts.Changes) facts.Changes {
	return c.With(facts.PropVersion, "ssl3-1.3").With(facts.PropSuites, "all").
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
		if progress(a) > progress(cur) && v.honest(a) {
			return a
		}
	}
	return nil
}

// honest is false where a server took a version that the changes did not mean
// to offer: a hello without supported_versions cannot say where it begins, so
// such an answer says nothing about the change itself.
func (v *view) honest(a *facts.Attempt) bool {
	return a.Version == 0 || v.base.Sent == nil || offered(v.base).Offers(a.Version) || strings.Contains(a.Of.Changes.Version, "-")
}

// shrink reduces the changes between cur and best to those that are needed,
// and repeats cur once it knows them (A/B/A).
func (v *view) shrink(cur, best *facts.Attempt) (*flip, []facts.Experiment) {
	from := cur.Of.Changes
	if pure := deficit(cur, best, false); pure != from && pure != best.Of.Changes {
		if ask := v.untried(pure); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, pure); a != nil {
			best = a
		}
	}
	if guess := deficit(cur, best, true); guess != from && guess != best.Of.Changes && len(from.Diff(best.Of.Changes)) > 1 {
		if ask := v.untried(guess); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, guess); a != nil {
			best = a
		}
	}
	f := &flip{from: cur, without: map[facts.Property]*facts.Attempt{}}
	for {
		f.props = from.Diff(best.Of.Changes)
		if len(f.props) < 2 {
			break
		}
		var less []facts.Changes
		for _, p := range f.props {
			less = append(less, best.Of.Changes.With(p, from.Get(p)))
		}
		if ask := v.untried(less...); len(ask) > 0 {
			return nil, ask
		}
		smaller := (*facts.Attempt)(nil)
		for i, ch := range less {
			if a := v.works(cur, ch); a != nil {
				smaller = a
				break
			}
			if as := v.at(ch); len(as) > 0 {
				f.without[f.props[i]] = as[0]
			}
		}
		if smaller == nil {
			break
		}
		best, f.without = smaller, map[facts.Property]*facts.Attempt{}
	}
	f.to = best
	if len(f.props) == 1 && f.props[0] == facts.PropShape {
		if ask := v.untried(from.With(facts.PropVersion, "1.2"), from.With(facts.PropShape, "classic"), from.With(facts.PropShape, "classic,padded")); len(ask) > 0 {
			return nil, ask
		}
	}
	for _, a := range v.tries {
		if a != best && progress(a) > progress(cur) && v.honest(a) && len(from.Diff(a.Of.Changes)) == 1 {
			f.others = append(f.others, a)
		}
	}
	for _, a := range v.at(from) {
		if a.N > best.N {
			f.again = a
		}
	}
	if f.again == nil {
		e := facts.Experiment{Address: v.addrs[0], Changes: from, Repeat: len(v.at(from))}
		if ask := v.ask(e); len(ask) > 0 {
			return nil, ask
		}
	}
	return f, nil
}

// deficit reads from what the server chose in to what the failed hello lacked.
// The server does not say what it needed besides; with says whether to carry
// to's other changes along.
func deficit(failed, to *facts.Attempt, with bool) facts.Changes {
	ch, had := failed.Of.Changes, offered(failed)
	for _, p := range []facts.Property{facts.PropSNI, facts.PropALPN, facts.PropShape, facts.PropIdentity} {
		if with {
			ch = ch.With(p, to.Of.Changes.Get(p))
		}
	}
	if to.Version == 0 {
		return ch
	}
	newVersion := !had.Offers(to.Version)
	if newVersion {
		ch.Version = versionRange(min(to.Version, had.MinVersion()), max(to.Version, had.MaxVersion()))
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

// refusals says what in the server's flight the wanted client refuses by its
// own rules of negotiation, in words.
func refusals(a *facts.Attempt) []string {
	var out []string
	h := offered(a)
	if a.SSL2 == nil && a.Version != 0 && !h.Offers(a.Version) {
		out = append(out, "version")
	}
	return out
}

// join lists words: "a, b and c".
func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
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
		return a.End.Stage == diag.StageApplication || a.End.Stage == diag.StageClientAuth && a.Version == tlswire.TLS13
	case a.End.Kind == facts.EndClosed, a.End.Kind == facts.EndReset, a.End.Kind == facts.EndLimit:
		return a.End.Stage == diag.StageApplication
	case a.End.Kind == facts.EndAlert:
		return a.End.Stage == diag.StageApplication && a.End.Alert.Description == tlswire.AlertCloseNotify
	}
	return false
}
