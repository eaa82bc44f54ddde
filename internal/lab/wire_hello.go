package lab

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// suites12 are the suites of a usual server, in its order.
var suites12 = []tlswire.CipherSuite{
	tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tlswire.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tlswire.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tlswire.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tlswire.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tlswire.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	tlswire.TLS_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA,
}

var suites13 = []tlswire.CipherSuite{
	tlswire.TLS_AES_128_GCM_SHA256, tlswire.TLS_AES_256_GCM_SHA384, tlswire.TLS_CHACHA20_POLY1305_SHA256,
}

// serve is one connection from the ClientHello to the application.
func (s *wireServer) serve() error {
	first, err := tlswire.ReadRecord(s.conn, 0)
	if err != nil {
		return err
	}
	if first.Type == tlswire.ContentSSL2 {
		s.transcript.Add(first.Fragment)
	} else {
		if err := s.messages.Push(first.Fragment); err != nil {
			return err
		}
		hello, err := s.next()
		if err != nil {
			return err
		}
		s.transcript.Add(hello.Raw)
	}
	for range s.f.Warnings {
		if err := s.alert(tlswire.Alert{Level: 1, Description: tlswire.AlertUserCanceled}); err != nil {
			return err
		}
	}
	if s.f.MaxVersion == tlswire.SSL2 {
		return s.serveSSL2()
	}
	if s.version, err = s.chooseVersion(); err != nil {
		return err
	}
	if s.version >= tlswire.TLS13 && s.f.ForceVersion == 0 {
		return s.serve13()
	}
	return s.serve12()
}

// bounds are the versions that the server accepts.
func (o *Offer) bounds() (lowest, highest tlswire.Version) {
	lowest, highest = tlswire.TLS12, tlswire.TLS13
	if o.MaxVersion != 0 {
		highest = o.MaxVersion
	}
	if o.MinVersion != 0 {
		lowest = o.MinVersion
	}
	return min(lowest, highest), highest
}

func (s *wireServer) chooseVersion() (tlswire.Version, error) {
	if s.f.ForceVersion != 0 {
		return s.f.ForceVersion, nil
	}
	lowest, highest := s.f.bounds()
	for v := highest; v >= lowest; v-- {
		if s.hello.Offers(v) {
			return v, nil
		}
	}
	alert := tlswire.AlertProtocolVersion
	if s.f.VersionAlert != 0 {
		alert = s.f.VersionAlert
	}
	return 0, refuse(alert, "choosing the version")
}

// key is the key for the client's server_name, and the certificates with it.
func (s *wireServer) identity() ([][]byte, keySigner) {
	chain, isOther := s.e.chosen(s.hello.ServerName())
	if isOther {
		return chain, s.e.material.otherKey
	}
	return chain, s.e.material.key
}

// chooseSuite takes the first of the server's suites that the client offers and
// the certificate's key can serve.
func (s *wireServer) chooseSuite(kind string) (tlswire.CipherSuite, error) {
	if s.f.ForceSuite != 0 {
		return s.f.ForceSuite, nil
	}
	mine := suites12
	if s.version >= tlswire.TLS13 {
		mine = suites13
		if s.f.Suites13 != nil {
			mine = s.f.Suites13
		}
	} else if s.f.Suites != nil {
		mine = s.f.Suites
	}
	for _, suite := range mine {
		if !slices.Contains(s.hello.CipherSuites, suite) || !suite.AllowedIn(min(s.version, tlswire.TLS13)) {
			continue
		}
		info := suite.Info()
		switch info.Auth {
		case tlswire.AuthRSA:
			if kind != "rsa" {
				continue
			}
		case tlswire.AuthECDSA:
			if kind != "ecdsa" && kind != "ed25519" {
				continue
			}
		}
		if info.Kex == tlswire.KexECDHE {
			if _, ok := s.commonGroup(); !ok {
				continue
			}
		}
		return suite, nil
	}
	return 0, refuse(tlswire.AlertHandshakeFailure, "choosing the cipher suite")
}

// groups are the server's named groups in its order.
func (s *wireServer) groups() []tlswire.Group {
	if s.f.Groups != nil {
		return s.f.Groups
	}
	if s.version >= tlswire.TLS13 {
		return []tlswire.Group{tlswire.GroupX25519MLKEM768, tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384, tlswire.GroupP521}
	}
	return []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384, tlswire.GroupP521}
}

// commonGroup is the first of the server's groups that the client has. Clients
// that name none are taken to know P-256 (RFC 8422, Section 4).
func (s *wireServer) commonGroup() (tlswire.Group, bool) {
	theirs := s.hello.Groups()
	if len(theirs) == 0 && s.version < tlswire.TLS13 {
		theirs = []tlswire.Group{tlswire.GroupP256}
	}
	for _, g := range s.groups() {
		if slices.Contains(theirs, g) {
			return g, true
		}
	}
	return 0, false
}

// chooseScheme takes the signature scheme for the server's proof.
func (s *wireServer) chooseScheme(key keySigner) (tlswire.SignatureScheme, error) {
	if s.f.ForceScheme != 0 {
		return s.f.ForceScheme, nil
	}
	theirs := s.hello.SignatureSchemes()
	if len(theirs) == 0 && s.version == tlswire.TLS12 {
		// RFC 5246, Section 7.4.1.4.1: SHA-1 where the client names none.
		theirs = []tlswire.SignatureScheme{tlswire.SchemeRSAPKCS1SHA1, tlswire.SchemeECDSASHA1}
	}
	if len(s.f.Schemes) > 0 && s.version >= tlswire.TLS12 {
		// The certificate's key may be another than the signing one.
		for _, scheme := range s.f.Schemes {
			if slices.Contains(theirs, scheme) {
				return scheme, nil
			}
		}
		return 0, refuse(tlswire.AlertHandshakeFailure, "choosing the signature scheme")
	}
	scheme, ok := tlswire.ChooseScheme(key.Public(), s.version, theirs)
	if !ok {
		return 0, refuse(tlswire.AlertHandshakeFailure, "choosing the signature scheme")
	}
	return scheme, nil
}

// chooseALPN selects a protocol (RFC 7301, Section 3.2).
func (s *wireServer) chooseALPN() error {
	if s.f.ForceALPN != "" {
		s.protocol = s.f.ForceALPN
		return nil
	}
	theirs := s.hello.ALPN()
	if s.f.NoALPN || len(theirs) == 0 {
		return nil
	}
	for _, p := range s.f.protocols() {
		if slices.Contains(theirs, p) {
			s.protocol = p
			return nil
		}
	}
	return refuse(tlswire.AlertNoApplicationProtocol, "choosing the application protocol")
}

// downgradeTLS12 is the end of the server's random that says: I know TLS 1.3,
// but answered with TLS 1.2 (RFC 8446, Section 4.1.3).
const downgradeTLS12 = "DOWNGRD\x01"

// serverHello builds the ServerHello up to what both flows share.
func (s *wireServer) serverHello() *tlswire.ServerHello {
	if s.f.Sentinel {
		copy(s.random[24:], downgradeTLS12)
	}
	if end := s.f.RandomEnd; end != "" {
		copy(s.random[len(s.random)-len(end):], end)
	}
	h := &tlswire.ServerHello{Version: min(s.version, tlswire.TLS12), Random: s.random, CipherSuite: s.suite}
	if s.f.ForceVersion != 0 {
		h.Version = s.f.ForceVersion
	}
	if s.f.ExtraExtension != 0 {
		h.SetExtension(s.f.ExtraExtension, nil)
	}
	return h
}

// shortened is the ServerHello's bytes with the fault of a message whose
// header is right and whose body is cut short.
func (s *wireServer) shortened(h *tlswire.ServerHello) message {
	return func() ([]byte, error) {
		s.spoil(h)
		data, err := h.Marshal()
		if err != nil || !s.f.ShortServerHello {
			return data, err
		}
		return tlswire.MarshalHandshake(tlswire.TypeServerHello, data[4:30])
	}
}

// serveSSL2 answers like a server that knows only SSL 2.0.
func (s *wireServer) serveSSL2() error {
	chain, _ := s.identity()
	hello := &tlswire.SSL2ServerHello{CertType: 1, Version: tlswire.SSL2, Certificate: chain[0],
		Specs: []uint32{0x010080, 0x0700C0}, ConnectionID: random(16)}
	body, err := hello.Marshal()
	if err != nil {
		return err
	}
	record := append([]byte{byte(len(body)>>8) | 0x80, byte(len(body))}, body...)
	_, err = s.conn.Write(record)
	return err
}
