package test

// moreBreakages are what people do to web servers beyond configBreakages; the
// healthy ones at the end are odd and in order.
var moreBreakages = []breakage{
	{name: "mistyped", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"nginx":   nginxTLS + "\tssl_protocol TLSv1.2;\n}\n",
		"apache":  apacheSite + "\tSSLCertficateFile {{etc}}/tls/fullchain.pem\n\tSSLCertificateKeyFile {{etc}}/tls/privkey.pem\n</VirtualHost>\n",
		"haproxy": "global\n" + haproxyFront + haproxyTLS + " ssl-minver TLSv1.2\n",
	}},
	{name: "several faults", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"nginx":   nginxSite + "\tssl_certificate {{etc}}/tls/gone.pem;\n\tssl_certificate_key {{etc}}/tls/gone.key;\n\tssl_protocols TLSv1.4;\n\tssl_ciphers NONE;\n}\n",
		"apache":  apacheSite + "\tSSLCertificateFile {{etc}}/tls/gone.pem\n\tSSLCertificateKeyFile {{etc}}/tls/gone.key\n\tSSLProtocol TLS1.2\n</VirtualHost>\n",
		"haproxy": "global\n\tssl-default-bind-options ssl-min-ver TLS1.2\n" + haproxyFront + haproxyTLS + " ssl-minver TLSv1.2 strict-sin\n",
	}},
	{name: "no line for the key", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"nginx":  nginxSite + "\tssl_certificate {{etc}}/tls/fullchain.pem; # managed by Certbot\n}\n",
		"apache": apacheSite + "\tSSLCertificateFile {{etc}}/tls/fullchain.pem\n</VirtualHost>\n",
	}},
	{name: "said twice", want: "file-or-config-error", dead: true, config: map[string]string{
		"nginx": nginxTLS + "\tssl_prefer_server_ciphers on;\n\tssl_prefer_server_ciphers off;\n}\n",
	}},
	{name: "two default servers", want: "file-or-config-error", dead: true, config: map[string]string{
		"nginx": "server {\n\tlisten {{port}} ssl default_server;\n\tssl_reject_handshake on;\n}\n" + "server {\n\tlisten {{port}} ssl default_server;\n\tssl_reject_handshake on;\n}\n",
	}},
	{name: "a group that does not exist", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"nginx": nginxTLS + "\tssl_ecdh_curve prime256v2;\n}\n",
	}},
	{name: "a suite of TLS 1.3 that does not exist", want: "file-or-config-error", mends: true, dead: true, config: map[string]string{
		"haproxy": "global\n\tssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA265\n" + haproxyFront + haproxyTLS + "\n",
	}},
	{name: "stapling without a cache", want: "file-or-config-error", dead: true, config: map[string]string{
		"apache": apacheTLS + "\tSSLUseStapling on\n\tSSLStaplingCache shmcb:x(32768)\n</VirtualHost>\n",
	}},
	{name: "a backend without a CA", want: "file-or-config-error", dead: true, config: map[string]string{
		"haproxy": "global\n" + haproxyFront + haproxyTLS + "\n\tdefault_backend b\nbackend b\n\tserver s 127.0.0.1:1 ssl\n",
	}},
	{name: "a list of certificates with a gap", want: "file-or-config-error", dead: true, config: map[string]string{
		"haproxy": "global\n" + haproxyFront + "\tbind :{{port}} ssl crt {{etc}}/joint/good.pem crt {{etc}}/joint/gone.pem\n",
	}},
	{name: "the wrong host in a macro", want: "hostname-mismatch", config: map[string]string{
		"apache": "<IfModule mod_macro.c>\n</IfModule>\nDefine CERT {{etc}}/tls/mail.pem\n" + apacheSite + "\tSSLCertificateFile ${CERT}\n\tSSLCertificateKeyFile {{etc}}/tls/privkey.pem\n</VirtualHost>\n",
	}},
	{name: "a variable that leads nowhere", want: "cert-expired", mends: true, config: map[string]string{
		"haproxy": "global\n\tsetenv WHICH expired\n\tcrt-base {{etc}}/joint\n" + haproxyFront + "\tbind :{{port}} ssl crt expired.pem\n.if !defined(WHICH)\n\tbind :1 ssl crt none.pem\n.endif\n",
	}},

	{name: "healthy, refusing others", want: "ok", config: map[string]string{
		"nginx": "server {\n\tlisten {{port}} ssl default_server;\n\tserver_name _;\n\tssl_reject_handshake on;\n}\n" + nginxTLS + "\tssl_stapling on;\n\tssl_stapling_verify on;\n}\n",
	}},
	{name: "healthy, switched on by a neighbour", want: "ok", config: map[string]string{
		"nginx": "server {\n\tlisten {{port}} ssl;\n\tserver_name a.test;\n\tssl_certificate {{etc}}/tls/mail.pem;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n" +
			"server {\n\tlisten {{port}};\n\tserver_name www.shop.test;\n\tssl_certificate {{etc}}/tls/fullchain.pem;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n",
	}},
	{name: "healthy, keys in another order", want: "ok", config: map[string]string{
		"nginx": nginxSite + "\tssl_certificate {{etc}}/tls/fullchain.pem;\n\tssl_certificate {{etc}}/tls/ecdsa-shop.pem;\n\tssl_certificate_key {{etc}}/tls/ecdsa.key;\n\tssl_certificate_key {{etc}}/tls/privkey.pem;\n}\n",
	}},
	{name: "healthy, any client's certificate", want: "ok", config: map[string]string{
		"nginx":  nginxTLS + "\tssl_verify_client optional_no_ca;\n\tssl_verify_depth 0;\n}\n",
		"apache": apacheTLS + "\tSSLVerifyClient optional_no_ca\n\tSSLVerifyDepth 10\n</VirtualHost>\n",
	}},
	{name: "healthy, in quotes and conditions", want: "ok", config: map[string]string{
		"nginx":   "server{listen {{port}} ssl;server_name \"www.shop.test\";\nssl_certificate\n\t\"{{etc}}/tls/fullchain.pem\"\n;ssl_certificate_key '{{etc}}/tls/privkey.pem';ssl_protocols TLSv1.2;ssl_protocols TLSv1.3;}\n",
		"apache":  "Define DIR {{etc}}/tls\n<IfDefine !NONE>\n" + apacheSite + "\tSSLCertificateFile \"${DIR}/fullchain.pem\"\n\tSSLCertificateKeyFile ${DIR}/privkey.pem\n\tSSLCipherSuite HIGH:\\\n!aNULL\n</VirtualHost>\n</IfDefine>\n<IfDefine NONE>\nSSLProtocol x\n</IfDefine>\n",
		"haproxy": "global\n\tsetenv DIR {{etc}}/joint\n" + haproxyFront + "\tbind \"127.0.0.1:{{port}}\" ssl crt \"${DIR}/good.pem\" # crt gone.pem\n.if defined(NONE)\n\tbind :1 ssl crt gone.pem\n.endif\n",
	}},
	{name: "healthy, backends", want: "ok", config: map[string]string{
		"haproxy": "global\n\tca-base {{etc}}/tls\n" + haproxyFront + haproxyTLS + " ca-file fullchain.pem\n\tdefault_backend b\nbackend b\n\tmode http\n\tserver s 127.0.0.1:1 ssl verify required ca-file fullchain.pem sni str(x)\n\tserver t 127.0.0.1:1 ssl verify none\n",
	}},
}
