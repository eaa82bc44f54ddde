package test

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// startTinyproxy runs Tinyproxy with a login, for tunnels to one port only.
func startTinyproxy(t *testing.T, allowed int) string {
	t.Helper()
	bin, port := server.Need(t, "tinyproxy"), server.FreePort(t)
	conf := script(t, server.Folder(t), "tinyproxy.conf", fmt.Sprintf("Port %d\nListen 127.0.0.1\nTimeout 60\nBasicAuth alice s3cretpw\nConnectPort %d\n", port, allowed))
	cmd := exec.Command(bin, "-d", "-c", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	waitFor(t, "tinyproxy", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return addr
}

// TestRunBehindProxy has clients use a real proxy, and be refused by it.
func TestRunBehindProxy(t *testing.T) {
	bin, w := program(t), newWorld(t)
	p := w.leaf("proxy-expired", pki.Spec{DNS: []string{local}, NotBefore: time.Now().Add(-90 * pki.Day), NotAfter: time.Now().Add(-2 * pki.Day)})
	e := &server.Endpoint{Name: "proxy/expired", Hosts: []string{local}, Chain: p.chain, Key: p.key}
	server.Start(t, server.Nginx, e)
	proxy := startTinyproxy(t, e.Port)
	url := "https://" + net.JoinHostPort(local, strconv.Itoa(e.Port)) + "/"
	away := net.JoinHostPort("127.0.0.1", strconv.Itoa(server.FreePort(t)))
	for _, tt := range []struct{ name, variable, url, want, says string }{
		{"login", "https_proxy=http://alice:s3cretpw@" + proxy, url, "cert-expired", "through the proxy " + proxy},
		{"wrong login", "https_proxy=http://alice:s3cretpw2@" + proxy, url, "proxy-refused", "does not accept the user name and password"},
		{"no login", "HTTPS_PROXY=http://" + proxy, url, "proxy-refused", "wants a user name and password"},
		{"port", "https_proxy=http://alice:s3cretpw@" + proxy, "https://localhost:1/", "proxy-refused", "does not allow a tunnel"},
		{"excepted", "https_proxy=http://alice:s3cretpw@" + proxy + " no_proxy=localhost", url, "cert-expired", ""},
		{"away", "https_proxy=http://alice:s3cretpw@" + away, url, "tcp-refused", "itself was not asked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			words := append([]string{"curl"}, "-sS", "--cacert", w.RootFile, tt.url)
			args := append([]string{"--"}, words...)
			code, own, d := runProgramIn(t, bin, w.RootFile, strings.Fields(tt.variable), args)
			if d == nil || d.FirstFailure() == nil || d.FirstFailure().ID != tt.want || code == 0 {
				t.Fatalf("exit code %d, want %s\n%s", code, tt.want, own)
			}
			if !strings.Contains(own, tt.says) {
				t.Errorf("nothing says %q:\n%s", tt.says, own)
			}
			if tt.name == "excepted" && strings.Contains(own, proxy) {
				t.Errorf("it went through the proxy:\n%s", own)
			}
			if strings.Contains(own, "s3cretpw") {
				t.Errorf("the password is told:\n%s", own)
			}
		})
	}
}
