package causes

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// A control is an unrelated server that the user named. What a hello meets there
// says whether the target's server or the path is to blame: a server that does
// not know a name cannot end connections to another server.

// atControl are the attempts at a control with these changes, in order.
func (v *view) atControl(c facts.Control, ch facts.Changes) []*facts.Attempt {
	var out []*facts.Attempt
	for _, a := range v.c.Attempts {
		if a.Address == c.Address && a.Of.Kind == facts.Handshake && a.Of.Changes == ch && a.End.Kind != facts.EndCanceled {
			out = append(out, a)
		}
	}
	return out
}

// toward changes a hello into one for the control.
func toward(c facts.Control, ch facts.Changes) facts.Changes {
	if _, err := netip.ParseAddr(c.Name); err == nil {
		return ch.With(facts.PropSNI, "none")
	}
	return ch.With(facts.PropSNI, c.Name)
}

// cutOff tells whether TCP stood and the hello met a reset, an end or silence.
func cutOff(a *facts.Attempt) bool {
	return a != nil && a.End.Stage == diag.StageClientHello && a.BytesReceived == 0 &&
		(a.End.Kind == facts.EndReset || a.End.Kind == facts.EndClosed || a.End.Kind == facts.EndTimeout)
}

// heardBack tells whether a TLS server answered, if only to refuse.
func heardBack(a *facts.Attempt) bool {
	return a != nil && (a.ServerHello != nil || a.Retry != nil || a.End.Kind == facts.EndAlert || works(a))
}

// sameCut tells whether two attempts were cut off in the same manner.
func sameCut(a, b *facts.Attempt) bool {
	return cutOff(a) && cutOff(b) && (a.End.Kind == facts.EndTimeout) == (b.End.Kind == facts.EndTimeout)
}

// comparison is what one control says of a hello that is cut off at the target.
type comparison struct {
	facts.Control
	// own are attempts with the control's own name, name those with the target's.
	own, name []*facts.Attempt
}

// compared looks up what the controls said of the hello that cur sent.
func (v *view) compared(cur *facts.Attempt) []comparison {
	var out []comparison
	for _, c := range v.c.Controls {
		x := comparison{Control: c, own: v.atControl(c, toward(c, cur.Of.Changes))}
		if sni := offered(cur).ServerName(); sni != "" && sni != c.Name {
			x.name = v.atControl(c, cur.Of.Changes.With(facts.PropSNI, sni))
		}
		out = append(out, x)
	}
	return out
}

// arms asks the controls for what the target refused. The target's name comes
// first: where it passes, the path lets it through, and nothing else is asked.
// Where each round costs a deadline it is their own name, which is answered at
// once by a path that knows names, and then the other, twice.
func (v *view) arms(cur *facts.Attempt) []facts.Experiment {
	if !cutOff(cur) || cur.Of.What != "" || cur.Of.Direct {
		return nil
	}
	var ask []facts.Experiment
	for _, x := range v.compared(cur) {
		own := facts.Experiment{Address: x.Address, Changes: toward(x.Control, cur.Of.Changes)}
		name := facts.Experiment{Address: x.Address}
		sni := offered(cur).ServerName()
		if sni != "" && sni != x.Name {
			name.Changes = cur.Of.Changes.With(facts.PropSNI, sni)
		}
		silent, named := cur.End.Kind == facts.EndTimeout, sni != "" && sni != x.Name
		switch {
		case len(x.own) == 0 && (silent || !named || len(x.name) > 0 && !x.passed()):
			ask = append(ask, own)
		case !named || len(x.name) > 0 || silent && x.blocked(cur):
		case silent:
			once, twice := name, own
			once.Repeat, twice.Repeat = 1, 1
			ask = append(ask, name, once, twice)
		default:
			ask = append(ask, name)
		}
	}
	return v.ask(ask...)
}

// OfSilence are the experiments that a silent hello will raise first: whether
// the controls answer to theirs, and whether they do so in small segments.
func OfSilence(c *facts.Case) (ask []facts.Experiment) {
	v := newView(c, nil)
	if c.Want.StartTLS != "" || v.plainBase() != "" {
		return nil
	}
	for _, x := range c.Controls {
		own := facts.Experiment{Address: x.Address, Changes: toward(x, facts.Changes{})}
		as := v.atControl(x, own.Changes)
		if len(as) == 0 {
			ask = append(ask, own)
			continue
		}
		for _, ch := range v.clamped(as[0]) {
			if cutOff(as[0]) && len(v.atControl(x, ch)) == 0 {
				ask = append(ask, facts.Experiment{Address: x.Address, Changes: ch})
			}
		}
	}
	return ask
}

// small are the attempts at silent controls in small segments.
func (v *view) small(cur *facts.Attempt) (out []*facts.Attempt) {
	for _, x := range v.compared(cur) {
		if !x.blocked(cur) {
			continue
		}
		for _, ch := range v.clamped(x.own[0]) {
			out = append(out, v.atControl(x.Control, ch)...)
		}
	}
	return out
}

// askControls asks the controls before anything else: where the name meets the
// same there, each time, no experiment at the target tells more, since machines
// that are served in turn cannot be the reason at both.
func (v *view) askControls(cur *facts.Attempt) (ask []facts.Experiment, settled bool) {
	if ask := v.arms(cur); len(ask) > 0 {
		if cur.End.Kind == facts.EndTimeout { // each round costs a deadline
			ask = append(ask, v.untried(append(v.clamped(cur), v.flipSNI(cur.Of.Changes))...)...)
		}
		return ask, false
	}
	for _, x := range v.compared(cur) {
		if !x.followed(cur) || v.lossy() {
			continue
		}
		ask, settled = append(ask, x.again()...), true
	}
	return v.ask(ask...), settled
}

// corroborated tells whether a control ends the one hello, twice or as the target
// did twice, and takes the other.
func (v *view) corroborated(bad, good *facts.Attempt) bool {
	if !cutOff(bad) {
		return false
	}
	return slices.ContainsFunc(v.compared(bad), func(x comparison) bool {
		ends := slices.Concat(x.own, x.name)
		works := v.atControl(x.Control, toward(x.Control, good.Of.Changes))
		return len(ends) > 0 && len(ends)+len(v.at(bad.Of.Changes)) > 2 && len(works) > 0 && !slices.ContainsFunc(ends, func(a *facts.Attempt) bool { return !sameCut(bad, a) }) &&
			!slices.ContainsFunc(works, func(a *facts.Attempt) bool { return !heardBack(a) })
	})
}

// followed tells whether the cut follows the name to the control, and back: its
// own name passes there, the target's is cut off, each time.
func (x comparison) followed(cur *facts.Attempt) bool {
	return len(x.own) > 0 && len(x.name) > 0 && !slices.ContainsFunc(x.own, func(a *facts.Attempt) bool { return !heardBack(a) }) &&
		!slices.ContainsFunc(x.name, func(a *facts.Attempt) bool { return !sameCut(cur, a) })
}

// blocked tells whether the control is cut off like the target, whatever name.
func (x comparison) blocked(cur *facts.Attempt) bool {
	return len(x.own) > 0 && !slices.ContainsFunc(x.own, func(a *facts.Attempt) bool { return !sameCut(cur, a) })
}

// allBlocked tells whether every control is cut off like the target.
func (v *view) allBlocked(cur *facts.Attempt) bool {
	all := v.compared(cur)
	return len(all) > 0 && !slices.ContainsFunc(all, func(x comparison) bool { return !x.blocked(cur) })
}

// passed tells whether the control answered the target's name.
func (x comparison) passed() bool {
	return len(x.name) > 0 && !slices.ContainsFunc(x.name, func(a *facts.Attempt) bool { return !heardBack(a) })
}

// again asks for both arms of a control a second time, the name first.
func (x comparison) again() []facts.Experiment {
	var ask []facts.Experiment
	for _, as := range [][]*facts.Attempt{x.name, x.own} {
		if len(as) == 1 {
			e := as[0].Of
			e.Repeat = 1
			ask = append(ask, e)
		}
	}
	return ask
}

// onPath finds a flip of the hello's form at the controls too: the same hello is
// cut off there, and the change helps there. It returns the name of such a
// control, "" where there is none, and what is still to be tried.
func (v *view) onPath(f *flip) (control string, evidence []diag.Evidence, ask []facts.Experiment) {
	if !cutOff(f.from) {
		return "", nil, nil
	}
	for _, c := range v.c.Controls {
		bad, good := v.atControl(c, toward(c, f.from.Of.Changes)), v.atControl(c, toward(c, f.to.Of.Changes))
		switch {
		case v.lets(c, f.from) != nil:
		case len(bad) == 0:
			ask = append(ask, facts.Experiment{Address: c.Address, Changes: toward(c, f.from.Of.Changes)})
		case !sameCut(f.from, bad[0]):
		case len(good) == 0:
			ask = append(ask, facts.Experiment{Address: c.Address, Changes: toward(c, f.to.Of.Changes)})
		case heardBack(good[0]) && control == "":
			control = c.Name
			evidence = []diag.Evidence{{Where: attempts(bad[0], good[0]),
				Text: fmt.Sprintf("the same at %s, another server: the hello of %s fails there, and works %s", c.Name, v.client(), v.describe(f))}}
		}
	}
	return control, evidence, v.ask(ask...)
}

// lets is an attempt in which the control answered the hello that a sent, with
// the target's name or with its own; nil for none.
func (v *view) lets(c facts.Control, a *facts.Attempt) *facts.Attempt {
	tries := v.atControl(c, toward(c, a.Of.Changes))
	if sni := offered(a).ServerName(); sni != "" {
		tries = append(tries, v.atControl(c, a.Of.Changes.With(facts.PropSNI, sni))...)
	}
	if len(tries) == 0 || slices.ContainsFunc(tries, func(a *facts.Attempt) bool { return !heardBack(a) }) {
		return nil
	}
	return tries[0]
}

// mirrored makes the experiments of a round at the controls that are silent like
// the target too, so that their answers cost no further deadline.
func (v *view) mirrored(cur *facts.Attempt, round []facts.Changes) (ask []facts.Experiment) {
	if cur.End.Kind != facts.EndTimeout {
		return nil
	}
	for _, x := range v.compared(cur) {
		for _, ch := range round {
			if to := toward(x.Control, ch); x.blocked(cur) && ch.Size == "" && ch.Segments == "" && len(v.atControl(x.Control, to)) == 0 {
				ask = append(ask, facts.Experiment{Address: x.Address, Changes: to})
			}
		}
	}
	return v.ask(ask...)
}

// located says of a flip of the hello's form whether a box on the path is to
// blame rather than the server, as far as the controls tell.
func (v *view) located(m *match, f *flip) *match {
	control, evidence, _ := v.onPath(f)
	if control == "" {
		for _, c := range v.c.Controls {
			if a := v.lets(c, f.from); a != nil {
				return m.see(attempts(a), "%s answers the hello that fails here: the fault is at the server, or close before it", c.Name)
			}
		}
		return m
	}
	m.evidence = append(m.evidence, evidence...)
	m.summary = theServer.ReplaceAllString(m.summary, "a box on the path")
	m.affects, m.not = []string{"every client on this path that sends the same"}, []string{"where it stands: on this machine, in this network or further on; a run from another network tells"}
	m.fixes = []FixRef{{"network", "update-middlebox"}, {"network", "compare-networks"}}
	return m
}

var theServer = regexp.MustCompile(`^the server( or a box before it)?\b`)
