package causes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// TestClockSkew says when our clock is to blame, and how sure that is.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	built := time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC)
	at := func(days int) time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).AddDate(0, 0, days) }
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "clock.test"}, DNSNames: []string{"clock.test"},
		NotBefore: at(-10), NotAfter: at(80), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := chain.Parse(der)
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	staple := func(from, to int) []byte {
		out, err := ocsp.CreateResponse(parsed, parsed, ocsp.Response{SerialNumber: template.SerialNumber, ThisUpdate: at(from), NextUpdate: at(to)}, key)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	attempt := func(address string, now, date time.Time, staple []byte) *facts.Attempt {
		a := &facts.Attempt{Address: address, Started: now, Chain: []*chain.Certificate{leaf}, Staple: staple, Version: 0x0304,
			End: facts.End{Kind: facts.EndCompleted, Stage: diag.StageApplication}, HTTP: &facts.HTTP{Status: 200, Header: http.Header{}}}
		if !date.IsZero() {
			a.HTTP.Header.Set("Date", date.Format(http.TimeFormat))
		}
		return a
	}
	const one, two = "192.0.2.1:443", "192.0.2.2:443"
	for name, c := range map[string]struct {
		now      time.Time
		given    bool
		attempts []*facts.Attempt
		want     diag.Confidence // "" = not found
	}{
		"date alone":                   {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), at(0), nil)}, want: diag.Likely},
		"date and staple":              {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), at(0), staple(-2, 5))}, want: diag.Strong},
		"a staple that fits both":      {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), at(0), staple(-2, 200))}, want: diag.Likely},
		"a staple that disagrees":      {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), at(0), staple(90, 110))}, want: diag.Likely},
		"two hosts":                    {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), at(0), nil), attempt(two, at(100), at(0), nil)}, want: diag.Strong},
		"two hosts, two times":         {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), at(0), nil), attempt(two, at(100), at(30), nil)}, want: diag.Likely},
		"no date":                      {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), time.Time{}, nil)}},
		"clocks agree":                 {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), at(100), nil)}},
		"the moment was given":         {now: at(100), given: true, attempts: []*facts.Attempt{attempt(one, at(0), at(0), nil)}},
		"valid, server's clock wrong":  {now: at(0), attempts: []*facts.Attempt{attempt(one, at(0), at(400), nil)}},
		"wrong by both clocks":         {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), at(90), nil)}},
		"the server lives in the past": {now: at(100), attempts: []*facts.Attempt{attempt(one, at(100), built.AddDate(0, 0, -1), nil)}},
		"we live before this program":  {now: built.AddDate(-1, 0, 0), attempts: []*facts.Attempt{attempt(one, built.AddDate(-1, 0, 0), at(0), nil)}, want: diag.Strong},
		"the same in 1970":             {now: time.Unix(12, 0), attempts: []*facts.Attempt{attempt(one, time.Unix(12, 0), at(0), nil)}, want: diag.Strong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kase := &facts.Case{At: c.now, AtGiven: c.given, Built: built, Attempts: c.attempts,
				Want: facts.Want{Name: "clock.test", Anchors: []*chain.Certificate{leaf}, Client: facts.Client{Reference: true}}}
			v := newView(kase, []string{one})
			v.analysis = v.analyze(v.deep.Chain)
			m := rules["clock-skew"].match(v)
			switch {
			case m == nil && c.want != "":
				t.Fatalf("not found, want %s", c.want)
			case m != nil && m.confidence != c.want:
				t.Errorf("got %s (%s) %v, want %q", m.confidence, m.summary, m.evidence, c.want)
			}
		})
	}
}

// TestPortals tells a portal's answer from those of ordinary sites.
func TestPortals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		location string
		body     string
		want     bool
	}{
		"511":                     {status: 511, want: true},
		"WISPr":                   {status: 200, body: "<!-- <WISPAccessGatewayParam> -->", want: true},
		"portal with the address": {status: 302, location: "http://portal.hotel.test/guest?url=https://www.shop.test/", want: true},
		"portal, encoded":         {status: 307, location: "https://wifi.train.test/start?to=https%3A%2F%2FWWW.shop.test%2F", want: true},
		"private address":         {status: 302, location: "http://192.168.1.1:8880/guest/s/default/", want: true},
		"login in clear":          {status: 302, location: "http://gw.test/login?dst=http://www.shop.test/", want: true},
		"https":                   {status: 301, location: "https://www.shop.test/"},
		"apex":                    {status: 301, location: "https://shop.test/portal/login?u=www.shop.test"},
		"another domain":          {status: 301, location: "https://www.shop.example/"},
		"sso":                     {status: 302, location: "https://login.company.test/auth?redirect_uri=https://www.shop.test/cb"},
		"customer portal":         {status: 302, location: "https://portal.company.test/"},
		"own path":                {status: 302, location: "/guest/login?url=www.shop.test"},
		"private, no portal":      {status: 302, location: "http://10.0.0.5/app/"},
		"no location":             {status: 302},
		"broken location":         {status: 302, location: "http://[::1"},
		"ok":                      {status: 200, body: "wifi portal guest"},
	} {
		h := http.Header{}
		if c.location != "" {
			h.Set("Location", c.location)
		}
		if r := readReply(c.status, h, []byte(c.body), "www.shop.test"); (r != nil) != c.want {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

func FuzzReadReply(f *testing.F) {
	f.Add(302, "http://portal.hotel.test/guest?url=https://www.shop.test/", "")
	f.Fuzz(func(_ *testing.T, status int, location, body string) {
		readReply(status, http.Header{"Location": {location}}, []byte(body), "www.shop.test")
	})
}
