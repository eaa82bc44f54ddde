package test

// nginxTLS, apacheTLS and haproxyTLS begin a site with the good pair of
// machine.putPairs.
const (
	nginxTLS = nginxSite + `	ssl_certificate {{etc}}/tls/fullchain.pem;
	ssl_certificate_key {{etc}}/tls/privkey.pem;
`
	apacheTLS = apacheSite + `	SSLCertificateFile {{etc}}/tls/fullchain.pem
	SSLCertificateKeyFile {{etc}}/tls/privkey.pem
`
	haproxyTLS = "\tbind :{{port}} ssl crt {{etc}}/joint/good.pem"
)

// configBreakages are broken configurations whose fault shows to whoever reads
// them.
var configBreakages = []breakage{
	{name: "suites of another key", want: "cipher-mismatch", live: "server-no-certificate", mends: true, config: map[string]string{
		"nginx":   nginxTLS + "\tssl_protocols TLSv1.2;\n\tssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;\n}\n",
		"apache":  apacheTLS + "\tSSLProtocol -all +TLSv1.2\n\tSSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256\n</VirtualHost>\n",
		"haproxy": "global\n" + haproxyFront + haproxyTLS + " ssl-max-ver TLSv1.2 ciphers ECDHE-ECDSA-AES128-GCM-SHA256\n",
	}},
	{name: "suites excluded for good", want: "cipher-mismatch", live: "server-no-certificate", mends: true, config: map[string]string{
		"nginx": nginxTLS + "\tssl_protocols TLSv1.2;\n\tssl_ciphers 'HIGH:!ECDHE:!DHE:!kRSA:PSK';\n}\n",
	}},
	{name: "suites excluded for all kinds", want: "cipher-mismatch", mends: true, config: map[string]string{
		"haproxy": "global\n\tssl-default-bind-ciphers ARIA:!ECDHE:!DHE\n\tssl-default-bind-options ssl-max-ver TLSv1.2\n" + haproxyFront + haproxyTLS + "\n",
	}},
	{name: "old versions", want: "protocol-version", mends: true, config: map[string]string{
		"nginx":   nginxTLS + "\tssl_protocols TLSv1 TLSv1.1;\n\tssl_ciphers DEFAULT:@SECLEVEL=0;\n}\n",
		"apache":  apacheTLS + "\tSSLProtocol +TLSv1 +TLSv1.1\n\tSSLCipherSuite DEFAULT:@SECLEVEL=0\n</VirtualHost>\n",
		"haproxy": "global\n" + haproxyFront + haproxyTLS + " ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.1 ciphers DEFAULT:@SECLEVEL=0\n",
	}},
	{name: "the default server's versions", want: "protocol-version", mends: true, config: map[string]string{
		"nginx": `server {
	listen {{port}} ssl default_server;
	server_name default.hosting.test;
	ssl_protocols TLSv1.1;
	ssl_ciphers DEFAULT:@SECLEVEL=0;
	ssl_certificate {{etc}}/tls/mail.pem;
	ssl_certificate_key {{etc}}/tls/privkey.pem;
}
` + nginxTLS + "\tssl_protocols TLSv1.2 TLSv1.3;\n}\n",
	}},
	{name: "lone leaf", want: "incomplete-chain", mends: true, config: map[string]string{
		"nginx":  nginxSite + "\tssl_certificate {{etc}}/tls/cert.pem;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n",
		"apache": apacheSite + "\tSSLCertificateFile {{etc}}/tls/cert.pem\n\tSSLCertificateKeyFile {{etc}}/tls/privkey.pem\n</VirtualHost>\n",
	}},
	{name: "expired", want: "cert-expired", mends: true, config: map[string]string{
		"nginx":   nginxSite + "\tssl_certificate {{etc}}/tls/expired.pem;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n",
		"apache":  apacheSite + "\tSSLCertificateFile \"{{etc}}/tls/expired.pem\"\n\tSSLCertificateKeyFile {{etc}}/tls/privkey.pem\n</VirtualHost>\n",
		"haproxy": "global\n\tcrt-base {{etc}}/joint\n" + haproxyFront + "\tbind :{{port}} ssl crt expired.pem\n",
	}},
	{name: "another name", want: "hostname-mismatch", mends: true, config: map[string]string{
		"nginx":  nginxSite + "\tssl_certificate {{etc}}/tls/mail.pem;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n",
		"apache": apacheSite + "\tSSLCertificateFile {{etc}}/tls/mail.pem\n\tSSLCertificateKeyFile {{etc}}/tls/privkey.pem\n</VirtualHost>\n",
	}},
	{name: "a group that nobody has", want: "no-common-group", mends: true, config: map[string]string{
		"nginx":   nginxTLS + "\tssl_protocols TLSv1.2;\n\tssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;\n\tssl_ecdh_curve brainpoolP256r1;\n}\n",
		"apache":  apacheTLS + "\tSSLOpenSSLConfCmd Curves brainpoolP256r1\n\tSSLProtocol TLSv1.2\n\tSSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256\n</VirtualHost>\n",
		"haproxy": "global\n\tssl-default-bind-curves brainpoolP256r1\n" + haproxyFront + haproxyTLS + " ssl-max-ver TLSv1.2 ciphers ECDHE-RSA-AES128-GCM-SHA256\n",
	}},
	{name: "no TLS on the port", want: "server-speaks-plaintext", mends: true, fromConfig: true, config: map[string]string{
		"nginx":   "server {\n\tlisten {{port}};\n\tserver_name www.shop.test;\n\treturn 200 ok;\n\tssl_certificate {{etc}}/tls/fullchain.pem;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n",
		"apache":  "<VirtualHost *:{{port}}>\n\tServerName www.shop.test\n\tSSLEngine off\n\tSSLCertificateFile {{etc}}/tls/fullchain.pem\n\tSSLCertificateKeyFile {{etc}}/tls/privkey.pem\n</VirtualHost>\n",
		"haproxy": "global\n" + haproxyFront + "\tbind :{{port}} crt {{etc}}/joint/good.pem\n",
	}},
	{name: "a small prime", want: "dh-key-too-small", mends: true, config: map[string]string{
		"nginx": nginxTLS + "\tssl_protocols TLSv1.2;\n\tssl_ciphers DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0;\n\tssl_dhparam {{etc}}/ssl/dh1024.pem;\n}\n",
	}},

	{name: "only suites that need a prime", want: "cipher-mismatch", live: "server-no-certificate", mends: true, config: map[string]string{
		"haproxy": "global\n\ttune.ssl.default-dh-param 1024\n" + haproxyFront + haproxyTLS + " ssl-max-ver TLSv1.2 ciphers DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0\n",
	}},

	{name: "key of another certificate", want: "private-key-mismatch-server", mends: true, dead: true, config: map[string]string{
		"nginx":  nginxSite + "\tssl_certificate {{etc}}/tls/fullchain.pem;\n\tssl_certificate_key {{etc}}/tls/other.key;\n}\n",
		"apache": apacheSite + "\tSSLCertificateFile {{etc}}/tls/fullchain.pem\n\tSSLCertificateKeyFile {{etc}}/tls/other.key\n</VirtualHost>\n",
	}},
	{name: "key of another kind", want: "private-key-mismatch-server", live: "server-no-certificate", mends: true, config: map[string]string{
		"nginx": nginxSite + "\tssl_certificate {{etc}}/tls/fullchain.pem;\n\tssl_certificate_key {{etc}}/tls/ecdsa.key;\n}\n",
	}},
	{name: "key of another certificate, joint", want: "private-key-mismatch-server", mends: true, dead: true, config: map[string]string{
		"haproxy": "global\n" + haproxyFront + "\tbind :{{port}} ssl crt {{etc}}/joint/mismatch.pem\n",
	}},
	{name: "missing key", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"nginx":  nginxSite + "\tssl_certificate {{etc}}/tls/fullchain.pem;\n\tssl_certificate_key {{etc}}/tls/gone.key;\n}\n",
		"apache": apacheSite + "\tSSLCertificateFile {{etc}}/tls/fullchain.pem\n\tSSLCertificateKeyFile {{etc}}/tls/gone.key\n</VirtualHost>\n",
	}},
	{name: "missing certificate", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"nginx":   nginxSite + "\tssl_certificate {{etc}}/tls/gone.pem;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n",
		"haproxy": "global\n" + haproxyFront + "\tbind :{{port}} ssl crt {{etc}}/joint/gone.pem\n",
	}},
	{name: "a key for a certificate", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"nginx":  nginxSite + "\tssl_certificate {{etc}}/tls/privkey.pem;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n",
		"apache": apacheSite + "\tSSLCertificateFile {{etc}}/tls/privkey.pem\n\tSSLCertificateKeyFile {{etc}}/tls/privkey.pem\n</VirtualHost>\n",
	}},
	{name: "a protocol that does not exist", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"nginx":   nginxTLS + "\tssl_protocols TLSv1.2 TLS1.3;\n}\n",
		"apache":  apacheTLS + "\tSSLProtocol TLSv12\n</VirtualHost>\n",
		"haproxy": "global\n" + haproxyFront + haproxyTLS + " ssl-min-ver TLSv12\n",
	}},
	{name: "no CA for client certificates", want: "file-or-config-error", dead: true, config: map[string]string{
		"nginx": nginxTLS + "\tssl_verify_client on;\n}\n",
	}},
	{name: "missing semicolon", want: "file-or-config-error", dead: true, config: map[string]string{
		"nginx": nginxTLS + "\tssl_protocols TLSv1.2\n}\n",
	}},
	{name: "bind without crt", want: "file-or-config-error", dead: true, config: map[string]string{
		"haproxy": "global\n" + haproxyFront + "\tbind :{{port}} ssl\n",
	}},
	{name: "a small prime at a high level", want: "file-or-config-error", dead: true, mends: true, config: map[string]string{
		"nginx": nginxTLS + "\tssl_dhparam {{etc}}/ssl/dh1024.pem;\n}\n",
	}},
}
