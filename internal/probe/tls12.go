package probe

import (
	"crypto/hmac"
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// keys12 are the secrets of a handshake before TLS 1.3.
type keys12 struct {
	master         []byte
	client, server tlswire.Keys
}

// handshake12 goes on after a ServerHello of SSL 3.0 to TLS 1.2.
func (e *engine) handshake12() error {
	if e.a.Session.Resumed {
		if err := e.resume12(); err != nil {
			return err
		}
		e.stage = diag.StageApplication
		return e.application()
	}
	if err := e.serverFlight12(); err != nil {
		return err
	}
	e.stage = e.stageAfterFlight()
	// Records of SSL 3.0, Camellia, SEED and the like cannot be computed here: the
	// server's part of the handshake is all that is seen.
	if e.spec.Stop == StopServerFlight || e.a.Version < tlswire.TLS10 || e.protection == (tlswire.Protection{}) {
		return errStop
	}
	keys, err := e.clientFlight12()
	if err != nil {
		return err
	}
	if err := e.serverFinished12(keys); err != nil {
		return err
	}
	e.keep12(keys)
	e.stage = diag.StageApplication
	switch e.spec.Stop {
	case StopFinished:
		return errStop
	case StopRenegotiation:
		return e.renegotiate()
	}
	return e.application()
}

// serverFlight12 reads Certificate to ServerHelloDone.
func (e *engine) serverFlight12() error {
	for {
		got, err := e.next()
		if err != nil {
			return err
		}
		if got.kind != tlswire.ContentHandshake {
			return e.unexpected(got, "a ServerHelloDone")
		}
		message := got.message
		e.checkOrder(order12, message.Type, "RFC 5246, Section 7.3")
		switch message.Type {
		case tlswire.TypeHelloRequest:
			continue // not part of the transcript (RFC 5246, Section 7.4.1.1)
		case tlswire.TypeCertificate:
			err = e.takeCertificate(message)
		case tlswire.TypeCertificateStatus:
			status, parse := tlswire.ParseCertificateStatus(message.Raw)
			if !e.wireViolation(parse) {
				e.a.Staple = status.Response
			}
		case tlswire.TypeServerKeyExchange:
			err = e.takeKeyExchange(message)
		case tlswire.TypeCertificateRequest:
			err = e.takeCertificateRequest(message)
		case tlswire.TypeServerHelloDone:
			e.checkComplete12(message)
			e.transcript.Add(message.Raw)
			return nil
		default:
			return e.unexpected(got, "a ServerHelloDone")
		}
		if err != nil {
			return err
		}
		e.transcript.Add(message.Raw)
	}
}

// takeKeyExchange reads the server's parameters and checks their signature.
func (e *engine) takeKeyExchange(message tlswire.Handshake) error {
	kx, err := tlswire.ParseServerKeyExchange(message.Raw, e.a.ServerHello.CipherSuite, e.a.Version)
	e.a.KeyExchange = kx
	if e.wireViolation(err) && (kx == nil || kx.Params == nil) {
		return malformed(err)
	}
	if kx.Group != 0 {
		if groups := e.hello.Groups(); groups != nil && !slices.Contains(groups, kx.Group) {
			e.violation(facts.ViolationGroup, "ServerKeyExchange", fmt.Sprintf("uses %v, which was not offered", kx.Group), "RFC 8422, Section 5.4")
		}
	}
	if kx.HasScheme {
		e.checkScheme("ServerKeyExchange", kx.Scheme)
	}
	if len(kx.Signature) > 0 || kx.HasScheme {
		signed := tlswire.ServerKeyExchangeContent(e.clientRandom(), e.a.ServerHello.Random, kx.Params)
		e.proveKey(kx.Scheme, signed, kx.Signature)
	}
	return nil
}

// clientFlight12 answers the server's flight up to Finished.
func (e *engine) clientFlight12() (*keys12, error) {
	hello := e.a.ServerHello
	premaster, exchange, err := e.premaster()
	if err != nil {
		return nil, err
	}
	var flight []byte
	var scheme tlswire.SignatureScheme
	prove := false
	if e.a.Request != nil {
		scheme, prove = e.chooseIdentity(e.a.Request)
		if flight, err = e.identity12(flight, prove); err != nil {
			return nil, err
		}
	}
	raw, err := exchange.Marshal(e.a.Version)
	if err != nil {
		return nil, local(tlswire.AlertInternalError, err.Error())
	}
	flight = e.message(flight, "ClientKeyExchange", raw)
	keys := &keys12{}
	if hello.ExtendedMasterSecret() && e.hello.ExtendedMasterSecret() {
		keys.master = tlswire.ExtendedMasterSecret(e.a.Version, e.protection.Hash, premaster, e.transcript.Sum())
	} else {
		keys.master = tlswire.MasterSecret(e.a.Version, e.protection.Hash, premaster, e.clientRandom(), hello.Random)
	}
	keys.client, keys.server = tlswire.KeyBlock(e.a.Version, e.protection, keys.master, e.clientRandom(), hello.Random)
	if prove {
		if flight, err = e.certificateVerify(flight, scheme, e.transcript.Messages()); err != nil {
			return nil, err
		}
	}
	flight = e.record(flight, "ChangeCipherSpec", tlswire.ContentChangeCipherSpec, []byte{1})
	if e.write, err = tlswire.NewProtector(e.a.Version, e.protection, keys.client, e.encryptThenMAC()); err != nil {
		return nil, local(tlswire.AlertInternalError, err.Error())
	}
	verify := tlswire.VerifyData(e.a.Version, e.protection.Hash, keys.master, tlswire.SideClient, e.transcript.Sum())
	finished, err := tlswire.MarshalFinished(verify)
	if err != nil {
		return nil, local(tlswire.AlertInternalError, err.Error())
	}
	flight = e.message(flight, "Finished", finished)
	e.verify, e.answered = verify, true
	e.send(flight)
	return keys, nil
}

func (e *engine) encryptThenMAC() bool {
	return e.a.ServerHello.EncryptThenMAC() && e.hello.EncryptThenMAC()
}

// identity12 appends the client's Certificate, empty unless it is to be proven.
func (e *engine) identity12(flight []byte, prove bool) ([]byte, error) {
	certificate := &tlswire.Certificate{}
	if prove {
		for _, der := range e.spec.Identity.Chain {
			certificate.Entries = append(certificate.Entries, tlswire.CertificateEntry{Data: der})
		}
	}
	raw, err := certificate.Marshal(e.a.Version)
	if err != nil {
		return nil, local(tlswire.AlertInternalError, err.Error())
	}
	return e.message(flight, "Certificate", raw), nil
}

// serverFinished12 reads up to the server's Finished and checks it.
func (e *engine) serverFinished12(keys *keys12) error {
	changed := false
	for {
		got, err := e.next()
		if err != nil {
			return err
		}
		switch {
		case got.kind == tlswire.ContentChangeCipherSpec && !changed:
			changed = true
			if e.partial() {
				e.violation(facts.ViolationCCS, "ChangeCipherSpec", "comes within a handshake message", "RFC 5246, Section 7.1")
			}
			e.read, err = tlswire.NewUnprotector(e.a.Version, e.protection, keys.server, e.encryptThenMAC())
			if err != nil {
				return local(tlswire.AlertInternalError, err.Error())
			}
		case got.kind != tlswire.ContentHandshake:
			return e.unexpected(got, "the server's Finished")
		case got.message.Type == tlswire.TypeHelloRequest:
		case got.message.Type == tlswire.TypeNewSessionTicket && !changed:
			ticket, err := tlswire.ParseNewSessionTicket(got.message.Raw, e.a.Version)
			if !e.wireViolation(err) {
				e.ticket = ticket.Ticket
			}
			e.a.Tickets++
			e.transcript.Add(got.message.Raw)
		case got.message.Type == tlswire.TypeFinished:
			return e.checkFinished12(got.message, keys, changed)
		default:
			return e.unexpected(got, "the server's Finished")
		}
	}
}

func (e *engine) checkFinished12(message tlswire.Handshake, keys *keys12, changed bool) error {
	if !changed {
		e.violation(facts.ViolationCCS, "Finished", "came without a ChangeCipherSpec", "RFC 5246, Section 7.1")
		return local(tlswire.AlertUnexpectedMessage, "the server's Finished came unprotected")
	}
	data, err := tlswire.ParseFinished(message.Raw)
	if e.wireViolation(err) {
		return malformed(err)
	}
	want := tlswire.VerifyData(e.a.Version, e.protection.Hash, keys.master, tlswire.SideServer, e.transcript.Sum())
	e.a.Finished = proof(hmac.Equal(data, want))
	e.transcript.Add(message.Raw)
	if e.info.Kex == tlswire.KexRSA && !e.spec.SkipKeyProof && !e.a.Session.Resumed {
		// Only the holder of the key can have decrypted the premaster secret.
		e.a.KeyProof = facts.Proof{Result: e.a.Finished.Result, Reason: e.a.Finished.Reason}
	}
	return nil
}

// afterHandshake12 takes a handshake message that comes after Finished.
func (e *engine) afterHandshake12(got event) error {
	if got.message.Type != tlswire.TypeHelloRequest {
		return e.unexpected(got, "application data")
	}
	// We do not renegotiate; many servers then go on (RFC 5246, Section 7.2.2).
	refusal := tlswire.Alert{Level: tlswire.LevelWarning, Description: tlswire.AlertNoRenegotiation}
	e.send(e.record(nil, "Alert", tlswire.ContentAlert, refusal.Marshal()))
	return nil
}
