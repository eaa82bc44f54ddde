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
	haproxyFront = `frontend web
	mode http
	http-request return status 200
`
)

// breakages are the faults whose printed fixes are tried.
var breakages = []breakage{
	{name: "cipher-mismatch", want: "cipher-mismatch",
		config: map[string]string{
			"nginx": nginxSite + `	ssl_certificate {{live}}/fullchain.pem;
	ssl_certificate_key {{live}}/privkey.pem;
	ssl_protocols TLSv1.2;
	ssl_ciphers AES128-SHA:AES256-SHA;
}
`,
			"apache": apacheSite + `	SSLCertificateFile {{live}}/fullchain.pem
	SSLCertificateKeyFile {{live}}/privkey.pem
	SSLProtocol TLSv1.2
	SSLCipherSuite AES128-SHA:AES256-SHA
</VirtualHost>
`,
			"haproxy": `global
	ssl-default-bind-options ssl-max-ver TLSv1.2
	ssl-default-bind-ciphers AES128-SHA:AES256-SHA
` + haproxyFront + "\tbind :{{port}} ssl crt {{etc}}/haproxy/certs/\n",
		},
		opts: func(_ *world, o *tlswhy.Options) {
			o.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
		}},
	{name: "protocol-version", want: "protocol-version",
		config: map[string]string{
			"nginx": nginxSite + `	ssl_certificate {{live}}/fullchain.pem;
	ssl_certificate_key {{live}}/privkey.pem;
	ssl_protocols TLSv1 TLSv1.1;
	ssl_ciphers DEFAULT:@SECLEVEL=0;
}
`,
			"apache": apacheSite + `	SSLCertificateFile {{live}}/fullchain.pem
	SSLCertificateKeyFile {{live}}/privkey.pem
	SSLProtocol -all +TLSv1
	SSLCipherSuite DEFAULT:@SECLEVEL=0
</VirtualHost>
`,
			"haproxy": `global
	ssl-default-bind-options ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.1
	ssl-default-bind-ciphers DEFAULT:@SECLEVEL=0
` + haproxyFront + "\tbind :{{port}} ssl crt {{etc}}/haproxy/certs/\n",
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
			"nginx": nginxSite + `	ssl_certificate {{live}}/fullchain.pem;
	ssl_certificate_key {{live}}/privkey.pem;
	ssl_client_certificate {{etc}}/nginx/client-cas.pem;
	ssl_verify_client on;
}
`,
			"apache": apacheSite + `	SSLCertificateFile {{live}}/fullchain.pem
	SSLCertificateKeyFile {{live}}/privkey.pem
	SSLCACertificateFile {{etc}}/ssl/client-cas.pem
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
}
