package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "chain-too-large", rank: rankStrength, match: func(v *view) *match {
	if m := v.tooManyBytes(); m != nil {
		return m
	}
	ps := v.problems(chain.KindTooManyCerts)
	if len(ps) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: ps[0].Detail, affects: []string{"OpenSSL", "Java"}}
	for _, p := range ps {
		m.see(v.where(p.Element), "%s", p.Detail)
	}
	if l := v.leaf(); l != nil { // no certificate by itself is at fault
		m.params = func(fp *FixParams) { fp.certificate(l) }
	}
	return m
}})

// maxChain is the largest Certificate message that the reference client takes:
// OpenSSL's default (SSL_CTX_set_max_cert_list). Go takes 256 KiB, Java 32 kB.
const maxChain = 100 << 10

func (v *view) tooManyBytes() *match {
	a := v.deep
	if a == nil {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: "the server sends a certificate chain that is larger than clients accept", affects: []string{"OpenSSL, curl, Python and all with OpenSSL (100 kB)", "Java (32 kB by default)"}}
	if a.End.Kind == facts.EndLimit && (a.End.Stage == diag.StageServerHello || a.End.Stage == diag.StageCertificate) {
		return m.see(attempts(a), "%s", a.End.Err)
	}
	size := 0
	for _, x := range a.Messages {
		if x.From == tlswire.SideServer && x.Name == "Certificate" {
			size = max(size, x.Size)
		}
	}
	if size <= maxChain {
		return nil
	}
	return m.see(attempts(a)+", Certificate", "%s, %d bytes", count(len(a.Chain), "certificate"), size)
}
