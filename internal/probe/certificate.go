package probe

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// maxChain bounds how many certificates are parsed; the rest stays raw.
const maxChain = 100

// takeCertificate reads the server's Certificate message. What is readable of
// a bad one is kept, and the handshake goes on with it.
func (e *engine) takeCertificate(message tlswire.Handshake) error {
	var certificate *tlswire.Certificate
	var err error
	if message.Type == tlswire.TypeCompressedCertificate {
		certificate, err = tlswire.ParseCompressedCertificate(message.Raw, e.decompressors())
		if errors.Is(err, tlswire.ErrNoDecompressor) {
			return local(tlswire.AlertBadCertificate, err.Error())
		}
		if certificate != nil && !slices.Contains(e.hello.CompressCertificate(), certificate.Compression) {
			e.violation(facts.ViolationExtension, "CompressedCertificate", fmt.Sprintf("uses %s, which was not offered",
				tlswire.CompressionName(certificate.Compression)), "RFC 8879, Section 4")
		}
	} else {
		certificate, err = tlswire.ParseCertificate(message.Raw, e.a.Version)
	}
	bad := e.wireViolation(err)
	if certificate == nil || bad && len(certificate.Entries) == 0 {
		return malformed(err)
	}
	if e.a.Certificate != nil {
		e.violation(facts.ViolationOrder, "Certificate", "comes a second time", "RFC 8446, Section 4.4.2")
		return nil
	}
	e.a.Certificate = certificate
	if len(certificate.Context) > 0 {
		e.violation(facts.ViolationZero, "Certificate", fmt.Sprintf("has a certificate_request_context of %d bytes, a server's has none", len(certificate.Context)), "RFC 8446, Section 4.4.2")
	}
	if e.spec.Light && len(certificate.Entries) > 0 {
		e.a.Chain = []*chain.Certificate{{Key: chain.KeyOf(certificate.Entries[0].Data)}}
	}
	for _, entry := range certificate.Entries[:min(len(certificate.Entries), maxChain)] {
		if e.spec.Light {
			break
		}
		e.a.Chain = append(e.a.Chain, chain.Parse(entry.Data))
	}
	e.stage = diag.StageCertificate
	if len(certificate.Entries) == 0 {
		e.violation(facts.ViolationEmpty, "Certificate", "is empty", "RFC 8446, Section 4.4.2.4")
		return nil
	}
	if staple := certificate.Entries[0].OCSPResponse(); staple != nil {
		e.a.Staple = staple
	}
	for _, entry := range certificate.Entries {
		e.checkExtensions("Certificate", entry.Extensions)
	}
	return nil
}

// decompressors adapts the functions of the spec.
func (e *engine) decompressors() map[uint16]tlswire.Decompressor {
	more := make(map[uint16]tlswire.Decompressor, len(e.spec.Decompress))
	for algorithm, inflate := range e.spec.Decompress {
		more[algorithm] = func(data []byte, size int) ([]byte, error) { return inflate(data, size+1) }
	}
	return more
}

// proveKey checks the signature by which the server shows that it holds the
// key of its certificate.
func (e *engine) proveKey(scheme tlswire.SignatureScheme, signed, signature []byte) {
	if !e.spec.SkipKeyProof {
		e.a.ProveKey(scheme, signed, signature)
	}
}

// checkScheme notes a signature scheme that was not offered.
func (e *engine) checkScheme(message string, scheme tlswire.SignatureScheme) {
	if offered := e.hello.SignatureSchemes(); offered != nil && !slices.Contains(offered, scheme) {
		e.violation(facts.ViolationScheme, message, fmt.Sprintf("is signed with %v, which was not offered", scheme), "RFC 8446, Section 4.2.3")
		return
	}
	if e.a.Version >= tlswire.TLS13 && !scheme.InTLS13() {
		e.violation(facts.ViolationScheme, message, fmt.Sprintf("is signed with %v, which TLS 1.3 has no place for", scheme), "RFC 8446, Section 4.4.3")
	}
}

// takeCertificateRequest reads the server's wish for a client certificate.
func (e *engine) takeCertificateRequest(message tlswire.Handshake) error {
	request, err := tlswire.ParseCertificateRequest(message.Raw, e.a.Version)
	e.wireViolation(err)
	if request == nil {
		return malformed(err)
	}
	if !e.answered && len(request.Context) > 0 {
		e.violation(facts.ViolationZero, "CertificateRequest", fmt.Sprintf("has a context of %d bytes within the handshake", len(request.Context)), "RFC 8446, Section 4.3.2")
	}
	e.a.Request = request
	return nil
}

// proof is the result of comparing a Finished.
func proof(equal bool) facts.Proof {
	if equal {
		return facts.Proof{Result: facts.ProofValid}
	}
	return facts.Proof{Result: facts.ProofInvalid, Reason: "the verify_data of the server's Finished is wrong"}
}
