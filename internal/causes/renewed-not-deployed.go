package causes

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

// The file says what the server ought to serve; only whoever names it makes the
// difference a failure.
var _ = register(rule{id: "renewed-not-deployed", rank: rankStaple, match: func(v *view) *match {
	disk, file, leaf := v.c.Want.OnDisk, v.c.Want.OnDiskFile, v.leaf()
	if len(disk) == 0 || leaf == nil {
		return nil
	}
	served := v.deep.Chain
	m := &match{confidence: diag.Proven, affects: []string{"whoever relies on the file being live"}}
	dates := func(c *chain.Certificate) string {
		return fmt.Sprintf("%s to %s, serial %s", day(c.NotBefore), day(c.NotAfter), c.SerialString())
	}
	switch {
	case !leaf.Equal(disk[0]) && leaf.Key.Algorithm != disk[0].Key.Algorithm:
		// A server may hold one certificate per kind of key; this one was not asked for the other.
		m.severity, m.confidence = diag.SeverityWarning, diag.Possible
		m.summary = fmt.Sprintf("the server sends a certificate with a key of another kind (%s) than the file (%s)", leaf.Key, disk[0].Key)
	case !leaf.Equal(disk[0]) && younger(disk[0], leaf):
		m.summary = fmt.Sprintf("the server still serves the certificate of %s, not the newer one in the file", leaf.NotBefore.Format(time.DateOnly))
	case !leaf.Equal(disk[0]):
		m.summary = "the server serves another certificate than the file holds"
	case !slices.EqualFunc(withoutRoot(served[1:]), withoutRoot(disk[1:]), (*chain.Certificate).Equal):
		m.summary = fmt.Sprintf("the server sends another chain than the file: %d certificates, the file holds %d", len(served), len(disk))
	default:
		return nil
	}
	m.see(attempts(v.deep)+", Certificate", "served: %s, %s", leaf.Title(), dates(leaf))
	m.see(file, "in the file: %s, %s", disk[0].Title(), dates(disk[0]))
	m.params = func(fp *FixParams) { fp.certificate(disk[0]) }
	return m
}})

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
