package causes

import (
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

// Apple's limits for all CAs, its own store's or not (support.apple.com/103769),
// and the first limit that browsers refuse to exceed.
const (
	appleDays   = 825
	browserDays = 398
)

var (
	appleSince   = time.Date(2019, time.July, 1, 0, 0, 0, 0, time.UTC)
	browserSince = time.Date(2020, time.September, 1, 0, 0, 0, 0, time.UTC)
)

var _ = register(rule{id: "cert-lifetime-too-long", rank: rankStrength, match: func(v *view) *match {
	c := v.leaf()
	if c == nil || c.Lifetime() <= 0 {
		return nil
	}
	days, demand, rules := validityDays(c), v.c.Want.Demand.MaxValidityDays, v.c.Want.Client.Rules
	m := &match{severity: diag.SeverityWarning, confidence: diag.Proven}
	m.params = func(fp *FixParams) { fp.certificate(c) }
	m.see(v.where(0), "valid from %s to %s: %d days", day(c.NotBefore), day(c.NotAfter), days)
	top, root := v.root()
	limit := chain.LifetimeLimit(c.NotBefore)
	switch public := len(root.Programs) > 0; {
	case demand > 0 && days > demand:
		m.severity = diag.SeverityFailure
		m.summary = fmt.Sprintf("the certificate is valid for %d days, your policy allows %d", days, demand)
		m.affects = []string{"clients under the same policy"}
		return m.see("--max-validity-days", "%d days at most", demand)
	case top == nil || c.IsCA():
	case public && limit > 0 && days > limit:
		m.summary = fmt.Sprintf("the certificate is valid for %d days; a public CA may issue %d for its date", days, limit)
		m.affects = []string{"browsers that enforce the limit of the day of issue"}
		if days > browserDays && !c.NotBefore.Before(browserSince) {
			m.affects = []string{"Chrome and Edge from 85 on", "Safari from 14 on and apps on Apple devices"}
			if rules.Lifetime {
				m.severity = diag.SeverityFailure
			}
		}
		return m.see("CA/Browser Forum, Baseline Requirements, Section 6.3.2", "%d days at most when issued on %s; %s is publicly trusted (%s)",
			limit, c.NotBefore.Format(time.DateOnly), top.Title(), join(root.Programs))
	case !public && days > appleDays && !c.NotBefore.Before(appleSince):
		m.summary = fmt.Sprintf("the certificate is valid for %d days; Apple devices accept %d, of private CAs too", days, appleDays)
		m.affects = []string{"Safari from 13 on and apps on Apple devices"}
		if rules.AnyCA {
			m.severity = diag.SeverityFailure
		}
		return m
	}
	return nil
}})
