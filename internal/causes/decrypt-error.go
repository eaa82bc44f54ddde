package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "decrypt-error", rank: rankKeyProof, match: func(v *view) *match {
	a := v.deep
	if a == nil || a.KeyProof.Result == facts.ProofInvalid {
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
