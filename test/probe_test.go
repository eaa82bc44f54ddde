package test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor/exporter"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// blackbox runs Debian's blackbox_exporter until the test ends, and returns its
// address.
func blackbox(t *testing.T, roots string) string {
	t.Helper()
	path := server.Need(t, "prometheus-blackbox-exporter")
	dir := server.Folder(t)
	config := filepath.Join(dir, "blackbox.yml")
	trust := fmt.Sprintf("tls_config: {ca_file: %q}", roots)
	if err := os.WriteFile(config, fmt.Appendf(nil, `
modules:
  http_2xx: {prober: http, http: {%[1]s}}
  tcp_tls: {prober: tcp, tcp: {tls: true, %[1]s}}
  smtp_starttls:
    prober: tcp
    tcp:
      %[1]s
      query_response:
        - expect: "^220 "
        - send: "EHLO prober"
        - expect: "^250 STARTTLS"
        - send: "STARTTLS"
        - expect: "^220"
        - starttls: true
`, trust), 0o600); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("127.0.0.1:%d", server.FreePort(t))
	cmd := exec.Command(path, "--config.file="+config, "--web.listen-address="+at)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("blackbox_exporter said:\n%s", said.String())
		}
	})
	until(t, "blackbox_exporter", func() bool {
		resp, err := http.Get("http://" + at + "/-/healthy")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return "http://" + at
}

// scrape probes a target, and returns the metrics by name and labels.
func scrape(t *testing.T, base, module, target string) map[string]string {
	t.Helper()
	resp, err := http.Get(base + "/probe?" + url.Values{"module": {module}, "target": {target}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %v: %s", resp.Status, err, raw)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if i := strings.LastIndex(strings.TrimSpace(line), " "); i > 0 && line[0] != '#' {
			out[line[:i]] = strings.TrimSpace(line[i:])
		}
	}
	return out
}

// serveSMTP speaks just enough to begin TLS.
func serveSMTP(t *testing.T, e *server.Endpoint, conf *tls.Config) {
	server.ServeConns(t, e, func(c net.Conn) {
		fmt.Fprint(c, "220 mx.test ESMTP\r\n")
		in := bufio.NewScanner(c)
		for in.Scan() {
			switch verb, _, _ := strings.Cut(in.Text(), " "); strings.ToUpper(verb) {
			case "EHLO":
				fmt.Fprint(c, "250-mx.test\r\n250 STARTTLS\r\n")
			case "STARTTLS":
				fmt.Fprint(c, "220 go ahead\r\n")
				s := tls.Server(c, conf)
				_, _ = io.Copy(io.Discard, s) // until the client has had enough
				return
			default:
				fmt.Fprint(c, "221 bye\r\n")
				return
			}
		}
	})
}

// TestProbe holds /probe to what blackbox_exporter says of the same servers: the
// same where it says something, and the certificates also where it does not.
func TestProbe(t *testing.T) {
	if testing.Short() {
		t.Skip("real programs take a while")
	}
	w, other := newWorld(t), pki.New(t, "Other")
	beside := blackbox(t, w.RootFile)
	roots := x509.NewCertPool()
	roots.AddCert(w.Root.X)
	own := httptest.NewServer(exporter.New(exporter.Options{Modules: func() map[string]exporter.Module {
		ms := exporter.BuiltIn()
		for name, m := range ms {
			m.Roots = roots
			ms[name] = m
		}
		return ms
	}}))
	t.Cleanup(own.Close)
	now := time.Now()
	for _, c := range []struct {
		name  string
		cert  *pki.Cert
		chain []*pki.Cert
		good  bool
	}{
		{"healthy", w.Leaf(pki.Spec{DNS: []string{"localhost", "www.test"}}), []*pki.Cert{w.Intermediate}, true},
		{"expired", w.Leaf(pki.Spec{DNS: []string{"localhost"}, NotBefore: now.Add(-90 * pki.Day), NotAfter: now.Add(-pki.Day)}), []*pki.Cert{w.Intermediate}, false},
		{"untrusted", other.Leaf(pki.Spec{DNS: []string{"localhost"}}), []*pki.Cert{other.Intermediate}, false},
		{"wrong host", w.Leaf(pki.Spec{DNS: []string{"elsewhere.test"}}), []*pki.Cert{w.Intermediate}, false},
		{"incomplete chain", w.Leaf(pki.Spec{DNS: []string{"localhost"}}), nil, false},
		{"ends before its issuer's", w.Leaf(pki.Spec{DNS: []string{"localhost"}, NotAfter: now.Add(2 * pki.Day)}), []*pki.Cert{w.Intermediate, w.Root}, true},
	} {
		conf := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.cert.DER}, PrivateKey: c.cert.Key}}}
		for _, x := range c.chain {
			conf.Certificates[0].Certificate = append(conf.Certificates[0].Certificate, x.DER)
		}
		web := &server.Endpoint{Name: "web", Hosts: []string{"localhost"}, Port: server.FreePort(t)}
		server.ServeHTTP(t, web, conf)
		mail := &server.Endpoint{Name: "mail", Hosts: []string{"localhost"}, Port: server.FreePort(t)}
		serveSMTP(t, mail, conf)
		for _, m := range []struct{ module, target string }{
			{"http_2xx", fmt.Sprintf("https://localhost:%d/", web.Port)}, {"tcp_tls", fmt.Sprintf("localhost:%d", web.Port)}, {"smtp_starttls", fmt.Sprintf("localhost:%d", mail.Port)},
		} {
			t.Run(c.name+" "+m.module, func(t *testing.T) {
				got, want := scrape(t, own.URL, m.module, m.target), scrape(t, beside, m.module, m.target)
				for k, v := range want {
					if strings.Contains(k, "_seconds") && !strings.Contains(k, "timestamp") {
						if _, ok := got[k]; !ok {
							t.Errorf("%s is missing", k)
						}
						continue
					}
					if got[k] != v {
						t.Errorf("%s: got %q, blackbox_exporter says %s", k, got[k], v)
					}
				}
				if got["probe_success"] != map[bool]string{true: "1", false: "0"}[c.good] {
					t.Errorf("got probe_success %s", got["probe_success"])
				}
				ends := c.cert.X.NotAfter
				for _, x := range c.chain {
					if x.X.NotAfter.Before(ends) {
						ends = x.X.NotAfter
					}
				}
				for _, k := range []string{"probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds"} {
					var v float64
					if _, err := fmt.Sscan(got[k], &v); err != nil || int64(v) != ends.Unix() {
						t.Errorf("%s: got %q, want %d", k, got[k], ends.Unix())
					}
				}
				if !slices.ContainsFunc(keysOf(got), func(k string) bool {
					return strings.HasPrefix(k, "ssl_cert_not_after{") && strings.Contains(k, `serial_no="`+c.cert.X.SerialNumber.String()+`"`)
				}) {
					t.Errorf("ssl_cert_not_after of the leaf is missing in %v", keysOf(got))
				}
			})
		}
	}
}

func keysOf(m map[string]string) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
