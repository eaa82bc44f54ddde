package exporter

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/ocsp"
)

// seen is a TLS connection, trusted or not.
type seen struct {
	state   tls.ConnectionState
	chains  [][]*x509.Certificate // verified
	roots   *x509.CertPool
	trusted bool
}

// first is the earliest end of the certificates.
func first(certs []*x509.Certificate) (at time.Time) {
	for _, c := range certs {
		if at.IsZero() || c.NotAfter.Before(at) {
			at = c.NotAfter
		}
	}
	return at
}

// last is when the last of the chains ends.
func last(chains [][]*x509.Certificate) (at time.Time) {
	for _, c := range chains {
		if f := first(c); f.After(at) {
			at = f
		}
	}
	return at
}

// once are chains that were valid once: by now something in them has ended, or
// the name is another.
func (s *seen) once() [][]*x509.Certificate {
	leaf := s.state.PeerCertificates[0]
	o := x509.VerifyOptions{Roots: s.roots, Intermediates: x509.NewCertPool(), CurrentTime: first(s.state.PeerCertificates).Add(-time.Second)}
	for _, c := range s.state.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	chains, err := leaf.Verify(o)
	if err != nil {
		return nil
	}
	return chains
}

// certificates are the metrics of the last TLS connection.
func (p *probe) certificates() {
	s := p.seen.Load()
	if s == nil || len(s.state.PeerCertificates) == 0 {
		return
	}
	certs, chains := s.state.PeerCertificates, s.chains
	if len(chains) == 0 {
		chains = s.once()
	}
	ends := last(chains)
	if ends.IsZero() {
		ends = first(certs) // trusted by nobody here: what was sent
	}
	p.gauge("probe_ssl_earliest_cert_expiry", "When the first of the certificates that were sent ends, in seconds since 1970", float64(first(certs).Unix()))
	p.gauge("probe_ssl_last_chain_expiry_timestamp_seconds", "When the last of the verified chains ends; of what was sent where none is", float64(ends.Unix()))
	leaf := certs[0]
	sum := sha256.Sum256(leaf.Raw)
	p.info("probe_ssl_last_chain_info", "The leaf of the connection", prometheus.Labels{"fingerprint_sha256": hex.EncodeToString(sum[:]), "issuer": leaf.Issuer.String(), "subject": leaf.Subject.String(), "subjectalternative": strings.Join(leaf.DNSNames, ",")})
	version := tls.VersionName(s.state.Version)
	p.info("probe_tls_version_info", "The negotiated version", prometheus.Labels{"version": version})
	p.info("probe_tls_cipher_info", "The negotiated cipher suite", prometheus.Labels{"cipher": tls.CipherSuiteName(s.state.CipherSuite)})
	p.info("ssl_tls_version_info", "The negotiated version", prometheus.Labels{"version": version})
	p.peers("ssl_cert", certs)
	p.verified(s.chains)
	p.staple(s.state.OCSPResponse)
}

func (p *probe) info(name, help string, labels prometheus.Labels) {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: clean(labels)})
	g.Set(1)
	p.registry.MustRegister(g)
}

// clean makes labels of what certificates hold.
func clean(l prometheus.Labels) prometheus.Labels {
	for k, v := range l {
		l[k] = strings.ToValidUTF8(v, "?")
	}
	return l
}

var certLabels = []string{"serial_no", "issuer_cn", "cn", "dnsnames", "ips", "emails", "ou"}

// listOf joins values between commas, as ssl_exporter does.
func listOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return "," + strings.Join(values, ",") + ","
}

func labelsOf(c *x509.Certificate) prometheus.Labels {
	return clean(prometheus.Labels{"serial_no": c.SerialNumber.String(), "issuer_cn": c.Issuer.CommonName, "cn": c.Subject.CommonName, "dnsnames": listOf(c.DNSNames), "ips": listOf(addresses(c.IPAddresses)),
		"emails": listOf(c.EmailAddresses), "ou": listOf(c.Subject.OrganizationalUnit)})
}

func addresses(ips []net.IP) (out []string) {
	for _, ip := range ips {
		out = append(out, ip.String())
	}
	return out
}

// peers are the certificates that were sent.
func (p *probe) peers(prefix string, certs []*x509.Certificate) {
	after := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "_not_after", Help: "End of a certificate, in seconds since 1970"}, certLabels)
	before := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "_not_before", Help: "Beginning of a certificate, in seconds since 1970"}, certLabels)
	p.registry.MustRegister(after, before)
	for _, c := range certs[:min(len(certs), maxCerts)] {
		l := labelsOf(c)
		after.With(l).Set(float64(c.NotAfter.Unix()))
		before.With(l).Set(float64(c.NotBefore.Unix()))
	}
}

// The most that a server makes us tell.
const (
	maxCerts  = 20
	maxChains = 10
)

// verified are the chains that were verified, the one that ends last first.
func (p *probe) verified(chains [][]*x509.Certificate) {
	labels := append([]string{"chain_no"}, certLabels...)
	after := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ssl_verified_cert_not_after", Help: "End of a certificate of a verified chain, in seconds since 1970"}, labels)
	before := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ssl_verified_cert_not_before", Help: "Beginning of a certificate of a verified chain, in seconds since 1970"}, labels)
	p.registry.MustRegister(after, before)
	for i, chain := range sorted(chains) {
		for _, c := range chain {
			l := labelsOf(c)
			l["chain_no"] = strconv.Itoa(i)
			after.With(l).Set(float64(c.NotAfter.Unix()))
			before.With(l).Set(float64(c.NotBefore.Unix()))
		}
	}
}

// staple tells of a stapled OCSP response.
func (p *probe) staple(raw []byte) {
	p.gauge("ssl_ocsp_response_stapled", "Whether an OCSP response was stapled", number(len(raw) > 0))
	if len(raw) == 0 {
		return
	}
	r, err := ocsp.ParseResponse(raw, nil)
	if err != nil {
		return
	}
	p.gauge("ssl_ocsp_response_status", "Status of the stapled response: 0 good, 1 revoked, 2 unknown", float64(r.Status))
	p.gauge("ssl_ocsp_response_produced_at", "When it was made, in seconds since 1970", float64(r.ProducedAt.Unix()))
	p.gauge("ssl_ocsp_response_this_update", "Since when it holds, in seconds since 1970", float64(r.ThisUpdate.Unix()))
	next := 0.0
	if !r.NextUpdate.IsZero() {
		next = float64(r.NextUpdate.Unix())
	}
	p.gauge("ssl_ocsp_response_next_update", "Until when it holds, in seconds since 1970; 0 where it does not say", next)
}
