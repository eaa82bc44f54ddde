package causes

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// refusal is how the server turned the client down once it had asked for a
// certificate: by alert, by closing, or in HTTP.
type refusal struct {
	a     *facts.Attempt
	alert tlswire.AlertDescription
	isTLS bool // an alert came
	http  string
	text  string // in words
}

// refused reads the refusal of the client's certificate, or of its absence;
// nil when there was none.
func (v *view) refused() *refusal {
	a := v.deep
	if a == nil {
		return nil
	}
	switch {
	case a.End.Kind == facts.EndAlert && a.End.By == tlswire.SideServer &&
		(a.Request != nil && a.End.Stage.Rank() >= diag.StageClientAuth.Rank() || a.End.Alert.Description == tlswire.AlertCertificateRequired):
		if closeNotify(a) {
			break
		}
		return &refusal{a: a, alert: a.End.Alert.Description, isTLS: true, text: endText(a) + late(a)}
	case a.Request != nil && len(a.Reply) > 0:
		if words := replyRefusal(a.Reply); words != "" {
			return &refusal{a: a, http: words, text: fmt.Sprintf("the server, after a complete handshake: %q", clip(words, 120))}
		}
	case a.Request != nil && a.End.Stage == diag.StageClientAuth && abrupt(a):
		if q := v.quiet(); q != nil && completed(q) {
			break // it was the request that the server did not like
		}
		return &refusal{a: a, text: endText(a)}
	case a.Request != nil && a.End.Stage == diag.StageApplication && abrupt(a) && a.HTTP == nil && v.c.Want.Protocol != "https":
		return &refusal{a: a, text: endText(a) + ", before a word of the protocol"}
	case a.HTTP != nil && a.Request != nil:
		if word := httpRefusal(a.HTTP); word != "" {
			return &refusal{a: a, http: word, text: fmt.Sprintf("HTTP %d: %s", a.HTTP.Status, word)}
		}
	}
	return nil
}

// abrupt tells whether the peer ended without saying why.
func abrupt(a *facts.Attempt) bool {
	return a.End.Kind == facts.EndReset || a.End.Kind == facts.EndClosed
}

func late(a *facts.Attempt) string {
	if a.Version == tlswire.TLS13 {
		return ", after a handshake that looks complete to the client"
	}
	return ""
}

// renegotiates tells whether the server asked for a new handshake after the
// request: what Apache and IIS do before TLS 1.3 when only some path wants a
// client certificate. tlswhy does not renegotiate.
func renegotiates(a *facts.Attempt) bool {
	return a != nil && a.Finished.Result == facts.ProofValid && slices.ContainsFunc(a.Messages, func(m facts.Message) bool { return m.From == tlswire.SideServer && m.Name == "HelloRequest" })
}

// wouldAskLater tells whether the server says that it would have asked for a
// certificate after the handshake, which the client's hello does not allow: what
// Apache does in TLS 1.3 when only some path wants one.
func wouldAskLater(a *facts.Attempt) bool {
	return a != nil && a.HTTP != nil && a.HTTP.Status == 403 && a.Version == tlswire.TLS13 &&
		!offered(a).HasExtension(tlswire.ExtPostHandshakeAuth) && strings.Contains(string(a.HTTP.Body), "Cannot perform Post-Handshake Authentication")
}

// httpRefusal recognises an HTTP answer that refuses the client certificate or
// its absence; it returns the server's words.
func httpRefusal(h *facts.HTTP) string {
	body := strings.ToLower(string(h.Body))
	for _, row := range []struct {
		status int
		text   string
	}{
		{400, "no required ssl certificate was sent"},                     // nginx, ssl_verify_client on
		{400, "the ssl certificate error"},                                // nginx, certificate does not verify
		{403, "403.7"}, {403, "403.13"}, {403, "403.16"}, {403, "403.17"}, // IIS
		{403, "client certificate"}, {401, "client certificate"}, {400, "client certificate"},
	} {
		if h.Status == row.status && strings.Contains(body, row.text) {
			return row.text
		}
	}
	switch h.Status { // nginx's own codes, where error_page lets them through
	case 495:
		return "the certificate error (495)"
	case 496:
		return "no certificate was sent (496)"
	}
	return ""
}

// replyRefusal recognises the words with which a server of another protocol
// than HTTP refuses the client certificate or its absence: an error that speaks
// of a certificate. It returns the line.
func replyRefusal(reply []byte) string {
	for line := range bytes.FieldsFuncSeq(reply, func(r rune) bool { return r == '\r' || r == '\n' || r == 0 }) {
		text := strings.ToLower(string(line))
		if !strings.Contains(text, "certificate") && !strings.Contains(text, "ccert") {
			continue
		}
		// PostgreSQL took the certificate and compared its name with the user that
		// we made up: no verdict on either.
		if strings.Contains(text, "certificate authentication failed for user") {
			continue
		}
		if len(text) > 3 && (text[0] == '4' || text[0] == '5') && text[1] >= '0' && text[1] <= '9' || reply[0] == 'E' ||
			strings.HasPrefix(text, "* bye") || strings.HasPrefix(text, "-err") || strings.HasPrefix(text, "error ") || strings.HasPrefix(text, "bye ") {
			return strings.TrimLeft(string(line), "M") // the letter that marks PostgreSQL's message
		}
	}
	return ""
}

// none tells whether an HTTP refusal says that no certificate came.
func (r *refusal) none() bool {
	return strings.Contains(r.http, "no required") || strings.Contains(r.http, "496") || strings.Contains(r.http, "403.7") || len(r.a.Reply) > 0 && !r.a.IdentitySent
}

// identity is the leaf of the client's own chain, nil when there is none.
func (v *view) identity() *chain.Certificate {
	if len(v.c.Want.Identity) == 0 {
		return nil
	}
	return v.c.Want.Identity[0]
}

// presented returns the refusal of a certificate that was really presented.
func (v *view) presented() *refusal {
	r := v.refused()
	if r == nil || !r.a.IdentitySent || v.identity() == nil {
		return nil
	}
	return r
}

// acceptedCAs are the names of certificate_authorities, readable.
func acceptedCAs(r *tlswire.CertificateRequest) []string {
	var out []string
	for _, der := range r.CAs {
		out = append(out, chain.ParseDN(der).String())
	}
	return out
}

// accepts tells whether the server's list names an issuer of the chain; known
// is false when the server sent no list.
func accepts(r *tlswire.CertificateRequest, own []*chain.Certificate) (yes, known bool) {
	if r == nil || len(r.CAs) == 0 {
		return false, false
	}
	for _, c := range own {
		if named(r, c.Issuer) || named(r, c.Subject) && c.IsCA() {
			return true, true
		}
	}
	return false, true
}

func named(r *tlswire.CertificateRequest, dn chain.DN) bool {
	return slices.ContainsFunc(r.CAs, func(der []byte) bool { return chain.ParseDN(der).Equal(dn) })
}

// seeAuthorities adds what the server said about the issuers it takes.
func (m *match) seeAuthorities(r *refusal) *match {
	if r.a.Request == nil {
		return m
	}
	if cas := acceptedCAs(r.a.Request); len(cas) > 0 {
		return m.see(attempts(r.a)+", CertificateRequest", "the server takes certificates issued by %s", some(cas, 4))
	}
	return m.see(attempts(r.a)+", CertificateRequest", "the server does not say whose certificates it takes")
}
