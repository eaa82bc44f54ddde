package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "private-key-mismatch-server", rank: rankKeyProof, match: func(v *view) *match {
	a := v.deep
	if a == nil || len(a.Chain) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: "the server's private key does not belong to its certificate", affects: []string{"every client"}, hides: []string{"decrypt-error"}}
	if a.Of.Kind == facts.OnFile && a.KeyProof.Result == facts.ProofInvalid {
		m.summary = "the private key does not belong to the certificate"
		return m.see(a.Address+", certificate 1", "the public key of %s is not that of the private key given", a.Chain[0].Title())
	}
	if a.Site != nil && a.KeyProof.Result == facts.ProofInvalid {
		return m.configured(a)
	}
	m.params = func(fp *FixParams) { fp.certificate(a.Chain[0]) }
	if a.KeyProof.Result == facts.ProofInvalid && !garbled(a) {
		where := "CertificateVerify"
		if a.Version < tlswire.TLS13 {
			where = "ServerKeyExchange"
		}
		return m.see(attempts(a)+", "+where, "the signature (%s) does not verify with the key of %s: %s", a.KeyProof.Scheme, a.Chain[0].Title(), a.KeyProof.Reason)
	}
	if a.ServerHello == nil || a.ServerHello.CipherSuite.Info().Kex != tlswire.KexRSA || a.End.Stage != diag.StageFinished || a.End.Kind != facts.EndAlert {
		return nil
	}
	switch a.End.Alert.Description {
	case tlswire.AlertBadRecordMAC, tlswire.AlertDecryptError, tlswire.AlertDecryptionFailed, tlswire.AlertHandshakeFailure:
	default:
		return nil
	}
	m.confidence = diag.Likely
	m.not = []string{"bytes that are changed on the way"}
	return m.see(attempts(a), "the premaster secret was encrypted to the certificate's key, and the server answers %s", endText(a))
}})
