package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// What an onlooker can say. Nothing can be tried: the words of the one that
// broke off, and what it had seen by then, must do. Rules whose proof is an
// experiment stay silent; those that read bytes speak where the bytes concern
// the side that broke off. What they leave open, heard.go fills in.

// onlooker is what the onlooker knows, nil when the attempts are our own.
func (v *view) onlooker() *facts.Seen {
	if v.base == nil {
		return nil
	}
	return v.base.Seen
}

// breaker is the side that ended the handshake, SideNone when nobody did.
func (v *view) breaker() tlswire.Side {
	a := v.base
	if a.Seen.AlertSized != tlswire.SideNone {
		return a.Seen.AlertSized
	}
	return a.End.By
}

// Rules that an onlooker may ask, beside those of the certificate.
var (
	ofBytes  = []string{"protocol-version", "tcp-refused", "tcp-timeout", "server-speaks-plaintext", "starttls-missing", "private-key-mismatch-server"}
	ofServer = []string{"sni-unrecognized", "alpn-no-overlap", "client-cert-required", "client-cert-untrusted", "client-cert-expired",
		"client-cert-revoked", "client-cert-bad-purpose", "client-cert-incomplete-chain", "server-crl-expired", "weak-key-or-digest",
		"decrypt-error", "protocol-violation", "connection-reset", "eof-during-handshake", "handshake-timeout"}
	ofClient = []string{"legacy-renegotiation", "dh-key-too-small", "protocol-violation"}
)

// applies tells whether a rule may be asked.
func (v *view) applies(r rule) bool {
	if v.onlooker() == nil {
		return true
	}
	if end := v.base.End; r.id == "starttls-missing" {
		return end.Preamble == "refused" && end.Stage == diag.StagePreamble
	}
	if slices.Contains(ofBytes, r.id) {
		return true
	}
	switch v.breaker() {
	case tlswire.SideClient:
		return r.rank >= rankTrust && r.rank <= rankStaple || slices.Contains(ofClient, r.id) && v.doubts(r.id)
	}
	return slices.Contains(ofServer, r.id)
}

// doubts tells whether the client's alert fits a rule of ofClient.
func (v *view) doubts(id string) bool {
	a := v.base
	if id == "protocol-violation" {
		return a.End.Kind == facts.EndAlert && slices.Contains(readingAlerts, a.End.Alert.Description)
	}
	// A client leaves by handshake_failure or insufficient_security; where it
	// had read the certificate, that was not it.
	return a.End.Kind == facts.EndAlert && (a.End.Alert.Description == tlswire.AlertHandshakeFailure || a.End.Alert.Description == tlswire.AlertInsufficientSecurity ||
		a.End.Alert.Description == tlswire.AlertIllegalParameter || a.End.Alert.Description == tlswire.AlertInternalError)
}

// readingAlerts say that a message could not be read or breaks a rule.
var readingAlerts = []tlswire.AlertDescription{tlswire.AlertUnexpectedMessage, tlswire.AlertDecodeError, tlswire.AlertIllegalParameter,
	tlswire.AlertUnsupportedExtension, tlswire.AlertRecordOverflow, tlswire.AlertProtocolVersion}

// judgesChain tells whether the server's certificate is in question: always
// for our own attempts; for those of others when the client broke off over it,
// or left without a word once it had it.
func (v *view) judgesChain() bool {
	s := v.onlooker()
	if s == nil {
		return true
	}
	if v.breaker() != tlswire.SideClient {
		return false
	}
	return !s.Accepted || s.Left()
}

// aboutCertificate is what each alert of a client says about the certificate:
// the causes that it may mean.
var aboutCertificate = map[tlswire.AlertDescription][]string{
	tlswire.AlertUnknownCA:                    {"unknown-ca", "self-signed", "incomplete-chain", "distrusted-ca", "chain-order", "middlebox-inspection"},
	tlswire.AlertCertificateExpired:           {"cert-expired", "cert-not-yet-valid", "clock-skew"},
	tlswire.AlertCertificateRevoked:           {"cert-revoked"},
	tlswire.AlertBadCertificateStatusResponse: {"ocsp-staple-missing-or-bad"},
	tlswire.AlertInsufficientSecurity:         {"weak-key-or-digest"},
	tlswire.AlertDecryptError:                 {"cert-bad-signature"}, // OpenSSL's word for it
}

// vague are the alerts of a client that refuses a certificate and leaves open
// why. What is not among them or above is not about the certificate.
var vague = []tlswire.AlertDescription{tlswire.AlertBadCertificate, tlswire.AlertCertificateUnknown, tlswire.AlertUnsupportedCertificate, tlswire.AlertAccessDenied}

// ofStore depends on whom the client trusts, which only the client knows.
func ofStore(id string) bool { return slices.Contains(aboutCertificate[tlswire.AlertUnknownCA], id) }

// agrees drops what the client's own words exclude, and holds the rest to what
// an onlooker can know: the client's store, clock and policy are its own.
func (v *view) agrees(found []finding) []finding {
	a, s := v.base, v.onlooker()
	if s == nil {
		return found
	}
	alert := a.End.Alert.Description
	said := a.End.Kind == facts.EndAlert && a.End.By == tlswire.SideClient && alert != tlswire.AlertCloseNotify
	meant, precise := aboutCertificate[alert]
	// What is wrong for every client explains better than what is wrong for
	// this machine's store.
	plain := slices.ContainsFunc(found, func(f finding) bool {
		return f.r.rank > rankTrust && f.r.rank <= rankStaple && f.severity() == diag.SeverityFailure
	})
	var out []finding
	for _, f := range found {
		ofCertificate := f.r.rank >= rankTrust && f.r.rank <= rankStaple && f.m.stage != diag.StageClientAuth
		if !ofCertificate || v.breaker() != tlswire.SideClient {
			out = append(out, f)
			continue
		}
		f.m.confidence = atBest(f.m.confidence, diag.Likely)
		switch {
		case f.severity() != diag.SeverityFailure:
			continue // of other clients, and untested
		case said && precise && !slices.Contains(meant, f.r.id), said && !precise && !slices.Contains(vague, alert):
			continue
		case said && precise:
			f.m.confidence = diag.Strong
			f.m.see(attempts(a), "the client itself says so: %s", endText(a))
		case said:
			f.m.see(attempts(a), "then %s", endText(a))
		case s.Left():
			if ofStore(f.r.id) {
				f.m.severity, f.m.confidence = diag.SeverityWarning, diag.Possible
				f.m.not = append(f.m.not, "a client that trusts this CA, and left for a reason of its own: a health check")
			}
			f.m.see(attempts(a), "the client completes the handshake, then leaves without a byte of data")
		default:
			f.m.see(attempts(a), "then the client breaks off: %s", endText(a))
		}
		if plain && ofStore(f.r.id) && !(said && precise) {
			f.m.severity, f.m.confidence = diag.SeverityWarning, diag.Possible
		}
		out = append(out, f)
	}
	return out
}

// overheard completes what the rules found of a connection that was only seen,
// and tells whether it is explained.
func (v *view) overheard(found []finding) ([]finding, bool) {
	found = v.agrees(found)
	failed := slices.ContainsFunc(found, func(f finding) bool { return f.severity() == diag.SeverityFailure })
	if f := v.heard(); !failed && f != nil {
		found, failed = append(found, *f), f.severity() == diag.SeverityFailure
	}
	for _, f := range found {
		v.circumstances(f.m)
		for i := range f.m.evidence {
			f.m.evidence[i].Where = v.place(f.m.evidence[i].Where)
		}
	}
	return found, failed
}

// circumstances adds what the network did beside it.
func (v *view) circumstances(m *match) {
	for _, n := range v.onlooker().Notes {
		m.see(packet(n.Packet), "%s", n.Text)
	}
	if t := v.base.TCP; t != nil && t.Retransmits >= 3 && v.base.ServerHello == nil {
		m.see("TCP", "%s sent again", count(t.Retransmits, "segment"))
	}
}

// place turns "packet 43, ServerHello", where 43 holds the end, into the packet
// that holds the ServerHello.
func (v *view) place(where string) string {
	if where == "" { // where our own clients have a file
		return packet(packetOf(v.base, tlswire.SideClient, "Certificate"))
	}
	name, ok := strings.CutPrefix(where, attempts(v.base)+", ")
	if !ok {
		return where
	}
	for _, side := range []tlswire.Side{tlswire.SideServer, tlswire.SideClient} {
		if n := packetOf(v.base, side, name); n > 0 {
			return packet(n) + ", " + name
		}
	}
	return where
}

// packet names a packet of a capture.
func packet(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("packet %d", n)
}

// packetOf is the packet of the first message of a name, 0 when there is none.
func packetOf(a *facts.Attempt, from tlswire.Side, name string) int {
	for _, m := range a.Messages {
		if m.From == from && m.Name == name {
			return m.Packet
		}
	}
	return 0
}
