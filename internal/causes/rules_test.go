package causes

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// withoutRule are the pages that no rule speaks of yet, and what a rule would
// need. A page that gets its rule leaves this list.
var withoutRule = map[string]string{}

// withoutScenario are the rules that the lab cannot trigger, and why.
var withoutScenario = map[string]string{
	"ct-required":          "only public CAs are asked for it: TestPublicRoots in diagnose lends the lab such a root",
	"distrusted-ca":        "the dates are of real roots: TestPublicRoots in diagnose lends the lab one",
	"renewed-not-deployed": "needs a file beside the server: TestOnDisk of package diagnose has it",
}

// nearMiss names, for rules that no scenario calls near, one that could be taken
// for the cause and is not.
var nearMiss = map[string]string{
	"cert-bad-signature":       "sha1-root",
	"ct-required":              "sct-garbled",
	"chain-order":              "chain-with-root",
	"client-cert-bad-purpose":  "client-cert-good",
	"client-cert-key-mismatch": "client-cert-good",
	"connection-reset":         "slow-accept",
	"decrypt-error":            "small-segments",
	"distrusted-ca":            "healthy",
	"dns-failure":              "idn",
	"expires-soon":             "short-lived-fresh",
	"file-or-config-error":     "self-signed-trusted",
	"internal-error":           "healthy-scripted",
	"pmtu-blackhole":           "handshake-timeout",
	"psk-only":                 "healthy-scripted",
	"renewed-not-deployed":     "healthy",
	"server-no-certificate":    "sni-needed-and-sent",
	"server-speaks-plaintext":  "plain-http",
	"tcp-refused":              "slow-accept",
	"tcp-timeout":              "slow-accept",
	"unexplained":              "mute",
	"version-intolerance":      "rsa-tls12",
}

// TestEveryRuleIsComplete demands page, family, stage, references and a fix
// that renders.
func TestEveryRuleIsComplete(t *testing.T) {
	t.Parallel()
	if len(rules) < 50 {
		t.Errorf("got %d rules", len(rules))
	}
	for id, r := range rules {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			if r.match == nil || r.rank < rankLocal || r.id != id {
				t.Errorf("got the rule %+v", r)
			}
			page, ok := PageOf(id)
			if !ok {
				t.Fatalf("there is no %s.md", id)
			}
			if !slices.Contains(Families, page.Family) || page.Stage.Rank() < 0 || len(page.References) == 0 || page.Title == "" {
				t.Errorf("the page has family %q, stage %q, %d references, title %q", page.Family, page.Stage, len(page.References), page.Title)
			}
			if _, err := os.Stat(id + ".go"); err != nil {
				t.Errorf("the rule is not in its own file: %v", err)
			}
			for _, p := range []FixParams{{}, fullParams()} {
				fixes := RenderFixes(page.Fixes, nil, nil, p)
				if len(fixes) == 0 {
					t.Error("no fix of the page renders")
				}
				for _, f := range fixes {
					if f.Text == "" || f.Action == "" || f.Side == "" {
						t.Errorf("got the fix %+v", f)
					}
				}
			}
		})
	}
}

// TestRulesAreQuietOnNothing calls every rule with cases in which nothing was
// seen: none may speak, let alone panic.
func TestRulesAreQuietOnNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*facts.Case{
		"empty":         {},
		"one address":   {Lookup: facts.Lookup{Addresses: []string{"192.0.2.1:443"}}},
		"empty attempt": {Lookup: facts.Lookup{Addresses: []string{"192.0.2.1:443"}}, Attempts: []*facts.Attempt{{N: 1, Address: "192.0.2.1:443"}}},
		"canceled": {Lookup: facts.Lookup{Addresses: []string{"192.0.2.1:443"}}, Attempts: []*facts.Attempt{{N: 1, Address: "192.0.2.1:443",
			End: facts.End{Kind: facts.EndCanceled, Stage: diag.StageClientHello}}}},
	} {
		for _, r := range sorted() {
			if r.residual {
				continue
			}
			if m := r.match(newView(c, c.Lookup.Addresses)); m != nil {
				t.Errorf("%s: %s says %q", name, r.id, m.summary)
			}
		}
		c.Spent = true
		if found, _ := Judge(c); len(found) > 1 {
			t.Errorf("%s: got %d causes, %s first", name, len(found), found[0].ID)
		}
	}
}

func TestEveryPageHasARule(t *testing.T) {
	t.Parallel()
	for _, page := range Pages() {
		_, has := rules[page.ID]
		switch reason, listed := withoutRule[page.ID]; {
		case !has && reason == "":
			t.Errorf("%s has no rule, and no reason for that is given", page.ID)
		case has && listed:
			t.Errorf("%s has a rule now: take it out of the list", page.ID)
		}
	}
	for id := range withoutRule {
		if _, ok := PageOf(id); !ok {
			t.Errorf("%s is listed and is no page", id)
		}
	}
}

// TestEveryRuleHasScenarios demands that the lab triggers every cause, and that
// something else is nearly it.
func TestEveryRuleHasScenarios(t *testing.T) {
	t.Parallel()
	triggered, near := map[string]bool{}, map[string]bool{}
	for _, s := range lab.Scenarios() {
		triggered[s.Cause], near[s.Near] = true, true
		for _, id := range s.Also {
			triggered[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		switch reason, listed := withoutScenario[id]; {
		case !triggered[id] && reason == "":
			t.Errorf("no scenario of the lab triggers %s", id)
		case triggered[id] && listed:
			t.Errorf("a scenario triggers %s now: take it out of the list", id)
		}
		other, listed := nearMiss[id]
		s, ok := lab.Lookup(other)
		switch {
		case near[id] && listed:
			t.Errorf("a scenario is near %s now: take it out of the list", id)
		case near[id]:
		case !listed:
			t.Errorf("no scenario of the lab is near %s", id)
		case !ok || s.Cause == id || slices.Contains(s.Also, id) || slices.Contains(s.Or, id):
			t.Errorf("%q is no near miss of %s", other, id)
		}
	}
	for _, list := range []map[string]string{withoutScenario, nearMiss} {
		for id := range list {
			if _, ok := rules[id]; !ok {
				t.Errorf("%s is listed and has no rule", id)
			}
		}
	}
	for _, s := range lab.Scenarios() {
		for _, id := range slices.Concat([]string{s.Cause, s.Near}, s.Also, s.Or) {
			if _, ok := rules[id]; !ok && id != "" && withoutRule[id] == "" {
				t.Errorf("%s speaks of %s, for which there is no rule", s.ID, id)
			}
		}
	}
}

// TestHidesNameRules reads the sources: what a rule hides must exist.
func TestHidesNameRules(t *testing.T) {
	t.Parallel()
	for _, id := range ofTheWrongOne {
		if _, ok := rules[id]; !ok {
			t.Errorf("%q is hidden and is no rule", id)
		}
	}
	for id := range rules {
		source, err := os.ReadFile(id + ".go")
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(source), "hides")[1:] {
			list, _, _ := strings.Cut(part, "}")
			_, list, ok := strings.Cut(list, "[]string{")
			if !ok {
				continue
			}
			for _, word := range strings.Split(list, ",") {
				if name := strings.Trim(strings.TrimSpace(word), `"`); looksLikeID(name) {
					if _, ok := rules[name]; !ok {
						t.Errorf("%s hides %q, which is no rule", id, name)
					}
				}
			}
		}
	}
}
