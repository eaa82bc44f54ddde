package test

import (
	"cmp"
	"crypto/x509"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/lab"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// TestClaimsOfClients asks real clients whether what a diagnosis says of their
// family is what they do. A family of which a diagnosis says nothing is not
// held to anything, except that the count of those is shown. Where a client of
// another version than the measured one differs, that is only shown.
func TestClaimsOfClients(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers and clients")
	}
	w := newWorld(t)
	clients := realClients(t)
	var said, silent tally
	t.Run("servers", func(t *testing.T) {
		for _, c := range claims(w) {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s := c.start(t, w)
				d, _ := s.diagnose(t)
				for _, rc := range clients {
					works, output := rc.connect(t, s)
					claim := claimOf(d, rc)
					wrong := t.Logf
					if rc.known() {
						wrong = t.Errorf
					}
					switch {
					case claim == unsaid:
						silent.add(rc.family, true)
						if c.all {
							wrong("%s %s is not named; it %s\n%s", rc.family, rc.version, verb(works), about(d))
						}
						continue
					case (claim == connects) != works:
						wrong("%s %s %s, and the diagnosis says that it %s\n%s\n%s", rc.family, rc.version, verb(works), verb(!works), output, about(d))
					}
					said.add(rc.family, true)
				}
			})
		}
	})
	t.Logf("%d claims held, %d times nothing was said", said.all, silent.all)
}

func verb(works bool) string {
	if works {
		return "connects"
	}
	return "breaks"
}

// claimed is one server and whether every client must be named.
type claimed struct {
	name string
	on   *server.Kind
	make func(*server.Endpoint)
	lab  string // a scenario of the lab instead
	all  bool
}

func (c claimed) start(t *testing.T, w *world) *scenario {
	t.Helper()
	if c.lab != "" {
		l, ok := lab.Lookup(c.lab)
		if !ok {
			t.Fatalf("the lab has no scenario %s", c.lab)
		}
		s := fromLab(t, l)
		s.ep.Hosts = []string{lab.DefaultName}
		_, port, _ := strings.Cut(strings.TrimPrefix(s.target, "https://"), ":")
		s.ep.Port, _ = strconv.Atoi(port) // a test of the lab holds its form
		s.target = "https://" + lab.DefaultName
		return &s
	}
	s := scenario{ep: server.Endpoint{Name: "claims-" + c.name, Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key}}
	s.opts.CAFile = w.RootFile
	c.make(&s.ep)
	server.Start(t, c.on, &s.ep)
	return &s
}

// claims are servers on which clients differ, and some on which they do not.
func claims(w *world) []claimed {
	leaf := func(name string, spec pki.Spec) func(*server.Endpoint) {
		p := w.leaf("claims-"+name, spec)
		return func(e *server.Endpoint) { e.Chain, e.Key = p.chain, p.key }
	}
	chain := func(name string, certs ...*pki.Cert) func(*server.Endpoint) {
		p := w.files("claims-"+name, certs...)
		return func(e *server.Endpoint) { e.Chain, e.Key = p.chain, p.key }
	}
	dhe := func(params string) func(*server.Endpoint) {
		return func(e *server.Endpoint) { e.Max, e.Ciphers, e.DHParams = "1.2", dheOnly.openssl, params }
	}
	plain := w.Leaf(pki.Spec{DNS: []string{host}})
	limited := w.Issue(w.Root, pki.Spec{CN: "Limited", CA: true, KeyID: "claims-limited", Permitted: []string{"other.test"}})
	return []claimed{
		{name: "good", on: nginx, make: func(*server.Endpoint) {}},
		{name: "expired", on: nginx, all: true, make: leaf("old", pki.Spec{NotAfter: weeksAgo(2)})},
		{name: "not-yet-valid", on: nginx, all: true, make: leaf("young", pki.Spec{NotBefore: weeksAgo(-2)})},
		{name: "other-name", on: nginx, all: true, make: leaf("other", pki.Spec{DNS: []string{"mail.other.test"}})},
		{name: "cn-only", on: nginx, all: true, make: leaf("cn", pki.Spec{CN: host})},
		{name: "self-signed", on: nginx, all: true, make: chain("self", w.Issue(nil, pki.Spec{DNS: []string{host}}))},
		{name: "unknown-ca", on: nginx, all: true, make: chain("foreign", w.other.Leaf(pki.Spec{DNS: []string{host}}), w.other.Intermediate)},
		{name: "incomplete-chain", on: nginx, all: true, make: chain("alone", plain)},
		{name: "chain-order", on: nginx, make: chain("order", plain, w.Root, w.Intermediate)},
		{name: "eku-client-only", on: nginx, all: true, make: leaf("eku", pki.Spec{EKU: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})},
		{name: "ku-no-signature", on: nginx, all: true, make: leaf("ku", pki.Spec{KeyUsage: x509.KeyUsageKeyEncipherment})},
		{name: "leaf-is-ca", on: nginx, all: true, make: leaf("ca", pki.Spec{DNS: []string{host}, Mutate: func(c *x509.Certificate) { c.IsCA, c.MaxPathLen = true, -1 }})},
		{name: "ku-none", on: nginx, all: true, make: leaf("ku-none", pki.Spec{KeyUsage: x509.KeyUsageCertSign})},
		{name: "sha1", on: golang, all: true, make: leaf("sha1", pki.Spec{SigAlg: x509.SHA1WithRSA})},
		{name: "rsa1024", on: nginx, all: true, make: leaf("rsa1024", pki.Spec{Key: "rsa1024"})},
		{name: "ed25519", on: nginx, make: leaf("ed25519", pki.Spec{Key: "ed25519"})},
		{name: "p521", on: golang, make: leaf("p521", pki.Spec{Key: "p521"})},
		{name: "name-constraints", on: nginx, all: true, make: chain("limited", w.Issue(limited, pki.Spec{DNS: []string{host}}), limited)},
		{name: "tls10", on: nginx, all: true, make: func(e *server.Endpoint) { e.Min, e.Max = "1.0", "1.0" }},
		{name: "tls10-static-rsa", on: nginx, all: true, make: func(e *server.Endpoint) { e.Min, e.Max, e.Ciphers = "1.0", "1.0", "AES128-SHA" }},
		{name: "tls11", on: nginx, all: true, make: func(e *server.Endpoint) { e.Min, e.Max = "1.1", "1.1" }},
		{name: "tls13", on: nginx, make: func(e *server.Endpoint) { e.Min = "1.3" }},
		{name: "static-rsa", on: nginx, all: true, make: func(e *server.Endpoint) { e.Max, e.Ciphers = "1.2", staticRSAOnly.openssl }},
		{name: "cbc", on: nginx, make: func(e *server.Endpoint) { e.Max, e.Ciphers = "1.2", cbcOnly.openssl }},
		{name: "dhe-2048", on: nginx, all: true, make: dhe(w.DHParams2048())},
		{name: "dhe-1024", on: nginx, all: true, make: dhe(w.dh1024)},
		{name: "rc4", on: zcrypto, make: func(e *server.Endpoint) { e.Max, e.Ciphers = "1.2", "0005" }},
		{name: "3des", on: zcrypto, make: func(e *server.Endpoint) { e.Max, e.Ciphers = "1.2", "000a" }},
		{name: "p521-group", on: golang, all: true, make: func(e *server.Endpoint) { e.Groups, e.Min = "P-521", "1.3" }},
		{name: "alpn", on: golang, all: true, make: func(e *server.Endpoint) { e.ALPN = "foo" }},
		{name: "no-rfc5746", on: gnutls, all: true, make: func(e *server.Endpoint) { e.Max, e.Ciphers = "1.2", "%DISABLE_SAFE_RENEGOTIATION" }},
		{name: "unrecognized-name-warning", lab: "sni-warning", all: true},
		{name: "large-hello", lab: "hello-too-large", all: true},
		{name: "chain-too-large", lab: "chain-too-large"},
		{name: "reset", lab: "connection-reset", all: true},
	}
}

// claim is what a diagnosis says of a client.
type claim int

const (
	unsaid claim = iota
	connects
	breaks
)

// claimOf reads what the findings say of a client: it breaks if one says so; it
// connects if one says so and none the contrary.
func claimOf(d *diag.Diagnosis, rc *realClient) claim {
	named := func(list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return names(s, rc) })
	}
	out := unsaid
	for _, c := range d.Causes {
		if named(c.Affects) {
			return breaks
		}
		if named(c.Unaffected) {
			out = connects
		} else if c.Severity == diag.SeverityFailure {
			return unsaid
		}
	}
	if len(d.Causes) == 0 {
		return connects // a healthy server without a warning
	}
	return out
}

// version is the first number, with what belongs to it: 3.0.15, 8u442.
var version = regexp.MustCompile(`\d+([.ub]\d+)*`)

// names tells whether words such as "Java ≥ 11.0.2" or "Go 1.20–1.26" mean the
// version of the family. Words without a version mean the family's judgement,
// whatever the build.
func names(words string, rc *realClient) bool {
	family, v := rc.family, rc.version
	if strings.HasPrefix(words, "every client") {
		return true
	}
	rest, ok := strings.CutPrefix(words, family)
	if !ok || rest != "" && rest[0] != ' ' {
		return false
	}
	rest, on, _ := strings.Cut(strings.TrimSpace(rest), " on ")
	if on != "" && on != rc.platform || on == "" && rest != "" && rc.platform != "" {
		return false // a build with a hello of its own
	}
	bounds := version.FindAllString(rest, 2)
	switch {
	case rest == "" || strings.HasPrefix(rest, "(all") || strings.HasPrefix(rest, "with ") || len(bounds) == 0:
		return true
	case strings.HasPrefix(rest, "≥"):
		return compare(v, bounds[0]) >= 0
	case strings.HasPrefix(rest, "≤"):
		return compare(v, bounds[0]) <= 0
	case len(bounds) == 2 && strings.Contains(rest, "–"):
		return compare(v, bounds[0]) >= 0 && compare(v, bounds[1]) <= 0
	}
	return strings.HasPrefix(v+".", bounds[0]+".") || strings.HasPrefix(bounds[0]+".", v+".")
}

// compare orders versions by their numbers.
func compare(a, b string) int {
	split := func(s string) []string { return strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) }
	x, y := split(a), split(b)
	for i := range min(len(x), len(y)) {
		n, _ := strconv.Atoi(x[i]) // digits by the pattern
		m, _ := strconv.Atoi(y[i])
		if c := cmp.Compare(n, m); c != 0 {
			return c
		}
	}
	return 0
}

func about(d *diag.Diagnosis) string {
	var b strings.Builder
	for _, c := range d.Causes {
		b.WriteString("  " + string(c.Severity) + " " + c.ID + ": " + c.Summary + "\n    affects " + strings.Join(c.Affects, ", ") +
			"\n    unaffected " + strings.Join(c.Unaffected, ", ") + "\n")
	}
	return b.String()
}
