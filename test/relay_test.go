package test

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// relayClient is a client that takes no proxy: what it runs, given the trusted
// CA, with $TLSWHY_PORT as the relay's port.
type relayClient struct {
	name   string
	kind   *server.Kind
	scheme string // of the endpoint
	needs  string
	shell  string
}

var relayClients = []relayClient{
	{name: "psql", kind: server.Postgres, scheme: "postgres", needs: "psql", shell: `PGCONNECT_TIMEOUT=20 psql "host=localhost hostaddr=127.0.0.1 port=$TLSWHY_PORT user=x dbname=postgres sslmode=verify-full sslrootcert=$CA" -c 'select 1'`},
	{name: "mariadb", kind: server.MariaDB, scheme: "mysql", needs: "mariadb", shell: `mariadb -h localhost --protocol tcp -P $TLSWHY_PORT --ssl-ca=$CA --ssl-verify-server-cert -e 'select 1'`},
	{name: "curl smtp", kind: server.Postfix, scheme: "smtp", needs: "curl", shell: `printf 'Subject: x\n\n.' | curl -sS --ssl-reqd --cacert $CA --connect-timeout 20 --mail-from a@localhost --mail-rcpt b@localhost -T - smtp://localhost:$TLSWHY_PORT/`},
	{name: "curl imap", kind: server.Dovecot, scheme: "imap", needs: "curl", shell: `curl -sS --ssl-reqd --cacert $CA imap://localhost:$TLSWHY_PORT/`},
	{name: "curl pop3", kind: server.Dovecot, scheme: "pop3", needs: "curl", shell: `curl -sS --ssl-reqd --cacert $CA pop3://localhost:$TLSWHY_PORT/`},
	{name: "ldapsearch", kind: server.Slapd, scheme: "ldap", needs: "ldapsearch", shell: `LDAPTLS_CACERT=$CA ldapsearch -x -ZZ -H ldap://localhost:$TLSWHY_PORT -s base -b ''`},
	{name: "openssl xmpp", kind: server.Prosody, scheme: "xmpp", needs: "openssl", shell: `openssl s_client -starttls xmpp -xmpphost localhost -servername localhost -connect 127.0.0.1:$TLSWHY_PORT -CAfile $CA -verify_return_error </dev/null`},
	{name: "gnutls-cli", kind: server.Nginx, needs: "gnutls-cli", shell: `gnutls-cli --x509cafile=$CA -p $TLSWHY_PORT localhost </dev/null`},
	{name: "ruby", kind: server.Nginx, needs: "ruby", shell: `ruby -rnet/http -ropenssl -e 'h = Net::HTTP.new("localhost", ENV["TLSWHY_PORT"].to_i); h.use_ssl = true; h.ca_file = "$CA"; h.get("/")'`},
	{name: "php stream", kind: server.Nginx, needs: "php", shell: `php -r '$c = stream_context_create(["ssl" => ["cafile" => "$CA"]]); exit(@file_get_contents("https://localhost:".getenv("TLSWHY_PORT")."/", false, $c) === false ? 1 : 0);'`},
	{name: "openssl", kind: server.Nginx, needs: "openssl", shell: `openssl s_client -connect localhost:$TLSWHY_PORT -CAfile $CA -verify_return_error -verify_hostname localhost </dev/null`},
}

// TestRelay leads clients that take no proxy through tlswhy run --listen; what
// speaks STARTTLS is followed into TLS.
func TestRelay(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers take a while")
	}
	bin, w := program(t), newWorld(t)
	old := w.leaf("relay-expired", pki.Spec{DNS: []string{local}, NotBefore: time.Now().Add(-90 * pki.Day), NotAfter: time.Now().Add(-2 * pki.Day)})
	strange, strangeKey := w.other.Files("relay-foreign", w.other.Leaf(pki.Spec{DNS: []string{local}}), w.other.Intermediate)
	for _, c := range relayClients {
		for _, fault := range []struct{ name, chain, key, want string }{
			{"expired", old.chain, old.key, "cert-expired"},
			{"foreign", strange, strangeKey, "unknown-ca"},
		} {
			t.Run(c.name+"/"+fault.name, func(t *testing.T) {
				t.Parallel()
				server.Need(t, c.needs)
				e := &server.Endpoint{Name: "relay/" + c.name, Scheme: c.scheme, Hosts: []string{local}, Chain: fault.chain, Key: fault.key}
				server.Start(t, c.kind, e)
				target := net.JoinHostPort(local, strconv.Itoa(e.Port))
				args := []string{"--listen", "127.0.0.1:0", target, "sh", "-c", strings.ReplaceAll(c.shell, "$CA", w.RootFile)}
				code, own, d := runProgram(t, bin, w.RootFile, args)
				got := ""
				if d != nil && d.FirstFailure() != nil {
					got = d.FirstFailure().ID
				}
				if got != fault.want || code == 0 {
					t.Errorf("got %q, exit code %d, want %q\n%s", got, code, fault.want, own)
				}
			})
		}
	}
}
