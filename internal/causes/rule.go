package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// rule is one cause of the catalogue: the page <id>.md says it to people, match
// finds it in the facts. match is pure; it returns nil when the facts do not
// show the cause.
type rule struct {
	id   string
	rank rank
	// residual rules name how it ended and nothing more; they are asked only
	// when no other rule explains the failure and nothing is left to try.
	residual bool
	match    func(*view) *match
	// wants names experiments that this rule needs and nobody else would make;
	// those that were made are dropped. It may be nil.
	wants func(*view) []facts.Experiment
}

// rank orders several causes of one failure (docs/design.md, "Whose failure"):
// what stands earlier on the way of a connection comes first.
type rank int

const (
	rankLocal rank = iota // our own files
	rankTransport
	rankVersion
	rankNegotiation
	rankKeyProof
	rankTrust
	rankDates
	rankConstraints
	rankName
	rankStrength
	rankStaple
	rankClientAuth
	rankApplication
	rankResidual
)

// match is what a rule found.
type match struct {
	severity   diag.Severity // zero: failure
	confidence diag.Confidence
	stage      diag.Stage // zero: the page's
	summary    string
	evidence   []diag.Evidence
	not        []string // explanations that are not ruled out
	// affects names the clients that break, unaffected those that do not.
	affects, unaffected []string
	fixes               []FixRef // zero: the page's
	params              func(*FixParams)
	// hides lists causes that are effects of this one.
	hides []string
}

func (m *match) see(where, format string, args ...any) *match {
	m.evidence = append(m.evidence, diag.Evidence{Text: fmt.Sprintf(format, args...), Where: where})
	return m
}

var rules = map[string]rule{}

// register adds a rule; a second one of the same id is a programming error that
// every test meets.
func register(r rule) bool {
	if _, double := rules[r.id]; double {
		panic("causes: two rules for " + r.id)
	}
	rules[r.id] = r
	return true
}
