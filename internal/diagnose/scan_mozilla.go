package diagnose

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/inventory"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Mozilla's guidelines as published at https://ssl-config.mozilla.org/guidelines/.
// Edition 6.0 has no "old" any more; that of 5.8 stands.
//
//go:embed mozilla/*.json
var mozillaFiles embed.FS

// guideline is one configuration of Mozilla's.
type guideline struct {
	name, edition string

	CertificateCurves     []string `json:"certificate_curves"`
	CertificateSignatures []string `json:"certificate_signatures"`
	CertificateTypes      []string `json:"certificate_types"`
	Ciphers               struct {
		IANA    []string `json:"iana"`
		OpenSSL []string `json:"openssl"`
	} `json:"ciphers"`
	Ciphersuites []string `json:"ciphersuites"`
	DHParamSize  int      `json:"dh_param_size"`
	HSTSMinAge   int      `json:"hsts_min_age"`
	MaxLifespan  int      `json:"maximum_certificate_lifespan"`
	RSAKeySize   int      `json:"rsa_key_size"`
	ServerOrder  bool     `json:"server_preferred_order"`
	Curves       []string `json:"tls_curves"`
	Versions     []string `json:"tls_versions"`
}

// guidelines are those that a server is compared with, strictest first.
var guidelines = sync.OnceValue(func() []guideline {
	var out []guideline
	for _, x := range []struct{ file, name string }{{"6.0", "modern"}, {"6.0", "intermediate"}, {"5.8", "old"}} {
		data, err := mozillaFiles.ReadFile("mozilla/" + x.file + ".json")
		if err != nil {
			continue
		}
		var doc struct {
			Configurations map[string]guideline `json:"configurations"`
		}
		if json.Unmarshal(data, &doc) != nil {
			continue // a test reads them all
		}
		g := doc.Configurations[x.name]
		g.name, g.edition = "Mozilla "+x.name, x.file
		out = append(out, g)
	}
	return out
})

// mozillaVersions are the guidelines' names of versions.
var mozillaVersions = map[string]tlswire.Version{"TLSv1": tlswire.TLS10, "TLSv1.1": tlswire.TLS11, "TLSv1.2": tlswire.TLS12, "TLSv1.3": tlswire.TLS13}

// compare holds a server to one configuration. What is not known neither meets
// nor breaks it.
func (g *guideline) compare(inv *diag.Inventory, r *inventory.Result, w *facts.Want) diag.Guideline {
	c := &comparison{guideline: g, inv: inv, r: r, out: diag.Guideline{Name: g.name, Edition: g.edition, Meets: diag.Yes, Deviations: []diag.Deviation{}}}
	c.versions()
	c.suites()
	c.groups()
	c.primes()
	for i := range r.Certificates {
		if r.Certificates[i].SNI == "" && len(r.Certificates[i].Chain) > 0 {
			c.certificate(r.Certificates[i].Chain[0])
		}
	}
	if w.Protocol == "https" && w.StartTLS == "" {
		c.hsts()
	}
	switch {
	case len(c.out.Deviations) > 0:
		c.out.Meets = diag.No
	case c.doubt || len(inv.Certificates) == 0:
		c.out.Meets = diag.Unknown
	}
	return c.out
}

type comparison struct {
	*guideline
	inv   *diag.Inventory
	r     *inventory.Result
	out   diag.Guideline
	doubt bool
}

func (c *comparison) deviates(id, text string, fix *diag.Fix) {
	c.out.Deviations = append(c.out.Deviations, diag.Deviation{ID: id, Text: text, Fix: fix})
}

func (c *comparison) versions() {
	var more, less []string
	allowed := map[tlswire.Version]bool{}
	for _, name := range c.Versions {
		allowed[mozillaVersions[name]] = true
	}
	for _, v := range c.r.Versions {
		c.doubt = c.doubt || v.Offered == inventory.Unknown
		switch {
		case v.Offered == inventory.Yes && !allowed[v.Version]:
			more = append(more, v.Version.String())
		case v.Offered == inventory.No && allowed[v.Version] && v.Version >= tlswire.TLS12:
			less = append(less, v.Version.String())
		}
	}
	fix := c.fix("versions", strings.Join(c.Versions, " "))
	if len(more) > 0 {
		c.deviates("versions", strings.Join(more, ", ")+" should not be offered", fix)
		fix = nil
	}
	if len(less) > 0 {
		c.deviates("versions", strings.Join(less, ", ")+" should be offered", fix)
	}
}

func (c *comparison) suites() {
	allowed := slices.Concat(c.Ciphers.IANA, c.Ciphersuites)
	var bad, kept, bad13, kept13 []string
	ordered := ""
	for _, v := range c.inv.Versions {
		if v.Offered != diag.Yes || v.Version == "SSL 2.0" || v.Version == "SSL 3.0" || !slices.ContainsFunc(c.Versions, func(name string) bool { return mozillaVersions[name].String() == v.Version }) {
			continue // another deviation takes the whole version away
		}
		c.doubt = c.doubt || !v.Complete
		for _, s := range v.Suites {
			switch fine := slices.Contains(allowed, s.Name); {
			case v.Version == "TLS 1.3" && fine:
				kept13 = append(kept13, s.Name)
			case v.Version == "TLS 1.3":
				bad13 = append(bad13, s.Name)
			case !fine:
				if !slices.Contains(bad, s.Name) {
					bad = append(bad, s.Name)
				}
			case !slices.Contains(kept, s.OpenSSL):
				kept = append(kept, s.OpenSSL)
			}
		}
		if v.Version == "TLS 1.2" {
			ordered = v.Order
		}
	}
	// The least change is what is allowed of what is there.
	c.unwanted("cipher-suites", "suites", bad, kept, c.Ciphers.OpenSSL)
	c.unwanted("cipher-suites-13", "suites-13", bad13, kept13, c.Ciphersuites)
	switch {
	case ordered == "server" && !c.ServerOrder:
		c.deviates("order", "the client's order of suites should decide: it knows whether it computes AES or ChaCha20 faster", c.fix("client-order", ""))
	case ordered == "client" && c.ServerOrder:
		c.deviates("order", "the server's order of suites should decide", c.fix("server-order", ""))
	}
}

// unwanted names suites that should go; what is kept stays, or if that is
// nothing, what is recommended comes in its place.
func (c *comparison) unwanted(id, setting string, bad, kept, recommended []string) {
	if len(bad) == 0 {
		return
	}
	if len(kept) == 0 {
		kept = recommended
	}
	text := strings.Join(bad, ", ")
	if len(bad) > 3 {
		text = fmt.Sprintf("%s and %d more", strings.Join(bad[:2], ", "), len(bad)-2)
	}
	c.deviates(id, text+" should not be offered", c.fix(setting, strings.Join(kept, ":")))
}

func (c *comparison) groups() {
	var bad []string
	for _, g := range c.r.Groups {
		name := g.Group.String()
		if !slices.ContainsFunc(c.Curves, func(x string) bool { return sameGroup(x, name) }) {
			bad = append(bad, name)
		}
	}
	missing := ""
	if !slices.ContainsFunc(c.r.Groups, func(g inventory.Group) bool { return g.Group == tlswire.GroupX25519MLKEM768 }) {
		missing = "X25519MLKEM768, which withstands quantum computers, should be offered"
	}
	list := c.Curves
	if missing != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "X25519MLKEM768" })
	}
	if len(bad) > 0 {
		c.deviates("groups", strings.Join(bad, ", ")+" should not be offered", c.fix("groups", strings.Join(list, ":")))
	}
	if missing != "" && c.r.GroupsComplete[tlswire.TLS13] {
		f := c.fix("groups", strings.Join(c.Curves, ":"))
		if f != nil {
			f.Text = "It needs OpenSSL 3.5, AWS-LC, BoringSSL or Go 1.24. " + f.Text
		}
		c.deviates("post-quantum", missing, f)
	}
}

func sameGroup(mozilla, name string) bool {
	return strings.EqualFold(mozilla, name) || mozilla == "prime256v1" && name == "secp256r1"
}

func (c *comparison) primes() {
	for _, d := range c.r.DH {
		if c.DHParamSize > 0 && d.Bits < c.DHParamSize {
			c.deviates("dh-size", fmt.Sprintf("the Diffie-Hellman prime has %d bits, %d are the least", d.Bits, c.DHParamSize), c.fix("dh", "ffdhe2048"))
		}
	}
}

func (c *comparison) certificate(leaf *chain.Certificate) {
	kind := strings.ToLower(string(leaf.Key.Algorithm))
	reissue := func(text string) *diag.Fix {
		return &diag.Fix{Side: "server", Action: "replace-certificate", Text: text}
	}
	switch {
	case !slices.Contains(c.CertificateTypes, kind):
		c.deviates("certificate-key", fmt.Sprintf("the certificate has a key of the kind %s; %s is recommended", leaf.Key, strings.Join(c.CertificateTypes, " or ")),
			reissue("Have a certificate issued for a key of the kind "+strings.Join(c.CertificateTypes, " or ")+"."))
	case kind == "rsa" && c.RSAKeySize > 0 && leaf.Key.Bits < c.RSAKeySize:
		c.deviates("certificate-key", fmt.Sprintf("the RSA key has %d bits, %d are recommended", leaf.Key.Bits, c.RSAKeySize), reissue("Have a certificate issued for a new key of that size."))
	case kind == "ecdsa" && !slices.ContainsFunc(c.CertificateCurves, func(s string) bool { return mozillaCurve[s] == leaf.Key.Curve }):
		c.deviates("certificate-key", "the key is on "+leaf.Key.Curve+"; P-256 or P-384 are recommended", reissue("Have a certificate issued for a key on P-256."))
	}
	days := int(leaf.NotAfter.Sub(leaf.NotBefore).Hours()/24 + 0.5)
	if c.MaxLifespan > 0 && days > c.MaxLifespan {
		c.deviates("certificate-lifetime", fmt.Sprintf("the certificate is valid for %d days, %d are recommended at most", days, c.MaxLifespan),
			reissue("Renew it automatically (ACME), for 90 days or less at a time."))
	}
}

// mozillaCurve maps the guidelines' names of curves to ours.
var mozillaCurve = map[string]string{"prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}

func (c *comparison) hsts() {
	age, known := hstsAge(c.r)
	switch {
	case !known:
		c.doubt = true
	case age < c.HSTSMinAge:
		text := fmt.Sprintf("Strict-Transport-Security has max-age=%d, %d is recommended", age, c.HSTSMinAge)
		if age < 0 {
			text = "there is no Strict-Transport-Security header"
		}
		c.deviates("hsts", text, c.fix("hsts", fmt.Sprint(c.HSTSMinAge)))
	}
}
