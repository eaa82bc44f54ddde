package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// damage is what became of the server's words before they were complete.
type damage string

const (
	cutInside damage = "cut off" // reset or ended in the middle
	altered   damage = "changed" // they cannot be decrypted or read, or the proof of the key does not fit
)

// damageOf is the damage of an attempt, "" where the words were whole, or were
// refused, or never began.
func damageOf(a *facts.Attempt) damage {
	switch {
	case a == nil || a.BytesReceived == 0 || works(a) || a.End.Stage.Rank() > diag.StageFinished.Rank():
		return ""
	case cutShort(a):
		return cutInside
	case a.End.Kind == facts.EndReset, a.End.Kind == facts.EndClosed:
		if a.End.Stage.Rank() <= diag.StageCertificate.Rank() {
			return cutInside
		}
	case a.End.Kind == facts.EndMalformed, a.End.Kind == facts.EndNotTLS && a.ServerHello != nil, garbledOnTheWay(a):
		return altered
	}
	if a.Finished.Result == facts.ProofInvalid || a.KeyProof.Result == facts.ProofInvalid || garbled(a) {
		return altered
	}
	return ""
}

// garbledOnTheWay tells whether an answer cannot be decrypted: both sides do not
// know the same hello.
func garbledOnTheWay(a *facts.Attempt) bool {
	return a.End.Kind == facts.EndLocal && a.End.Alert.Description == tlswire.AlertBadRecordMAC
}

// cutOrUnread tells whether the server could not read a hello, or cut it off.
func cutOrUnread(a *facts.Attempt) bool {
	return a.End.Stage == diag.StageClientHello && (a.End.Kind != facts.EndAlert ||
		slices.Contains([]tlswire.AlertDescription{tlswire.AlertDecodeError, tlswire.AlertIllegalParameter, tlswire.AlertUnexpectedMessage, tlswire.AlertUnsupportedExtension}, a.End.Alert.Description))
}

// harmed is the attempt of which the server's words were damaged: the user's own
// hello, or another one where the server could not even read that.
func (v *view) harmed() *facts.Attempt {
	switch {
	case damageOf(v.base) != "":
		return v.base
	case v.deep != nil && garbledOnTheWay(v.deep):
		return v.deep
	}
	return nil
}

// atControls asks the controls what becomes of their own words, twice where they
// are damaged too: a server damages its own only.
func (v *view) atControls() (ask []facts.Experiment) {
	d := v.harmed()
	if d == nil {
		return nil
	}
	for _, c := range v.c.Controls {
		for _, ch := range v.ofBoth(c, d) {
			e := facts.Experiment{Address: c.Address, Changes: ch}
			as := v.atControl(c, ch)
			if len(as) == 1 && damageOf(as[0]) == damageOf(d) {
				e.Repeat = 1
			}
			if len(as) == 0 || e.Repeat == 1 {
				ask = append(ask, e)
				break
			}
		}
	}
	return v.ask(ask...)
}

// ofBoth are the hellos that tell of a control what it makes of its own name,
// and, where that is in order, of the target's.
func (v *view) ofBoth(c facts.Control, d *facts.Attempt) []facts.Changes {
	own := toward(c, d.Of.Changes)
	sni, as := offered(d).ServerName(), v.atControl(c, own)
	if sni == "" || sni == c.Name || len(as) == 0 || !works(as[0]) {
		return []facts.Changes{own}
	}
	return []facts.Changes{own, d.Of.Changes.With(facts.PropSNI, sni)}
}

// ofDamage are the verdicts that damage on the path may be behind.
var ofDamage = []string{"decrypt-error", "eof-during-handshake", "connection-reset", "protocol-violation", "private-key-mismatch-server"}

// seeDamage says of the first failure whether the controls meet the same damage:
// then it happens on the path.
func (v *view) seeDamage(found []finding) {
	d := v.harmed()
	i := slices.IndexFunc(found, func(f finding) bool { return f.severity() == diag.SeverityFailure })
	if d == nil || i < 0 || !slices.Contains(ofDamage, found[i].r.id) {
		return
	}
	m, deed := found[i].m, damageOf(d)
	for _, c := range v.c.Controls {
		both := v.ofBoth(c, d)
		as, with := v.atControl(c, both[len(both)-1]), "its own name"
		named := len(both) > 1
		if named {
			with = "the target's name"
		}
		switch {
		case len(as) > 1 && !slices.ContainsFunc(as, func(a *facts.Attempt) bool { return damageOf(a) != deed }):
			m.summary, m.confidence, m.stage = fmt.Sprintf("what servers answer is %s on the path, at unrelated servers too", deed), atBest(m.confidence, diag.Strong), d.End.Stage
			if named {
				m.summary = fmt.Sprintf("what is said of %s is %s on the path, at unrelated servers too", offered(d).ServerName(), deed)
			}
			m.see(attempts(as...), "the same at %s, another server, with %s: %s", c.Name, with, endText(as[0]))
			m.affects, m.not = []string{"every client on this path"}, []string{"this machine's own memory or network card", "where it stands: on this machine, in this network or further on; a run from another network tells"}
			m.fixes = []FixRef{{"network", "update-middlebox"}, {"network", "compare-networks"}}
			return
		case len(as) > 0 && works(as[0]) && named:
			m.see(attempts(as[0]), "%s answers the same hello in full, with the target's name, too: the fault is at the server, or close before it", c.Name)
		}
	}
}
