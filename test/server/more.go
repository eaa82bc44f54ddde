package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// startVsftpd runs one vsftpd per endpoint, for ftp with AUTH TLS or for ftps.
func startVsftpd(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	needRoot(t, "vsftpd")
	for i, e := range eps {
		own := subfolder(t, dir, i)
		vsftpdInstance(t, own, e, vsftpdTLS(e))
	}
}

// vsftpdTLS are the settings of TLS; vsftpd allows no space around "=".
func vsftpdTLS(e *Endpoint) string {
	if e.Plain {
		return "ssl_enable=NO\n"
	}
	s := fmt.Sprintf("ssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file=%s\nrsa_private_key_file=%s\nssl_ciphers=%s\n", e.Chain, e.Key, e.ciphers())
	if e.implicit() {
		s += "implicit_ssl=YES\n"
	}
	if e.ClientAuth == "required" {
		s += "require_cert=YES\nvalidate_cert=YES\nca_certs_file=" + e.ClientCA + "\n"
	}
	return s + strings.Join(e.Extra, "\n")
}

func vsftpdInstance(t testing.TB, dir string, e *Endpoint, settings string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o555); err != nil {
		t.Fatal(err)
	}
	conf := write(t, dir, "vsftpd.conf", fmt.Sprintf("listen=YES\nlisten_address=127.0.0.1\nlisten_port=%d\nbackground=NO\nanonymous_enable=YES\nanon_root=%[2]s/empty\nsecure_chroot_dir=%[2]s/empty\nseccomp_sandbox=NO\nftp_username=nobody\nxferlog_enable=NO\n%[3]s\n", e.Port, dir, settings))
	process(t, dir, []*Endpoint{e}, "vsftpd", conf)
}

// startProsody runs one Prosody per endpoint, for clients with STARTTLS or with
// TLS at once.
func startProsody(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for i, e := range eps {
		own := subfolder(t, dir, i)
		tls := ""
		if !e.Plain {
			vs := e.versions()
			tls = fmt.Sprintf("certificate = %q, key = %q, protocol = %q, ciphers = %q", e.Chain, e.Key, prosodyVersions(vs), e.ciphers())
			if e.Groups != "" {
				tls += fmt.Sprintf(", curveslist = { %q }", e.Groups)
			}
			if e.ClientAuth == "required" {
				tls += fmt.Sprintf(", cafile = %q, verify = { \"peer\", \"fail_if_no_peer_cert\" }, verifyext = { }", e.ClientCA)
			}
		}
		kind := "c2s_ports"
		if e.implicit() {
			kind = "c2s_direct_tls_ports"
		}
		if e.Scheme == "xmpp-server" {
			kind = "s2s_ports"
		}
		ports := map[string]int{"c2s_ports": 0, "c2s_direct_tls_ports": 0, "s2s_ports": 0}
		ports[kind] = e.Port
		var lines strings.Builder
		for name, port := range ports {
			fmt.Fprintf(&lines, "%s = { %s }\n", name, map[bool]string{true: fmt.Sprint(port)}[port != 0])
		}
		modules := `"saslauth", "roster"`
		if !e.Plain {
			modules += `, "tls"`
		}
		conf := write(t, own, "prosody.cfg.lua", fmt.Sprintf("run_as_root = true\npidfile = \"%[1]s/pid\"\ndata_path = \"%[1]s\"\ninterfaces = { \"127.0.0.1\" }\nhttp_ports = { }\nhttps_ports = { }\n%[2]slog = { { levels = { min = \"info\" }, to = \"console\" } }\nmodules_enabled = { %[3]s }\nssl = { %[4]s }\nVirtualHost %[5]q\nssl = { %[4]s }\n",
			own, lines.String(), modules, tls, e.Hosts[0]))
		process(t, own, []*Endpoint{e}, "prosody", "-F", "--config", conf)
	}
}

func prosodyVersions(vs []string) string {
	name := "tlsv" + strings.ReplaceAll(strings.TrimSuffix(vs[0], ".0"), ".", "_")
	if len(vs) > 1 {
		name += "+"
	}
	return name
}

// startInspIRCd runs one InspIRCd per endpoint, with STARTTLS or with TLS at
// once. Ciphers are a GnuTLS priority string.
func startInspIRCd(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for i, e := range eps {
		own := subfolder(t, dir, i)
		tls, bind := "", ""
		if !e.Plain {
			priority := "NORMAL:-VERS-ALL"
			for _, v := range e.versions() {
				priority += ":+VERS-TLS" + v
			}
			if e.Ciphers != "" {
				priority += ":" + e.Ciphers
			}
			tls = fmt.Sprintf("<module name=\"ssl_gnutls\">\n<module name=\"starttls\">\n<starttls provider=\"site\">\n<sslprofile name=\"site\" provider=\"gnutls\" certfile=%q keyfile=%q cafile=\"\" priority=%q>\n", e.Chain, e.Key, priority)
			if e.implicit() {
				bind = ` sslprofile="site"`
			}
		}
		conf := write(t, own, "inspircd.conf", fmt.Sprintf(`<config format="xml">
<define name="dir" value="%[1]s">
<path configdir="%[1]s" datadir="%[1]s" logdir="%[1]s" runtimedir="%[1]s">
<server name="irc.shop.test" description="test" network="Test" id="97K">
<admin name="test" nick="test" email="test@shop.test">
<bind address="127.0.0.1" port="%[2]d" type="clients"%[3]s>
<connect name="main" allow="*" timeout="10" resolvehostnames="no" useident="no">
<pid file="%[1]s/pid">
%[4]s`, own, e.Port, bind, tls))
		process(t, own, []*Endpoint{e}, "inspircd", "--config", conf, "--nofork", "--runasroot")
	}
}

// startMosquitto serves all endpoints in one broker, one listener each.
func startMosquitto(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	var b strings.Builder
	b.WriteString("per_listener_settings true\n")
	if os.Geteuid() == 0 {
		b.WriteString("user root\n")
	}
	for _, e := range eps {
		fmt.Fprintf(&b, "listener %d 127.0.0.1\nallow_anonymous true\n", e.Port)
		if e.Plain {
			continue
		}
		vs := e.versions()
		fmt.Fprintf(&b, "certfile %s\nkeyfile %s\nciphers %s\ntls_version tlsv%s\n", e.Chain, e.Key, e.ciphers(), vs[0])
		if e.ClientAuth != "" {
			fmt.Fprintf(&b, "cafile %s\nrequire_certificate %v\n", e.ClientCA, e.ClientAuth == "required")
		}
	}
	process(t, dir, eps, "mosquitto", "-c", write(t, dir, "mosquitto.conf", b.String()))
}

// startRedis runs one Redis per endpoint.
func startRedis(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for i, e := range eps {
		own := subfolder(t, dir, i)
		s := "bind 127.0.0.1\nsave \"\"\ndaemonize no\nlogfile \"\"\n"
		if e.Plain {
			s += fmt.Sprintf("port %d\n", e.Port)
		} else {
			var vs []string
			for _, v := range e.versions() {
				vs = append(vs, strings.TrimSuffix("TLSv"+v, ".0"))
			}
			auth := map[string]string{"required": "yes", "optional": "optional", "": "no"}[e.ClientAuth]
			s += fmt.Sprintf("port 0\ntls-port %d\ntls-cert-file %s\ntls-key-file %s\ntls-auth-clients %s\ntls-protocols \"%s\"\ntls-ciphers %s\n", e.Port, e.Chain, e.Key, auth, strings.Join(vs, " "), e.ciphers())
			if e.ClientCA != "" {
				s += "tls-ca-cert-file " + e.ClientCA + "\n"
			}
		}
		process(t, own, []*Endpoint{e}, "redis-server", write(t, own, "redis.conf", s))
	}
}

// startUnbound runs one resolver per endpoint, DNS over TLS.
func startUnbound(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for i, e := range eps {
		own := subfolder(t, dir, i)
		conf := write(t, own, "unbound.conf", fmt.Sprintf("server:\n  directory: %q\n  interface: 127.0.0.1@%d\n  tls-port: %[2]d\n  tls-service-pem: %[3]q\n  tls-service-key: %[4]q\n  tls-ciphers: %[5]q\n  username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n  do-daemonize: no\n  use-syslog: no\n  num-threads: 1\n  so-reuseport: no\n  local-zone: \".\" refuse\nremote-control:\n  control-enable: no\n",
			own, e.Port, e.Chain, e.Key, e.ciphers()))
		process(t, own, []*Endpoint{e}, "unbound", "-d", "-c", conf)
	}
}

// startXrdp runs one Remote Desktop server per endpoint.
func startXrdp(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for i, e := range eps {
		own := subfolder(t, dir, i)
		layer := "tls"
		if e.Plain {
			layer = "rdp"
		}
		var vs []string
		for _, v := range e.versions() {
			vs = append(vs, strings.TrimSuffix("TLSv"+v, ".0"))
		}
		conf := write(t, own, "xrdp.ini", fmt.Sprintf("[Globals]\nini_version=1\nfork=true\nport=tcp://127.0.0.1:%d\nsecurity_layer=%s\ncertificate=%s\nkey_file=%s\nssl_protocols=%s\ntls_ciphers=%s\n[Logging]\nLogFile=%s/log\nLogLevel=INFO\nEnableSyslog=false\n[Xorg]\nname=Xorg\nlib=libxup.so\n",
			e.Port, layer, e.Chain, e.Key, strings.Join(vs, ", "), e.ciphers(), own))
		process(t, own, []*Endpoint{e}, "xrdp", "--nodaemon", "--config", conf)
	}
}

// startSSH runs one sshd, which speaks no TLS at all.
func startSSH(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	needRoot(t, "sshd")
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "host.key")
	command(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	var b strings.Builder
	fmt.Fprintf(&b, "HostKey %s\nPidFile none\nUsePAM no\n", key)
	for _, e := range eps {
		fmt.Fprintf(&b, "ListenAddress %s\n", e.Target())
	}
	process(t, dir, eps, Need(t, "sshd"), "-D", "-e", "-f", write(t, dir, "sshd_config", b.String()))
}
