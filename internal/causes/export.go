package causes

import (
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// EndText says in words how an attempt ended.
func EndText(a *facts.Attempt) string { return endText(a) }

// AgreedGroup is the named group of a handshake, 0 when it used none.
func AgreedGroup(a *facts.Attempt) tlswire.Group { return agreedGroup(a) }

// Analyze judges the chain that an attempt was shown as the wanted client does;
// nil when there is none.
func Analyze(c *facts.Case, a *facts.Attempt) *chain.Analysis {
	if a == nil || len(a.Chain) == 0 {
		return nil
	}
	return newView(c, nil).analyze(a.Chain)
}

// IDs are the ids of all causes that have a rule, in the order of their rank.
func IDs() []string {
	var out []string
	for _, r := range sorted() {
		out = append(out, r.id)
	}
	return out
}
