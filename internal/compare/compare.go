package compare

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
)

// Vantage is a diagnosis and what the user calls the place where it was made.
type Vantage struct {
	Label     string
	Diagnosis *diag.Diagnosis
}

// ErrFew says that there are less than two diagnoses to compare.
var ErrFew = errors.New("two diagnoses of one target are needed")

// together is how far apart two runs may lie to count as made at one time: an
// outage in between is then unlikely.
const together = 15 * time.Minute

// Join says what the vantages tell together. They should be of one target.
func Join(in []Vantage) (*diag.Diagnosis, error) {
	if len(in) < 2 {
		return nil, ErrFew
	}
	j := &joiner{}
	for _, v := range in {
		j.all = append(j.all, newSide(v))
	}
	d := &diag.Diagnosis{Schema: diag.Schema, Target: target(j.all), Compared: &diag.Compared{At: []string{}, Rows: rows(j.all)}, Notes: j.notes()}
	for _, s := range j.all {
		d.Compared.Vantages = append(d.Compared.Vantages, s.vantage())
		if d.StartedAt.IsZero() || s.d.StartedAt.Before(d.StartedAt) {
			d.StartedAt = s.d.StartedAt
		}
		d.JudgedAt = later(d.JudgedAt, s.d.JudgedAt)
		if s.leaf != nil && !slices.ContainsFunc(d.Certificates, func(c diag.Certificate) bool { return c.Fingerprint == s.leaf.Fingerprint }) {
			d.Certificates = append(d.Certificates, *s.leaf)
		}
	}
	d.Tool = in[len(in)-1].Diagnosis.Tool
	found := j.judge()
	d.Verdict = j.verdict()
	for i, f := range found {
		if i == 0 {
			d.Compared.Fault = f.fault
		} else if f.fault != d.Compared.Fault {
			d.Compared.Fault = diag.FaultSeveral
		}
		for _, s := range f.at {
			if !slices.Contains(d.Compared.At, s.label) {
				d.Compared.At = append(d.Compared.At, s.label)
			}
		}
		if f.id != "" {
			d.Causes = append(d.Causes, f.cause(d.Target))
		}
		if f.next != nil && d.Next == nil {
			d.Next = f.next
		}
	}
	return d, nil
}

// target is what the first vantage asked for; where the settings differ, they
// are those of nobody in particular.
func target(all []*side) diag.Target {
	t := all[0].d.Target
	for _, s := range all[1:] {
		if s.d.Target.Client != t.Client {
			t.Client = ""
		}
		if s.d.Target.Trust != t.Trust {
			t.Trust = ""
		}
		if s.d.Target.Address != t.Address {
			t.Address = ""
		}
	}
	return t
}

// side is a vantage with what the comparison looks at.
type side struct {
	label string
	d     *diag.Diagnosis
	cause *diag.Cause   // the first failure, nil where it works
	own   *diag.Attempt // the client's own hello; nil where none was made
	leaf  *diag.Certificate
	// masked says that names, addresses and certificates are not the real ones.
	masked bool
}

func newSide(v Vantage) *side {
	s := &side{label: v.Label, d: v.Diagnosis, cause: v.Diagnosis.FirstFailure()}
	for i := range s.d.Attempts {
		a := &s.d.Attempts[i]
		if a.N == s.d.Handshake.Attempt || s.own == nil && a.Change == "" {
			s.own = a
		}
		if a.N == s.d.Handshake.Attempt {
			break
		}
	}
	for i := range s.d.Certificates {
		if c := &s.d.Certificates[i]; c.Role == "leaf" && s.leaf == nil {
			s.leaf = c
		}
	}
	s.masked = maskedName.MatchString(s.d.Target.Name) || s.leaf != nil && strings.HasPrefix(s.leaf.Fingerprint, "fingerprint-")
	return s
}

// maskedName are the names that a report with --redact has.
var maskedName = regexp.MustCompile(`^([a-z0-9-]+\.)*name-[0-9]+\.example$`)

func (s *side) works() bool { return s.d.Verdict == diag.OK || s.d.Verdict == diag.Warning }

func (s *side) fails() bool { return s.d.Verdict == diag.Failure && s.cause != nil }

func (s *side) vantage() diag.Vantage {
	v := diag.Vantage{Label: s.label, Verdict: s.d.Verdict, Summary: "works", Addresses: []string{}, Client: s.d.Target.Client, Trust: s.d.Target.Trust,
		StartedAt: s.d.StartedAt, Tool: s.d.Tool.Version}
	for _, a := range s.d.Addresses {
		v.Addresses = append(v.Addresses, a.Address)
	}
	switch {
	case s.fails():
		v.Cause, v.Confidence, v.Summary = s.cause.ID, s.cause.Confidence, s.cause.Summary
	case !s.works():
		v.Summary = "could not be tested"
	}
	return v
}

// met is an address that both asked with the client's own hello.
func (s *side) met(o *side) (string, bool) {
	if s.masked || o.masked {
		return "", false
	}
	if s.own != nil && slices.ContainsFunc(o.d.Addresses, func(a diag.Address) bool { return a.Address == s.own.Address }) {
		return s.own.Address, true
	}
	return "", false
}

// finding is what is said of one failure.
type finding struct {
	fault      diag.Fault
	at         []*side
	from       *side // whose cause it is made of
	id         string
	severity   diag.Severity // "" = failure
	confidence diag.Confidence
	summary    string
	evidence   []diag.Evidence
	affects    []string
	not        []string
	next       *diag.Next
}

func (f *finding) see(where []*side, format string, args ...any) *finding {
	f.evidence = append(f.evidence, diag.Evidence{Text: fmt.Sprintf(format, args...), Where: labels(where)})
	return f
}

// cause is the finding in the words of the catalogue.
func (f *finding) cause(t diag.Target) diag.Cause {
	c := diag.Cause{ID: f.id, Severity: f.severity, Confidence: f.confidence, Stage: f.from.cause.Stage, Summary: f.summary, Evidence: f.evidence, Affects: f.affects, NotRuledOut: f.not}
	if c.Severity == "" {
		c.Severity = diag.SeverityFailure
	}
	for i, e := range f.from.cause.Evidence {
		if i == 4 {
			break
		}
		e.Where = strings.TrimSuffix(f.from.label+": "+e.Where, ": ")
		c.Evidence = append(c.Evidence, e)
	}
	c.Fixes = f.from.cause.Fixes
	if page, ok := causes.PageOf(f.id); ok {
		c.Family = page.Family
		if f.id != f.from.cause.ID {
			c.Stage = page.Stage
			c.Fixes = causes.RenderFixes(page.Fixes, nil, nil, causes.FixParams{Name: t.Name, Port: t.Port, SNI: t.SNI, Protocol: t.Protocol, StartTLS: t.StartTLS,
				Client: f.from.d.Target.Client, Address: address(f.from)})
		}
	}
	// This is what is being done.
	c.Fixes = slices.DeleteFunc(slices.Clone(c.Fixes), func(x diag.Fix) bool { return x.Action == "compare-networks" })
	if f.fault == diag.FaultClient { // what mends the client comes first
		slices.SortStableFunc(c.Fixes, func(a, b diag.Fix) int {
			switch own := func(x diag.Fix) bool { return x.Side == "client" }; {
			case own(a) == own(b):
				return 0
			case own(a):
				return -1
			}
			return 1
		})
	}
	c.Verify = f.from.cause.Verify
	return c
}

func address(s *side) string {
	if s.own == nil {
		return ""
	}
	return s.own.Address
}

func labels(sides []*side) string {
	var out []string
	for _, s := range sides {
		out = append(out, s.label)
	}
	return strings.Join(out, ", ")
}

// and names sides in a sentence.
func and(sides []*side) string {
	var out []string
	for _, s := range sides {
		out = append(out, s.label)
	}
	if n := len(out); n > 1 {
		return strings.Join(out[:n-1], ", ") + " and " + out[n-1]
	}
	return strings.Join(out, "")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// hostPort is the target as a command line takes it.
func hostPort(t diag.Target) string {
	if t.Port == 0 {
		return t.Name
	}
	name := t.Name
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	return name + ":" + strconv.Itoa(t.Port)
}
