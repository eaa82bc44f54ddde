package causes

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// saying is what one alert says by itself, by who sent it.
type saying struct {
	by      tlswire.Side
	alert   tlswire.AlertDescription
	id      string
	sure    diag.Confidence
	summary string
	not     []string
	fixes   []FixRef
}

// sayings are tried in order; the first that fits wins. A server's
// handshake_failure is left to compare, which knows more.
var sayings = []saying{
	{tlswire.SideServer, tlswire.AlertProtocolVersion, "protocol-version", diag.Strong, "the server refuses the TLS versions that the client offers", nil, nil},
	{tlswire.SideServer, tlswire.AlertInappropriateFallback, "inappropriate-fallback", diag.Strong, "the client tried again with an older version, and the server refuses that", nil, nil},
	{tlswire.SideServer, tlswire.AlertInsufficientSecurity, "cipher-mismatch", diag.Likely, "the server finds the client's cipher suites too weak", []string{"groups or signature schemes that are too weak for it"}, nil},
	{tlswire.SideServer, tlswire.AlertMissingExtension, "extension-required", diag.Strong, "the server insists on an extension that the client does not send", nil, nil},
	{tlswire.SideServer, tlswire.AlertUnknownPSKIdentity, "psk-only", diag.Strong, "the server does not know the client's pre-shared key", nil, nil},
	{tlswire.SideServer, tlswire.AlertAccessDenied, "access-denied", diag.Likely, "the server refuses this client by policy", nil, nil},
	{tlswire.SideServer, tlswire.AlertInternalError, "internal-error", diag.Likely, "the server fails internally (alert internal_error)", nil, nil},
	{tlswire.SideServer, tlswire.AlertECHRequired, "ech-rejected", diag.Likely, "the server refuses the client's Encrypted ClientHello", nil, nil},
	{tlswire.SideServer, tlswire.AlertUnexpectedMessage, "hello-intolerance", diag.Possible, "the server cannot read what the client sends", []string{"a client that breaks the protocol", "a box on the path that changes bytes"}, nil},
	{tlswire.SideServer, tlswire.AlertDecodeError, "hello-intolerance", diag.Possible, "the server cannot read what the client sends", []string{"a client that breaks the protocol", "a box on the path that changes bytes"}, nil},
	{tlswire.SideServer, tlswire.AlertIllegalParameter, "hello-intolerance", diag.Possible, "the server objects to a value in the client's messages", []string{"a client that breaks the protocol"}, nil},

	{tlswire.SideClient, tlswire.AlertUnknownCA, "unknown-ca", diag.Strong, "the client does not know the CA of the server's certificate", []string{"an intermediate that the server does not send (incomplete-chain)", "a certificate that signs itself (self-signed)", "a proxy that inspects TLS and signs with a CA of its own"}, nil},
	{tlswire.SideClient, tlswire.AlertCertificateExpired, "cert-expired", diag.Strong, "the client finds the server's certificate expired or not yet valid", []string{"a wrong clock of the client"}, nil},
	{tlswire.SideClient, tlswire.AlertCertificateRevoked, "cert-revoked", diag.Strong, "the client finds the server's certificate revoked", nil, nil},
	{tlswire.SideClient, tlswire.AlertUnsupportedCertificate, "bad-eku-or-constraints", diag.Likely, "the client finds the server's certificate of the wrong kind", []string{"a key or signature that the client cannot use"}, nil},
	{tlswire.SideClient, tlswire.AlertBadCertificateStatusResponse, "ocsp-staple-missing-or-bad", diag.Strong, "the client refuses the OCSP answer that the server staples, or its absence", nil, nil},
	{tlswire.SideClient, tlswire.AlertProtocolVersion, "protocol-version", diag.Strong, "the client refuses the version that the server chose", nil, nil},
	{tlswire.SideClient, tlswire.AlertNoApplicationProtocol, "alpn-no-overlap", diag.Strong, "the client wants an application protocol (ALPN) that the server does not choose", nil, nil},
	{tlswire.SideClient, tlswire.AlertInsufficientSecurity, "weak-key-or-digest", diag.Likely, "the client finds the server's keys or parameters too weak", nil, nil},
	{tlswire.SideClient, tlswire.AlertBadRecordMAC, "decrypt-error", diag.Likely, "the client cannot decrypt what the server sends", []string{"a box on the path that changes bytes"}, nil},
	{tlswire.SideClient, tlswire.AlertDecryptError, "decrypt-error", diag.Likely, "the client cannot verify the server's signature or Finished", []string{"a private key that does not belong to the certificate", "a bad signature in the certificate chain (cert-bad-signature)", "a box on the path that changes bytes"}, nil},
	{tlswire.SideClient, tlswire.AlertUnsupportedExtension, "protocol-violation", diag.Likely, "the client finds an extension in the answer that it did not ask for", nil, nil},
	{tlswire.SideClient, tlswire.AlertUnexpectedMessage, "protocol-violation", diag.Likely, "the client finds the server's messages out of order", nil, nil},
	{tlswire.SideClient, tlswire.AlertDecodeError, "protocol-violation", diag.Likely, "the client cannot read the server's messages", nil, nil},
	{tlswire.SideClient, tlswire.AlertIllegalParameter, "protocol-violation", diag.Likely, "the client finds a forbidden value in the server's messages", nil, nil},
	{tlswire.SideClient, tlswire.AlertRecordOverflow, "protocol-violation", diag.Likely, "the client finds a record too large", []string{"a server that answers in plain text"}, nil},
}

// refusedCertificate are the other explanations of a client that breaks off
// over a certificate that is not in clear.
var refusedCertificate = []string{"an unknown CA or a missing intermediate", "an expired certificate, or a wrong clock of the client",
	"a name that the certificate does not cover", "a policy or a pinned key of the client"}

// heard explains a connection that was only seen by what its sides said and
// did, where no rule could; nil leaves it to the residual rules.
func (v *view) heard() *finding {
	a, s := v.base, v.onlooker()
	by, alert := v.breaker(), a.End.Alert.Description
	spoke := a.End.Kind == facts.EndAlert && alert != tlswire.AlertCloseNotify
	if a.End.Kind == facts.EndPreamble {
		return v.heardPlain()
	}
	if by == tlswire.SideServer && (spoke || abrupt(a)) && a.ServerHello == nil {
		if f := v.compare(); f != nil {
			return f
		}
	}
	if spoke {
		if f := v.heardAlert(by, alert); f != nil {
			return f
		}
	}
	if n := v.tooBig(); n != nil && !spoke {
		m := &match{confidence: diag.Likely, summary: "large packets do not get through: one is too big for the path, and its sender does not make them smaller",
			not: []string{"a sender that was about to: the connection ended soon after"}}
		m.see(attempts(a), "%s; %d bytes had come from the server", v.leaving(), a.BytesReceived)
		return v.finding("pmtu-blackhole", m)
	}
	switch {
	case by == tlswire.SideServer && s.Asked && s.AlertSized == tlswire.SideServer:
		return v.heardClientAuth()
	case by == tlswire.SideClient && a.ServerHello == nil && !spoke:
		m := &match{confidence: diag.Likely, stage: diag.StageClientHello, summary: fmt.Sprintf("the server did not answer the ClientHello; the client gave up after %s", short(a.End.After)),
			not: []string{"an overloaded or hanging server process", "a filter on the path that drops packets silently", "a port that expects another protocol", "a client in a hurry"}}
		m.see(packet(packetOf(a, tlswire.SideClient, "ClientHello")), "ClientHello, %d bytes, SNI %s", size(a, "ClientHello"), orElse(offered(a).ServerName(), "none"))
		m.see(attempts(a), "%s; %d bytes had come from the server", v.leaving(), a.BytesReceived)
		return v.finding("handshake-timeout", m)
	case by == tlswire.SideClient && !spoke && v.stalled() > 0:
		m := &match{confidence: diag.Likely, summary: fmt.Sprintf("the server's flight stops in the middle; the client gave up after %s", short(v.stalled())),
			not: []string{"a client that thought the certificate over for so long", "an overloaded or hanging server process", "large packets that are lost on the path (pmtu-blackhole)"}}
		m.see(attempts(a), "%s; %d bytes had come from the server", v.leaving(), a.BytesReceived)
		return v.finding("handshake-timeout", m)
	case by == tlswire.SideClient && !s.Left():
		return v.heardRefusal(spoke)
	}
	return nil
}

// tooBig is the message of a router that a packet does not fit, where the
// handshake hangs after it; nil when there is none.
func (v *view) tooBig() *facts.SeenNote {
	a := v.base
	if a.ServerHello != nil && v.stalled() == 0 && a.End.Kind != facts.EndTimeout {
		return nil
	}
	i := slices.IndexFunc(v.onlooker().Notes, func(n facts.SeenNote) bool { return n.Kind == facts.NotePacketTooBig })
	if i < 0 {
		return nil
	}
	return &v.onlooker().Notes[i]
}

func (v *view) finding(id string, m *match) *finding {
	r, ok := rules[id]
	if !ok {
		r = rule{id: id}
	}
	return &finding{r: r, m: m, v: v}
}

func size(a *facts.Attempt, name string) int {
	for _, m := range a.Messages {
		if m.Name == name {
			return m.Size
		}
	}
	return 0
}

// heardAlert takes an alert at its word.
func (v *view) heardAlert(by tlswire.Side, alert tlswire.AlertDescription) *finding {
	i := slices.IndexFunc(sayings, func(w saying) bool { return w.by == by && w.alert == alert })
	if i < 0 {
		return nil
	}
	w, a := sayings[i], v.base
	m := &match{confidence: w.sure, summary: w.summary, not: slices.Clone(w.not), fixes: w.fixes}
	m.see(attempts(a), "%s%s", endText(a), v.brokeOff())
	if l := v.leaf(); l != nil && by == tlswire.SideClient && alert == tlswire.AlertCertificateExpired && !v.c.At.After(l.NotAfter) && !v.c.At.Before(l.NotBefore) {
		m.summary, w.id = "the client finds the certificate expired, and it is valid: the client's clock is wrong", "clock-skew"
		m.confidence, m.not = diag.Likely, []string{"an expired intermediate or root that this client's path leads through"}
		m.see(packet(packetOf(a, tlswire.SideServer, "Certificate")), "%s is valid from %s to %s; the packets are of %s", l.Title(), day(l.NotBefore), day(l.NotAfter), day(v.c.At))
		return v.finding(w.id, m)
	}
	v.seeOffer(m, alert)
	if l := v.leaf(); l != nil && by == tlswire.SideClient {
		m.see(packet(packetOf(a, tlswire.SideServer, "Certificate")), "the server sent %s, issued by %s", l.Title(), issuerName(l))
	} else if by == tlswire.SideClient && a.Version == tlswire.TLS13 && a.Seen != nil && !a.Seen.Read {
		m.not = append(m.not, "which certificate it was is encrypted in TLS 1.3: tlswhy on the server's name shows it")
	}
	return v.finding(w.id, m)
}

// brokeOff says when the end came.
func (v *view) brokeOff() string {
	a := v.base
	if a.End.By != tlswire.SideClient {
		return behind(a)
	}
	switch a.End.Stage {
	case diag.StageCertificate:
		return " after the server's flight"
	case diag.StageServerHello:
		return " after the ServerHello"
	}
	return ""
}

func issuerName(c *chain.Certificate) string { return orElse(c.Issuer.CN(), c.Issuer.String()) }

// seeOffer adds what the client offers of that which was refused.
func (v *view) seeOffer(m *match, alert tlswire.AlertDescription) {
	a, h := v.base, offered(v.base)
	where := packet(packetOf(a, tlswire.SideClient, "ClientHello")) + ", ClientHello"
	if a.Sent == nil {
		return
	}
	switch alert {
	case tlswire.AlertProtocolVersion:
		if a.ServerHello != nil {
			m.see(packet(packetOf(a, tlswire.SideServer, "ServerHello")), "the server chose %s", a.Version)
		}
		m.see(where, "the client offers %s", v.offers(a))
		m.params = v.versionParams(h.MaxVersion(), a)
	case tlswire.AlertInappropriateFallback:
		m.see(where, "the client offers %s with TLS_FALLBACK_SCSV", v.offers(a))
	case tlswire.AlertInsufficientSecurity:
		m.see(where, "the client offers %s", list(h.CipherSuites, 6))
	}
}

// heardClientAuth takes an alert-sized answer to the client's certificate, or
// to its absence, in TLS 1.3.
func (v *view) heardClientAuth() *finding {
	a := v.base
	id, m := "client-cert-required", &match{confidence: diag.Strong, stage: diag.StageClientAuth,
		summary: "the server asks for a client certificate, the client sends none, and the server refuses it"}
	if a.IdentitySent {
		id = "client-cert-untrusted"
		m.confidence = diag.Likely
		m.summary = "the server refuses the client's certificate"
		m.not = []string{"an expired or revoked certificate", "a certificate of the wrong purpose", "an intermediate that the client does not send"}
	}
	m.see(packet(packetOf(a, tlswire.SideClient, "encrypted record")), "the records are encrypted (TLS 1.3); their sizes show a Certificate message of the client that is %s", map[bool]string{true: "not empty", false: "empty"}[a.IdentitySent])
	m.see(attempts(a), "the server answers with one record of the size of an alert%s", v.then())
	return v.finding(id, m)
}

// then says how the connection ended after it.
func (v *view) then() string {
	s := v.onlooker()
	verb := map[facts.EndKind]string{facts.EndClosed: "closes", facts.EndReset: "resets"}[s.GaveBy]
	if verb == "" || s.Gave == tlswire.SideNone {
		return ""
	}
	return fmt.Sprintf(", then the %s %s the connection", sideName(s.Gave), verb)
}

// stalled is for how long the server had been silent in the middle of its
// flight when the client went without a word; 0 when it had not been.
func (v *view) stalled() time.Duration {
	a := v.base
	if a.End.Stage.Rank() > diag.StageCertificate.Rank() || a.Seen.AlertSized != tlswire.SideNone || packetOf(a, tlswire.SideServer, "ServerHelloDone") > 0 {
		return 0
	}
	var sent, last time.Duration
	for _, m := range a.Messages {
		switch {
		case m.From == tlswire.SideServer:
			last = m.At
		case m.Name == "ClientHello":
			sent = m.At
		}
	}
	const patient = 1500 * time.Millisecond
	if quiet := sent + a.End.After - last; last > 0 && quiet > patient {
		return quiet
	}
	return 0
}

// leaving says how the side that broke off did it.
func (v *view) leaving() string {
	a, s := v.base, v.onlooker()
	switch {
	case s.AlertSized != tlswire.SideNone:
		return fmt.Sprintf("the %s sends one record of the size of an alert%s", sideName(s.AlertSized), v.then())
	case a.End.Kind == facts.EndClosed:
		return "the client closes the connection" + behind(a)
	case a.End.Kind == facts.EndReset:
		return "the client resets the connection" + behind(a)
	}
	return endText(a)
}

// heardRefusal takes a client that broke off after the server's flight and
// whose reason cannot be read.
func (v *view) heardRefusal(spoke bool) *finding {
	a := v.base
	m := &match{confidence: diag.Possible, stage: diag.StageCertificate, fixes: []FixRef{{"client", "collect-evidence"}}}
	m.summary = "the client breaks off after the server's certificate, and does not say why"
	switch alert := a.End.Alert.Description; {
	case spoke && a.Version != 0 && a.Version < tlswire.TLS12 && (alert == tlswire.AlertInternalError || alert == tlswire.AlertHandshakeFailure):
		m.confidence, m.fixes, m.not = diag.Likely, nil, []string{"the client's own log says more than its alert"}
		m.summary = fmt.Sprintf("the client gives up on %s, the newest version that the server took", a.Version)
		m.see(attempts(a), "%s%s", endText(a), v.brokeOff())
		m.see(packet(packetOf(a, tlswire.SideServer, "ServerHello")), "the server chose %s; clients of today forbid its SHA-1 signatures (OpenSSL 3) or the version itself", a.Version)
		m.params = v.versionParams(a.Version, a)
		return v.finding("protocol-version", m)
	case spoke && (alert == tlswire.AlertBadCertificate || alert == tlswire.AlertCertificateUnknown):
		m.summary = fmt.Sprintf("the client does not accept the server's certificate: %s, which does not say why", alert)
	case spoke:
		m.summary = fmt.Sprintf("the client breaks off: %s", alert)
	case a.Version == tlswire.TLS13 && a.Seen != nil && !a.Seen.Read:
		m.summary = "the client refuses the server's certificate or Finished; why is encrypted (TLS 1.3)"
	}
	switch alert := a.End.Alert.Description; {
	case spoke && (alert == tlswire.AlertInternalError || alert == tlswire.AlertUserCanceled || alert == tlswire.AlertHandshakeFailure):
		m.not = []string{"the client's own log says more than its alert"}
	default:
		m.not = slices.Clone(refusedCertificate)
	}
	m.see(attempts(a), "%s", v.leaving())
	if l := v.leaf(); l != nil {
		m.see(packet(packetOf(a, tlswire.SideServer, "Certificate")), "the server sent %s, issued by %s; nothing is wrong with it for %s", l.Title(), issuerName(l), v.c.Want.AnchorsFrom)
	}
	if a.Version == tlswire.TLS13 && a.Seen != nil && !a.Seen.Read {
		m.see("next", "tlswhy %s shows the certificate; SSLKEYLOGFILE of the client and --keylog show the alert", orElse(v.c.Want.Name, a.Address))
	}
	return v.finding("unexplained", m)
}
