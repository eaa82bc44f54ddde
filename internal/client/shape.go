package client

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// shapes are the words of facts.Changes.Shape, in the order in which they are
// written; "wide" and "padded" are Apply's.
//
//	browser        the hello of a browser of today, GREASE and order its own,
//	               with the SNI and ALPN of the base
//	compact        TLS 1.2 below 256 bytes, without extensions it can do without
//	no-extensions  TLS 1.2 without any extension
//	ssl2           the SSLv2-compatible format, SSL 2.0 suites included
//	classic        without post-quantum groups and shares
//	no-grease      without GREASE
//	wide           SSL 3.0 to TLS 1.3 with every suite, group and scheme
//	staple         with status_request: asks for a stapled OCSP response
//	record-1.0     in records of version 1.0, as nearly every client does
var shapes = map[string]func(*tlswire.ClientHello) *tlswire.ClientHello{
	"browser":       browser,
	"compact":       compact,
	"no-extensions": noExtensions,
	"ssl2":          ssl2,
	"classic":       classic,
	"no-grease":     noGREASE,
	"staple":        staple,
	"record-1.0":    usualRecord,
}

const browserProfile = "Chromium 137 (Win 11)"

func browser(base *tlswire.ClientHello) *tlswire.ClientHello {
	p := newest(index(), func(p *Profile) bool { return p.Name == browserProfile })
	if p == nil {
		return base
	}
	h := p.Hello()
	h.Raw = nil
	freshen(h)
	setALPN(h, base.ALPN())
	setServerName(h, base.ServerName())
	return h
}

// sizes of the compact hello.
const (
	compactSuites = 20  // old devices have limits on their number
	compactSize   = 255 // the largest handshake message without a second length byte in use
)

func compact(base *tlswire.ClientHello) *tlswire.ClientHello {
	h := base.Clone()
	name, signalled := base.ServerName(), base.RenegotiationInfo()
	noGREASEIn(h)
	toTLS(h)
	highest := max(tlswire.TLS10, min(h.MaxVersion(), tlswire.TLS12))
	setVersions(h, highest, highest)
	groups, schemes := h.Groups(), h.SignatureSchemes()
	h.Extensions, h.SessionID = nil, nil
	if name != "" {
		h.SetServerName(name)
	}
	if groups = slices.DeleteFunc(slices.Clone(groups), ffdhe); len(groups) > 0 {
		h.SetGroups(groups)
		h.SetPointFormats([]uint8{0})
	}
	if len(schemes) > 0 {
		h.SetSignatureSchemes(schemes)
	}
	if signalled && !h.RenegotiationInfo() {
		h.CipherSuites = append(h.CipherSuites, tlswire.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
	}
	for (messageSize(h) > compactSize || len(h.CipherSuites) > compactSuites) && dropRedundant(h) {
	}
	return h
}

// dropRedundant takes out the suite that the compact hello can best do
// without: the last one that is not the only one of its key exchange and
// authentication. It reports whether there was one.
func dropRedundant(h *tlswire.ClientHello) bool {
	type class struct {
		kex  tlswire.KeyExchange
		auth tlswire.Authentication
	}
	count := map[class]int{}
	of := func(s tlswire.CipherSuite) class { return class{s.Info().Kex, s.Info().Auth} }
	for _, s := range h.CipherSuites {
		count[of(s)]++
	}
	// CBC with SHA-2 first: who has those has AES-GCM too.
	for _, rare := range []bool{true, false} {
		for i := len(h.CipherSuites) - 1; i >= 0; i-- {
			s := h.CipherSuites[i]
			if info := s.Info(); !signal(s) && count[of(s)] > 1 && (!rare || !info.AEAD && info.MAC != "SHA" && info.MAC != "SHA1") {
				h.CipherSuites = slices.Delete(slices.Clone(h.CipherSuites), i, i+1)
				return true
			}
		}
	}
	return false
}

func messageSize(h *tlswire.ClientHello) int {
	message, err := h.Marshal()
	if err != nil {
		return 0
	}
	return len(message)
}

func noExtensions(base *tlswire.ClientHello) *tlswire.ClientHello {
	h := base.Clone()
	if h.SSL2 {
		return h
	}
	noGREASEIn(h)
	if h.Offers(tlswire.TLS13) {
		setVersions(h, tlswire.TLS12, tlswire.TLS12)
	}
	withoutExtensions(h)
	return h
}

// ssl2Specs are the cipher kinds of SSL 2.0 (its Section C.4).
var ssl2Specs = []uint32{0x010080, 0x030080, 0x0700C0, 0x050080, 0x060040, 0x020080, 0x040080}

func ssl2(base *tlswire.ClientHello) *tlswire.ClientHello {
	h := base.Clone()
	if h.SSL2 {
		h.SSL2Specs = union(h.SSL2Specs, ssl2Specs)
		return h
	}
	noGREASEIn(h)
	if h.Offers(tlswire.TLS13) {
		setVersions(h, tlswire.SSL3, tlswire.TLS12)
	}
	withoutExtensions(h)
	h.SSL2, h.SessionID, h.Compression = true, nil, nil
	h.SSL2Specs = slices.Clone(ssl2Specs)
	setSuites(h, h.CipherSuites)
	h.RecordVersion = h.Version
	return h
}

func classic(base *tlswire.ClientHello) *tlswire.ClientHello {
	h := base.Clone()
	if !slices.ContainsFunc(h.Groups(), PostQuantum) {
		return h
	}
	groups := slices.DeleteFunc(h.Groups(), PostQuantum)
	if len(groups) == 0 {
		groups = []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256}
	}
	shares := slices.DeleteFunc(h.KeyShares(), func(s tlswire.KeyShare) bool { return PostQuantum(s.Group) })
	h.SetGroups(groups)
	if !h.HasExtension(tlswire.ExtKeyShare) {
		return h
	}
	if !slices.ContainsFunc(shares, func(s tlswire.KeyShare) bool { return !s.Group.IsGREASE() }) {
		shares = sharesFor(groups, shares)
	}
	h.SetKeyShares(shares)
	return h
}

func noGREASE(base *tlswire.ClientHello) *tlswire.ClientHello {
	h := base.Clone()
	noGREASEIn(h)
	return h
}

func noGREASEIn(h *tlswire.ClientHello) {
	if h.SSL2 || !h.HasGREASE() {
		return
	}
	setSuites(h, slices.DeleteFunc(slices.Clone(h.CipherSuites), tlswire.CipherSuite.IsGREASE))
	h.Extensions = slices.DeleteFunc(slices.Clone(h.Extensions), func(e tlswire.Extension) bool { return e.Type.IsGREASE() })
	if groups := h.Groups(); groups != nil {
		h.SetGroups(slices.DeleteFunc(groups, tlswire.Group.IsGREASE))
	}
	if versions := h.SupportedVersions(); versions != nil {
		h.SetSupportedVersions(slices.DeleteFunc(versions, tlswire.Version.IsGREASE))
	}
	if shares := h.KeyShares(); shares != nil {
		h.SetKeyShares(slices.DeleteFunc(shares, func(s tlswire.KeyShare) bool { return s.Group.IsGREASE() }))
	}
	if schemes := h.SignatureSchemes(); schemes != nil {
		h.SetSignatureSchemes(slices.DeleteFunc(schemes, tlswire.SignatureScheme.IsGREASE))
	}
}

func usualRecord(base *tlswire.ClientHello) *tlswire.ClientHello {
	h := base.Clone()
	h.RecordVersion = tlswire.TLS10
	return h
}

// staple asks for an OCSP response of any responder (RFC 6066, Section 8).
func staple(base *tlswire.ClientHello) *tlswire.ClientHello {
	h := base.Clone()
	if !h.SSL2 {
		h.SetExtension(tlswire.ExtStatusRequest, []byte{1, 0, 0, 0, 0})
	}
	return h
}
