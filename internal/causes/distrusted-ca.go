package causes

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/ct"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// programClients says who follows a root program.
var programClients = map[string]string{"Mozilla": "Firefox and programs with Mozilla's dates", "Chrome": "Chrome and Chromium from 127 on",
	"Apple": "Safari and apps on Apple devices from iOS 18 and macOS 15 on", "Java": "Java with a current update"}

var _ = register(rule{id: "distrusted-ca", rank: rankTrust, match: func(v *view) *match {
	top, root := v.root()
	c := v.leaf()
	if top == nil || c == nil {
		return nil
	}
	m := &match{severity: diag.SeverityWarning, confidence: diag.Proven}
	m.params = func(fp *FixParams) { fp.certificate(c) }
	where := v.where(len(v.path().Elements) - 1)
	var by []string
	for _, d := range root.Distrust {
		issued, how := issuedOn(c, d)
		if !issued.After(d.After) {
			continue
		}
		by = append(by, d.Program)
		m.affects = append(m.affects, programClients[d.Program])
		m.see(where, "%s refuses what %s has issued after %s; the certificate is of %s (%s)",
			d.Program, top.Title(), day(d.After), day(issued), how)
		if d.Program == v.c.Want.Client.Rules.Program {
			m.severity = diag.SeverityFailure
		}
	}
	if len(by) == 0 {
		return nil
	}
	slices.Sort(by)
	verb := "no longer trusts"
	if len(by) > 1 {
		verb = "no longer trust"
	}
	m.summary = fmt.Sprintf("%s %s new certificates of %s", join(by), verb, top.Title())
	return m
}})

// issuedOn is when a certificate was issued, as the program tells it.
func issuedOn(c *chain.Certificate, d facts.Distrust) (at time.Time, how string) {
	at, how = c.NotBefore, "notBefore"
	if !d.BySCT {
		return at, how
	}
	first := time.Time{}
	for _, raw := range c.SCTs {
		if s, err := ct.ParseSCT(raw); err == nil && (first.IsZero() || s.Time.Before(first)) {
			first = s.Time
		}
	}
	if !first.IsZero() {
		at, how = first, "its earliest SCT"
	}
	return at, how
}
