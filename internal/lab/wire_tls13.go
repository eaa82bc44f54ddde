package lab

import (
	"bytes"
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// serve13 is the handshake of TLS 1.3 (RFC 8446, Section 2).
func (s *wireServer) serve13() error {
	chain, key := s.identity()
	var err error
	if s.suite, err = s.chooseSuite(keyKind(key.Public())); err != nil {
		return err
	}
	p, ok := tlswire.ProtectionOf(s.suite)
	if !ok || s.suite.Info().Kex != tlswire.KexTLS13 {
		p, _ = tlswire.ProtectionOf(tlswire.TLS_AES_128_GCM_SHA256) // an answer that makes no sense
	}
	s.transcript.Use(tlswire.TLS13, p.Hash)
	if s.scheme, err = s.chooseScheme(key); err != nil {
		return err
	}
	if err := s.chooseALPN(); err != nil {
		return err
	}
	share, err := s.chooseShare(p)
	if err != nil {
		return err
	}
	if s.f.RetrySuite {
		p, _ = tlswire.ProtectionOf(s.suite)
	}
	mine, secret, err := share13(share)
	if err != nil {
		return err
	}
	hello := s.serverHello()
	hello.SessionID = s.hello.SessionID
	if s.f.OtherSessionID {
		hello.SessionID = random(32)
	}
	hello.SetNegotiatedVersion(tlswire.TLS13)
	hello.SetKeyShare(mine)
	if err := s.send(s.shortened(hello)); err != nil {
		return err
	}
	if len(s.hello.SessionID) > 0 {
		if err := s.write(tlswire.ContentChangeCipherSpec, s.ccs()); err != nil {
			return err
		}
	}
	if err := s.stage(s.f.AfterServerHello); err != nil {
		return err
	}
	schedule := tlswire.NewSchedule(p.Hash)
	client, server := schedule.Handshake(secret, s.transcript.Sum())
	if s.out, err = tlswire.NewProtector(tlswire.TLS13, p, tlswire.TrafficKeys(p, server), false); err != nil {
		return err
	}
	if s.f.PlainFlight {
		s.out = nil
	}
	if s.in, err = tlswire.NewUnprotector(tlswire.TLS13, p, tlswire.TrafficKeys(p, client), false); err != nil {
		return err
	}
	late := s.f.LateSNI
	if s.hello.ServerName() == "" {
		late = s.f.LateNoSNI
	}
	if err := s.stage(late); err != nil {
		return err
	}
	if err := s.flight13(chain, key); err != nil {
		return err
	}
	if err := s.sendFinished(tlswire.FinishedMAC(p.Hash, server, s.transcript.Sum())); err != nil {
		return err
	}
	if err := s.stage(s.f.AfterFlight); err != nil {
		return err
	}
	return s.finish13(schedule, p, client)
}

// finish13 reads the client's flight, whose first message may be a refusal.
func (s *wireServer) finish13(schedule *tlswire.Schedule, p tlswire.Protection, client []byte) error {
	clientApp, serverApp := schedule.Application(s.transcript.Sum())
	out, err := tlswire.NewProtector(tlswire.TLS13, p, tlswire.TrafficKeys(p, serverApp), false)
	if err != nil {
		return err
	}
	// From its Finished on, the server speaks with the application keys.
	s.out = out
	var late error
	if s.f.Ask != "" || s.f.HTTP400 {
		m, err := s.next()
		if err != nil {
			return err
		}
		if m.Type != tlswire.TypeCertificate {
			return refuse(tlswire.AlertUnexpectedMessage, "waiting for the client's Certificate: got %v", m.Type)
		}
		s.transcript.Add(m.Raw)
		if late = s.takeCertificate(m.Raw, tlswire.TLS13); late != nil {
			return late
		}
		if len(s.clientChain) > 0 {
			if err := s.clientProof(tlswire.TLS13); err != nil {
				return err
			}
		}
	}
	m, err := s.next()
	if err != nil {
		return err
	}
	want := tlswire.FinishedMAC(p.Hash, client, s.transcript.Sum())
	if got, err := tlswire.ParseFinished(m.Raw); err != nil || !bytes.Equal(got, want) {
		return refuse(tlswire.AlertDecryptError, "checking the client's Finished")
	}
	if s.in, err = tlswire.NewUnprotector(tlswire.TLS13, p, tlswire.TrafficKeys(p, clientApp), false); err != nil {
		return err
	}
	if err := s.stage(s.f.AfterClientFlight); err != nil {
		return err
	}
	return s.application()
}

// chooseShare takes the client's key share, after a HelloRetryRequest where
// one is needed or wanted.
func (s *wireServer) chooseShare(p tlswire.Protection) (tlswire.KeyShare, error) {
	group, ok := s.commonGroup()
	shares := s.hello.KeyShares()
	// A share that is there is better than the first group in common.
	for _, g := range s.groups() {
		if i := slices.IndexFunc(shares, func(k tlswire.KeyShare) bool { return k.Group == g }); i >= 0 {
			if !s.f.Retry && s.f.RetryGroup == 0 && !s.f.RetryTwice {
				return shares[i], nil
			}
			group = g
			break
		}
	}
	if !ok {
		return tlswire.KeyShare{}, refuse(tlswire.AlertHandshakeFailure, "choosing the group")
	}
	if s.f.Retry {
		// A group in common for which there is no share yet.
		for _, g := range s.groups() {
			if slices.Contains(s.hello.Groups(), g) && !slices.ContainsFunc(shares, func(k tlswire.KeyShare) bool { return k.Group == g }) {
				group = g
				break
			}
		}
	}
	if s.f.RetryGroup != 0 {
		group = s.f.RetryGroup
	}
	if err := s.retry(p, group); err != nil {
		return tlswire.KeyShare{}, err
	}
	if err := s.stage(s.f.AfterRetry); err != nil {
		return tlswire.KeyShare{}, err
	}
	if s.f.RetryCookie {
		return tlswire.KeyShare{}, refuse(tlswire.AlertIllegalParameter, "the cookie was forgotten")
	}
	if s.f.RetrySuite {
		s.suite = tlswire.TLS_CHACHA20_POLY1305_SHA256 // of the same hash
	}
	if s.f.RetryTwice {
		if err := s.retry(p, group); err != nil {
			return tlswire.KeyShare{}, err
		}
	}
	for _, share := range s.hello.KeyShares() {
		if share.Group == group {
			return share, nil
		}
	}
	return tlswire.KeyShare{}, refuse(tlswire.AlertIllegalParameter, "no share of %v in the second hello", group)
}

// retry sends a HelloRetryRequest and reads the second hello (RFC 8446, Section
// 4.1.4).
func (s *wireServer) retry(p tlswire.Protection, group tlswire.Group) error {
	hello := &tlswire.ServerHello{Version: tlswire.TLS12, Random: tlswire.HelloRetryRequestRandom(),
		SessionID: s.hello.SessionID, CipherSuite: s.suite}
	hello.SetNegotiatedVersion(tlswire.TLS13)
	hello.SetKeyShare(tlswire.KeyShare{Group: group})
	if s.f.RetryCookie {
		hello.SetExtension(tlswire.ExtCookie, []byte{0, 4, 'l', 'a', 'b', '!'})
	}
	s.transcript.Retry(p.Hash)
	if err := s.send(hello.Marshal); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	m, err := s.next()
	if err != nil {
		return err
	}
	second, err := tlswire.ParseClientHello(m.Raw)
	if err != nil {
		return refuse(tlswire.AlertDecodeError, "reading the second ClientHello: %v", err)
	}
	s.hello = second
	s.transcript.Add(m.Raw)
	return nil
}

// flight13 sends EncryptedExtensions to CertificateVerify.
func (s *wireServer) flight13(chain [][]byte, key keySigner) error {
	extensions := &tlswire.EncryptedExtensions{}
	if s.protocol != "" {
		extensions.Extensions = append(extensions.Extensions, tlswire.Extension{Type: tlswire.ExtALPN, Data: tlswire.SelectedALPN(s.protocol)})
	}
	if s.f.MisplacedExtension {
		extensions.Extensions = append(extensions.Extensions, tlswire.Extension{Type: tlswire.ExtKeyShare, Data: []byte{0, 29}})
	}
	if !s.f.NoEncryptedExtensions {
		if err := s.send(extensions.Marshal); err != nil {
			return err
		}
	}
	if s.f.Ask != "" || s.f.HTTP400 {
		request := &tlswire.CertificateRequest{Schemes: clientSchemes, CAs: s.e.material.clientNames}
		if err := s.send(func() ([]byte, error) { return request.Marshal(tlswire.TLS13) }); err != nil {
			return err
		}
	}
	if s.f.Flood > 0 {
		if err := s.flood(); err != nil {
			return err
		}
	}
	certificate := &tlswire.Certificate{}
	for _, der := range chain {
		certificate.Entries = append(certificate.Entries, tlswire.CertificateEntry{Data: der})
	}
	certificate.Context = make([]byte, s.f.CertificateContext)
	sendCertificate := func() error {
		if s.f.NoCertificateMessage {
			return nil
		}
		return s.send(func() ([]byte, error) { return certificate.Marshal(tlswire.TLS13) })
	}
	if !s.f.VerifyFirst {
		if err := sendCertificate(); err != nil {
			return err
		}
		if err := s.stage(s.f.AfterCertificate); err != nil {
			return err
		}
	}
	if s.f.NoVerify {
		return nil
	}
	verify := &tlswire.CertificateVerify{HasScheme: true, Scheme: s.scheme}
	content := tlswire.CertificateVerifyContent(tlswire.SideServer, s.transcript.Sum())
	var err error
	if verify.Signature, err = s.e.sign(key, s.scheme, content); err != nil {
		return refuse(tlswire.AlertInternalError, "%v", err)
	}
	if err := s.send(verify.Marshal); err != nil || !s.f.VerifyFirst {
		return err
	}
	return sendCertificate()
}
