package causes

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "middlebox-inspection", rank: rankTransport, wants: (*view).canaries, match: func(v *view) *match {
	leaf := v.leaf()
	if leaf == nil || !v.foreignCA() {
		return nil
	}
	fake := v.minted(v.addrs[0], v.canary())
	m := &match{confidence: diag.Strong, stage: diag.StageCertificate, affects: []string{"programs on this network that do not trust the proxy's CA", "programs with pinned keys or client certificates, whatever they trust"},
		params: func(p *FixParams) { p.certificate(leaf) }}
	if fake != nil {
		m.see(attempts(fake), "a handshake for %s, a name that nobody can have, is answered with a certificate for it: certificates are made on the spot", v.canary())
	}
	// other says that the name meets the same at another server.
	proof, other := false, false
	for _, c := range v.c.Controls {
		if a := v.minted(c.Address, v.canary()); a != nil && sameIssuer(leaf, a.Chain[0]) {
			m.see(attempts(a), "so does %s, another server, and the issuer is the same", c.Name)
			proof = true
		}
		for _, a := range v.atControl(c, v.deep.Of.Changes) {
			if len(a.Chain) > 0 && sameIssuer(leaf, a.Chain[0]) && chain.MatchName(a.Chain[0], v.c.Want.Name).OK {
				m.see(attempts(a), "asked for %s, %s shows a certificate of the same issuer for it, though its own comes from another", v.c.Want.Name, c.Name)
				proof, other = proof || a.Chain[0].SHA256 != leaf.SHA256, true
			}
		}
	}
	other = v.seeDirect(m, leaf) || other
	proof = proof || other && fake != nil && v.c.Want.Proxy != nil
	product := v.product()
	switch {
	case proof:
		m.confidence = diag.Proven
	case other:
	case fake == nil:
		return nil
	case chain.MatchesSPKI(leaf, fake.Chain[0].Key.Raw):
		m.see(attempts(v.deep, fake)+", Certificate", "both certificates have the same key, though their names have nothing in common")
	case product == "":
		return nil // a server may make its certificates on demand
	}
	m.summary = "a proxy inspects TLS here: it shows a certificate of its own in the server's place, issued by " + orElse(leaf.Issuer.CN(), leaf.Issuer.String())
	if product != "" {
		m.summary += fmt.Sprintf(" (the name is that of %s)", product)
	}
	if m.not = nil; !proof {
		m.not = []string{"a server that makes certificates for any name on demand: --control HOST, an unrelated server, tells"}
		switch {
		case other && v.c.Want.Proxy != nil:
			m.not = []string{"another server of that name, which only the proxy reaches"}
		case other:
			m.not = []string{"a control that serves the same names as the target"}
		}
	}
	m.hides = ofAForeignCA
	if v.problem(chain.KindUnknownIssuer, chain.KindSelfSigned, chain.KindIncomplete) == nil {
		m.severity, m.hides = diag.SeverityInfo, nil
		m.summary += "; this client trusts it"
	}
	return m
}})

// ofAForeignCA are the effects of a certificate that is not the server's.
var ofAForeignCA = []string{"unknown-ca", "self-signed", "incomplete-chain", "weak-key-or-digest", "cert-lifetime-too-long", "ct-required", "chain-order", "expires-soon"}

// canaries asks for a certificate of a name that nobody can have, and the
// controls for one of theirs.
func (v *view) canaries() []facts.Experiment {
	if v.leaf() == nil || v.deep.Of.Kind != facts.Handshake || v.deep.Seen != nil || !v.foreignCA() {
		return nil
	}
	canary := v.deep.Of.Changes.With(facts.PropSNI, v.canary())
	ask := []facts.Experiment{{Address: v.addrs[0], Changes: canary}}
	if v.detour(v.deep.Of.Changes) == facts.PathDirect {
		ask = append(ask, facts.Experiment{Address: v.addrs[0], Changes: v.deep.Of.Changes.With(facts.PropPath, facts.PathDirect)})
	}
	for _, c := range v.c.Controls {
		ask = append(ask, facts.Experiment{Address: c.Address, Changes: toward(c, v.deep.Of.Changes)}, facts.Experiment{Address: c.Address, Changes: canary})
		if own := v.atControl(c, toward(c, v.deep.Of.Changes)); len(own) > 0 && len(own[0].Chain) > 0 && !sameIssuer(v.leaf(), own[0].Chain[0]) {
			ask = append(ask, facts.Experiment{Address: c.Address, Changes: v.deep.Of.Changes}) // perhaps it picks its names
		}
	}
	for _, e := range ask {
		if v.silentOnce(e) { // no answer is no denial: some proxies now and then lose a hello of two segments
			e.Repeat = 1
			ask = append(ask, e)
		}
	}
	return ask
}

// silentOnce tells whether an experiment was made once and met silence.
func (v *view) silentOnce(e facts.Experiment) bool {
	n, silent := 0, false
	for _, a := range v.c.Attempts {
		if a.Address == e.Address && a.Of.Kind == e.Kind && a.Of.Changes == e.Changes {
			n++
			silent = a.End.Kind == facts.EndTimeout
		}
	}
	return n == 1 && silent
}

// seeDirect tells whether the same name shows a certificate of another issuer
// without the proxy, one that the client accepts.
func (v *view) seeDirect(m *match, leaf *chain.Certificate) bool {
	for _, a := range v.at(v.deep.Of.Changes.With(facts.PropPath, facts.PathDirect)) {
		if len(a.Chain) == 0 || sameIssuer(leaf, a.Chain[0]) {
			continue
		}
		if path := v.analyze(a.Chain).BestPath(); path == nil || len(path.Problems) > 0 {
			continue
		}
		m.see(attempts(v.deep, a)+", Certificate", "directly, without the proxy, it is issued by %s, which the client accepts; through the proxy by %s", issuerName(a.Chain[0]), issuerName(leaf))
		if page, ok := PageOf("middlebox-inspection"); ok {
			m.fixes = append(slices.Clone(page.Fixes), FixRef{"network", "bypass-proxy"})
		}
		return true
	}
	return false
}

// foreignCA tells whether the certificate comes from a CA that is no public one:
// unknown to the client, or known to this machine's store alone.
func (v *view) foreignCA() bool {
	if v.isIP() || v.analysis == nil || v.deep.Seen != nil || v.deep.Site != nil {
		return false
	}
	if v.problem(chain.KindUnknownIssuer, chain.KindSelfSigned) != nil {
		return v.missing() == nil && !v.leaf().SelfIssued()
	}
	p := v.path()
	if p == nil || v.c.Want.AnchorsPrivate || len(v.c.Want.Demand.Roots) == 0 || len(v.problems(chain.KindIncomplete)) > 0 {
		return false
	}
	root := p.Elements[len(p.Elements)-1]
	_, public := v.c.Want.Demand.Roots[root.Cert.SHA256]
	return root.Source == chain.SourceAnchor && !public
}

// canary is a name that exists nowhere (RFC 6761, Section 6.4), and that no
// server was asked for before.
func (v *view) canary() string {
	sum := sha256.Sum256([]byte(v.c.Want.Name + " " + v.c.At.String()))
	return fmt.Sprintf("tlswhy-%x.invalid", sum[:6])
}

// minted is the attempt in which an address showed a certificate for the name,
// or nil.
func (v *view) minted(address, name string) *facts.Attempt {
	for _, a := range v.c.Attempts {
		if a.Address == address && a.Of.Changes.SNI == name && len(a.Chain) > 0 && chain.MatchName(a.Chain[0], name).OK {
			return a
		}
	}
	return nil
}

// sameIssuer tells whether two certificates name the same issuer and, where
// they say so, the same key of it.
func sameIssuer(a, b *chain.Certificate) bool {
	return a.Issuer.Equal(b.Issuer) && (len(a.AuthorityKeyID) == 0 || len(b.AuthorityKeyID) == 0 || bytes.Equal(a.AuthorityKeyID, b.AuthorityKeyID))
}

// product is whose inspecting CA the issuer's name is known as; a label, never a
// proof.
func (v *view) product() string {
	for _, cert := range v.deep.Chain {
		for _, p := range products {
			if p.issuer.MatchString(cert.Issuer.String()) {
				return p.name
			}
		}
	}
	return ""
}

// products are names of issuers that products use by default, as far as public
// texts show them. A company may give its CA any name.
var products = []struct {
	name   string
	issuer *regexp.Regexp
}{
	{"Zscaler", regexp.MustCompile(`(?i)\bO=Zscaler Inc`)},
	{"Netskope", regexp.MustCompile(`(?i)\.goskope\.com\b`)},
	{"Fortinet FortiGate", regexp.MustCompile(`(?i)\bO=Fortinet\b`)},
	{"Cisco Umbrella", regexp.MustCompile(`(?i)\bCN=Cisco Umbrella `)},
	{"Cloudflare Gateway", regexp.MustCompile(`(?i)\bCN=(Gateway CA - Cloudflare Managed|Cloudflare for Teams )`)},
	{"WatchGuard Fireware", regexp.MustCompile(`(?i)\bCN=Fireware (web CA|HTTPS Proxy)`)},
	{"SonicWall", regexp.MustCompile(`(?i)\bSonicWALL\b`)},
	{"Palo Alto Networks", regexp.MustCompile(`(?i)\bPalo ?Alto Networks\b`)},
	{"Sophos", regexp.MustCompile(`(?i)\bO=Sophos\b|\bSophos SSL CA\b`)},
	{"Check Point", regexp.MustCompile(`(?i)\bCheck ?Point\b.*\b(HTTPS|Inspection)\b`)},
	{"Barracuda", regexp.MustCompile(`(?i)\bO=Barracuda Networks\b`)},
	{"Blue Coat ProxySG", regexp.MustCompile(`(?i)\bBlue ?Coat\b`)},
	{"Kaspersky", regexp.MustCompile(`(?i)\bKaspersky Anti-Virus Personal Root`)},
	{"Avast, AVG or Norton", regexp.MustCompile(`(?i)\b(Avast|AVG|Norton) Web/Mail Shield Root`)},
	{"ESET", regexp.MustCompile(`(?i)\bESET SSL Filter CA`)},
	{"Bitdefender", regexp.MustCompile(`(?i)\bBitdefender Personal CA`)},
	{"Charles", regexp.MustCompile(`(?i)\bCharles Proxy CA\b`)},
	{"Fiddler", regexp.MustCompile(`(?i)\bDO_NOT_TRUST_Fiddler`)},
	{"Burp Suite", regexp.MustCompile(`(?i)\bPortSwigger CA\b`)},
	{"mitmproxy", regexp.MustCompile(`(?i)\bCN=mitmproxy\b`)},
	{"OWASP ZAP", regexp.MustCompile(`(?i)\bOWASP (ZAP|Zed Attack Proxy)\b`)},
	{"Superfish", regexp.MustCompile(`(?i)\bSuperfish\b`)},
}
