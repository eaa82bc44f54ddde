package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "inappropriate-fallback", rank: rankVersion, match: func(v *view) *match {
	a := v.base
	if a == nil || a.End.Kind != facts.EndAlert || a.End.Alert.Description != tlswire.AlertInappropriateFallback {
		return nil
	}
	m := &match{confidence: diag.Strong, summary: "the server knows a higher version than this hello offers, and refuses the fallback"}
	if f := v.flipOf(facts.PropSuites); f.scsv() {
		m = v.flipped(f, facts.PropSuites)
		m.summary = "the server knows a higher version than " + offered(a).MaxVersion().String() + ", and the hello says that it is a fallback"
	}
	if !offered(a).FallbackSCSV() {
		m.confidence = diag.Possible
		return m.see(attempts(a), "%s, although the hello carries no TLS_FALLBACK_SCSV", endText(a))
	}
	m.hides = []string{"protocol-version", "version-intolerance"}
	m.not = []string{"why the client fell back: the same target without --fallback-scsv and --tls-max tells"}
	return m.see(attempts(a)+", ClientHello", "the hello offers %s at most and carries TLS_FALLBACK_SCSV", offered(a).MaxVersion())
}})

// scsv tells whether the flip takes out TLS_FALLBACK_SCSV.
func (f *flip) scsv() bool {
	return f != nil && offered(f.from).FallbackSCSV() && !offered(f.to).FallbackSCSV()
}
