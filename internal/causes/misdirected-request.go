package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

var _ = register(rule{id: "misdirected-request", rank: rankApplication, match: func(v *view) *match {
	a := v.deep
	if a == nil || a.HTTP == nil || a.HTTP.Status != 421 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: "the handshake works, but the server answers 421: SNI and Host name different virtual hosts"}
	if strings.EqualFold(offered(a).ServerName(), v.c.Want.Name) {
		m.summary = fmt.Sprintf("the handshake works, but the server answers 421: it has no virtual host for %s", v.c.Want.Name)
		m.fixes = []FixRef{{"server", "sni-vhost"}}
	}
	return m.see(attempts(a), "SNI %s, Host %s: HTTP 421", orElse(offered(a).ServerName(), "none"), v.c.Want.Name)
}})
