package diagnose_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// startScenario starts a scenario of the lab and gives the options that reach it.
func startScenario(t *testing.T, id string) (*lab.Running, diagnose.Options) {
	t.Helper()
	r := startLab(t, id)
	return r, diagnose.Options{Connect: []string{r.Addr}, CAFile: file(t, "ca.pem", r.CA)}
}

// TestEnvironment follows the proxy of the environment as the client does.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	r, o := startScenario(t, "proxy-login")
	url := strings.Replace(r.Proxy, "alice:secret@", "alice:wr0ng@", 1)
	for _, tt := range []struct {
		name    string
		environ []string
		proxy   string
		client  string
		want    string // the first failure
		note    string
	}{
		{"followed", []string{"https_proxy=" + r.Proxy}, "", "", "", "through the proxy http://127.0.0.1"},
		{"refused", []string{"HTTPS_PROXY=" + url}, "", "", "proxy-refused", "(HTTPS_PROXY)"},
		{"for all", []string{"all_proxy=" + url}, "", "", "proxy-refused", "(all_proxy)"},
		{"empty", []string{"https_proxy=", "ALL_PROXY="}, "", "", "", ""},
		{"excepted", []string{"https_proxy=" + url, "no_proxy=.lab.test"}, "", "", "", "NO_PROXY"},
		{"excepted by another name", []string{"https_proxy=" + url, "no_proxy=lab2.test"}, "", "", "proxy-refused", "(https_proxy)"},
		{"none", []string{"https_proxy=" + url}, "none", "", "", "--proxy none"},
		{"the option wins", []string{"https_proxy=" + url, "no_proxy=*"}, r.Proxy, "", "", "(--proxy)"},
		{"Go looks at large letters first", []string{"HTTPS_PROXY=" + url, "https_proxy=" + r.Proxy}, "", "go", "proxy-refused", "(HTTPS_PROXY)"},
		{"Java looks at none", []string{"https_proxy=" + url}, "", "java", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Proxy, o.Client = tt.proxy, tt.client
			d, err := diagnose.Run(t.Context(), r.Scenario.Client.Target(r.Addr), o, diagnose.Env{Environ: tt.environ})
			if err != nil {
				t.Fatal(err)
			}
			contract(t, d)
			got := ""
			if f := d.FirstFailure(); f != nil {
				got = f.ID
			}
			if notes := strings.Join(d.Notes, "\n"); got != tt.want || !strings.Contains(notes, tt.note) || tt.note == "" && strings.Contains(notes, "through") {
				t.Errorf("got %q, want %q; notes %q\n%s", got, tt.want, notes, describe(d))
			}
			noSecrets(t, d)
		})
	}
}

func noSecrets(t *testing.T, d *diag.Diagnosis) {
	t.Helper()
	raw, err := json.Marshal(d)
	if err != nil || strings.Contains(string(raw), "wr0ng") || strings.Contains(string(raw), "alice:secret") || strings.Contains(string(raw), "YWxpY2U6") {
		t.Errorf("a password is told (%v):\n%s", err, raw)
	}
}

// TestExceptedTooMuch goes through the proxy that NO_PROXY leaves out, where the
// server is not reached without it.
func TestExceptedTooMuch(t *testing.T) {
	t.Parallel()
	r, o := startScenario(t, "proxy-login")
	_, port, _ := net.SplitHostPort(r.Addr)
	const away = "127.0.0.1:1" // nothing listens where the name leads directly; the proxy knows better
	box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		up, err := net.Dial("tcp", r.Addr)
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		go func() { _, _ = io.Copy(up, conn); _ = up.(*net.TCPConn).CloseWrite() }()
		_, _ = io.Copy(conn, up)
	}))
	t.Cleanup(box.Close)
	o.Connect = []string{away}
	d, err := diagnose.Run(t.Context(), "https://shop.lab.test:"+port, o, diagnose.Env{Environ: []string{"HTTPS_PROXY=" + box.URL, "NO_PROXY=shop.lab.test"}})
	if err != nil {
		t.Fatal(err)
	}
	f := d.FirstFailure()
	if f == nil || f.ID != "tcp-refused" || !strings.Contains(describe(d), "through the proxy of HTTPS_PROXY") {
		t.Errorf("the proxy is not tried\n%s", describe(d))
	}
}

func TestProxyUsage(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"ftp://user:s3cret@p:1", "http://user:s3cret@:1", "http://user:s3cret@p:x", "://", " "} {
		_, err := diagnose.Run(t.Context(), "shop.lab.test", diagnose.Options{Proxy: bad}, diagnose.Env{})
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "--proxy") {
			t.Errorf("%q: got %v", bad, err)
		}
		if bad == " " {
			continue
		}
		_, err = diagnose.Run(t.Context(), "shop.lab.test", diagnose.Options{}, diagnose.Env{Environ: []string{"https_proxy=" + bad}})
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "https_proxy") {
			t.Errorf("https_proxy=%q: got %v", bad, err)
		}
	}
}
