package lab

import (
	"bytes"
	"crypto"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// serve12 is the handshake up to TLS 1.2 (RFC 5246, Section 7.3). With SSL 3.0
// it ends after the server's flight.
func (s *wireServer) serve12() error {
	chain, key := s.identity()
	kind := keyKind(key.Public())
	var err error
	if s.suite, err = s.chooseSuite(kind); err != nil {
		return err
	}
	if err := s.chooseALPN(); err != nil {
		return err
	}
	info := s.suite.Info()
	if info.Kex == tlswire.KexTLS13 || info.Kex == tlswire.KexUnknown {
		info.Kex = tlswire.KexECDHE // an answer that makes no sense goes on as usual
	}
	if info.Kex != tlswire.KexRSA {
		if s.scheme, err = s.chooseScheme(key); err != nil {
			return err
		}
	}
	p, computable := tlswire.ProtectionOf(s.suite)
	if !computable {
		p.Hash = crypto.SHA256
	}
	version := min(max(s.version, tlswire.TLS10), tlswire.TLS12)
	s.transcript.Use(version, p.Hash)
	agreed, ems, err := s.flight12(info, chain, key)
	if err != nil {
		return err
	}
	if !computable || s.version < tlswire.TLS10 {
		s.conn.drain()
		return nil
	}
	return s.finish12(version, p, info.Kex, agreed, ems)
}

// flight12 sends ServerHello to ServerHelloDone.
func (s *wireServer) flight12(info tlswire.SuiteInfo, chain [][]byte, key keySigner) (*agreement, bool, error) {
	hello := s.serverHello()
	hello.SessionID = random(32)
	secure := s.hello.RenegotiationInfo() && !s.f.NoRenegotiationInfo
	if secure {
		hello.SetExtension(tlswire.ExtRenegotiationInfo, []byte{0})
	}
	ems := s.hello.ExtendedMasterSecret() && !s.f.NoExtendedMasterSecret && s.version >= tlswire.TLS10
	if ems {
		hello.SetExtension(tlswire.ExtExtendedMasterSecret, nil)
	}
	if s.protocol != "" {
		hello.SetExtension(tlswire.ExtALPN, tlswire.SelectedALPN(s.protocol))
	}
	certificate := &tlswire.Certificate{}
	for _, der := range chain {
		certificate.Entries = append(certificate.Entries, tlswire.CertificateEntry{Data: der})
	}
	sendCertificate := func() error {
		if s.f.NoCertificateMessage {
			return nil
		}
		if s.f.BigRecord {
			return s.bigRecord()
		}
		if s.f.Flood > 0 {
			return s.flood()
		}
		return s.send(func() ([]byte, error) { return certificate.Marshal(tlswire.TLS12) })
	}
	if s.f.CertificateFirst {
		if err := sendCertificate(); err != nil {
			return nil, false, err
		}
	}
	if err := s.send(s.shortened(hello)); err != nil {
		return nil, false, err
	}
	if err := s.stage(s.f.AfterServerHello); err != nil {
		return nil, false, err
	}
	if !s.f.CertificateFirst {
		if err := sendCertificate(); err != nil {
			return nil, false, err
		}
	}
	if err := s.stage(s.f.AfterCertificate); err != nil {
		return nil, false, err
	}
	agreed, err := s.newAgreement(info.Kex, key)
	if err != nil {
		return nil, false, err
	}
	if agreed.exchange != nil {
		if err := s.sendExchange(agreed.exchange, key); err != nil {
			return nil, false, err
		}
	}
	if s.f.Ask != "" || s.f.HTTP400 {
		request := &tlswire.CertificateRequest{Types: []uint8{1, 64}, Schemes: clientSchemes, CAs: s.e.material.clientNames}
		if err := s.send(func() ([]byte, error) { return request.Marshal(min(s.version, tlswire.TLS12)) }); err != nil {
			return nil, false, err
		}
	}
	if err := s.send(func() ([]byte, error) {
		return tlswire.MarshalHandshake(tlswire.TypeServerHelloDone, make([]byte, s.f.DoneBody))
	}); err != nil {
		return nil, false, err
	}
	if err := s.flush(); err != nil {
		return nil, false, err
	}
	return agreed, ems, s.stage(s.f.AfterFlight)
}

// clientSchemes are the signature schemes in a CertificateRequest.
var clientSchemes = []tlswire.SignatureScheme{
	tlswire.SchemeECDSAP256SHA256, tlswire.SchemeECDSAP384SHA384, tlswire.SchemeEd25519, 0x0804, 0x0805, 0x0806,
	tlswire.SchemeRSAPKCS1SHA256, tlswire.SchemeRSAPKCS1SHA384, tlswire.SchemeRSAPKCS1SHA512,
}

// sendExchange signs and sends the ServerKeyExchange.
func (s *wireServer) sendExchange(k *tlswire.ServerKeyExchange, key keySigner) error {
	params, err := k.MarshalParams()
	if err != nil {
		return err
	}
	if s.f.ExplicitCurve {
		params = s.explicitCurve(k.Point)
	}
	scheme := s.scheme
	content := tlswire.ServerKeyExchangeContent(s.hello.Random, s.random, params)
	k.HasScheme, k.Scheme = s.version >= tlswire.TLS12, scheme
	if k.Signature, err = s.e.sign(key, scheme, content); err != nil {
		return refuse(tlswire.AlertInternalError, "%v", err)
	}
	if !s.f.ExplicitCurve {
		return s.send(k.Marshal)
	}
	return s.send(func() ([]byte, error) {
		body := append([]byte(nil), params...)
		if k.HasScheme {
			body = append(body, byte(scheme>>8), byte(scheme))
		}
		body = append(body, byte(len(k.Signature)>>8), byte(len(k.Signature)))
		return tlswire.MarshalHandshake(tlswire.TypeServerKeyExchange, append(body, k.Signature...))
	})
}

// finish12 reads the client's flight and sends the server's second one.
func (s *wireServer) finish12(version tlswire.Version, p tlswire.Protection, kex tlswire.KeyExchange, agreed *agreement, ems bool) error {
	m, err := s.next()
	if err != nil {
		return err
	}
	if s.f.Ask != "" || s.f.HTTP400 {
		if m.Type != tlswire.TypeCertificate {
			return refuse(tlswire.AlertUnexpectedMessage, "waiting for the client's Certificate: got %v", m.Type)
		}
		s.transcript.Add(m.Raw)
		if err := s.takeCertificate(m.Raw, tlswire.TLS12); err != nil {
			return err
		}
		if m, err = s.next(); err != nil {
			return err
		}
	}
	exchange, err := tlswire.ParseClientKeyExchange(m.Raw, kex, version)
	if err != nil {
		return refuse(tlswire.AlertDecodeError, "%v", err)
	}
	s.transcript.Add(m.Raw)
	if err := s.stage(s.f.AfterClientFlight); err != nil {
		return err
	}
	premaster, err := agreed.secret(exchange.Data)
	if err != nil {
		return err
	}
	master := tlswire.MasterSecret(version, p.Hash, premaster, s.hello.Random, s.random)
	if ems {
		master = tlswire.ExtendedMasterSecret(version, p.Hash, premaster, s.transcript.Sum())
	}
	if len(s.clientChain) > 0 {
		if err := s.clientProof(version); err != nil {
			return err
		}
	}
	if err := s.changeCipherSpec(); err != nil {
		return err
	}
	client, server := tlswire.KeyBlock(version, p, master, s.hello.Random, s.random)
	if s.in, err = tlswire.NewUnprotector(version, p, client, false); err != nil {
		return err
	}
	want := tlswire.VerifyData(version, p.Hash, master, tlswire.SideClient, s.transcript.Sum())
	if m, err = s.next(); err != nil {
		return err
	}
	if got, err := tlswire.ParseFinished(m.Raw); err != nil || !bytes.Equal(got, want) {
		return refuse(tlswire.AlertDecryptError, "checking the client's Finished")
	}
	s.transcript.Add(m.Raw)
	if err := s.write(tlswire.ContentChangeCipherSpec, s.ccs()); err != nil {
		return err
	}
	if s.out, err = tlswire.NewProtector(version, p, server, false); err != nil {
		return err
	}
	mine := tlswire.VerifyData(version, p.Hash, master, tlswire.SideServer, s.transcript.Sum())
	if err := s.sendFinished(mine); err != nil {
		return err
	}
	return s.application()
}

// changeCipherSpec reads the client's ChangeCipherSpec.
func (s *wireServer) changeCipherSpec() error {
	t, _, err := s.record()
	if err == nil && t != tlswire.ContentChangeCipherSpec {
		return refuse(tlswire.AlertUnexpectedMessage, "waiting for ChangeCipherSpec: got %v", t)
	}
	return err
}

// sendFinished sends the server's Finished with its fault.
func (s *wireServer) sendFinished(verifyData []byte) error {
	if s.f.GarbleFinished {
		verifyData[0] ^= 1
	}
	if err := s.send(func() ([]byte, error) { return tlswire.MarshalFinished(verifyData) }); err != nil {
		return err
	}
	return s.flush()
}

// application is what follows a complete handshake.
func (s *wireServer) application() error {
	if err := s.stage(s.f.AfterFinished); err != nil {
		return err
	}
	s.e.answer(s.conn, s, s.protocol, s.hello.ServerName(), len(s.clientChain) > 0)
	return s.alert(tlswire.Alert{Level: 1, Description: tlswire.AlertCloseNotify})
}

// floodMessage is the largest body that a handshake message can announce,
// rounded down.
const floodMessage = 1<<24 - 1<<16

// flood sends Certificate messages until there are as many bytes as the fault
// asks for.
func (s *wireServer) flood() error {
	entry := make([]byte, 3+60000)
	entry[1], entry[2] = 60000>>8, 60000&0xFF
	if chain, _ := s.identity(); len(chain) > 0 {
		copy(entry[3:], chain[0])
	}
	for left := s.f.Flood; left > 0; left -= floodMessage {
		count := max(1, min(left, floodMessage)/len(entry))
		list := count * len(entry)
		body := list + 3
		head := []byte{byte(tlswire.TypeCertificate), byte(body >> 16), byte(body >> 8), byte(body), byte(list >> 16), byte(list >> 8), byte(list)}
		if s.version >= tlswire.TLS13 {
			// The flow of TLS 1.3 has a context in front and extensions behind.
			body++
			head = []byte{byte(tlswire.TypeCertificate), byte(body >> 16), byte(body >> 8), byte(body), 0, byte(list >> 16), byte(list >> 8), byte(list)}
		}
		if err := s.write(tlswire.ContentHandshake, head); err != nil {
			return err
		}
		for range count {
			if err := s.write(tlswire.ContentHandshake, entry); err != nil {
				return err
			}
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}
