package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "hello-too-large", rank: rankVersion, match: func(v *view) *match {
	f := v.flipOf(facts.PropShape)
	if f == nil || !f.classic || f.padded {
		return nil
	}
	m := v.flipped(f, facts.PropShape)
	m.summary = fmt.Sprintf("the server or a box before it breaks on a large ClientHello (%d bytes)", f.from.BytesSent)
	for _, a := range v.tries {
		switch a.Of.Changes.Shape {
		case "classic,padded":
			m.see(attempts(a), "fails without the post-quantum key share too when it is padded to the same size")
		case "classic":
			m.see(attempts(a), "works without the post-quantum key share, %d bytes", a.BytesSent)
		}
	}
	m.affects = []string{"Chrome ≥ 131, Firefox ≥ 132, Go ≥ 1.24, OpenSSL ≥ 3.5 (they send a post-quantum key share)"}
	m.not = []string{"a firewall between here and the server: the same run from another network tells"}
	return m
}})
