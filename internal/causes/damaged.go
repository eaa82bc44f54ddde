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
	case a.End.Kind == facts.EndMalformed, a.End.Kind == facts.EndNotTLS && a.ServerHello != nil, a.End.Kind == facts.EndLocal && a.End.Alert.Description == tlswire.AlertBadRecordMAC:
		return altered
	}
	if a.Finished.Result == facts.ProofInvalid || a.KeyProof.Result == facts.ProofInvalid || garbled(a) {
		return altered
	}
	return ""
}

// atControls asks the controls what becomes of their own words, twice where they
// are damaged too: a server damages its own only.
func (v *view) atControls() (ask []facts.Experiment) {
	if damageOf(v.base) == "" {
		return nil
	}
	for _, c := range v.c.Controls {
		e := facts.Experiment{Address: c.Address, Changes: toward(c, v.base.Of.Changes)}
		switch as := v.atControl(c, e.Changes); {
		case len(as) == 1 && damageOf(as[0]) == damageOf(v.base):
			e.Repeat = 1
			ask = append(ask, e)
		case len(as) == 0:
			ask = append(ask, e)
		}
	}
	return v.ask(ask...)
}

// ofDamage are the verdicts that damage on the path may be behind.
var ofDamage = []string{"decrypt-error", "eof-during-handshake", "connection-reset", "protocol-violation", "private-key-mismatch-server"}

// seeDamage says of the first failure whether the controls meet the same damage:
// then it happens on the path.
func (v *view) seeDamage(found []finding) {
	deed := damageOf(v.base)
	i := slices.IndexFunc(found, func(f finding) bool { return f.severity() == diag.SeverityFailure })
	if deed == "" || i < 0 || !slices.Contains(ofDamage, found[i].r.id) {
		return
	}
	m := found[i].m
	for _, c := range v.c.Controls {
		as := v.atControl(c, toward(c, v.base.Of.Changes))
		switch {
		case len(as) > 1 && !slices.ContainsFunc(as, func(a *facts.Attempt) bool { return damageOf(a) != deed }):
			m.summary, m.confidence, m.stage = fmt.Sprintf("what servers answer is %s on the path, at unrelated servers too", deed), atBest(m.confidence, diag.Strong), v.base.End.Stage
			m.see(attempts(as...), "the same at %s, another server, with its own name: %s", c.Name, endText(as[0]))
			m.affects, m.not = []string{"every client on this path"}, []string{"this machine's own memory or network card", "where it stands: on this machine, in this network or further on; a run from another network tells"}
			m.fixes = []FixRef{{"network", "update-middlebox"}, {"network", "compare-networks"}}
			return
		case len(as) > 0 && works(as[0]):
			m.see(attempts(as[0]), "%s answers the same hello in full: the fault is at the server, or close before it", c.Name)
		}
	}
}
