package test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// inventoried is a server whose inventory is compared with those of others.
type inventoried struct {
	kind   *server.Kind
	scheme string // "" for https
	change func(*server.Endpoint)
}

// TestScanAgainstPeers holds the inventories of real servers to what sslscan
// and nmap find. What they are known to see otherwise is named in differences.
func TestScanAgainstPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers and two other scanners take a while")
	}
	w := newWorld(t)
	bin := program(t)
	ec := w.leaf("scan-ecdsa", pki.Spec{Key: "p256"})
	old := func(e *server.Endpoint) { e.Min, e.Ciphers = "1.0", "ALL:!aNULL:@SECLEVEL=0" }
	two := func(e *server.Endpoint) { e.Chain2, e.Key2 = ec.chain, ec.key }
	for _, x := range []inventoried{
		{kind: server.Nginx}, {kind: server.Nginx, change: old}, {kind: server.Nginx, change: two}, {kind: server.Apache}, {kind: server.HAProxy, change: two},
		{kind: server.Stunnel}, {kind: server.OpenSSL, change: old}, {kind: server.GnuTLS}, {kind: server.Java}, {kind: server.Go},
		{kind: server.Lighttpd}, {kind: server.Caddy}, {kind: server.Hitch}, {kind: server.Node}, {kind: server.Python},
		{kind: server.Postfix, scheme: "smtp"}, {kind: server.Dovecot, scheme: "imap"}, {kind: server.Slapd, scheme: "ldaps"}, {kind: server.Vsftpd, scheme: "ftps"},
		{kind: server.Postgres, scheme: "postgres"},
	} {
		ep := &server.Endpoint{Name: "scan", Scheme: x.scheme, Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key}
		name := x.kind.Name
		if x.change != nil {
			x.change(ep)
			name += "-" + cmp.Or(ep.Min, "two")
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server.Start(t, x.kind, ep)
			inv := scanned(t, bin, x.scheme, ep)
			for _, peer := range []struct {
				name   string
				suites map[string][]string
				key    func(diag.OfferedSuite) string
			}{
				{"sslscan", bySSLScan(t, x.scheme, ep), func(s diag.OfferedSuite) string { return s.Code }},
				{"nmap", byNmap(t, x.scheme, ep), func(s diag.OfferedSuite) string { return s.Name }},
			} {
				if peer.suites == nil {
					continue // it does not know the protocol
				}
				for _, v := range inv.Versions {
					var ours []string
					for _, s := range v.Suites {
						ours = append(ours, peer.key(s))
					}
					version := v.Version
					more, less := apart(ours, peer.suites[version])
					more = slices.DeleteFunc(more, func(key string) bool {
						at := slices.IndexFunc(v.Suites, func(s diag.OfferedSuite) bool { return peer.key(s) == key })
						return unseen(peer.name, x.kind.Name, key) || confirmed(t, x.scheme, ep, version, v.Suites[at].OpenSSL)
					})
					if len(more)+len(less) > 0 {
						t.Errorf("%s: beside %s we find %v and miss %v", version, peer.name, more, less)
					}
				}
			}
		})
	}
}

// unseen are the suites that a peer does not look for: sslscan offers no ffdhe
// groups, without which GnuTLS has no DHE below TLS 1.3 (RFC 7919, Section 4).
func unseen(peer, kind, code string) bool {
	return peer == "sslscan" && kind == "slapd" && slices.Contains([]string{"0x009F", "0xCCAA", "0x009E", "0xC09F", "0xC09E", "0x0039", "0x0033"}, code)
}

// confirmed asks OpenSSL for one suite alone. sslscan and nmap lose suites where
// one suite spoils a list for the others: HAProxy picks an ECDSA certificate as
// soon as a client knows such suites, Dovecot without parameters dies of DHE.
func confirmed(t *testing.T, scheme string, ep *server.Endpoint, version, suite string) bool {
	flags := map[string]string{"TLS 1.2": "-tls1_2", "TLS 1.1": "-tls1_1", "TLS 1.0": "-tls1"}
	if flags[version] == "" || suite == "" {
		return false
	}
	args := []string{"s_client", "-connect", ep.Target(), "-servername", host, flags[version], "-cipher", suite + "@SECLEVEL=0"}
	if scheme == "smtp" || scheme == "imap" || scheme == "postgres" {
		args = append(args, "-starttls", scheme)
	}
	return strings.Contains(runScanner(t, "openssl", args...), "Cipher is "+suite)
}

// scanned is our inventory; nothing in it may be left open.
func scanned(t *testing.T, bin, scheme string, ep *server.Endpoint) *diag.Inventory {
	t.Helper()
	out, err := exec.Command(bin, "scan", "-o", "json", "--connect", ep.Target(), fmt.Sprintf("%s://%s:%d", cmp.Or(scheme, "https"), host, ep.Port)).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	inv := &diag.Inventory{}
	if err := json.Unmarshal(out, inv); err != nil {
		t.Fatal(err)
	}
	if inv.Connections >= 400 { // the budget: it went in circles
		t.Errorf("it took %d connections", inv.Connections)
	}
	for _, v := range inv.Versions {
		if v.Offered == diag.Unknown || v.Offered == diag.Yes && !v.Complete {
			t.Errorf("%s is %s, complete: %v (%s)", v.Version, v.Offered, v.Complete, v.Why)
		}
	}
	for _, n := range inv.NotTested {
		t.Logf("not found out: %s: %s", n.What, n.Reason)
	}
	return inv
}

// runScanner calls a scanner with time enough for a busy machine.
func runScanner(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := server.Need(t, name)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		t.Logf("%s: %v", name, err)
	}
	return string(out)
}

var (
	sslscanLine = regexp.MustCompile(`<cipher [^>]*sslversion="(TLS|SSL)v([0-9.]+)"[^>]* id="0x([0-9A-Fa-f]+)"`)
	nmapVersion = regexp.MustCompile(`^(TLS|SSL)v([0-9.]+):`)
)

// bySSLScan is what sslscan finds, nil where it does not know the protocol.
func bySSLScan(t *testing.T, scheme string, ep *server.Endpoint) map[string][]string {
	args := []string{"--no-colour", "--xml=-", "--show-cipher-ids", "--sni-name=" + host}
	if flag := map[string]string{"smtp": "--starttls-smtp", "imap": "--starttls-imap", "postgres": "--starttls-psql"}[scheme]; flag != "" {
		args = append(args, flag)
	}
	out := runScanner(t, "sslscan", append(args, ep.Target())...)
	found := map[string][]string{}
	for _, m := range sslscanLine.FindAllStringSubmatch(out, -1) {
		version := versionName(m[1], m[2])
		found[version] = append(found[version], "0x"+strings.ToUpper(m[3]))
	}
	return found
}

// byNmap is what nmap finds, nil where it does not know the protocol.
func byNmap(t *testing.T, scheme string, ep *server.Endpoint) map[string][]string {
	if x := map[string]bool{"postgres": true, "smtp": true, "imap": true}; x[scheme] { // it goes by the port
		return nil
	}
	out := runScanner(t, "nmap", "-Pn", "-n", "-sT", "-p", fmt.Sprint(ep.Port), "--script", "+ssl-enum-ciphers", "--script-args", "tls.servername="+host, "127.0.0.1")
	found, version := map[string][]string{}, ""
	for _, line := range strings.Split(out, "\n") {
		line = strings.Trim(line, "|_ ")
		if m := nmapVersion.FindStringSubmatch(line); m != nil {
			version = versionName(m[1], m[2])
		}
		if name, _, ok := strings.Cut(line, " "); ok && strings.HasPrefix(name, "TLS_") && version != "" {
			if version == "TLS 1.3" {
				name = strings.NewReplacer("TLS_AKE_WITH_", "TLS_").Replace(name)
			}
			found[version] = append(found[version], name)
		}
	}
	return found
}

// versionName is ours for TLSv1.2 and SSLv3.
func versionName(protocol, number string) string {
	if !strings.Contains(number, ".") {
		number += ".0"
	}
	return protocol + " " + number
}

// apart is what only one of two lists has.
func apart(ours, theirs []string) (more, less []string) {
	for _, s := range ours {
		if !slices.Contains(theirs, s) {
			more = append(more, s)
		}
	}
	for _, s := range theirs {
		if !slices.Contains(ours, s) {
			less = append(less, s)
		}
	}
	return more, less
}
