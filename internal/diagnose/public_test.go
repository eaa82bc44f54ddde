package diagnose_test

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/ct"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/lab"
)

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// TestPublicRoots makes the lab's root a publicly trusted one: the rules that
// bind public CAs only, each on both sides of its dates.
func TestPublicRoots(t *testing.T) {
	t.Parallel()
	two, three := []string{"One", "Two"}, []string{"One", "Two", "Three"}
	issued := func(at time.Time, days int, scts ...string) lab.Leaf {
		return lab.Leaf{Issued: at, Days: days, SCTs: scts}
	}
	type distrust = facts.Distrust
	cases := map[string]struct {
		leaf     lab.Leaf
		tls12    bool
		profile  string
		at       time.Time // zero = ten days after the issue
		listDate time.Time // zero = the day of the issue
		distrust []distrust
		private  bool

		cause    string // expected
		severity diag.Severity
		not      []string
		untested bool
	}{
		"enough":                     {leaf: issued(date(2026, 9, 1), 90, two...)},
		"enough for a year":          {leaf: issued(date(2025, 9, 1), 365, three...)},
		"none":                       {leaf: issued(date(2026, 9, 1), 90), cause: "ct-required", severity: diag.SeverityWarning},
		"none, Chrome":               {leaf: issued(date(2026, 9, 1), 90), profile: "Chromium 137 (Win 11)", cause: "ct-required", severity: diag.SeverityFailure},
		"none, Safari":               {leaf: issued(date(2026, 9, 1), 90), profile: "Safari 18.4", cause: "ct-required", severity: diag.SeverityFailure},
		"none, Firefox":              {leaf: issued(date(2026, 9, 1), 90), profile: "Firefox 137 (Win 11)", cause: "ct-required", severity: diag.SeverityFailure},
		"none, old Firefox":          {leaf: issued(date(2026, 9, 1), 90), profile: "Firefox 71 (Win 10)", cause: "ct-required", severity: diag.SeverityWarning},
		"none, private CA":           {leaf: issued(date(2026, 9, 1), 90), profile: "Chromium 137 (Win 11)", private: true},
		"one":                        {leaf: issued(date(2026, 9, 1), 90, "One"), cause: "ct-required", severity: diag.SeverityWarning},
		"one operator":               {leaf: issued(date(2026, 9, 1), 90, "One", "One/2"), cause: "ct-required", severity: diag.SeverityWarning},
		"two for 180 days":           {leaf: issued(date(2026, 9, 1), 180, two...)},
		"two for 181 days":           {leaf: issued(date(2026, 9, 1), 181, two...), cause: "ct-required", severity: diag.SeverityWarning},
		"garbled":                    {leaf: issued(date(2026, 9, 1), 90, "One", "Two!"), cause: "ct-required", severity: diag.SeverityWarning},
		"unknown log":                {leaf: issued(date(2026, 9, 1), 90, "One", "Nobody"), listDate: date(2026, 9, 2), cause: "ct-required", severity: diag.SeverityWarning},
		"log newer than the list":    {leaf: issued(date(2026, 9, 1), 90, "One", "Nobody"), listDate: date(2026, 8, 20), untested: true},
		"retired log before its end": {leaf: issued(date(2026, 9, 1), 90, "One", "Retired"), listDate: date(2026, 9, 9)},
		"all retired":                {leaf: issued(date(2026, 9, 1), 90, "Retired", "Gone"), listDate: date(2026, 9, 9), cause: "ct-required", severity: diag.SeverityWarning},
		"in the handshake":           {leaf: lab.Leaf{Issued: date(2026, 9, 1), Days: 90, TLSSCTs: two}},
		"in the handshake of 1.2":    {leaf: lab.Leaf{Issued: date(2026, 9, 1), Days: 90, TLSSCTs: two}, tls12: true},
		"in the handshake, one":      {leaf: lab.Leaf{Issued: date(2026, 9, 1), Days: 90, TLSSCTs: []string{"One"}}, cause: "ct-required", severity: diag.SeverityWarning},
		"list of 70 days":            {leaf: issued(date(2026, 9, 1), 90), listDate: date(2026, 7, 4), at: date(2026, 9, 12), cause: "ct-required", severity: diag.SeverityWarning},
		"list of 71 days":            {leaf: issued(date(2026, 9, 1), 90), listDate: date(2026, 7, 4), at: date(2026, 9, 13).Add(time.Hour), untested: true},

		"398 days":             {leaf: issued(date(2025, 9, 1), 398, three...)},
		"399 days":             {leaf: issued(date(2025, 9, 1), 399, three...), cause: "cert-lifetime-too-long", severity: diag.SeverityWarning},
		"399 days, Chrome":     {leaf: issued(date(2025, 9, 1), 399, three...), profile: "Chromium 137 (Win 11)", cause: "cert-lifetime-too-long", severity: diag.SeverityFailure},
		"399 days, private":    {leaf: issued(date(2025, 9, 1), 399), profile: "Chromium 137 (Win 11)", private: true},
		"a day before 200":     {leaf: issued(date(2026, 3, 14), 398, three...), at: date(2026, 5, 1)},
		"201 days from 200 on": {leaf: issued(date(2026, 3, 15), 201, three...), cause: "cert-lifetime-too-long", severity: diag.SeverityWarning},
		"200 days from 200 on": {leaf: issued(date(2026, 3, 15), 200, three...)},
		"101 days from 100 on": {leaf: issued(date(2027, 3, 15), 101, two...), cause: "cert-lifetime-too-long", severity: diag.SeverityWarning},
		"101 days before 100":  {leaf: issued(date(2027, 3, 14), 101, two...)},
		"48 days from 47 on":   {leaf: issued(date(2029, 3, 15), 48, two...), cause: "cert-lifetime-too-long", severity: diag.SeverityWarning},
		"47 days from 47 on":   {leaf: issued(date(2029, 3, 15), 47, two...)},

		"distrusted":                 {leaf: issued(date(2026, 9, 1), 90, two...), distrust: []distrust{{Program: "Apple", After: date(2026, 8, 31)}}, cause: "distrusted-ca", severity: diag.SeverityWarning},
		"distrusted, Safari":         {leaf: issued(date(2026, 9, 1), 90, two...), profile: "Safari 18.4", distrust: []distrust{{Program: "Apple", After: date(2026, 8, 31)}}, cause: "distrusted-ca", severity: diag.SeverityFailure},
		"distrusted by others":       {leaf: issued(date(2026, 9, 1), 90, two...), profile: "Safari 18.4", distrust: []distrust{{Program: "Chrome", After: date(2026, 8, 31), BySCT: true}}, cause: "distrusted-ca", severity: diag.SeverityWarning},
		"issued a day before":        {leaf: issued(date(2026, 9, 1), 90, two...), profile: "Safari 18.4", distrust: []distrust{{Program: "Apple", After: date(2026, 9, 2)}}, not: []string{"distrusted-ca"}},
		"logged before, dated after": {leaf: issued(date(2026, 9, 1), 90, two...), distrust: []distrust{{Program: "Chrome", After: date(2026, 9, 1).Add(30 * time.Second), BySCT: true}}, cause: "distrusted-ca", severity: diag.SeverityWarning},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := lab.Scenario{ID: "public", Server: lab.Server{Leaf: c.leaf}}
			if c.tls12 {
				s.Server.MaxVersion = 0x0303
			}
			r, err := lab.Start(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if c.at.IsZero() {
				c.at = c.leaf.Issued.Add(10 * 24 * time.Hour)
			}
			if c.listDate.IsZero() {
				c.listDate = c.leaf.Issued
			}
			env := diagnose.Env{Logs: labLogs(t, c.listDate), Roots: map[[32]byte]facts.Root{}}
			if !c.private {
				env.Roots[sha256.Sum256(r.Root)] = facts.Root{Programs: []string{"Mozilla"}, Distrust: c.distrust}
			}
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, r.CA, 0o600); err != nil {
				t.Fatal(err)
			}
			d, err := diagnose.Run(context.Background(), "https://shop.lab.test", diagnose.Options{Connect: []string{r.Addr}, CAFile: ca, At: c.at, Client: c.profile}, env)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"ct-required", "cert-lifetime-too-long", "distrusted-ca"} {
				i := slices.IndexFunc(d.Causes, func(x diag.Cause) bool { return x.ID == id })
				switch {
				case id == c.cause && i < 0:
					t.Errorf("missed %s\n%s", id, describe(d))
				case id == c.cause && d.Causes[i].Severity != c.severity:
					t.Errorf("%s is a %s, want %s\n%s", id, d.Causes[i].Severity, c.severity, describe(d))
				case id != c.cause && i >= 0:
					t.Errorf("found %s\n%s", id, describe(d))
				}
			}
			if f := d.FirstFailure(); f != nil && f.ID != c.cause {
				t.Errorf("got the failure %s\n%s", f.ID, describe(d))
			}
			untested := slices.ContainsFunc(d.NotTested, func(n diag.NotTested) bool { return n.What == "Certificate Transparency" })
			if untested != c.untested {
				t.Errorf("CT listed as not tested: %v, want %v (%v)", untested, c.untested, d.NotTested)
			}
		})
	}
}

// labLogs are the logs of the lab that browsers would know.
func labLogs(t *testing.T, at time.Time) *ct.List {
	t.Helper()
	list := ct.NewList(at)
	for name, operator := range map[string]string{"One": "One", "One/2": "One", "Two": "Two", "Three": "Three", "Retired": "Four", "Gone": "Five"} {
		key, err := lab.LogKey(name)
		if err != nil {
			t.Fatal(err)
		}
		log := ct.Log{Name: name, Operator: operator}
		if name == "Retired" || name == "Gone" {
			log.Retired = at
		}
		if err := list.Add(log, key); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// TestNothingToSay holds scenarios that nearly have something, and of which not
// even a warning may be printed.
func TestNothingToSay(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"short-lived-fresh", "sct-garbled", "cert-lifetime-825", "cert-lifetime-policy-kept", "pin-leaf", "pin-issuer",
		"tlsa-ta", "tlsa-ee", "tlsa-unusable", "clock-of-the-server", "redirect-elsewhere"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s, ok := lab.Lookup(id)
			if !ok {
				t.Fatal("there is no such scenario")
			}
			if d := diagnoseLab(t, s); len(d.Causes) > 0 {
				t.Errorf("got %d causes\n%s", len(d.Causes), describe(d))
			}
		})
	}
}
