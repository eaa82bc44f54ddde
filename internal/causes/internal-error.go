package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "internal-error", rank: rankNegotiation, match: func(v *view) *match {
	if v.deep == nil || v.unexplained(v.deep) && !v.stuck || v.deep.End.Kind != facts.EndAlert || v.deep.End.Alert.Description != tlswire.AlertInternalError {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "the server fails internally (alert internal_error)"}
	if name := offered(v.deep).ServerName(); name != "" && v.deep.ServerHello == nil {
		m.not = []string{fmt.Sprintf("a name that it does not serve: Caddy and other servers in Go say internal_error where they have no certificate for %s", name)}
	}
	if len(v.deep.Chain) == 0 && v.deep.ServerHello != nil {
		m.not = []string{"a chain that the server's own security level forbids, such as RSA 2048 at OpenSSL's SECLEVEL=3"}
	}
	return m.see(v.everyTry(), "%s%s", endText(v.deep), behind(v.deep))
}})
