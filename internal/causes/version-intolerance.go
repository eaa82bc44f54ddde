package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "version-intolerance", rank: rankVersion, match: func(v *view) *match {
	f := v.flipOf(facts.PropVersion)
	if f == nil {
		f = v.flipOf(facts.PropShape)
		if f == nil || !f.helps(facts.PropVersion) || f.helpsShape("classic") {
			return nil
		}
	} else if f.to.Version == 0 || !v.takes(f.from, f.to.Version) || f.helpsShape("classic") {
		return nil
	}
	m := v.flipped(f, facts.PropVersion)
	m.summary = fmt.Sprintf("the server breaks on a ClientHello that mentions %s instead of declining it", offered(f.from).MaxVersion())
	m.not = []string{"a box on the path that breaks on it: the same run from another network tells"}
	return m
}})

// helps tells whether changing this property alone helps too.
func (f *flip) helps(p facts.Property) bool {
	return slices.ContainsFunc(f.others, func(a *facts.Attempt) bool {
		d := f.from.Of.Changes.Diff(a.Of.Changes)
		return len(d) == 1 && d[0] == p
	})
}

// helpsShape tells whether this shape of the hello helps.
func (f *flip) helpsShape(shape string) bool {
	return f.to.Of.Changes.Shape == shape ||
		slices.ContainsFunc(f.others, func(a *facts.Attempt) bool { return a.Of.Changes.Shape == shape })
}
