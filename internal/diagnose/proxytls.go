package diagnose

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// ofAttempt are the numbers of attempts, which are those of another diagnosis.
var ofAttempt = regexp.MustCompile(`,? ?attempts? [0-9, ]+$`)

// proxyItself diagnoses a proxy of scheme https with which no handshake came
// about, and puts what is wrong with it in the place of "the proxy refuses": the
// server behind it is not to blame.
func (r *runner) proxyItself(ctx context.Context, o Options, env Env, found []diag.Cause) []diag.Cause {
	i := slices.IndexFunc(found, func(c diag.Cause) bool { return c.ID == "proxy-refused" })
	at := slices.IndexFunc(r.c.Attempts, func(a *facts.Attempt) bool { return a.Passage != nil && a.Passage.Step == facts.PassageTLS })
	if i < 0 || at < 0 || ctx.Err() != nil {
		return found
	}
	proxy := r.c.Attempts[at].Passage.Proxy.Address
	own := Options{Network: o.Network, CAFile: o.CAFile, Trust: o.Trust, At: o.At, Timeout: o.Timeout, Proxy: noProxy[0], Progress: o.Progress, Detail: o.Detail, ALPN: "none"}
	env.Environ, env.Flags, env.Hello, env.OnDisk = nil, nil, nil, nil
	anchored := !strings.Contains(r.c.Attempts[at].End.Err, "unknown authority")
	for _, ca := range slices.Compact([]string{"", o.CAFile}) {
		own.CAFile = ca
		if ca != "" {
			own.Trust = ""
		}
		d, err := Run(ctx, "tls://"+proxy, own, env)
		if err != nil || d.FirstFailure() == nil {
			continue
		}
		if anchored && o.CAFile != ca && slices.Contains([]string{"unknown-ca", "self-signed", "incomplete-chain"}, d.FirstFailure().ID) {
			continue // the proxy's CA is in the user's own file
		}
		if d.FirstFailure().ID == "server-speaks-plaintext" {
			c := &found[i]
			c.Summary, c.Confidence = "the proxy does not speak TLS: its URL has to begin with http://", diag.Proven
			c.Evidence = append(c.Evidence, diag.Evidence{Text: "spoken to in clear, it answers in HTTP", Where: "the proxy's own port"})
			return found
		}
		var mine []diag.Cause
		for _, c := range d.Causes {
			if c.Severity != diag.SeverityFailure {
				continue
			}
			c.Summary, c.Stage, c.Addresses, c.Verify = "at the proxy "+proxy+" itself: "+c.Summary, diag.StageProxy, found[i].Addresses, found[i].Verify
			for j := range c.Evidence {
				c.Evidence[j].Where = strings.TrimSuffix("the proxy's own handshake, "+ofAttempt.ReplaceAllString(c.Evidence[j].Where, ""), ", ")
			}
			c.Evidence = append(c.Evidence, found[i].Evidence...)
			c.Fixes = found[i].Fixes // those of a server would name the wrong machine
			mine = append(mine, c)
		}
		return slices.Replace(slices.Clone(found), i, i+1, mine...)
	}
	return found
}
