package diagnose

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// The bounds of what is said of one message.
const (
	maxFields    = 60
	maxFieldText = 3000
	maxListed    = 100
	maxHex       = 32 // bytes of a value without meaning
)

// fields collects what the bytes of a message mean.
type fields []diag.Field

func (f *fields) add(name, format string, args ...any) {
	if len(*f) == maxFields {
		return
	}
	text := fmt.Sprintf(format, args...)
	if len(text) > maxFieldText {
		text = strings.ToValidUTF8(text[:maxFieldText], "") + "…"
	}
	*f = append(*f, diag.Field{Name: name, Text: text})
}

// fieldsOf says what the bytes of a message mean; nil where they are not known
// or mean nothing by themselves.
func fieldsOf(a *facts.Attempt, m facts.Message) []diag.Field {
	var f fields
	switch m.Name {
	case "ClientHello":
		if h, _ := tlswire.ParseClientHello(m.Raw); h != nil {
			f.clientHello(h)
		}
	case "ServerHello", "HelloRetryRequest":
		if h, _ := tlswire.ParseServerHello(m.Raw); h != nil {
			f.serverHello(h)
		}
	case "EncryptedExtensions":
		if e, _ := tlswire.ParseEncryptedExtensions(m.Raw); e != nil {
			f.extensions(e.Extensions, false)
		}
	case "Certificate", "CompressedCertificate":
		f.certificate(a, m)
	case "CertificateRequest":
		if r, _ := tlswire.ParseCertificateRequest(m.Raw, a.Version); r != nil {
			f.request(r)
		}
	case "CertificateVerify":
		if v, _ := tlswire.ParseCertificateVerify(m.Raw, a.Version); v != nil {
			if v.HasScheme {
				f.add("algorithm", "%s", v.Scheme)
			}
			f.add("signature", "%s", octets(v.Signature))
		}
	case "CertificateStatus":
		if s, _ := tlswire.ParseCertificateStatus(m.Raw); s != nil {
			f.add("response", "OCSP, %d bytes", len(s.Response))
		}
	case "ServerKeyExchange":
		if k := a.KeyExchange; k != nil {
			f.keyExchange(k)
		}
	case "NewSessionTicket":
		if t, _ := tlswire.ParseNewSessionTicket(m.Raw, a.Version); t != nil {
			f.add("ticket_lifetime", "%d s", t.Lifetime)
			f.add("ticket", "%s", octets(t.Ticket))
			f.extensions(t.Extensions, false)
		}
	case "Finished":
		if v, err := tlswire.ParseFinished(m.Raw); err == nil {
			f.add("verify_data", "%s", octets(v))
		}
	case "Alert":
		if alert, err := tlswire.ParseAlert(m.Raw); err == nil {
			f.add("level", "%s", alert.Level)
			f.add("description", "%s", alert.Description)
			if meaning := alertMeanings[alert.Description]; meaning != "" {
				f.add("meaning", "%s", meaning)
			}
		}
	case "ChangeCipherSpec":
		if a.Version >= tlswire.TLS13 {
			f.add("meaning", "nothing in TLS 1.3: sent so that old equipment on the path takes the handshake for TLS 1.2")
		} else {
			f.add("meaning", "what follows from this side is protected with the keys just agreed on")
		}
	}
	return f
}

func (f *fields) clientHello(h *tlswire.ClientHello) {
	if h.SSL2 {
		f.add("version", "%s, in a hello of the SSL 2.0 format", h.Version)
		f.add("cipher_specs", "%d", len(h.SSL2Specs))
		f.add("challenge", "%s", octets(h.Random))
		return
	}
	f.add("legacy_version", "%s", h.Version)
	f.add("random", "%s", octets(h.Random))
	f.add("legacy_session_id", "%s", octets(h.SessionID))
	f.add("cipher_suites", "%d: %s", len(h.CipherSuites), listed(words(h.CipherSuites)))
	f.extensions(h.Extensions, true)
}

func (f *fields) serverHello(h *tlswire.ServerHello) {
	f.add("legacy_version", "%s", h.Version)
	switch sentinel := h.DowngradeSentinel(); {
	case h.IsHelloRetryRequest():
		f.add("random", "the fixed value that makes this a HelloRetryRequest")
	case sentinel != 0:
		f.add("random", "%s; its end is the mark of a server that speaks newer versions than this one (RFC 8446, Section 4.1.3)", octets(h.Random))
	default:
		f.add("random", "%s", octets(h.Random))
	}
	f.add("legacy_session_id_echo", "%s", octets(h.SessionID))
	f.add("cipher_suite", "%s", h.CipherSuite)
	for _, e := range h.Extensions {
		switch share, ok := h.KeyShare(); {
		case e.Type == tlswire.ExtSupportedVersions:
			f.add(e.Type.String(), "%s", h.NegotiatedVersion())
		case e.Type == tlswire.ExtKeyShare && ok:
			f.add(e.Type.String(), "%s, %d bytes", share.Group, len(share.Data))
		case e.Type == tlswire.ExtKeyShare && h.SelectedGroup() != 0:
			f.add(e.Type.String(), "wants one for %s", h.SelectedGroup())
		default:
			f.extensions([]tlswire.Extension{e}, false)
		}
	}
}

func (f *fields) certificate(a *facts.Attempt, m facts.Message) {
	c, _ := tlswire.ParseCertificate(m.Raw, a.Version)
	if m.Name == "CompressedCertificate" {
		c = a.Certificate
	}
	if c == nil {
		return
	}
	if len(c.Entries) == 0 {
		f.add("certificate_list", "empty: no certificate is given")
	}
	for i, e := range c.Entries {
		x := chain.Parse(e.Data)
		f.add(fmt.Sprintf("certificate %d", i), "%s, issued by %s; %s; %d bytes", x.Title(), issuer(x), cmp.Or(x.Key.String(), "a key that cannot be read"), len(e.Data))
		if n := len(e.OCSPResponse()); n > 0 {
			f.add("status_request", "an OCSP response of %d bytes", n)
		}
		if n := len(e.SCTs()); n > 0 {
			f.add("signed_certificate_timestamp", "%d", n)
		}
	}
}

func (f *fields) request(r *tlswire.CertificateRequest) {
	if len(r.Types) > 0 {
		var names []string
		for _, t := range r.Types {
			names = append(names, tlswire.ClientCertificateTypeName(t))
		}
		f.add("certificate_types", "%s", listed(names))
	}
	f.add("signature_algorithms", "%s", listed(words(r.Schemes)))
	var names []string
	for _, der := range r.CAs[:min(len(r.CAs), maxListed)] {
		names = append(names, chain.ParseDN(der).String())
	}
	if len(names) == 0 {
		names = []string{"none named: any issuer"}
	}
	f.add("certificate_authorities", "%s", strings.Join(names, "; "))
}

func (f *fields) keyExchange(k *tlswire.ServerKeyExchange) {
	switch {
	case len(k.P) > 0:
		f.add("dh_p", "%d bits", len(k.P)*8)
	case k.Group != 0:
		f.add("named_curve", "%s", k.Group)
	}
	if k.HasScheme {
		f.add("algorithm", "%s", k.Scheme)
	}
	if len(k.Signature) > 0 {
		f.add("signature", "%s", octets(k.Signature))
	}
}

// listed joins a list, cut where it is too long to be read.
func listed(in []string) string {
	if len(in) == 0 {
		return "none"
	}
	if n := len(in) - maxListed; n > 0 {
		in = append(in[:maxListed:maxListed], fmt.Sprintf("%d more", n))
	}
	return strings.Join(in, ", ")
}

// octets shows bytes that have no meaning of their own.
func octets(b []byte) string {
	switch n := len(b); {
	case n == 0:
		return "empty"
	case n <= maxHex:
		return hex.EncodeToString(b)
	default:
		return fmt.Sprintf("%d bytes: %s…", n, hex.EncodeToString(b[:maxHex/2]))
	}
}
