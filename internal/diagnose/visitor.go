package diagnose

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Visitor is a client that came to a server of ours.
type Visitor struct {
	From     string
	At       time.Time
	Hello    *tlswire.ClientHello // nil when there was none
	Raw      []byte               // with its records
	Records  int
	Segments []int
	Words    []byte // what came instead of TLS
	Version  tlswire.Version
	Suite    tlswire.CipherSuite
	Protocol string // of ALPN, agreed on
	Asked    bool   // for a certificate
	// Err is why the handshake did not complete; Alert the client's reason,
	// where Refused says that there is one.
	Err          string
	Alert        tlswire.AlertDescription
	Refused      bool
	Left         bool // said nothing after the handshake
	Certificates [][]byte
}

// Offered says what a client offers and which kinds of servers it cannot reach.
func Offered(v Visitor) *diag.Client {
	d := &diag.Client{Schema: diag.ClientSchema, From: v.From, At: v.At.UTC(), LooksLike: []string{}, Completed: v.Err == "", Protocol: v.Protocol, Asked: v.Asked,
		Certificates: []diag.Certificate{}, FailsOn: []diag.Prediction{}, Works: []string{}}
	d.Outcome = v.outcome()
	if v.Refused {
		n := int(v.Alert)
		d.Alert = &n
	}
	if v.Version != 0 && v.Suite != 0 {
		d.Version, d.Suite = v.Version.String(), v.Suite.String()
	}
	for i, der := range v.Certificates {
		c := certificate(chain.Parse(der))
		c.Role, c.Source, c.Position = "client", "sent", i
		d.Certificates = append(d.Certificates, c)
	}
	h := v.Hello
	if h == nil {
		return d
	}
	d.Offer = offer(h)
	d.Offer.Bytes, d.Offer.Records, d.Offer.Segments, d.Offer.Raw = len(v.Raw), v.Records, orEmpty(v.Segments), hex.EncodeToString(v.Raw)
	d.LooksLike = orEmpty(client.Alike(h))
	for _, k := range client.Kinds() {
		switch o := client.Negotiate(h, facts.Client{}, &k.Server); {
		case o.OK:
			d.Works = append(d.Works, k.Name)
		case !o.Unknown:
			d.FailsOn = append(d.FailsOn, diag.Prediction{Server: k.Name, Cause: shortfalls[o.Why]})
		}
	}
	return d
}

// shortfalls are the causes of the catalogue.
var shortfalls = map[client.Shortfall]string{client.OfVersion: "protocol-version", client.OfSuite: "cipher-mismatch", client.OfGroup: "no-common-group",
	client.OfScheme: "sigalg-mismatch", client.OfSNI: "sni-missing", client.OfDHSize: "dh-key-too-small"}

// refusals say what a client's alert means to somebody who is the server.
var refusals = map[tlswire.AlertDescription]string{
	tlswire.AlertUnknownCA:          "it checks certificates and does not know this server's CA; --ca-file FILE writes that CA for it to trust",
	tlswire.AlertBadCertificate:     "it refuses this server's certificate",
	tlswire.AlertCertificateUnknown: "it refuses this server's certificate, as browsers and Java do with an unknown CA",
	tlswire.AlertCertificateExpired: "it takes this server's certificate for expired: look at its clock",
	tlswire.AlertProtocolVersion:    "it refuses the version",
}

func (v Visitor) outcome() string {
	switch {
	case v.Hello == nil && len(v.Words) > 0:
		if method, _, ok := strings.Cut(string(v.Words), " "); ok && slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "PRI"}, method) {
			return "no TLS: it speaks plain HTTP; write https:// in its URL"
		}
		if protocol, detail := tlswire.IdentifyPlaintext(v.Words); protocol != "" {
			return fmt.Sprintf("no TLS: it speaks %s %s", protocol, detail)
		}
		return fmt.Sprintf("no TLS: its first bytes are % x", v.Words[:min(16, len(v.Words))])
	case v.Err == "" && v.Left:
		return "the handshake completed, and the client said nothing after it: so do clients that refuse the certificate last (GnuTLS), and those that only look"
	case v.Err == "":
		return "the handshake completed"
	case v.Refused:
		s := fmt.Sprintf("the client ended the handshake with the alert %s", v.Alert)
		if why := refusals[v.Alert]; why != "" {
			s += ": " + why
		}
		return s
	}
	if v.Err == "EOF" || strings.HasSuffix(v.Err, "connection reset by peer") {
		return "the client left without a word once it had this server's certificate, which most likely means that it refuses it"
	}
	return "the handshake did not complete: " + v.Err
}

func offer(h *tlswire.ClientHello) *diag.Offer {
	o := &diag.Offer{SNI: h.ServerName(), ALPN: orEmpty(h.ALPN()), Suites: words(h.CipherSuites), Groups: words(h.Groups()), Schemes: words(h.SignatureSchemes()),
		KeyShares: []string{}, Extensions: []string{}, RecordVersion: h.RecordVersion.String(), JA3: client.JA3(h), JA4: client.JA4(h)}
	versions := h.SupportedVersions()
	if len(versions) == 0 {
		versions = []tlswire.Version{h.MaxVersion()}
	}
	o.Versions = words(versions)
	for _, s := range h.KeyShares() {
		o.KeyShares = append(o.KeyShares, s.Group.String())
	}
	for _, e := range h.Extensions {
		o.Extensions = append(o.Extensions, e.Type.String())
	}
	o.SchemesCert = words(h.SignatureSchemesCert())
	for _, a := range h.CompressCertificate() {
		o.Compression = append(o.Compression, cmp.Or(map[uint16]string{1: "zlib", 2: "brotli", 3: "zstd"}[a], fmt.Sprint(a)))
	}
	ticket, _ := h.SessionTicket()
	o.Marks = []string{}
	for _, m := range []struct {
		is   bool
		name string
	}{{h.SSL2, "SSL 2.0 format"}, {h.HasGREASE(), "GREASE"}, {h.ECH(), "ECH"}, {len(ticket) > 0, "session ticket"}, {h.HasExtension(tlswire.ExtPreSharedKey), "pre-shared key"},
		{h.EarlyData(), "early data"}, {h.StatusRequest(), "OCSP stapling"}, {h.SCT(), "SCTs"}, {h.ExtendedMasterSecret(), "extended master secret"}, {h.EncryptThenMAC(), "encrypt-then-MAC"},
		{h.RenegotiationInfo(), "secure renegotiation"}, {h.FallbackSCSV(), "fallback SCSV"}, {h.HasExtension(tlswire.ExtPadding), "padding"}} {
		if m.is {
			o.Marks = append(o.Marks, m.name)
		}
	}
	return o
}

func words[T fmt.Stringer](in []T) []string {
	out := []string{}
	for _, v := range in {
		out = append(out, v.String())
	}
	return out
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return slices.Clone(s)
}
