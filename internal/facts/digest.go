package facts

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Digest stands for what the server showed in a handshake that went well: two
// attempts of the same hello with the same digest met the same parameters, the
// same certificates with the same extensions, the same requests and valid
// proofs. What is new in every handshake is left out (randoms, shares, tickets,
// signatures), and so is what came after the handshake. It is "" for an attempt
// that did not go well, or in which anything was odd: those are judged each time.
func (a *Attempt) Digest() string {
	if a.ServerHello == nil || a.End.Kind != EndCompleted && a.End.Kind != EndStopped || len(a.Violations) > 0 || len(a.Preamble) > maxDialogue ||
		a.KeyProof.Result != ProofValid && a.KeyProof.Result != ProofNone || a.Finished.Result != ProofValid && a.Finished.Result != ProofNone || a.Session.Resumed {
		return ""
	}
	for _, alert := range a.Alerts {
		if alert.Description != tlswire.AlertCloseNotify {
			return ""
		}
	}
	h := sha256.New()
	var scratch [8]byte
	number := func(n int) {
		binary.BigEndian.PutUint64(scratch[:], uint64(n))
		h.Write(scratch[:])
	}
	bytes := func(b []byte) {
		number(len(b))
		h.Write(b)
	}
	hello := a.ServerHello
	number(int(a.Version))
	number(int(hello.Version))
	number(int(hello.CipherSuite))
	for _, x := range hello.Extensions {
		number(int(x.Type))
		if x.Type != tlswire.ExtKeyShare {
			bytes(x.Data)
		}
	}
	if share, ok := hello.KeyShare(); ok {
		number(int(share.Group))
	}
	if a.Retry != nil {
		share, _ := a.Retry.KeyShare()
		number(int(share.Group))
	}
	if kx := a.KeyExchange; kx != nil {
		number(int(kx.Group))
		number(int(kx.Scheme))
		bytes(kx.P)
		bytes(kx.G)
	}
	number(int(a.KeyProof.Scheme))
	for _, line := range a.Preamble {
		if line.From == tlswire.SideServer && len(line.Text) >= 3 {
			bytes([]byte(line.Text[:3])) // the code; the rest may hold the time of day
		}
	}
	for _, m := range a.Messages {
		if m.From != tlswire.SideServer {
			continue
		}
		if m.Name == "Finished" {
			break
		}
		switch m.Name {
		case "EncryptedExtensions", "CertificateRequest", "Certificate", "CompressedCertificate", "CertificateStatus":
			bytes([]byte(m.Name))
			bytes(m.Raw)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// maxDialogue is how many lines of a plaintext dialogue may go into a digest.
const maxDialogue = 64
