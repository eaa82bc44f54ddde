package causes

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// The file says what the server ought to serve; only whoever names it makes the
// difference a failure. A server may hold one certificate per kind of key: it is
// asked for the kind that the file has.
var _ = register(rule{id: "renewed-not-deployed", rank: rankStaple, match: func(v *view) *match {
	disk, leaf := v.c.Want.OnDisk, v.leaf()
	if len(disk) == 0 || leaf == nil {
		return nil
	}
	if !v.otherKind() {
		return v.unlikeFile(v.deep)
	}
	if ch := v.askingFor(disk[0].Key.Algorithm); ch != (facts.Changes{}) && len(v.at(ch)) > 0 {
		for _, a := range v.c.Attempts { // at every address of the group
			if a.Of.Changes != ch || !slices.Contains(v.addrs, a.Address) {
				continue
			}
			if m := v.unlikeFile(a); m != nil {
				return m.see(attempts(a), "seen at %s", a.Address)
			}
		}
		return nil
	}
	m := v.unlikeFile(v.deep)
	m.severity, m.confidence = diag.SeverityWarning, diag.Possible
	m.summary = fmt.Sprintf("the server sends a certificate with a key of another kind (%s) than the file (%s)", leaf.Key, disk[0].Key)
	return m
}, wants: func(v *view) []facts.Experiment {
	if len(v.c.Want.OnDisk) == 0 || v.leaf() == nil || !v.otherKind() {
		return nil
	}
	var ask []facts.Experiment
	if ch := v.askingFor(v.c.Want.OnDisk[0].Key.Algorithm); ch != (facts.Changes{}) {
		for _, addr := range v.addrs {
			ask = append(ask, facts.Experiment{Address: addr, Changes: ch})
		}
	}
	return ask
}})

// otherKind tells whether the server's certificate and the file's have keys of
// different kinds.
func (v *view) otherKind() bool { return v.leaf().Key.Algorithm != v.c.Want.OnDisk[0].Key.Algorithm }

// unlikeFile compares what a server sent with the file.
func (v *view) unlikeFile(a *facts.Attempt) *match {
	disk, file := v.c.Want.OnDisk, v.c.Want.OnDiskFile
	m := &match{confidence: diag.Proven, affects: []string{"whoever relies on the file being live"}}
	m.params = func(fp *FixParams) { fp.certificate(disk[0]) }
	dates := func(c *chain.Certificate) string {
		return fmt.Sprintf("%s to %s, serial %s", day(c.NotBefore), day(c.NotAfter), c.SerialString())
	}
	inFile := func() *match { return m.see(file, "in the file: %s, %s", disk[0].Title(), dates(disk[0])) }
	if len(a.Chain) == 0 {
		m.summary = fmt.Sprintf("the server has no certificate with an %s key, as the file has", disk[0].Key.Algorithm)
		m.see(attempts(a), "asked for one: %s", endText(a))
		return inFile()
	}
	leaf := a.Chain[0]
	switch {
	case !leaf.Equal(disk[0]) && younger(disk[0], leaf):
		m.summary = fmt.Sprintf("the server still serves the certificate of %s, not the newer one in the file", leaf.NotBefore.Format(time.DateOnly))
	case !leaf.Equal(disk[0]):
		m.summary = "the server serves another certificate than the file holds"
	case !slices.EqualFunc(withoutRoot(a.Chain[1:]), withoutRoot(disk[1:]), (*chain.Certificate).Equal):
		m.summary = fmt.Sprintf("the server sends another chain than the file: %d certificates, the file holds %d", len(a.Chain), len(disk))
	default:
		return nil
	}
	m.see(attempts(a)+", Certificate", "served: %s, %s", leaf.Title(), dates(leaf))
	return inFile()
}

// younger tells whether a was issued after b; of two of the same minute the one
// that lasts longer is the renewed one.
func younger(a, b *chain.Certificate) bool {
	if d := a.NotBefore.Sub(b.NotBefore); d > time.Minute || d < -time.Minute {
		return d > 0
	}
	return a.NotAfter.After(b.NotAfter)
}

// withoutRoot drops the self-issued certificates, which servers may leave out.
func withoutRoot(certs []*chain.Certificate) []*chain.Certificate {
	return slices.DeleteFunc(slices.Clone(certs), (*chain.Certificate).SelfIssued)
}
