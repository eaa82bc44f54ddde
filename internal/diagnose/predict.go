package diagnose

import (
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// predict is the attempt that one may expect of a configured server: the hello
// meets the site that answers its name, and OpenSSL's rules of negotiation.
// Client certificates that the server wants are taken to be good ones.
func predict(s *facts.Site, h *tlswire.ClientHello, e facts.Experiment) *facts.Attempt {
	a := &facts.Attempt{Of: e, Address: e.Address, Sent: h, Site: s, Alone: true}
	site := s.Answering(h.ServerName())
	if site == nil || site.Refuses {
		return refused(a, s.Line(facts.SetName), tlswire.AlertUnrecognizedName)
	}
	a.Site = site
	if site.Plain {
		a.Because = site.Line(facts.SetEnable)
		a.End = facts.End{Kind: facts.EndNotTLS, Stage: diag.StageClientHello, By: tlswire.SideServer, Data: []byte(greeting(site.Protocol))}
		return a
	}
	o := client.Negotiate(h, facts.Client{}, &site.Server)
	if !o.OK {
		setting, alert := facts.SetSuites, tlswire.AlertHandshakeFailure
		switch o.Why {
		case client.OfVersion:
			setting, alert = facts.SetVersions, tlswire.AlertProtocolVersion
		case client.OfGroup:
			setting = facts.SetGroups
		case client.OfScheme:
			setting = facts.SetSchemes
		}
		return refused(a, site.Line(setting, facts.SetCertificate), alert)
	}
	a.Version, a.Because = o.Version, site.Line(facts.SetCertificate)
	a.ServerHello = answer(o)
	pair, scheme := choosePair(site, h, o)
	if pair != nil {
		a.Chain = pair.Chain
	}
	info := o.Suite.Info()
	a.KeyProof = facts.Proof{Result: facts.ProofValid, Scheme: scheme}
	if pair != nil && pair.Mismatch() {
		a.KeyProof = facts.Proof{Result: facts.ProofInvalid, Reason: "the private key is another one", Scheme: scheme}
	}
	switch info.Kex {
	case tlswire.KexDHE:
		prime := site.DHPrime
		if prime == nil && site.Server.DHBits > 0 {
			prime = make([]byte, site.Server.DHBits/8)
			prime[0] = 0xFF
		}
		a.KeyExchange = &tlswire.ServerKeyExchange{Kex: info.Kex, P: prime}
	case tlswire.KexECDHE:
		a.KeyExchange = &tlswire.ServerKeyExchange{Kex: info.Kex, CurveType: 3, Group: o.Group}
	}
	a.Finished.Result = facts.ProofValid
	a.End = facts.End{Kind: facts.EndCompleted, Stage: diag.StageApplication}
	return a
}

// greeting is what a server says in clear on a port of TLS.
func greeting(protocol string) string {
	switch protocol {
	case "imaps":
		return "* OK Dovecot ready.\r\n"
	case "pop3s":
		return "+OK Dovecot ready.\r\n"
	case "smtps", "submissions":
		return "220 mail ESMTP\r\n"
	}
	return "HTTP/1.1 400 Bad Request\r\n\r\n"
}

func refused(a *facts.Attempt, because facts.Line, alert tlswire.AlertDescription) *facts.Attempt {
	a.Because = because
	a.End = facts.End{Kind: facts.EndAlert, Stage: diag.StageClientHello, By: tlswire.SideServer, Alert: tlswire.Alert{Level: 2, Description: alert}}
	return a
}

func answer(o client.Outcome) *tlswire.ServerHello {
	sh := &tlswire.ServerHello{Version: min(o.Version, tlswire.TLS12), CipherSuite: o.Suite, Random: make([]byte, 32), HasExtBlock: true}
	if o.Version >= tlswire.TLS13 {
		sh.SetNegotiatedVersion(o.Version)
		if o.Group != 0 {
			sh.SetKeyShare(tlswire.KeyShare{Group: o.Group, Data: make([]byte, 32)})
		}
		return sh
	}
	sh.SetExtension(tlswire.ExtRenegotiationInfo, []byte{0})
	sh.SetExtension(tlswire.ExtExtendedMasterSecret, []byte{})
	return sh
}

// choosePair picks the certificate as OpenSSL does: below TLS 1.3 by the suite,
// else by the client's first signature scheme that a key can make.
func choosePair(s *facts.Site, h *tlswire.ClientHello, o client.Outcome) (*facts.Pair, tlswire.SignatureScheme) {
	offered := h.SignatureSchemes()
	if o.Version < tlswire.TLS12 {
		offered = nil
	}
	auth := o.Suite.Info().Auth
	for _, scheme := range offered {
		if len(s.Server.Schemes) > 0 && !slices.Contains(s.Server.Schemes, scheme) || o.Version >= tlswire.TLS13 && !scheme.InTLS13() {
			continue
		}
		for i := range s.Pairs {
			p := &s.Pairs[i]
			if len(p.Chain) > 0 && signs(p.Chain[0], scheme, o.Version) && (auth == tlswire.AuthAny || auth == facts.AuthOf(p.Chain[0])) {
				return p, scheme
			}
		}
	}
	for i := range s.Pairs {
		if p := &s.Pairs[i]; len(p.Chain) > 0 && (auth == tlswire.AuthAny || auth == facts.AuthOf(p.Chain[0])) {
			return p, 0
		}
	}
	return nil, 0
}

func signs(c *chain.Certificate, scheme tlswire.SignatureScheme, v tlswire.Version) bool {
	switch c.Key.Algorithm {
	case chain.KeyRSA:
		return scheme.Key() == "rsa"
	case chain.KeyRSAPSS:
		return scheme.Key() == "rsa-pss"
	case chain.KeyECDSA:
		curve := scheme.Curve()
		return scheme.Key() == "ecdsa" && (v < tlswire.TLS13 || curve == 0 || c.Key.Curve == curveName(curve))
	case chain.KeyEd25519:
		return scheme == tlswire.SchemeEd25519
	case chain.KeyEd448:
		return scheme == tlswire.SchemeEd448
	}
	return false
}

func curveName(g tlswire.Group) string {
	return map[tlswire.Group]string{tlswire.GroupP256: "P-256", tlswire.GroupP384: "P-384", tlswire.GroupP521: "P-521"}[g]
}
