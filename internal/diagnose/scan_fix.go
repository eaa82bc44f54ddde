package diagnose

import (
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// settings are how server software spells the settings that the guidelines
// speak of; $ is the value. A software that is missing here gets the words of
// OpenSSL's configuration, which most understand.
var settings = map[string]map[string]string{
	"nginx": {"versions": "ssl_protocols $;", "suites": "ssl_ciphers $;", "suites-13": "ssl_conf_command Ciphersuites $;", "groups": "ssl_ecdh_curve $;", "client-order": "ssl_prefer_server_ciphers off;",
		"server-order": "ssl_prefer_server_ciphers on;", "hsts": `add_header Strict-Transport-Security "max-age=$" always;`, "dh": "ssl_dhparam /etc/nginx/ffdhe2048.pem;"},
	"apache": {"versions": "SSLProtocol -all +$", "suites": "SSLCipherSuite $", "suites-13": "SSLCipherSuite TLSv1.3 $", "groups": "SSLOpenSSLConfCmd Curves $", "client-order": "SSLHonorCipherOrder off",
		"server-order": "SSLHonorCipherOrder on", "hsts": `Header always set Strict-Transport-Security "max-age=$"`, "dh": "SSLOpenSSLConfCmd DHParameters /etc/apache2/ffdhe2048.pem"},
	"haproxy": {"versions": "ssl-default-bind-options ssl-min-ver $", "suites": "ssl-default-bind-ciphers $", "suites-13": "ssl-default-bind-ciphersuites $", "groups": "ssl-default-bind-curves $",
		"client-order": "ssl-default-bind-options prefer-client-ciphers", "hsts": "http-after-response set-header Strict-Transport-Security max-age=$", "dh": "tune.ssl.default-dh-param 2048"},
	"lighttpd": {"versions": `ssl.openssl.ssl-conf-cmd += ("MinProtocol" => "$")`, "suites": `ssl.openssl.ssl-conf-cmd += ("CipherString" => "$")`,
		"suites-13": `ssl.openssl.ssl-conf-cmd += ("Ciphersuites" => "$")`, "groups": `ssl.openssl.ssl-conf-cmd += ("Groups" => "$")`, "client-order": `ssl.openssl.ssl-conf-cmd += ("Options" => "-ServerPreference")`,
		"server-order": `ssl.openssl.ssl-conf-cmd += ("Options" => "+ServerPreference")`, "hsts": `setenv.add-response-header += ("Strict-Transport-Security" => "max-age=$")`},
	// What is mandatory has settings of its own, and a grade of ciphers.
	"postfix": {"versions": "smtpd_tls_protocols = >=$\nsmtpd_tls_mandatory_protocols = >=$", "suites": "smtpd_tls_ciphers = medium\nsmtpd_tls_mandatory_ciphers = medium\ntls_medium_cipherlist = $", "groups": "tls_eecdh_auto_curves = $", "client-order": "tls_preempt_cipherlist = no",
		"server-order": "tls_preempt_cipherlist = yes", "dh": "smtpd_tls_dh1024_param_file = /etc/postfix/ffdhe2048.pem"},
	"dovecot": {"versions": "ssl_min_protocol = $", "suites": "ssl_cipher_list = $", "suites-13": "ssl_cipher_suites = $", "groups": "ssl_curve_list = $", "client-order": "ssl_prefer_server_ciphers = no",
		"server-order": "ssl_prefer_server_ciphers = yes", "dh": "ssl_dh = </etc/dovecot/ffdhe2048.pem"},
	"": {"versions": "MinProtocol = $", "suites": "CipherString = $", "suites-13": "Ciphersuites = $", "groups": "Groups = $", "client-order": "Options = -ServerPreference", "server-order": "Options = ServerPreference",
		"hsts": "Strict-Transport-Security: max-age=$", "dh": "DHParameters = ffdhe2048.pem"},
}

// lowestOnly are those that take the lowest version instead of a list.
var lowestOnly = map[string]bool{"haproxy": true, "lighttpd": true, "postfix": true, "dovecot": true, "": true}

// fix writes a setting as the server's software does, or as OpenSSL's
// configuration does where the software is another.
func (c *comparison) fix(setting, value string) *diag.Fix {
	software := c.inv.Software
	lines, known := settings[software]
	text := "In the configuration of " + software + ":"
	if !known || software == "" {
		software, lines, text = "", settings[""], "In the configuration of the server, whose words may differ from these of OpenSSL's:"
	}
	template, ok := lines[setting]
	if !ok {
		return nil
	}
	list := strings.Fields(value)
	switch {
	case setting == "versions" && lowestOnly[software]:
		value = list[0]
	case setting == "versions" && software == "apache":
		value = strings.Join(list, " +")
	case setting == "groups" && software == "postfix":
		value = strings.ReplaceAll(value, ":", " ")
	case value == "" && (setting == "suites" || setting == "suites-13"):
		return nil
	case setting == "hsts" && software == "":
		text = "Send this header with every answer:"
	}
	fix := &diag.Fix{Side: "server", For: software, Action: "set-" + setting, Text: text, Config: strings.ReplaceAll(template, "$", value)}
	if file := strings.TrimSuffix(fix.Config[strings.LastIndexAny(fix.Config, " <")+1:], ";"); setting == "dh" && strings.HasSuffix(file, ".pem") {
		fix.Command = "openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out " + file
	}
	return fix
}
