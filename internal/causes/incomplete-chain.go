package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "incomplete-chain", rank: rankTrust,
	match: func(v *view) *match {
		miss := v.missing()
		if miss == nil {
			return v.onlyHere()
		}
		m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the server does not send the intermediate certificate %s", orElse(miss.Issuer.CN(), miss.Issuer.String()))}
		sent := len(v.deep.Chain)
		if v.deep.Of.Kind == facts.OnFile {
			m.summary = fmt.Sprintf("the file lacks the intermediate certificate %s", orElse(miss.Issuer.CN(), miss.Issuer.String()))
		}
		m.see(attempts(v.deep)+", Certificate", "%s sent; %s is issued by %s, which is not among them", count(sent, "certificate"), miss.Child.Title(), miss.Issuer)
		switch {
		case miss.Cert != nil:
			m.see(v.source(miss.Cert), "with it the chain ends in the trusted root: %s", orElse(miss.Reason, "path found"))
		case miss.Likely < chain.LikelihoodCertain:
			m.confidence = diag.Likely
			m.not = []string{"a CA that your client does not trust at all (unknown-ca)"}
			m.see(v.c.Want.AnchorsFrom, "%s", miss.Reason)
		default:
			m.see(v.c.Want.AnchorsFrom, "%s", miss.Reason)
		}
		for _, f := range v.c.Fetches {
			if f.What == "" && f.Err != "" && miss.Cert == nil {
				m.see(f.URL, "the issuer cannot be fetched there: %s", f.Err)
			}
		}
		m.judged("incomplete-chain")
		m.params = func(fp *FixParams) {
			fp.certificate(miss.Child)
			fp.MissingSubject = miss.Issuer.String()
			if len(miss.URLs) > 0 {
				fp.MissingURL = miss.URLs[0]
			}
			if miss.Cert != nil {
				fp.MissingPEM = string(miss.Cert.PEM())
				fp.FullChainPEM = string(chain.FullChain(v.path()))
			}
		}
		return v.inStores(m, false)
	},
	wants: func(v *view) []facts.Experiment {
		const most = 8 // addresses that are asked in all
		if v.problem(chain.KindUnknownIssuer) == nil || len(v.c.Fetches) >= most {
			return nil
		}
		var ask []facts.Experiment
		for _, miss := range v.analysis.Missing {
			for _, url := range miss.URLs {
				e := facts.Experiment{Kind: facts.Fetch, URL: url}
				if len(v.fresh([]facts.Experiment{e})) > 0 && strings.HasPrefix(strings.ToLower(url), "http") {
					ask = append(ask, e) // the next one only if this does not help
					break
				}
			}
		}
		return ask
	}})

// source says where a certificate that was not sent comes from.
func (v *view) source(c *chain.Certificate) string {
	for _, f := range v.c.Fetches {
		for _, x := range f.Certificates {
			if x.Equal(c) {
				return "fetched from " + f.URL
			}
		}
	}
	return v.c.Want.AnchorsFrom
}

// onlyHere warns of an intermediate that this client has among its anchors, and
// that the server does not send.
func (v *view) onlyHere() *match {
	if v.analysis == nil || !v.analysis.Valid || !v.c.Want.AnchorsPrivate {
		return nil
	}
	path := v.path()
	i := len(path.Elements) - 1
	top := path.Elements[i]
	if i == 0 || top.Source != chain.SourceAnchor || top.Index >= 0 || top.Cert.SelfIssued() {
		return nil
	}
	m := &match{severity: diag.SeverityWarning, confidence: diag.Proven, affects: []string{"clients that have only the root of this CA"},
		summary: fmt.Sprintf("the server does not send the intermediate %s; only your file of anchors has it", top.Cert.Title())}
	m.params = func(fp *FixParams) {
		fp.MissingSubject, fp.MissingPEM, fp.FullChainPEM = top.Cert.Subject.String(), string(top.Cert.PEM()), string(append(chain.FullChain(path), top.Cert.PEM()...))
	}
	return m.see(v.c.Want.AnchorsFrom, "the path ends in %s, which is no root", top.Cert.Title())
}
