package facts

import (
	"crypto/hmac"
	"errors"
	"fmt"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// clientMessage takes one handshake message of the client.
func (r *Recorder) clientMessage(m tlswire.Handshake) {
	a := r.a
	switch m.Type {
	case tlswire.TypeClientHello:
		hello, err := tlswire.ParseClientHello(m.Raw)
		r.violation(err)
		if hello == nil || a.ServerHello != nil {
			return
		}
		hello.Raw = m.Raw
		if a.Sent == nil {
			r.helloAt, r.hello1 = r.mark.At, hello
		}
		a.Sent = hello
		r.transcript.Add(m.Raw)
	case tlswire.TypeCertificate, tlswire.TypeCompressedCertificate:
		certificate := r.parseCertificate(m)
		if certificate == nil {
			return
		}
		a.IdentitySent = len(certificate.Entries) > 0
		a.Seen.Identity = parseChain(certificate)
		a.Seen.Accepted = true
	case tlswire.TypeCertificateVerify:
		if verify, err := tlswire.ParseCertificateVerify(m.Raw, a.Version); err == nil {
			a.IdentityVerify = verify.Scheme
		}
	case tlswire.TypeClientKeyExchange:
		a.Seen.Accepted = true
	case tlswire.TypeFinished:
		a.Seen.Accepted = true
		r.client().done = true
		if a.Version >= tlswire.TLS13 {
			r.keys13(tlswire.SideClient, labelClientTraffic)
		}
	}
}

// serverMessage takes one handshake message of the server.
func (r *Recorder) serverMessage(m tlswire.Handshake) {
	a := r.a
	switch m.Type {
	case tlswire.TypeServerHello:
		r.serverHello(m)
	case tlswire.TypeEncryptedExtensions:
		extensions, err := tlswire.ParseEncryptedExtensions(m.Raw)
		r.violation(err)
		a.Encrypted = extensions
	case tlswire.TypeCertificate, tlswire.TypeCompressedCertificate:
		if certificate := r.parseCertificate(m); certificate != nil && a.Certificate == nil {
			a.Certificate, a.Chain = certificate, parseChain(certificate)
			if len(certificate.Entries) > 0 {
				a.Staple = certificate.Entries[0].OCSPResponse()
			}
		}
	case tlswire.TypeCertificateStatus:
		if status, err := tlswire.ParseCertificateStatus(m.Raw); err == nil {
			a.Staple = status.Response
		}
	case tlswire.TypeServerKeyExchange:
		r.keyExchange(m)
	case tlswire.TypeCertificateRequest:
		request, err := tlswire.ParseCertificateRequest(m.Raw, a.Version)
		r.violation(err)
		a.Request = request
		a.Seen.Asked = request != nil
	case tlswire.TypeCertificateVerify:
		verify, err := tlswire.ParseCertificateVerify(m.Raw, a.Version)
		if !r.violation(err) && r.Keys != nil {
			a.ProveKey(verify.Scheme, tlswire.CertificateVerifyContent(tlswire.SideServer, r.transcript.Sum()), verify.Signature)
		}
	case tlswire.TypeServerHelloDone:
		r.flight = true
	case tlswire.TypeNewSessionTicket:
		a.Tickets++
	case tlswire.TypeFinished:
		r.serverFinished(m)
	}
}

// serverHello takes a ServerHello or a HelloRetryRequest.
func (r *Recorder) serverHello(m tlswire.Handshake) {
	a := r.a
	hello, err := tlswire.ParseServerHello(m.Raw)
	r.violation(err)
	if hello == nil || a.ServerHello != nil {
		return
	}
	r.protection, _ = tlswire.ProtectionOf(hello.CipherSuite)
	if hello.IsHelloRetryRequest() {
		a.Retry = hello
		if r.protection.Hash != 0 {
			r.transcript.Retry(r.protection.Hash)
			r.transcript.Add(m.Raw)
		}
		return
	}
	a.ServerHello, a.Version = hello, hello.NegotiatedVersion()
	r.suite = hello.CipherSuite.Info()
	if r.protection.Hash != 0 {
		r.transcript.Use(a.Version, r.protection.Hash)
	}
	if !r.offers(hello.CipherSuite) {
		r.problem("ServerHello", fmt.Sprintf("chooses %v, which was not offered", hello.CipherSuite), "RFC 8446, Section 4.1.3")
	}
	if a.Version >= tlswire.TLS13 {
		r.keys13(tlswire.SideServer, labelServerShake)
		r.keys13(tlswire.SideClient, labelClientShake)
	}
}

// parseCertificate reads a Certificate message of either side.
func (r *Recorder) parseCertificate(m tlswire.Handshake) *tlswire.Certificate {
	var certificate *tlswire.Certificate
	var err error
	if m.Type == tlswire.TypeCompressedCertificate {
		certificate, err = tlswire.ParseCompressedCertificate(m.Raw, r.Decompress)
		if errors.Is(err, tlswire.ErrNoDecompressor) {
			return nil
		}
	} else {
		certificate, err = tlswire.ParseCertificate(m.Raw, r.a.Version)
	}
	r.violation(err)
	return certificate
}

func parseChain(c *tlswire.Certificate) []*chain.Certificate {
	var out []*chain.Certificate
	for _, entry := range c.Entries[:min(len(c.Entries), maxChain)] {
		out = append(out, chain.Parse(entry.Data))
	}
	return out
}

// keyExchange reads the server's parameters and checks their signature.
func (r *Recorder) keyExchange(m tlswire.Handshake) {
	a := r.a
	if a.ServerHello == nil {
		return
	}
	kx, err := tlswire.ParseServerKeyExchange(m.Raw, a.ServerHello.CipherSuite, a.Version)
	r.violation(err)
	a.KeyExchange = kx
	if kx == nil || a.Sent == nil || len(kx.Signature) == 0 && !kx.HasScheme || len(a.Chain) == 0 {
		return
	}
	a.ProveKey(kx.Scheme, tlswire.ServerKeyExchangeContent(r.clientRandom(), a.ServerHello.Random, kx.Params), kx.Signature)
}

// clientRandom is the client's random as the key exchange uses it: the SSLv2
// challenge is padded on the left (RFC 5246, Appendix E.2).
func (r *Recorder) clientRandom() []byte {
	const size = 32
	random := r.a.Sent.Random
	if n := len(random); n < size {
		return append(make([]byte, size-n), random...)
	}
	return random
}

// serverFinished takes the server's Finished, which only a key log shows.
func (r *Recorder) serverFinished(m tlswire.Handshake) {
	a := r.a
	data, err := tlswire.ParseFinished(m.Raw)
	r.violation(err)
	a.Finished = Proof{Result: ProofCannotCheck, Reason: "not all of the handshake was read"}
	if a.Version >= tlswire.TLS13 {
		r.flight = true
		if secret := r.secrets[1]; secret != nil && !r.server().blind {
			a.Finished = finishedProof(hmac.Equal(data, tlswire.FinishedMAC(r.protection.Hash, secret, r.transcript.Sum())))
		}
		r.keys13(tlswire.SideServer, labelServerTraffic)
	}
	r.server().done = true
}

func finishedProof(equal bool) Proof {
	if equal {
		return Proof{Result: ProofValid}
	}
	return Proof{Result: ProofInvalid, Reason: "the verify_data of the server's Finished is wrong"}
}

// keys13 opens one direction with a secret of the key log.
func (r *Recorder) keys13(from tlswire.Side, label string) {
	l := r.lane(from)
	l.open = nil
	if r.a.Sent == nil || r.protection == (tlswire.Protection{}) || l.blind {
		return
	}
	secret := r.Keys.secret(label, r.a.Sent.Random)
	if secret == nil {
		return
	}
	if label == labelServerShake {
		r.secrets[1] = secret
	}
	l.open, _ = tlswire.NewUnprotector(tlswire.TLS13, r.protection, tlswire.TrafficKeys(r.protection, secret), false)
}

// keys12 opens one direction with the master secret of the key log.
func (r *Recorder) keys12(from tlswire.Side) {
	a := r.a
	if a.Sent == nil || a.ServerHello == nil || r.protection == (tlswire.Protection{}) || r.lane(from).blind {
		return
	}
	master := r.Keys.secret(labelMaster, a.Sent.Random)
	if master == nil {
		return
	}
	client, server := tlswire.KeyBlock(a.Version, r.protection, master, r.clientRandom(), a.ServerHello.Random)
	keys := client
	if from == tlswire.SideServer {
		keys = server
	}
	etm := a.ServerHello.EncryptThenMAC() && a.Sent.EncryptThenMAC()
	r.lane(from).open, _ = tlswire.NewUnprotector(a.Version, r.protection, keys, etm)
}

// violation notes a parser's complaint. It reports whether there was one.
func (r *Recorder) violation(err error) bool {
	if err == nil {
		return false
	}
	var wire *tlswire.WireError
	if !errors.As(err, &wire) {
		r.problem("", err.Error(), "")
		return true
	}
	problem := wire.Problem
	if wire.Field != "" {
		problem = wire.Field + " " + wire.Problem
	}
	r.problem(wire.Message, problem, wire.Section)
	return true
}

func (r *Recorder) problem(message, problem, rule string) {
	const enough = 20
	if len(r.a.Violations) < enough {
		r.a.Violations = append(r.a.Violations, Violation{Message: message, Problem: problem, Rule: rule})
	}
}
