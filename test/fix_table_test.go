package test

import (
	"strings"

	"github.com/tlswhy/tlswhy"
)

// The beginnings and ends of sites as people write them.
const (
	nginxSite = `server {
	listen {{port}} ssl;
	server_name www.shop.test;
	location / { return 200 ok; }
`
	apacheSite = `<VirtualHost *:{{port}}>
	ServerName www.shop.test
	SSLEngine on
`
	nginxCert = `	ssl_certificate {{live}}/fullchain.pem;
	ssl_certificate_key {{live}}/privkey.pem;
`
	apacheCert = `	SSLCertificateFile {{live}}/fullchain.pem
	SSLCertificateKeyFile {{live}}/privkey.pem
`
	haproxyBind  = "\tbind :{{port}} ssl crt {{etc}}/haproxy/certs/\n"
	haproxyFront = `frontend web
	mode http
	http-request return status 200
`
)

// breakages are the faults whose printed fixes are tried.
var breakages = []breakage{
	{name: "cipher-mismatch", want: "cipher-mismatch",
		config: map[string]string{
			"nginx": nginxSite + nginxCert + `	ssl_protocols TLSv1.2;
	ssl_ciphers AES128-SHA:AES256-SHA;
}
`,
			"apache": apacheSite + apacheCert + `	SSLProtocol TLSv1.2
	SSLCipherSuite AES128-SHA:AES256-SHA
</VirtualHost>
`,
			"haproxy": `global
	ssl-default-bind-options ssl-max-ver TLSv1.2
	ssl-default-bind-ciphers AES128-SHA:AES256-SHA
` + haproxyFront + haproxyBind,
		},
		opts: func(_ *world, o *tlswhy.Options) {
			o.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
		}},
	{name: "protocol-version", want: "protocol-version",
		config: map[string]string{
			"nginx": nginxSite + nginxCert + `	ssl_protocols TLSv1 TLSv1.1;
	ssl_ciphers DEFAULT:@SECLEVEL=0;
}
`,
			"apache": apacheSite + apacheCert + `	SSLProtocol -all +TLSv1
	SSLCipherSuite DEFAULT:@SECLEVEL=0
</VirtualHost>
`,
			"haproxy": `global
	ssl-default-bind-options ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.1
	ssl-default-bind-ciphers DEFAULT:@SECLEVEL=0
` + haproxyFront + haproxyBind,
		}},
	{name: "incomplete-chain", want: "incomplete-chain",
		config: map[string]string{
			"nginx": nginxSite + `	ssl_certificate {{live}}/cert.pem;
	ssl_certificate_key {{live}}/privkey.pem;
}
`,
			"apache": apacheSite + `	SSLCertificateFile {{live}}/cert.pem
	SSLCertificateKeyFile {{live}}/privkey.pem
</VirtualHost>
`,
			"haproxy": "global\n" + haproxyFront + "\tbind :{{port}} ssl crt {{etc}}/haproxy/alone/\n",
		}},
	{name: "wrong-vhost", want: "wrong-vhost-cert",
		config: map[string]string{
			"nginx": `server {
	listen {{port}} ssl default_server;
	ssl_certificate {{etc}}/ssl/default.pem;
	ssl_certificate_key {{etc}}/ssl/key.pem;
	return 200 default;
}
server {
	listen {{port}} ssl;
	server_name *.shop.test;
	ssl_certificate {{etc}}/ssl/mail.pem;
	ssl_certificate_key {{etc}}/ssl/key.pem;
	return 200 mail;
}
`,
			"apache": `<VirtualHost *:{{port}}>
	ServerName default.hosting.test
	SSLEngine on
	SSLCertificateFile {{etc}}/ssl/default.pem
	SSLCertificateKeyFile {{etc}}/ssl/key.pem
</VirtualHost>
<VirtualHost *:{{port}}>
	ServerName mail.other.test
	ServerAlias *.shop.test
	SSLEngine on
	SSLCertificateFile {{etc}}/ssl/mail.pem
	SSLCertificateKeyFile {{etc}}/ssl/key.pem
</VirtualHost>
`,
			"haproxy": "global\n" + haproxyFront + "\tbind :{{port}} ssl crt {{etc}}/haproxy/default.pem crt-list {{etc}}/haproxy/list\n",
		}},
	{name: "client-ca", want: "client-cert-untrusted",
		config: map[string]string{
			"nginx": nginxSite + nginxCert + `	ssl_client_certificate {{etc}}/nginx/client-cas.pem;
	ssl_verify_client on;
}
`,
			"apache": apacheSite + apacheCert + `	SSLCACertificateFile {{etc}}/ssl/client-cas.pem
	SSLVerifyClient require
</VirtualHost>
`,
			"haproxy": "global\n" + haproxyFront + "\tbind :{{port}} ssl crt {{etc}}/haproxy/certs/ ca-file {{etc}}/haproxy/client-cas.pem verify required\n",
		},
		opts: func(w *world, o *tlswhy.Options) { o.CertFile, o.KeyFile = w.client.chain, w.client.key }},
	{name: "plaintext", want: "server-speaks-plaintext",
		config: map[string]string{
			"nginx":   strings.Replace(nginxSite, " ssl;", ";", 1) + "}\n",
			"apache":  strings.Replace(apacheSite, "SSLEngine on", "SSLEngine off", 1) + "</VirtualHost>\n",
			"haproxy": "global\n" + haproxyFront + "\tbind :{{port}}\n",
		}},
	{name: "no-common-group", want: "no-common-group",
		config: map[string]string{
			"nginx": nginxSite + nginxCert + `	ssl_ecdh_curve secp521r1;
	ssl_protocols TLSv1.3;
}
`,
			"apache": apacheSite + apacheCert + `	SSLProtocol TLSv1.3
	SSLOpenSSLConfCmd Groups secp521r1
</VirtualHost>
`,
			"haproxy": `global
	ssl-default-bind-curves secp521r1
	ssl-default-bind-options ssl-min-ver TLSv1.3
` + haproxyFront + haproxyBind,
		},
		opts: func(_ *world, o *tlswhy.Options) { o.Groups = "X25519:P-256" }},
	{name: "sigalg-mismatch", want: "sigalg-mismatch",
		config: map[string]string{ // HAProxy can do this from 2.8 on
			"nginx": nginxSite + nginxCert + `	ssl_protocols TLSv1.3;
	ssl_conf_command SignatureAlgorithms rsa_pss_rsae_sha512;
}
`,
			"apache": apacheSite + apacheCert + `	SSLProtocol TLSv1.3
	SSLOpenSSLConfCmd SignatureAlgorithms rsa_pss_rsae_sha512
</VirtualHost>
`,
		},
		opts: func(_ *world, o *tlswhy.Options) {
			o.SigAlgs = "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256:rsa_pkcs1_sha256"
		}},
	{name: "dh-key-too-small", want: "dh-key-too-small",
		config: map[string]string{ // HAProxy itself refuses to load them
			"nginx": nginxSite + nginxCert + `	ssl_protocols TLSv1.2;
	ssl_ciphers DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0;
	ssl_dhparam {{etc}}/ssl/dh1024.pem;
}
`,
			"apache": apacheSite + `	SSLCertificateFile {{etc}}/ssl/with-dh.pem
	SSLCertificateKeyFile {{live}}/privkey.pem
	SSLProtocol TLSv1.2
	SSLCipherSuite DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0
</VirtualHost>
`,
		}},
	{name: "tls13-only", want: "protocol-version",
		config: map[string]string{
			"nginx": nginxSite + nginxCert + `	ssl_protocols TLSv1.3;
}
`,
			"apache": apacheSite + apacheCert + `	SSLProtocol TLSv1.3
</VirtualHost>
`,
			"haproxy": `global
	ssl-default-bind-options ssl-min-ver TLSv1.3
` + haproxyFront + haproxyBind,
		},
		opts: func(_ *world, o *tlswhy.Options) { o.MaxVersion = "1.2" }},
	{name: "tls12-only", want: "protocol-version",
		config: map[string]string{
			"nginx": nginxSite + nginxCert + `	ssl_protocols TLSv1.2;
}
`,
			"apache": apacheSite + apacheCert + `	SSLProtocol TLSv1.2
</VirtualHost>
`,
			"haproxy": `global
	ssl-default-bind-options ssl-max-ver TLSv1.2
` + haproxyFront + haproxyBind,
		},
		opts: func(_ *world, o *tlswhy.Options) { o.MinVersion = "1.3" }},
}
