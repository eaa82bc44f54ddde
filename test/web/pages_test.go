package web

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// hostile is what somebody writes wherever they may write something.
const hostile = `"'><img/src=x/onerror=alert(1)><script>alert(2)</script>{{.}}`

// TestPages looks at every page, light, dark and narrow, with hostile words in
// certificates, names, tags, notes and headers: no script runs, nobody is kept
// out, nothing hangs over. TLSWHY_SCREENSHOTS names a folder for pictures.
func TestPages(t *testing.T) {
	chromium(t)
	pictures := os.Getenv("TLSWHY_SCREENSHOTS")
	words := hostile
	if pictures != "" {
		words = "team-web"
		if err := os.MkdirAll(pictures, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t, "maintenance: [{name: patch-day, days: [tue], from: '02:00', to: '04:00', match: {env: test}}]",
		"channels: {hook: {type: webhook, url: 'http://127.0.0.1:1/'}}", "routes: [{channels: [hook]}]")
	good := newSite(t, local, w.Leaf(pki.Spec{DNS: []string{local}}), w.Intermediate)
	expired := newSite(t, local, w.Leaf(pki.Spec{DNS: []string{local}, NotAfter: time.Now().Add(-time.Hour)}), w.Intermediate)
	bad := w.Leaf(pki.Spec{CN: words, DNS: []string{local, words}, Mutate: everywhere(words)})
	odd := &server.Endpoint{Name: "odd", Hosts: []string{local}, Port: server.FreePort(t)}
	server.ServeHTTP(t, odd, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{bad.DER}, PrivateKey: bad.Key}}})

	login := newTab(t, w.proc.URL)
	visit := func(b *tab, name, path string) {
		b.Helper()
		b.open(path)
		b.wait(name, "document.readyState === 'complete'")
		for _, l := range looks {
			b.as(l)
			b.sound(name + " in " + l.name)
			b.wide(name + " in " + l.name)
			if pictures != "" {
				b.picture(filepath.Join(pictures, name+"-"+l.name+".png"))
			}
		}
	}
	visit(login, "setup", "/setup")
	login.setUp()
	login.waitAt("/setup/endpoints")
	b := login
	visit(b, "setup-endpoints", "/setup/endpoints")
	visit(b, "setup-channel", "/setup/channel")
	visit(b, "dashboard-empty", "/")
	visit(b, "incidents-empty", "/incidents")
	var list strings.Builder
	for _, e := range []*server.Endpoint{good.Endpoint, expired.Endpoint, odd} {
		fmt.Fprintf(&list, "https://%s:%d/ connect=%s interval=10s owner=%s env=%s\n", local, e.Port, e.Target(), words, words)
	}
	b.open("/endpoints/paste")
	b.fill("Endpoints", list.String())
	b.press("Watch them")
	b.waitText("3 endpoints added")
	b.open("/incidents")
	b.waitText("cert-expired")
	b.waitText("incomplete-chain")
	b.follow("tr", "incomplete-chain")
	b.waitText("What happened")
	incident := b.where()
	b.fill("Note", words)
	b.press("Acknowledge")
	b.waitText("acknowledged by ann")
	b.open("/settings/silences/new")
	b.fill("Covers", "owner="+words)
	b.fill("Why", words)
	b.press("Silence")
	b.waitText("The silence holds")
	b.open("/settings/account")
	b.fill("What it is for", words)
	b.fill("fetch metrics", "on")
	b.press("Make the token")
	b.waitText("not shown again")
	newTab(t, w.proc.URL).refused(words) // goes into the audit
	b.open("/endpoints")
	b.on("the odd endpoint", fmt.Sprintf("[...document.querySelectorAll('a[href^=\"/endpoints/\"]')].find(e => e.innerText.includes(':%d'))", odd.Port), b.click())
	b.waitText("The last seven days")
	endpoint := b.where()
	b.on("the button of a diagnosis", "document.querySelector('form[action$=\"/diagnose\"] button')", b.click())
	b.waitText("This diagnosis")
	diagnosis := b.where()
	b.press("Make a public link")
	b.waitText("Whoever has this link")
	shared := get[string](b, "document.querySelector('a[href^=\"/shared/\"]').getAttribute('href')")
	b.open("/certificates?owner=" + url.QueryEscape(words))
	b.follow("tbody tr", "1") // whatever comes first
	b.waitText("Its chain")
	certificate := b.where()
	for _, p := range []struct{ name, path string }{
		{"dashboard", "/"}, {"diagnose", "/diagnose"}, {"diagnosis", diagnosis}, {"diagnosis-remove", diagnosis + "/remove"}, {"shared", shared},
		{"certificates", "/certificates"}, {"certificate", certificate}, {"timeline", "/certificates/timeline?days=365"}, {"endpoints-paste", "/endpoints/paste"}, {"channels-telegram", "/settings/channels/new?type=telegram"}, {"endpoints", "/endpoints"}, {"endpoints-none", "/endpoints?q=nothing-is-called-so"},
		{"endpoint", endpoint}, {"endpoint-edit", endpoint + "/edit"}, {"endpoint-remove", endpoint + "/remove"}, {"endpoint-new", "/endpoints/new"},
		{"incidents", "/incidents"}, {"incident", incident}, {"settings", "/settings"}, {"account", "/settings/account"}, {"channels", "/settings/channels"},
		{"channel", "/settings/channels/hook"}, {"channel-new", "/settings/channels/new?type=email"}, {"silences", "/settings/silences"}, {"silence-new", "/settings/silences/new"},
		{"users", "/settings/users"}, {"user", "/settings/users/ann"}, {"user-remove", "/settings/users/ann/remove"}, {"audit", "/settings/audit"}, {"nothing", "/nothing"},
	} {
		visit(b, p.name, p.path)
	}
}

// everywhere writes words into every field of a certificate that takes some.
func everywhere(words string) func(c *x509.Certificate) {
	return func(c *x509.Certificate) {
		some := []string{words}
		c.Subject = pkix.Name{CommonName: words, Country: some, Organization: some, OrganizationalUnit: some, Locality: some, Province: some, StreetAddress: some, PostalCode: some, SerialNumber: words}
		c.EmailAddresses, c.OCSPServer, c.IssuingCertificateURL, c.CRLDistributionPoints = some, some, some, some
	}
}

// refused tries to log in under a name that nobody has.
func (b *tab) refused(name string) {
	b.Helper()
	b.open("/login")
	b.fill("Name", name)
	b.fill("Password", password)
	b.press("Log in")
	b.waitText("the name or the password is wrong")
}
