package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// clientAuthEnds are the days from which public CAs issue no certificate with
// clientAuth any more, by words of the issuer; the last row is Chrome's root
// policy (1.8, February 2026), which holds for all of them.
var clientAuthEnds = []struct {
	issuer, says string
	from         time.Time
}{
	{"Let's Encrypt", "Let's Encrypt (announced 2025-05-14, as changed on 2026-03-16)", date(2026, time.July, 8)},
	{"DigiCert", "DigiCert (knowledge base, ALERT53)", date(2027, time.March, 1)},
	{"", "Chrome's root programme (policy 1.8)", date(2027, time.March, 15)},
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// renewalDue is when ACME clients renew: with a third of the lifetime left, of
// less than ten days with half of it.
func renewalDue(c *chain.Certificate) time.Time {
	part := c.Lifetime() / 3
	if c.Lifetime() < 10*24*time.Hour {
		part = c.Lifetime() / 2
	}
	return c.NotAfter.Add(-part)
}

// ahead lists the dated rules that the renewal of a leaf will meet and it did
// not. Nothing is known of CAs that no root programme has.
func ahead(leaf *chain.Certificate, root facts.Root) (out []diag.Ahead) {
	if len(root.Programs) == 0 || leaf.Lifetime() <= 0 {
		return nil
	}
	due := renewalDue(leaf)
	days := int((leaf.Lifetime() + 24*time.Hour - 1) / (24 * time.Hour))
	if from, limit := chain.LifetimeStep(due); limit > 0 && days > limit && leaf.NotBefore.Before(from) {
		out = append(out, diag.Ahead{Rule: "lifetime", From: from, Text: fmt.Sprintf("it is valid for %d days; one that is issued from %s on may be valid for %d (Baseline Requirements, Section 6.3.2)", days, from.Format(time.DateOnly), limit)})
	}
	if slices.Contains(leaf.ExtKeyUsage, chain.EKUClientAuth) {
		for _, x := range clientAuthEnds {
			if strings.Contains(leaf.Issuer.String(), x.issuer) {
				if !due.Before(x.from) {
					out = append(out, diag.Ahead{Rule: "client-auth", From: x.from, Breaks: !slices.Contains(leaf.ExtKeyUsage, chain.EKUServerAuth),
						Text: fmt.Sprintf("it may be used by clients (clientAuth); one that is issued from %s on may not: %s", x.from.Format(time.DateOnly), x.says)})
				}
				break
			}
		}
	}
	for _, d := range root.Distrust {
		if d.After.After(leaf.NotBefore) && d.After.Before(due) {
			out = append(out, diag.Ahead{Rule: "distrust", From: d.After, Breaks: true, Text: fmt.Sprintf("%s refuses what its root issues from %s on: renew it by another CA", d.Program, d.After.Format(time.DateOnly))})
		}
	}
	return out
}
