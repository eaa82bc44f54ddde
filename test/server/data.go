package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// startSlapd runs one slapd per endpoint, for ldap with StartTLS or for ldaps.
// Debian's uses GnuTLS: Ciphers are a priority string.
func startSlapd(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for i, e := range eps {
		own := subfolder(t, dir, i)
		slapdInstance(t, own, e, slapdTLS(e))
	}
}

// slapdTLS are the settings of TLS.
func slapdTLS(e *Endpoint) string {
	if e.Plain {
		return ""
	}
	s := fmt.Sprintf("TLSCertificateFile %s\nTLSCertificateKeyFile %s\n", e.Chain, e.Key)
	priority := "NORMAL:-VERS-ALL"
	for _, v := range e.versions() {
		priority += ":+VERS-TLS" + v
	}
	if e.Min != "" || e.Max != "" || e.Ciphers != "" {
		if e.Ciphers != "" {
			priority += ":" + e.Ciphers
		}
		s += "TLSCipherSuite " + priority + ":%UNSAFE_RENEGOTIATION\n"
	}
	if e.ClientAuth != "" {
		s += "TLSCACertificateFile " + e.ClientCA + "\nTLSVerifyClient " + map[string]string{"required": "demand", "optional": "try"}[e.ClientAuth] + "\n"
	}
	return s + strings.Join(e.Extra, "\n")
}

func slapdInstance(t testing.TB, dir string, e *Endpoint, settings string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := write(t, dir, "slapd.conf", fmt.Sprintf(`include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/pid
%[2]s
database mdb
suffix "dc=shop,dc=test"
directory %[1]s/db
`, dir, settings))
	scheme := "ldap"
	if e.implicit() {
		scheme = "ldaps"
	}
	process(t, dir, []*Endpoint{e}, "slapd", "-d", "0", "-f", conf, "-h", fmt.Sprintf("%s://%s", scheme, e.Target()))
}

// postgresBin finds the programs that Debian keeps out of the path.
func postgresBin(t testing.TB) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is right
	if len(found) == 0 {
		Missing(t, "postgres")
	}
	return filepath.Dir(found[len(found)-1])
}

// startPostgres runs one cluster per endpoint, all from one template.
func startPostgres(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	needRoot(t, "postgres")
	for i, e := range eps {
		own := subfolder(t, dir, i)
		postgresInstance(t, own, postgresTemplate(t, dir), e, "hostssl all all all trust"+map[bool]string{true: " clientcert=verify-full"}[e.ClientAuth == "required"], postgresTLS(t, own, e))
	}
}

// postgresTLS are the settings of TLS.
func postgresTLS(t testing.TB, dir string, e *Endpoint) string {
	t.Helper()
	if e.Plain {
		return "ssl = off\n"
	}
	key := privateCopy(t, dir, e.Key, "postgres")
	vs := e.versions()
	s := fmt.Sprintf("ssl = on\nssl_cert_file = '%s'\nssl_key_file = '%s'\nssl_min_protocol_version = '%s'\nssl_max_protocol_version = '%s'\nssl_ciphers = '%s'\n",
		e.Chain, key, nginxVersions[vs[0]], nginxVersions[vs[len(vs)-1]], e.ciphers())
	if e.Groups != "" {
		s += "ssl_ecdh_curve = '" + e.Groups + "'\n"
	}
	if e.ClientAuth != "" {
		s += "ssl_ca_file = '" + e.ClientCA + "'\n"
	}
	return s + strings.Join(e.Extra, "\n")
}

// templates is held while a cluster is made.
var templates sync.Mutex

// postgresTemplate makes a cluster once per folder.
func postgresTemplate(t testing.TB, dir string) string {
	t.Helper()
	templates.Lock()
	defer templates.Unlock()
	template := filepath.Join(dir, "template")
	if _, err := os.Stat(template); err != nil {
		command(t, "install", "-d", "-o", "postgres", template)
		command(t, "runuser", "-u", "postgres", "--", filepath.Join(postgresBin(t), "initdb"), "-D", template, "-A", "trust", "--no-sync", "--no-instructions")
	}
	return template
}

func postgresInstance(t testing.TB, dir, template string, e *Endpoint, access, settings string) {
	t.Helper()
	data := filepath.Join(dir, "data")
	command(t, "cp", "-a", template, data)
	command(t, "chown", "postgres", dir)
	write(t, dir, "data/pg_hba.conf", access+"\n")
	write(t, dir, "data/postgresql.conf", fmt.Sprintf("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = ''\nfsync = off\nshared_buffers = 1MB\nmax_connections = 20\nautovacuum = off\nlog_min_messages = info\n%s\n", e.Port, settings))
	processAs(t, dir, []*Endpoint{e}, endGently, "runuser", "-u", "postgres", "--", filepath.Join(postgresBin(t), "postgres"), "-D", data)
}

// startMariaDB runs one server per endpoint, without tables of users: nobody
// comes as far as to log in.
func startMariaDB(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for i, e := range eps {
		own := subfolder(t, dir, i)
		mariadbInstance(t, own, e, mariadbTLS(t, own, e))
	}
}

// mariadbTLS is a [mysqld] section's settings of TLS.
func mariadbTLS(t testing.TB, dir string, e *Endpoint) string {
	t.Helper()
	if e.Plain {
		return "skip-ssl\n"
	}
	var vs []string
	for _, v := range e.versions() {
		vs = append(vs, "TLSv"+v)
	}
	s := fmt.Sprintf("ssl-cert = %s\nssl-key = %s\ntls-version = %s\nssl-cipher = %s\n", e.Chain, e.Key, strings.Join(vs, ","), e.ciphers())
	if e.ClientAuth != "" {
		s += "ssl-ca = " + e.ClientCA + "\n"
	}
	return s + strings.Join(e.Extra, "\n")
}

func mariadbInstance(t testing.TB, dir string, e *Endpoint, settings string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user = root\n"
	}
	conf := write(t, dir, "my.cnf", fmt.Sprintf("[mysqld]\ndatadir = %[1]s/data\nsocket = %[1]s/s\npid-file = %[1]s/pid\nbind-address = 127.0.0.1\nport = %[2]d\nskip-grant-tables\nskip-networking = 0\nskip-innodb\ndefault-storage-engine = MyISAM\nskip-name-resolve\n%[3]s%[4]s\n",
		dir, e.Port, user, settings))
	process(t, dir, []*Endpoint{e}, "mariadbd", "--defaults-file="+conf)
}
