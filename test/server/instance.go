package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// StartSettings starts one of Peers with settings of TLS as its administrator
// writes them: the lines of the block, file or section that holds them.
// slapd has them in root/etc/ldap/slapd.d, where slapmodify changes them; they
// are written there once, by the first start.
func StartSettings(t testing.TB, k *Kind, root, settings string, e *Endpoint) {
	t.Helper()
	for _, n := range k.Needs {
		Need(t, n)
	}
	dir := Folder(t)
	switch k {
	case Lighttpd:
		conf := write(t, dir, "lighttpd.conf", lighttpdHead(t, dir)+fmt.Sprintf("$SERVER[\"socket\"] == %q {\n%s\n}\n", e.Target(), settings))
		process(t, dir, []*Endpoint{e}, "lighttpd", "-D", "-f", conf)
	case Caddy:
		conf := write(t, dir, "Caddyfile", caddyHead(dir)+fmt.Sprintf("https://%s:%d {\n\tbind 127.0.0.1\n\trespond ok\n%s\n}\n", e.Hosts[0], e.Port, settings))
		process(t, dir, []*Endpoint{e}, "caddy", "run", "--adapter", "caddyfile", "--config", conf)
	case Dovecot:
		needRoot(t, "dovecot")
		dovecotInstance(t, dir, e, settings)
	case Vsftpd:
		needRoot(t, "vsftpd")
		vsftpdInstance(t, dir, e, settings)
	case Postgres:
		needRoot(t, "postgres")
		cache := e.Cache
		if cache == "" {
			cache = dir
		}
		postgresInstance(t, dir, postgresTemplate(t, cache), e, "hostssl all all all cert", settings)
	case MariaDB:
		mariadbInstance(t, dir, e, settings)
	case Slapd:
		startSlapdTree(t, dir, filepath.Join(root, "etc/ldap"), settings, e)
	case Postfix:
		needRoot(t, "postfix")
		main, services, own := strings.Cut(settings, MasterFile)
		if !own {
			services = fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd\n", e.Port)
		}
		postfixInstance(t, dir, []*Endpoint{e}, main, postfixMaster+services)
	default:
		t.Fatalf("%s has no settings to change", k.Name)
	}
	waitFor(t, e)
}

// MasterFile stands between the lines of Postfix's main.cf and its services.
const MasterFile = "-- master.cf --\n"

// DovecotListens are the lines that let Dovecot listen at an endpoint, and
// nowhere else.
func DovecotListens(e *Endpoint) string {
	protocol := strings.TrimSuffix(e.Scheme, "s")
	ports := map[bool]int{e.implicit(): e.Port}
	return fmt.Sprintf("protocols = %[1]s\nservice %[1]s-login {\n  inet_listener %[1]s {\n    port = %[2]d\n  }\n  inet_listener %[1]ss {\n    port = %[3]d\n    ssl = yes\n  }\n}\n", protocol, ports[false], ports[true])
}

// TestSettings lets Postfix or Dovecot read settings without running them.
func TestSettings(t testing.TB, k *Kind, settings string) (string, error) {
	t.Helper()
	dir := Folder(t)
	cmd := exec.Command(Need(t, "doveconf"), "-n", "-x", "-c", write(t, dir, "dovecot.conf", settings))
	if k == Postfix {
		main, services, _ := strings.Cut(settings, MasterFile)
		write(t, dir, "main.cf", main)
		write(t, dir, "master.cf", services)
		cmd = exec.Command("/bin/sh", "-e", "-c", "postconf -n -c $0; postconf -M -c $0", dir)
	}
	out, err := cmd.CombinedOutput()
	if err == nil && bytes.Contains(out, []byte("warning:")) {
		err = errors.New("it warns")
	}
	return string(out), err
}

// startSlapdTree runs slapd from cn=config below etc, which is made from
// settings in the manner of slapd.conf when it is not there yet.
func startSlapdTree(t testing.TB, dir, etc, settings string, e *Endpoint) {
	t.Helper()
	tree := filepath.Join(etc, "slapd.d")
	if _, err := os.Stat(tree); err != nil {
		if err := os.MkdirAll(tree, 0o755); err != nil {
			t.Fatal(err)
		}
		conf := write(t, etc, "slapd.conf", "include /etc/ldap/schema/core.schema\n"+settings+"\n")
		command(t, Need(t, "slaptest"), "-f", conf, "-F", tree)
	}
	process(t, dir, []*Endpoint{e}, "slapd", "-d", "0", "-F", tree, "-h", "ldap://"+e.Target())
}
