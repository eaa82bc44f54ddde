package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/guard"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestNamed judges an address that is asked for a name as that name.
func TestNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ target, sni, want, connect string }{
		{"192.0.2.10:8443", "api.example.com", "api.example.com:8443", "192.0.2.10:8443"},
		{"192.0.2.10", "api.example.com", "api.example.com:443", "192.0.2.10:443"},
		{"https://192.0.2.10/x?y", "api.example.com", "https://api.example.com:443/x?y", "192.0.2.10:443"},
		{"smtp://[2001:db8::1]", "mx.example.com", "smtp://mx.example.com:587", "[2001:db8::1]:587"},
		{"192.0.2.10:8443", "none", "192.0.2.10:8443", ""},
		{"192.0.2.10:8443", "", "192.0.2.10:8443", ""},
		{"shop.example.com", "api.example.com", "shop.example.com", ""},
	} {
		at, err := diagnose.ParseTarget(c.target)
		if err != nil {
			t.Fatal(err)
		}
		got := named(&monitor.Endpoint{Target: c.target, Host: at.Name, Port: at.Port, SNI: c.sni})
		if got.Target != c.want || c.connect != "" && !slices.Equal(got.Connect, []string{c.connect}) || c.connect == "" && got.SNI != c.sni {
			t.Errorf("%s as %q: got %s by %v, server_name %q; want %s by %s", c.target, c.sni, got.Target, got.Connect, got.SNI, c.want, c.connect)
		}
	}
}

// TestOffLimits names where clouds hand out credentials in every place where
// somebody may name an address; what dials is tested where it belongs.
func TestOffLimits(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	config := `
endpoints: [{target: "169.254.169.254:80", owner: file}]
sources: [{name: cmdb, http_sd: "http://169.254.169.254/sd"}]
heartbeat: {url: "http://[fd00:ec2::254]/beat"}
`
	if err := os.WriteFile(filepath.Join(data, "tlswhy.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serveHere(t, "--data", data)
	r.ask("POST", "/setup", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	r.ask("POST", "/endpoints", `{"target": "[::ffff:169.254.169.254]:80", "owner": "api"}`, 201)
	for _, who := range []string{"file", "api"} {
		r.wait("the refusal of the endpoint of "+who, func() bool {
			e := r.ask("GET", "/endpoints?owner="+who, "", 200)["items"].([]any)[0].(map[string]any)
			why := r.ask("GET", "/endpoints/"+e["id"].(string)+"/why", "", 200)["answer"].(string)
			return e["state"] == "untested" && strings.Contains(why, "may not be reached")
		})
	}
	r.wait("the refusal of the source", func() bool {
		return strings.Contains(fmt.Sprint(r.ask("GET", "/sources", "", 200)), "may not be reached")
	})
	r.wait("the refusal of the heartbeat", func() bool {
		return strings.Contains(r.says(), "the heartbeat was not taken") && strings.Contains(r.says(), "fd00:ec2::254 is a cloud's")
	})
	r.ask("POST", "/diagnose", `{"target": "https://169.254.169.254/"}`, 422)
	resp, err := r.http.Get(r.url + "/probe?target=http://169.254.169.254/latest&module=http_2xx")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(raw), "probe_success 0\n") || strings.Contains(string(raw), "probe_http_status_code 2") {
		t.Errorf("got %v: %s", err, raw)
	}
}

// TestSurvey makes the inventory of a server of Go's, before and after it takes
// old versions.
func TestSurvey(t *testing.T) {
	t.Parallel()
	var old atomic.Bool
	srv := httptest.NewUnstartedServer(nil)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if !old.Load() {
			return nil, nil
		}
		c := srv.TLS.Clone()
		c.MinVersion, c.CipherSuites = tls.VersionTLS10, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		return c, nil
	}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := checker{p: newProgram()}
	address := srv.Listener.Addr().String()
	host, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	e := &monitor.Endpoint{Target: address, Host: host, Port: n}
	survey := func() *monitor.Offer {
		o, err := c.Survey(t.Context(), e, address)
		if err != nil || o.Missed != "" {
			t.Fatalf("%+v, %v", o, err)
		}
		return o
	}
	if o := survey(); len(o.Versions) != 2 || len(o.Suites) < 4 || len(o.Groups) == 0 || len(o.Weak()) != 0 {
		t.Errorf("got %+v", o)
	}
	old.Store(true)
	if o := survey(); len(o.Versions) != 4 || len(o.Weak()) != 2 || o.Weak()[1].Name != "TLS 1.0" {
		t.Errorf("got %+v", o)
	}
	c.reach = func(*monitor.Endpoint) *guard.Policy {
		return &guard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	}
	if o, err := c.Survey(t.Context(), e, address); err == nil {
		t.Errorf("got %+v of an address that may not be reached", o)
	}
}
