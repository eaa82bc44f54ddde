package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "decrypt-error", rank: rankKeyProof, match: func(v *view) *match {
	a := v.deep
	if a == nil || a.KeyProof.Result == facts.ProofInvalid && !garbled(a) {
		return nil
	}
	m := &match{confidence: diag.Strong, not: []string{"a machine or a box on the path that changes bytes: repeat it from another network"}}
	switch {
	case a.Finished.Result == facts.ProofInvalid:
		m.summary = "the server's Finished does not match what was said in the handshake"
		return m.see(attempts(a), "verify_data is wrong: %s", a.Finished.Reason)
	case a.End.Kind == facts.EndLocal && a.End.Alert.Description == tlswire.AlertBadRecordMAC:
		m.summary = "a record of the server cannot be decrypted"
		return m.see(attempts(a), "%s", a.End.Err)
	case a.End.Kind == facts.EndAlert && a.End.By == tlswire.SideServer:
		switch a.End.Alert.Description {
		case tlswire.AlertBadRecordMAC, tlswire.AlertDecryptError, tlswire.AlertDecryptionFailed:
			m.summary = "the server cannot decrypt or verify what the client sent"
			return m.see(attempts(a), "%s%s", endText(a), behind(a))
		}
	}
	return nil
}})

// garbled tells whether the server, too, says that what came is not what was
// sent: then bytes were changed on the way, and a signature that does not verify
// is an effect of that.
func garbled(a *facts.Attempt) bool {
	if a.End.Kind != facts.EndAlert || a.End.By != tlswire.SideServer {
		return false
	}
	switch a.End.Alert.Description {
	case tlswire.AlertBadRecordMAC, tlswire.AlertDecryptError, tlswire.AlertDecryptionFailed:
		return a.KeyProof.Result == facts.ProofInvalid && a.ServerHello != nil && a.ServerHello.CipherSuite.Info().Kex != tlswire.KexRSA
	}
	return false
}
