package lab

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"io"
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// serveStandard serves the connection with crypto/tls.
func (e *engine) serveStandard(conn *serverConn) {
	server := tls.Server(conn, e.config())
	if err := server.HandshakeContext(conn.ctx); err != nil {
		// crypto/tls has sent its alert; let it arrive.
		conn.linger()
		return
	}
	state := server.ConnectionState()
	e.answer(conn, server, state.NegotiatedProtocol, state.ServerName, len(state.PeerCertificates) > 0)
	_ = server.CloseWrite() // the client may be gone
	conn.linger()
}

// config is the crypto/tls configuration of the faults.
func (e *engine) config() *tls.Config {
	f := &e.faults
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		MaxVersion: tls.VersionTLS13,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			chain, isOther := e.chosen(hello.ServerName)
			key := e.material.key
			if isOther {
				key = e.material.otherKey
			}
			first := &tls.Certificate{Certificate: chain, PrivateKey: e.signer(key), SignedCertificateTimestamps: e.material.scts, OCSPStaple: e.staple(isOther, hello)}
			if e.second != nil && hello.SupportsCertificate(first) != nil {
				return &tls.Certificate{Certificate: e.second.chain, PrivateKey: e.signer(e.second.key)}, nil
			}
			return first, nil
		},
	}
	e.sessions(c)
	if f.MinVersion != 0 {
		c.MinVersion = uint16(f.MinVersion)
	}
	if f.MaxVersion != 0 {
		c.MaxVersion = uint16(f.MaxVersion)
		c.MinVersion = min(c.MinVersion, c.MaxVersion)
	}
	for _, s := range f.Suites {
		c.CipherSuites = append(c.CipherSuites, uint16(s))
	}
	for _, g := range f.Groups {
		c.CurvePreferences = append(c.CurvePreferences, tls.CurveID(g))
	}
	if !f.NoALPN {
		c.NextProtos = f.protocols()
	}
	c.ClientCAs = e.material.clientCAs
	switch {
	case f.Ask == "required":
		c.ClientAuth = tls.RequireAndVerifyClientCert
	case f.Ask == "optional":
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case f.HTTP400:
		c.ClientAuth = tls.RequestClientCert
	}
	return c
}

// staple is the OCSP response for a hello; crypto/tls sends it to those that
// asked.
func (e *engine) staple(isOther bool, hello *tls.ClientHelloInfo) []byte {
	if isOther {
		return nil
	}
	const late = 2
	if e.faults.StapleLate && slices.Contains(hello.Extensions, uint16(tlswire.ExtStatusRequest)) && e.asked.Add(1) <= late {
		return nil
	}
	return e.material.staple
}

// protocols is what the server selects by ALPN.
func (o *Offer) protocols() []string {
	if o.ALPN != nil {
		return o.ALPN
	}
	return []string{"h2", "http/1.1"}
}

// signer is the key with the faults of the proof.
func (e *engine) signer(key crypto.Signer) crypto.PrivateKey {
	if e.faults.GarbleProof {
		return garbledSigner{key}
	}
	return key
}

// garbledSigner makes signatures that do not verify. It decrypts as before, for
// the RSA key exchange.
type garbledSigner struct{ crypto.Signer }

// Sign flips a bit of the signature.
func (g garbledSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := g.Signer.Sign(random, digest, opts)
	if err == nil {
		signature[len(signature)-1] ^= 1
	}
	return signature, err
}

// sign makes a handshake signature with the faults of the proof.
func (e *engine) sign(key crypto.Signer, scheme tlswire.SignatureScheme, content []byte) ([]byte, error) {
	signature, err := tlswire.Sign(key, scheme, content)
	if err != nil {
		return nil, err
	}
	if e.faults.GarbleProof {
		signature[len(signature)-1] ^= 1
	}
	return signature, nil
}

// random is n random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
