package test

// postfixTLS and dovecotTLS name the good pair of machine.putPairs.
const (
	postfixTLS = "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {{etc}}/tls/fullchain.pem\nsmtpd_tls_key_file = {{etc}}/tls/privkey.pem\n"
	dovecotTLS = "ssl = required\nssl_cert = <{{etc}}/tls/fullchain.pem\nssl_key = <{{etc}}/tls/privkey.pem\n"
	submission = postfixTLS + "-- master.cf --\n127.0.0.1:{{port}} inet n - n - - smtpd\n  -o smtpd_tls_security_level=encrypt\n"
	wrapped    = postfixTLS + "-- master.cf --\n127.0.0.1:{{port}} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n"
)

// mailBreakages are broken configurations of mail servers. Where Postfix cannot
// make a context of TLS it goes on without one, and says so when it is asked;
// Dovecot cuts the connection.
var mailBreakages = []breakage{
	{name: "mail, expired", want: "cert-expired", mends: true, config: map[string]string{
		"postfix": "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {{etc}}/tls/expired.pem\nsmtpd_tls_key_file = {{etc}}/tls/privkey.pem\n",
		"dovecot": "ssl = yes\nssl_cert = <{{etc}}/tls/expired.pem\nssl_key = <{{etc}}/tls/privkey.pem\n",
	}},
	{name: "mail, expired, the first byte", scheme: "smtps", want: "cert-expired", config: map[string]string{
		"postfix": "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {{etc}}/tls/privkey.pem, {{etc}}/tls/expired.pem\n-- master.cf --\n127.0.0.1:{{port}} inet n - n - - smtpd\n  -o { smtpd_tls_wrappermode = yes }\n",
	}},
	{name: "mail, expired, STARTTLS", scheme: "imap", want: "cert-expired", mends: true, config: map[string]string{
		"dovecot": "ssl = required\nssl_cert = <{{etc}}/tls/expired.pem\nssl_key = <{{etc}}/tls/privkey.pem\n",
	}},
	{name: "mail, lone leaf", want: "incomplete-chain", mends: true, config: map[string]string{
		"postfix": "smtpd_use_tls = yes\nsmtpd_tls_cert_file =\n  {{etc}}/tls/cert.pem\nsmtpd_tls_key_file = {{etc}}/tls/privkey.pem\n",
		"dovecot": "ssl = yes\nssl_cert = <{{etc}}/tls/cert.pem\nssl_key = <{{etc}}/tls/privkey.pem\n",
	}},
	{name: "mail, key of another certificate", want: "private-key-mismatch-server", live: "starttls-missing", mends: true, config: map[string]string{
		"postfix": "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {{etc}}/tls/fullchain.pem\nsmtpd_tls_key_file = {{etc}}/tls/other.key\n",
	}},
	{name: "mail, key of another certificate, cut", want: "private-key-mismatch-server", live: "connection-reset eof-during-handshake", mends: true, config: map[string]string{
		"dovecot": "ssl = yes\nssl_cert = <{{etc}}/tls/fullchain.pem\nssl_key = <{{etc}}/tls/other.key\n",
	}},
	{name: "mail, missing key", want: "file-or-config-error", live: "starttls-missing", mends: true, config: map[string]string{
		"postfix": "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {{etc}}/tls/fullchain.pem\nsmtpd_tls_key_file = {{etc}}/tls/gone.key\n",
	}},
	{name: "mail, missing key, dead", want: "file-or-config-error", dead: true, mends: true, config: map[string]string{
		"dovecot": "ssl = yes\nssl_cert = <{{etc}}/tls/fullchain.pem\nssl_key = <{{etc}}/tls/gone.key\n",
	}},
	{name: "mail, no line for the key", want: "file-or-config-error", live: "starttls-missing", mends: true, config: map[string]string{
		"postfix": "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {{etc}}/tls/fullchain.pem\n",
	}},
	{name: "mail, no level", want: "file-or-config-error", live: "starttls-missing", mends: true, config: map[string]string{
		"postfix": "smtpd_tls_cert_file = {{etc}}/tls/fullchain.pem\nsmtpd_tls_key_file = {{etc}}/tls/privkey.pem\n",
	}},
	{name: "mail, a CA file that is gone", want: "file-or-config-error", live: "starttls-missing", config: map[string]string{
		"postfix": postfixTLS + "smtpd_tls_CAfile = {{etc}}/tls/gone.pem\n",
	}},
	{name: "mail, the key last", want: "file-or-config-error", live: "starttls-missing", config: map[string]string{
		"postfix": "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {{etc}}/joint/good.pem\n",
	}},
	{name: "mail, old versions", want: "protocol-version", mends: true, config: map[string]string{
		"postfix": postfixTLS + "smtpd_tls_protocols = !SSLv2, !SSLv3, !TLSv1.2, !TLSv1.3\n",
	}},
	{name: "mail, old versions where TLS is a must", want: "protocol-version", mends: true, config: map[string]string{
		"postfix": "smtpd_tls_mandatory_protocols = >=TLSv1, <=TLSv1.1\n" + submission,
	}},
	{name: "mail, a protocol that does not exist", want: "file-or-config-error", live: "starttls-missing", mends: true, config: map[string]string{
		"postfix": "smtpd_tls_mandatory_protocols = >=TLS1.2\n" + submission,
	}},
	{name: "mail, a protocol that does not exist, cut", want: "file-or-config-error", live: "connection-reset eof-during-handshake", mends: true, config: map[string]string{
		"dovecot": dovecotTLS + "ssl_min_protocol = TLS1.2\n",
	}},
	{name: "mail, suites of another key", want: "cipher-mismatch", mends: true, config: map[string]string{
		"dovecot": dovecotTLS + "ssl_min_protocol = TLSv1.2\nssl_cipher_list = ECDHE-ECDSA-AES128-GCM-SHA256\nssl_cipher_suites = TLS_AES_128_CCM_SHA256\n",
	}},
	{name: "mail, mistyped", want: "file-or-config-error", dead: true, mends: true, config: map[string]string{
		"dovecot": dovecotTLS + "ssl_min_protcol = TLSv1.2\n",
	}},
	{name: "mail, a path for its text", want: "file-or-config-error", live: "connection-reset eof-during-handshake", config: map[string]string{
		"dovecot": "ssl = yes\nssl_cert = {{etc}}/tls/fullchain.pem\nssl_key = {{etc}}/tls/privkey.pem\n",
	}},
	{name: "mail, off", want: "file-or-config-error", live: "starttls-missing", scheme: "imap", mends: true, config: map[string]string{
		"dovecot": "ssl = no\nssl_cert = <{{etc}}/tls/fullchain.pem\nssl_key = <{{etc}}/tls/privkey.pem\n",
	}},
	{name: "mail, another name", want: "wrong-vhost-cert", config: map[string]string{
		"dovecot": dovecotTLS + "local_name www.shop.test {\n  ssl_cert = <{{etc}}/tls/mail.pem\n  ssl_key = <{{etc}}/tls/privkey.pem\n}\n",
	}},
	{name: "mail, a grade that does not exist", want: "file-or-config-error", live: "connection-reset eof-during-handshake", config: map[string]string{
		"postfix": postfixTLS + "smtpd_tls_ciphers = strong\n",
	}},

	{name: "mail, healthy", want: "ok", config: map[string]string{"postfix": postfixTLS, "dovecot": dovecotTLS}},
	{name: "mail, healthy, a must", want: "ok", config: map[string]string{"postfix": "smtpd_tls_mandatory_protocols = >=TLSv1.2\nsmtpd_tls_mandatory_ciphers = high\n" + submission}},
	{name: "mail, healthy, the first byte", want: "ok", scheme: "smtps", config: map[string]string{"postfix": "smtpd_tls_mandatory_protocols = !SSLv2 !SSLv3 !TLSv1 !TLSv1.1\n" + wrapped}},
	{name: "mail, healthy, STARTTLS", want: "ok", scheme: "imap", config: map[string]string{"dovecot": dovecotTLS + "ssl_min_protocol = TLSv1.2\nssl_curve_list = P-521:P-384:P-256\nssl_prefer_server_ciphers = yes\n"}},
	{name: "mail, healthy, names", want: "ok", config: map[string]string{
		"postfix": postfixTLS + "tls_server_sni_maps = inline:{ { ecdsa.other.test = {{etc}}/tls/ecdsa.key {{etc}}/tls/ecdsa.pem } }\n",
		"dovecot": dovecotTLS + "local_name ecdsa.other.test {\n  ssl_cert = <{{etc}}/tls/ecdsa.pem\n  ssl_key = <{{etc}}/tls/ecdsa.key\n}\n",
	}},
}
