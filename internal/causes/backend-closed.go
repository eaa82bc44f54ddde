package causes

import (
	"net/http"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// It speaks only where the user said that the target is HTTP: what another
// protocol does with an HTTP request is no fault. A server that waits for the
// client to speak was spoken to.
var _ = register(rule{id: "backend-closed", rank: rankApplication, match: func(v *view) *match {
	a := v.base
	if words := v.wantsTLSTwice(); words != "" {
		m := &match{severity: diag.SeverityWarning, confidence: diag.Proven, summary: "TLS works; what is behind it expects TLS as well and gets plain HTTP"}
		return m.see(attempts(a)+", HTTP answer", "HTTP 400 within TLS: %s", quoted([]byte(words)))
	}
	if !v.hungUp() {
		return nil
	}
	m := &match{severity: diag.SeverityWarning, confidence: diag.Strong,
		not: []string{"a balancer or tunnel without a live backend", "a backend that expects TLS and gets plain HTTP, or the reverse", "a service that does not speak HTTP"}}
	return m.see(attempts(a), "both Finished have passed, then: %s, %s after the ClientHello left and without a byte of an answer", endText(a), short(a.End.After))
}})

// wantsTLSTwice returns the words of a backend that got our request without the
// TLS that it expects, "" where none says so.
func (v *view) wantsTLSTwice() string {
	a := v.base
	if a == nil || a.HTTP == nil || a.Of.Kind != facts.Handshake || a.HTTP.Status != http.StatusBadRequest {
		return ""
	}
	return facts.WrongScheme(string(a.HTTP.Body))
}

// hungUp tells whether the handshake stands and the connection ended with our
// request, without a byte of an answer.
func (v *view) hungUp() bool {
	a := v.base
	if a == nil || a.Of.Kind != facts.Handshake || v.c.Want.Guessed || v.c.Want.Protocol != "https" || !completed(a) && !v.disliked() || a.HTTP != nil {
		return false
	}
	switch a.End.Kind {
	case facts.EndClosed, facts.EndReset, facts.EndAlert:
		return true
	}
	return false
}

// disliked tells whether the handshake stands and only our request made the
// server hang up.
func (v *view) disliked() bool {
	q := v.quiet()
	return q != nil && completed(q)
}
