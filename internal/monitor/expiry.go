package monitor

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

const day = 24 * time.Hour

// thresholds are the time left at which a certificate with such a lifetime is
// worth a warning and a page: min(1/4, 30 days) and min(1/8, 7 days). Fractions
// fit certificates of 6 days as well as of years, and lie behind the renewal of
// ACME clients, at a third of the lifetime.
func thresholds(life time.Duration, x *Expect) (warn, critical time.Duration) {
	warn, critical = min(life/4, 30*day), min(life/8, 7*day)
	if x.Warn > 0 {
		warn = x.Warn
	}
	if x.Critical > 0 {
		critical = x.Critical
	}
	return max(warn, critical), critical
}

// expiry judges every element of the verified path but the anchor, which
// expires with the client's store. Where no path is valid, as of a private CA
// that nobody configured, the leaf alone is judged. The catalogue's own warning
// lends its evidence and fixes.
func expiry(now time.Time, e *Endpoint, o *Outcome) *Finding {
	if slices.ContainsFunc(o.Findings, func(f Finding) bool { return f.Cause == "cert-expired" }) {
		return nil
	}
	var worst *Finding
	var least time.Duration
	for i := range o.Seen.Path {
		c := &o.Seen.Path[i]
		left := c.NotAfter.Sub(now)
		warn, critical := thresholds(c.Lifetime(), &e.Expect)
		if c.Anchor && c.Role != "leaf" || c.Lifetime() <= 0 || left > warn || i > 0 && !o.Seen.Verified {
			continue
		}
		f := Finding{Key: KeyExpiry, Cause: "expires-soon", Severity: Warning, Stage: diag.StageCertificate, Certificate: c.Fingerprint}
		if left <= critical {
			f.Severity = Critical
		}
		what := "the certificate"
		if c.Role != "leaf" {
			what = "the " + map[bool]string{true: "intermediate", false: c.Role}[c.Role != "missing"] + " certificate " + c.Subject
		}
		f.Summary = fmt.Sprintf("%s expires in %s, on %s", what, Span(left), c.NotAfter.Format("2006-01-02 15:04 UTC"))
		if left <= 0 {
			f.Summary = fmt.Sprintf("%s has expired, on %s", what, c.NotAfter.Format("2006-01-02 15:04 UTC"))
		}
		f.Evidence = []diag.Evidence{{Text: fmt.Sprintf("notAfter is %s, %s of a lifetime of %s are left", c.NotAfter.Format(time.RFC3339), Span(left), Span(c.Lifetime())), Where: "Certificate, " + c.Subject}}
		if due := renewalDue(c); c.Role == "leaf" && now.After(due) {
			f.Evidence = append(f.Evidence, diag.Evidence{Text: fmt.Sprintf("the renewal is overdue by %s: ACME clients renew at a third of the lifetime, %s", Span(now.Sub(due)), due.Format(time.DateOnly)), Where: "dates"})
		}
		for _, x := range c.Ahead {
			f.Evidence = append(f.Evidence, diag.Evidence{Text: "at its renewal: " + x.Text, Where: "policy"})
		}
		if worst == nil || f.Severity.Rank() > worst.Severity.Rank() || f.Severity == worst.Severity && left < least {
			worst, least = &f, left
		}
	}
	if worst == nil {
		return nil
	}
	for _, f := range o.Findings {
		if f.Key == KeyExpiry {
			worst.Fixes, worst.Verify = f.Fixes, f.Verify
		}
	}
	if len(worst.Fixes) == 0 {
		worst.Fixes = []diag.Fix{{Side: "server", Action: "renew-certificate", Text: "Renew the certificate, install it with its chain and reload the service."}}
	}
	if worst.Verify == "" {
		worst.Verify = "tlswhy " + e.Target
	}
	return worst
}

// renewalDue is when an ACME client renews: at a third of the lifetime left,
// at half for less than ten days.
func renewalDue(c *Element) time.Time {
	if c.Lifetime() < 10*day {
		return c.NotAfter.Add(-c.Lifetime() / 2)
	}
	return c.NotAfter.Add(-c.Lifetime() / 3)
}

// Span says a duration in the one unit that a person would use.
func Span(d time.Duration) string {
	d = max(d, -d)
	n, unit := int(d/day), "day"
	switch {
	case d < 2*time.Minute:
		n, unit = int(d/time.Second), "second"
	case d < 2*time.Hour:
		n, unit = int(d/time.Minute), "minute"
	case d < 2*day:
		n, unit = int(d/time.Hour), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
