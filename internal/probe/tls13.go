package probe

import (
	"crypto/hmac"
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// secrets13 are the traffic secrets of a TLS 1.3 handshake.
type secrets13 struct {
	schedule       *tlswire.Schedule
	client, server []byte // handshake traffic
}

// handshake13 goes on after a ServerHello of TLS 1.3.
func (e *engine) handshake13() error {
	secrets, err := e.agree13()
	if err != nil {
		return err
	}
	if err := e.serverFlight13(secrets); err != nil {
		return err
	}
	e.stage = e.stageAfterFlight()
	if e.spec.Stop == StopServerFlight {
		return errStop
	}
	if err := e.clientFlight13(secrets); err != nil {
		return err
	}
	if e.spec.Stop == StopFinished {
		return errStop
	}
	return e.application()
}

// stageAfterFlight is the stage that our answer has to pass.
func (e *engine) stageAfterFlight() diag.Stage {
	if e.a.Request != nil {
		return diag.StageClientAuth
	}
	return diag.StageFinished
}

// agree13 computes the handshake keys from the server's key share.
func (e *engine) agree13() (*secrets13, error) {
	if e.spec.Verbatim {
		return nil, local(tlswire.AlertInternalError, "the hello was sent verbatim, its private keys are not ours")
	}
	if _, chosen := e.a.ServerHello.SelectedPSK(); chosen && !e.a.Session.Resumed {
		e.violation(facts.ViolationPSK, "ServerHello", "selects a pre-shared key, and none was offered", "RFC 8446, Section 4.2.11")
		return nil, local(tlswire.AlertIllegalParameter, "the server chose a pre-shared key that was not offered")
	}
	share, ok := e.a.ServerHello.KeyShare()
	if !ok {
		e.violation(facts.ViolationKeyShare, "ServerHello", "has no readable key_share", "RFC 8446, Section 4.2.8")
		return nil, local(tlswire.AlertMissingExtension, "the ServerHello has no readable key share")
	}
	pair := e.keys.shares[share.Group]
	if pair == nil {
		for _, sent := range e.hello.KeyShares() {
			if sent.Group == share.Group {
				return nil, local(tlswire.AlertInternalError, fmt.Sprintf("secrets of %v cannot be computed", share.Group))
			}
		}
		e.violation(facts.ViolationKeyShare, "ServerHello", fmt.Sprintf("has a key share of %v, for which none was sent", share.Group), "RFC 8446, Section 4.2.8")
		return nil, local(tlswire.AlertIllegalParameter, fmt.Sprintf("the server's key share is of %v, for which none was sent", share.Group))
	}
	secret, err := pair.agree(share.Data)
	if err != nil {
		e.violation(facts.ViolationKeyShare, "ServerHello", fmt.Sprintf("has a key share of %d bytes that is no element of %v", len(share.Data), share.Group),
			"RFC 8446, Section 4.2.8.2")
		return nil, local(tlswire.AlertIllegalParameter, fmt.Sprintf("the server's key share is no element of %v", share.Group))
	}
	if e.partial() {
		e.violation(facts.ViolationOrder, "ServerHello", "is followed by other messages in its record", "RFC 8446, Section 5.1")
	}
	s := &secrets13{schedule: tlswire.NewSchedule(e.protection.Hash)}
	if e.a.Session.Resumed {
		s.schedule = tlswire.NewPSKSchedule(e.protection.Hash, e.spec.Session.secret)
	}
	s.client, s.server = s.schedule.Handshake(secret, e.transcript.Sum())
	if err := e.writeWith(s.client); err != nil {
		return nil, err
	}
	return s, e.readWith(s.server)
}

// readWith and writeWith change the keys of one direction.
func (e *engine) readWith(secret []byte) error {
	read, err := tlswire.NewUnprotector(tlswire.TLS13, e.protection, tlswire.TrafficKeys(e.protection, secret), false)
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	e.read, e.readKey = read, secret
	return nil
}

func (e *engine) writeWith(secret []byte) error {
	write, err := tlswire.NewProtector(tlswire.TLS13, e.protection, tlswire.TrafficKeys(e.protection, secret), false)
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	e.write, e.writeKey = write, secret
	return nil
}

// serverFlight13 reads EncryptedExtensions to Finished.
func (e *engine) serverFlight13(secrets *secrets13) error {
	for {
		got, err := e.next()
		if err != nil {
			return err
		}
		if got.kind != tlswire.ContentHandshake {
			return e.unexpected(got, "the server's Finished")
		}
		if err := e.serverMessage13(got, secrets); err != nil {
			return err
		}
		if got.message.Type == tlswire.TypeFinished {
			return nil
		}
	}
}

// serverMessage13 takes one message of the server's flight.
func (e *engine) serverMessage13(got event, secrets *secrets13) error {
	message := got.message
	e.checkOrder(order13, message.Type, "RFC 8446, Section 4")
	var err error
	switch message.Type {
	case tlswire.TypeEncryptedExtensions:
		extensions, parse := tlswire.ParseEncryptedExtensions(message.Raw)
		e.wireViolation(parse)
		e.a.Encrypted = extensions
		e.checkExtensions("EncryptedExtensions", extensions.Extensions)
		e.checkPlace("EncryptedExtensions", extensions.Extensions, tlswire.TLS13)
		e.checkALPN("EncryptedExtensions", extensions.Extensions)
	case tlswire.TypeCertificateRequest:
		err = e.takeCertificateRequest(message)
	case tlswire.TypeCertificate, tlswire.TypeCompressedCertificate:
		err = e.takeCertificate(message)
	case tlswire.TypeCertificateVerify:
		verify, parse := tlswire.ParseCertificateVerify(message.Raw, tlswire.TLS13)
		if e.wireViolation(parse) {
			return malformed(parse)
		}
		e.checkScheme("CertificateVerify", verify.Scheme)
		e.proveKey(verify.Scheme, tlswire.CertificateVerifyContent(tlswire.SideServer, e.transcript.Sum()), verify.Signature)
	case tlswire.TypeFinished:
		data, parse := tlswire.ParseFinished(message.Raw)
		if e.wireViolation(parse) {
			return malformed(parse)
		}
		e.a.Finished = proof(hmac.Equal(data, tlswire.FinishedMAC(e.protection.Hash, secrets.server, e.transcript.Sum())))
		e.checkComplete13()
	default:
		return e.unexpected(got, "the server's Finished")
	}
	e.transcript.Add(message.Raw)
	return err
}

// clientFlight13 answers with Certificate and CertificateVerify, if asked for,
// and Finished, and goes over to the application keys.
func (e *engine) clientFlight13(secrets *secrets13) error {
	handshake := e.transcript.Sum()
	leaving := e.spec.Light && e.spec.Stop == StopFinished
	flight := e.compatibility(nil)
	if e.a.Request != nil {
		var err error
		if flight, err = e.identify13(flight, e.a.Request, e.a.Request.Context); err != nil {
			return err
		}
	}
	finished, err := tlswire.MarshalFinished(tlswire.FinishedMAC(e.protection.Hash, secrets.client, e.transcript.Sum()))
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	flight = e.message(flight, "Finished", finished)
	if leaving {
		if err := e.writeWith(secrets.schedule.ClientApplication(handshake)); err != nil {
			return err
		}
		alert := tlswire.Alert{Level: tlswire.LevelWarning, Description: tlswire.AlertCloseNotify}
		e.answered, e.left = true, true
		e.send(e.record(flight, "Alert", tlswire.ContentAlert, alert.Marshal()))
		return nil
	}
	clientSecret, serverSecret := secrets.schedule.Application(handshake)
	e.resumption = secrets.schedule.Resumption(e.transcript.Sum())
	if e.partial() {
		e.violation(facts.ViolationOrder, "Finished", "is followed by other messages in its record", "RFC 8446, Section 5.1")
	}
	if err := e.readWith(serverSecret); err != nil {
		return err
	}
	if err := e.writeWith(clientSecret); err != nil {
		return err
	}
	e.answered = true
	e.send(flight)
	return nil
}

// identify13 appends Certificate and, when it is not empty, CertificateVerify.
func (e *engine) identify13(flight []byte, request *tlswire.CertificateRequest, context []byte) ([]byte, error) {
	scheme, has := e.chooseIdentity(request)
	certificate := &tlswire.Certificate{Context: context}
	if has {
		for _, der := range e.spec.Identity.Chain {
			certificate.Entries = append(certificate.Entries, tlswire.CertificateEntry{Data: der})
		}
	}
	raw, err := certificate.Marshal(tlswire.TLS13)
	if err != nil {
		return nil, local(tlswire.AlertInternalError, err.Error())
	}
	flight = e.message(flight, "Certificate", raw)
	if !has {
		return flight, nil
	}
	content := tlswire.CertificateVerifyContent(tlswire.SideClient, e.transcript.Sum())
	return e.certificateVerify(flight, scheme, content)
}

// afterHandshake13 takes a handshake message that comes after Finished.
func (e *engine) afterHandshake13(got event) error {
	switch got.message.Type {
	case tlswire.TypeNewSessionTicket:
		ticket, err := tlswire.ParseNewSessionTicket(got.message.Raw, tlswire.TLS13)
		if !e.wireViolation(err) {
			e.keep13(ticket)
		}
		e.a.Tickets++
		return nil
	case tlswire.TypeKeyUpdate:
		return e.keyUpdate(got.message)
	case tlswire.TypeCertificateRequest:
		if e.hello.HasExtension(tlswire.ExtPostHandshakeAuth) {
			return e.postHandshakeAuth(got.message)
		}
	}
	return e.unexpected(got, "application data")
}

// keyUpdate follows the server to its next keys (RFC 8446, Section 4.6.3).
func (e *engine) keyUpdate(message tlswire.Handshake) error {
	wanted, err := tlswire.ParseKeyUpdate(message.Raw)
	e.wireViolation(err)
	if err := e.readWith(tlswire.NextTrafficSecret(e.protection.Hash, e.readKey)); err != nil || !wanted {
		return err
	}
	update, err := tlswire.MarshalKeyUpdate(false)
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	e.send(e.record(nil, "KeyUpdate", tlswire.ContentHandshake, update))
	return e.writeWith(tlswire.NextTrafficSecret(e.protection.Hash, e.writeKey))
}

// postHandshakeAuth answers a CertificateRequest after the handshake (RFC
// 8446, Section 4.6.2).
func (e *engine) postHandshakeAuth(message tlswire.Handshake) error {
	before := e.transcript.Clone()
	defer func() { e.transcript = before }()
	if err := e.takeCertificateRequest(message); err != nil {
		return err
	}
	e.stage = diag.StageClientAuth
	e.transcript.Add(message.Raw)
	flight, err := e.identify13(nil, e.a.Request, e.a.Request.Context)
	if err != nil {
		return err
	}
	mac := tlswire.FinishedMAC(e.protection.Hash, e.writeKey, e.transcript.Sum())
	finished, err := tlswire.MarshalFinished(mac)
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	e.send(e.message(flight, "Finished", finished))
	return nil
}
