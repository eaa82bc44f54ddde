package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// serveUntilEnd starts a program and waits until something listens at addr.
func serveUntilEnd(t *testing.T, addr string, words ...string) {
	t.Helper()
	cmd := exec.Command(server.Need(t, words[0]), words[1:]...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	waitFor(t, words[0], func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func freeAddr(t *testing.T) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(server.FreePort(t)))
}

// startSquid runs Squid with a plain port and one that inspects.
func startSquid(t *testing.T, w *world) (plain, inspecting string) {
	t.Helper()
	server.Need(t, "squid")
	const certgen = "/usr/lib/squid/security_file_certgen"
	if _, err := os.Stat(certgen); err != nil {
		server.Missing(t, "squid-openssl")
	}
	dir := server.Folder(t)
	ca := w.Issue(nil, pki.Spec{CN: "corp inspection", CA: true, KeyID: "squid-inspection"})
	chain, key := w.Files("squid-inspection", ca)
	var both []byte
	for _, f := range []string{chain, key} {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, data...)
	}
	db := filepath.Join(dir, "db")
	if out, err := exec.Command(certgen, "-c", "-s", db, "-M", "4MB").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	plain, inspecting = freeAddr(t), freeAddr(t)
	conf := script(t, dir, "squid.conf", "http_port "+plain+"\nhttp_port "+inspecting+" ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert="+
		script(t, dir, "ca.pem", string(both))+`
sslcrtd_program `+certgen+" -s "+db+` -M 4MB
sslcrtd_children 2 startup=1 idle=1
tls_outgoing_options cafile=`+w.RootFile+`
acl bumped localport `+inspecting[strings.LastIndexByte(inspecting, ':')+1:]+`
acl forbidden dstdomain forbidden.test
ssl_bump bump bumped
http_access deny forbidden
http_access allow all
cache deny all
connect_timeout 5 seconds
visible_hostname proxy.corp.test
max_filedescriptors 1024
shutdown_lifetime 1 seconds
pinger_enable off
logfile_rotate 0
pid_filename none
access_log none
cache_log `+filepath.Join(dir, "cache.log")+"\ncoredump_dir "+dir+"\n")
	if os.Getuid() == 0 {
		if out, err := exec.Command("chown", "-R", "proxy:proxy", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	serveUntilEnd(t, plain, "squid", "-N", "-f", conf)
	return plain, inspecting
}

// startDante runs Dante's SOCKS server, which forbids the way to 127.0.0.2.
func startDante(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("danted wants to be started by root")
	}
	addr := freeAddr(t)
	conf := script(t, server.Folder(t), "danted.conf", "logoutput: /dev/null\ninternal: 127.0.0.1 port = "+addr[strings.LastIndexByte(addr, ':')+1:]+`
external: lo
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 127.0.0.2/32 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
`)
	serveUntilEnd(t, addr, "danted", "-f", conf, "-p", filepath.Join(server.Folder(t), "danted.pid"))
	return addr
}

// secured puts stunnel before a proxy.
func secured(t *testing.T, proxy string, p pair) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddr(t))
	conf := script(t, server.Folder(t), "stunnel.conf", fmt.Sprintf("foreground = yes\npid =\nsyslog = no\n[proxy]\naccept = 127.0.0.1:%s\nconnect = %s\ncert = %s\nkey = %s\n", port, proxy, p.chain, p.key))
	serveUntilEnd(t, net.JoinHostPort("127.0.0.1", port), "stunnel4", conf)
	return net.JoinHostPort(local, port)
}

// TestProxies goes through the proxies that people run.
func TestProxies(t *testing.T) {
	w := newWorld(t)
	good := w.leaf("proxies-good", pki.Spec{DNS: []string{local}})
	e := &server.Endpoint{Name: "proxies/good", Hosts: []string{local}, Chain: good.chain, Key: good.key}
	server.Start(t, server.Nginx, e)
	mail := &server.Endpoint{Name: "proxies/mail", Hosts: []string{local}, Chain: good.chain, Key: good.key, Scheme: "smtp"}
	server.Start(t, server.Postfix, mail)
	old := w.leaf("proxies-old", pki.Spec{DNS: []string{local}, NotBefore: time.Now().Add(-90 * pki.Day), NotAfter: time.Now().Add(-2 * pki.Day)})
	at := func(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
	squid, inspecting := startSquid(t, w)
	dante := startDante(t)
	tiny := startTinyproxy(t, e.Port)
	secure, expired := secured(t, tiny, good), secured(t, tiny, old)
	target, smtp := "https://"+at(local, e.Port)+"/", "smtp://"+at(local, mail.Port)
	silent := freeAddr(t)
	for _, tt := range []struct {
		name, proxy, target string
		connect             string
		want                string // the first failing cause
		says                string // in the summary or the evidence
	}{
		{"squid", "http://" + squid, target, "", "", ""},
		{"squid, mail", "http://" + squid, smtp, "", "", ""},
		{"squid inspects", "http://" + inspecting, target, "", "middlebox-inspection", "directly, without the proxy"},
		{"squid forbids", "http://" + squid, "https://forbidden.test/", "", "proxy-refused", "does not allow a tunnel"},
		{"squid, nothing listens", "http://" + squid, target, silent, "proxy-refused", "the server refuses its connection"},
		{"squid as SOCKS", "socks5h://" + squid, target, "", "proxy-refused", "does not answer"},
		{"squid as TLS", "https://" + squid, target, "", "proxy-refused", "has to begin with http://"},
		{"dante", "socks5h://" + dante, target, at("127.0.0.1", e.Port), "", ""},
		{"dante, address", "socks5://" + dante, target, at("127.0.0.1", e.Port), "", ""},
		{"dante, mail", "socks5h://" + dante, smtp, at("127.0.0.1", mail.Port), "", ""},
		{"dante, SOCKS4", "socks4://" + dante, target, at("127.0.0.1", e.Port), "", ""},
		{"dante forbids", "socks5h://" + dante, target, at("127.0.0.2", e.Port), "proxy-refused", "does not allow a tunnel"},
		{"dante, nothing listens", "socks5h://" + dante, target, silent, "proxy-refused", "connection refused"},
		{"dante as HTTP", "http://" + dante, target, "", "proxy-refused", "hangs up"},
		{"tinyproxy", "http://alice:s3cretpw@" + tiny, target, "", "", ""},
		{"tinyproxy, no login", "http://" + tiny, target, "", "proxy-refused", "wants a user name and password"},
		{"tinyproxy, port", "http://alice:s3cretpw@" + tiny, smtp, "", "proxy-refused", "does not allow a tunnel"},
		{"stunnel", "https://alice:s3cretpw@" + secure, target, "", "", ""},
		{"stunnel, wrong login", "https://alice:s3cretpw2@" + secure, target, "", "proxy-refused", "does not accept"},
		{"stunnel, expired", "https://alice:s3cretpw@" + expired, target, "", "cert-expired", "at the proxy"},
		{"stunnel as plain", "http://alice:s3cretpw@" + strings.Replace(secure, local, "127.0.0.1", 1), target, "", "proxy-refused", ""},
		{"a web server", "http://" + at("127.0.0.1", e.Port), target, "", "proxy-refused", ""},
		{"away", "http://" + silent, target, "", "tcp-refused", "nothing listens at the proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := &tlswhy.Options{Proxy: tt.proxy, CAFile: w.RootFile}
			if tt.connect != "" {
				o.Connect = []string{tt.connect}
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			d, err := tlswhy.Diagnose(ctx, tt.target, o)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(d)
			if err != nil || strings.Contains(string(raw), "s3cretpw") {
				t.Errorf("the password is told, or %v", err)
			}
			first := d.FirstFailure()
			switch {
			case tt.want == "" && first != nil, tt.want != "" && (first == nil || first.ID != tt.want):
				t.Fatalf("want %q\n%s", tt.want, raw)
			case tt.want == "":
				return
			}
			said := first.Summary
			for _, e := range first.Evidence {
				said += "\n" + e.Text
			}
			if !strings.Contains(said, tt.says) {
				t.Errorf("nothing says %q:\n%s", tt.says, said)
			}
			if slices.ContainsFunc(d.Causes, func(c diag.Cause) bool { return c.ID == "unexplained" }) {
				t.Errorf("unexplained:\n%s", raw)
			}
		})
	}
}
