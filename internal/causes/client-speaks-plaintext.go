package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "client-speaks-plaintext", rank: rankTransport,
	match: func(v *view) *match {
		if v.base == nil {
			return nil
		}
		tls, m := (*facts.Attempt)(nil), &match{confidence: diag.Proven}
		switch {
		case v.plainBase() != "":
			if as := v.at(facts.Changes{}); len(as) > 0 {
				tls = as[0]
			}
			if h := v.base.HTTP; h != nil && h.Status != 0 && plainAnswer(h) {
				return nil
			}
			m.summary = "this port speaks TLS, and the client sends plain HTTP"
			m.see(attempts(v.base), "the plain request got %s", plainEnd(v.base))
		case v.base.End.Kind == facts.EndPreamble:
			tls = v.direct()
			m.summary = fmt.Sprintf("this port speaks TLS from the first byte, and the client waits for a plaintext %s greeting", protocolName(v.c.Want.StartTLS))
			m.fixes = []FixRef{{"client", "begin-with-tls"}}
			m.see(attempts(v.base), "the plaintext dialogue: %s", v.base.End.Preamble)
		}
		if tls == nil || tls.ServerHello == nil && tls.SSL2 == nil && len(tls.Alerts) == 0 {
			return nil
		}
		return m.see(attempts(tls), "a ClientHello gets a TLS answer on the same port: %s", endText(tls))
	},
	wants: func(v *view) []facts.Experiment {
		switch {
		case v.base == nil:
			return nil
		case v.plainBase() != "" && (v.base.HTTP == nil || v.base.HTTP.Status == 0 || !plainAnswer(v.base.HTTP)):
			return []facts.Experiment{{Address: v.addrs[0]}}
		case v.base.End.Kind == facts.EndPreamble:
			return []facts.Experiment{{Address: v.addrs[0], Direct: true}}
		}
		return nil
	}})

// plainAnswer tells whether a plaintext answer is that of a plaintext server:
// a TLS server that is spoken to in clear says so in HTTP.
func plainAnswer(h *facts.HTTP) bool {
	if h == nil || h.Status == 0 {
		return true
	}
	// nginx, Apache, HAProxy, Go, Jetty and lighttpd say it in the body of a 400.
	body := strings.ToLower(string(h.Body))
	return h.Status != 400 || !strings.Contains(body, "https") && !strings.Contains(body, "ssl") && !strings.Contains(body, "tls")
}

func plainEnd(a *facts.Attempt) string {
	switch {
	case a.HTTP != nil && a.HTTP.Status != 0:
		return fmt.Sprintf("HTTP %d: %s", a.HTTP.Status, quoted(a.HTTP.Body))
	case len(a.End.Data) > 0:
		return "the bytes " + quoted(a.End.Data)
	}
	return endText(a)
}
