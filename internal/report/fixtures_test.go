package report

import (
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

var started = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func at(ms float64) *float64 { return &ms }

func fixture(name string, port int, v diag.Verdict) *diag.Diagnosis {
	return &diag.Diagnosis{
		Schema: diag.Schema,
		Target: diag.Target{Input: name, Name: name, Port: port, Protocol: "https", SNI: name,
			Client: "reference client (OpenSSL 3.5 defaults)", Trust: "the system store (142 roots)"},
		Verdict:    v,
		StartedAt:  started,
		DurationMS: 41.25,
		Tool:       diag.Tool{Version: "0.1.0", Roots: "2026-10-30", Profiles: "2026-11-01", Rules: 60},
	}
}

func expired() *diag.Diagnosis {
	d := fixture("shop.example.com", 443, diag.Failure)
	d.Causes = []diag.Cause{{
		ID: "cert-expired", Family: "certificate", Severity: diag.SeverityFailure, Confidence: diag.Proven,
		Stage: diag.StageCertificate, Summary: "the certificate expired 12 days ago",
		Evidence: []diag.Evidence{
			{Text: "the leaf was valid 2026-08-12 … 2026-11-10; all three addresses serve it", Where: "Certificate, element 0"},
			{Text: "a 90-day certificate is due from 2026-10-11 on: auto-renewal has failed for 42 days"},
		},
		Affects: []string{"every client that checks certificates"},
		Fixes: []diag.Fix{
			{Side: "server", Action: "renew-certificate", Text: "Renew the certificate at its issuer (Let's Encrypt) for shop.example.com.", Command: "certbot renew --cert-name shop.example.com"},
			{Side: "server", For: "nginx", Action: "reload", Text: "Test the configuration and load it without dropping connections.", Command: "nginx -t && systemctl reload nginx"},
			{Side: "server", Action: "check-auto-renewal", Text: "Find out why nothing renewed it in time.", Command: "systemctl list-timers certbot.timer; journalctl -u certbot.service -n 50"},
		},
		Verify: "tlswhy shop.example.com",
	}, {
		ID: "incomplete-chain", Family: "certificate", Severity: diag.SeverityWarning, Confidence: diag.Strong,
		Stage: diag.StageCertificate, Summary: "the intermediate R11 is not sent; clients that fetch nothing cannot build the path",
		Fixes: []diag.Fix{{Side: "server", For: "nginx", Action: "serve-full-chain", Text: "serve fullchain.pem", Config: "ssl_certificate /etc/nginx/fullchain.pem;"}},
	}}
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{
		{Name: "resolve", Stage: diag.StageResolve, Status: diag.StatusOK, Text: "203.0.113.7, 203.0.113.8, 2001:db8::7", AtMS: at(3.2)},
		{Name: "connect", Stage: diag.StageConnect, Status: diag.StatusOK, Text: "all three", AtMS: at(11.4)},
		{Name: "ClientHello", Stage: diag.StageClientHello, From: "client", Status: diag.StatusOK, Text: "TLS 1.2–1.3, SNI shop.example.com, 1,512 bytes", Bytes: 1512},
		{Name: "ServerHello", Stage: diag.StageServerHello, From: "server", Status: diag.StatusOK, Text: "TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768", AtMS: at(14.1), Bytes: 1210},
		{Name: "Certificate", Stage: diag.StageCertificate, From: "server", Status: diag.StatusBad, Text: "CN=shop.example.com, issued by R11 (Let's Encrypt)",
			Notes: []string{"notAfter 2026-11-10 09:12 UTC"}},
		{Name: "Finished", Stage: diag.StageFinished, Status: diag.StatusOK, Text: "the server holds the key"},
	}}
	for _, a := range []string{"203.0.113.7:443", "203.0.113.8:443", "[2001:db8::7]:443"} {
		d.Addresses = append(d.Addresses, diag.Address{Address: a, Family: "ipv4", Outcome: "cert-expired", RTTMS: 8.2})
	}
	d.Certificates = []diag.Certificate{
		{Role: "leaf", Source: "sent", Subject: "CN=shop.example.com", Issuer: "CN=R11,O=Let's Encrypt,C=US", Serial: "04ab12",
			NotBefore: time.Date(2026, 8, 12, 9, 12, 0, 0, time.UTC), NotAfter: time.Date(2026, 11, 10, 9, 12, 0, 0, time.UTC),
			Names: []string{"shop.example.com", "www.shop.example.com"}, Key: "ECDSA P-256", Signature: "SHA256-RSA",
			Fingerprint: strings.Repeat("ab", 32), Problems: []string{"expired 2026-11-10 09:12 UTC"}, PEM: "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"},
		{Role: "intermediate", Source: "fetched", Position: 1, Subject: "CN=R11,O=Let's Encrypt,C=US", Issuer: "CN=ISRG Root X1,O=Internet Security Research Group,C=US",
			NotBefore: time.Date(2024, 3, 13, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 3, 12, 23, 59, 59, 0, time.UTC), Key: "RSA 2048", Signature: "SHA256-RSA"},
		{Role: "root", Source: "anchor", Position: 2, Subject: "CN=ISRG Root X1,O=Internet Security Research Group,C=US", Issuer: "CN=ISRG Root X1,O=Internet Security Research Group,C=US",
			NotBefore: time.Date(2015, 6, 4, 11, 4, 38, 0, time.UTC), NotAfter: time.Date(2035, 6, 4, 11, 4, 38, 0, time.UTC), Key: "RSA 4096", Signature: "SHA256-RSA"},
	}
	d.Attempts = []diag.Attempt{{N: 1, Address: "203.0.113.7:443", End: "stopped: enough was seen", EndKind: "stopped", Stage: diag.StageCertificate,
		Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Group: "X25519MLKEM768", Sent: 1512, Received: 4100, ConnectMS: 8.2, DurationMS: 22.7}}
	return d
}

func cipher() *diag.Diagnosis {
	d := fixture("erp.example.com", 443, diag.Failure)
	alert := 40
	d.Causes = []diag.Cause{{
		ID: "cipher-mismatch", Family: "cipher", Severity: diag.SeverityFailure, Confidence: diag.Proven, Stage: diag.StageClientHello,
		Summary: "your client and the server share no cipher suite",
		Evidence: []diag.Evidence{
			{Text: "fails   with your 12 suites", Where: "attempts 1, 4"},
			{Text: "works   with the same hello plus TLS_RSA_WITH_AES_128_CBC_SHA", Where: "attempt 3"},
			{Text: "the server takes only static-RSA suites (4 of them)", Where: "attempts 3, 5"},
		},
		Affects: []string{"Go ≥ 1.22", "Python ≥ 3.10"}, Unaffected: []string{"curl", "Java 17", "browsers"},
		Fixes: []diag.Fix{
			{Side: "server", For: "apache", Action: "allow-suite", Text: "so that it also takes what your client offers:",
				Config: "SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"},
			{Side: "client", For: "go", Action: "offer-suite", Text: "if you cannot change the server, for this one Go client, at the price of forward secrecy:",
				Config: "tls.Config{CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}"},
		},
		Verify: "tlswhy --tls-max 1.2 --ciphers ECDHE-RSA-AES128-GCM-SHA256 erp.example.com",
	}}
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{
		{Name: "connect", Status: diag.StatusOK, Text: "203.0.113.9", AtMS: at(0.42)},
		{Name: "ClientHello", From: "client", Status: diag.StatusOK, Text: "TLS 1.2, 12 suites, all ECDHE"},
		{Name: "Alert", From: "server", Status: diag.StatusBad, Text: "server: handshake_failure (40)", AtMS: at(9)},
		{Name: "ServerHello", Status: diag.StatusNever},
		{Name: "Certificate", Status: diag.StatusNever},
		{Name: "Finished", Status: diag.StatusNever},
	}}
	d.Addresses = []diag.Address{{Address: "203.0.113.9:443", Family: "ipv4", Outcome: "cipher-mismatch"}}
	for i, c := range []string{"", "version 1.2", "cipher suites + TLS_RSA_WITH_AES_128_CBC_SHA", "", "all known cipher suites"} {
		a := diag.Attempt{N: i + 1, Address: "203.0.113.9:443", Change: c, End: "server alert: handshake_failure (40)", EndKind: "alert",
			Stage: diag.StageClientHello, Alert: &alert, DurationMS: float64(9 + i),
			Messages: []diag.Message{{From: "client", Name: "ClientHello", Size: 210, Raw: "010000ce0303", AtMS: 0.1}, {From: "server", Name: "Alert", Size: 7, Raw: "0228", AtMS: 9}}}
		if strings.Contains(c, "suites") {
			a.End, a.EndKind, a.Alert, a.Version, a.Suite = "handshake completed", "completed", nil, "TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA"
		}
		d.Attempts = append(d.Attempts, a)
	}
	return d
}

func version() *diag.Diagnosis {
	d := fixture("old.example.com", 8443, diag.Failure)
	d.Causes = []diag.Cause{{
		ID: "protocol-version", Family: "version", Severity: diag.SeverityFailure, Confidence: diag.Proven, Stage: diag.StageClientHello,
		Summary:  "the server speaks only TLS 1.0, your client starts at TLS 1.2",
		Evidence: []diag.Evidence{{Text: "fails   with TLS 1.2–1.3: alert protocol_version (70)", Where: "attempts 1, 3"}, {Text: "works   with the same hello and TLS 1.0", Where: "attempt 2"}},
		Affects:  []string{"every current client"},
		Fixes: []diag.Fix{
			{Side: "server", For: "nginx", Action: "enable-tls12", Text: "in every server block of this address, then reload:", Config: "server {\n\tlisten 443 ssl;\n\tssl_protocols TLSv1.2 TLSv1.3;\n}", Command: "nginx -t && systemctl reload nginx"},
			{Side: "server", For: "apache", Action: "enable-tls12", Text: "in the virtual host:", Config: "SSLProtocol -all +TLSv1.2 +TLSv1.3"},
			{Side: "server", For: "haproxy", Action: "enable-tls12", Text: "in the global section:", Config: "ssl-default-bind-options ssl-min-ver TLSv1.2"},
			{Side: "server", For: "iis", Action: "enable-tls12", Text: "enable TLS 1.2 in the registry and restart."},
			{Side: "server", Action: "tell-users", Text: "Tell those who still need TLS 1.0."},
			{Side: "client", For: "openssl", Action: "allow-old", Text: "only to reach it once, never for good:", Command: "curl --tlsv1.0 --ciphers DEFAULT@SECLEVEL=0 https://old.example.com:8443/"},
		},
		Verify: "tlswhy old.example.com:8443",
	}}
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{
		{Name: "ClientHello", From: "client", Status: diag.StatusOK, Text: "TLS 1.2–1.3"},
		{Name: "Alert", From: "server", Status: diag.StatusBad, Text: "server: protocol_version (70)", AtMS: at(12)},
	}}
	d.NotTested = []diag.NotTested{{What: "[2001:db8::9]:8443", Reason: "this machine has no IPv6 route"}}
	d.Notes = []string{"HTTPS_PROXY=http://proxy.example.com:3128 is set and was not used: the target was reached directly"}
	return d
}

func middlebox() *diag.Diagnosis {
	d := fixture("api.partner.com", 443, diag.Failure)
	d.Causes = []diag.Cause{{
		ID: "middlebox-reset", Family: "middlebox", Severity: diag.SeverityFailure, Confidence: diag.Strong, Stage: diag.StageClientHello,
		Summary: "something on your network resets connections that name this host",
		Evidence: []diag.Evidence{
			{Text: "reset after the ClientHello, 0.4 ms after it left, although the server is 23 ms away"},
			{Text: "works with another name at the same address", Where: "attempts 3, 6"},
			{Text: "fails with this name at a different address", Where: "attempts 4, 7"},
		},
		NotRuledOut: []string{"a filter in front of the server that follows the name; one run from another network settles it: tlswhy -o json api.partner.com"},
		Fixes:       []diag.Fix{{Side: "network", Action: "allow-name", Text: "ask your network team to allow api.partner.com through the TLS filter (a proxy or DPI policy)"}},
	}}
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{
		{Name: "ClientHello", From: "client", Status: diag.StatusOK, Text: "TLS 1.2–1.3, SNI api.partner.com", AtMS: at(23)},
		{Name: "RST", From: "server", Status: diag.StatusBad, Text: "connection reset by peer", AtMS: at(23.4)},
	}}
	d.Addresses = []diag.Address{{Address: "203.0.113.20:443", Outcome: "middlebox-reset", Text: "reset after the ClientHello"},
		{Address: "203.0.113.21:443", Outcome: "ok"}, {Address: "[2001:db8::20]:443", Outcome: "untested", Text: "no IPv6 route"}}
	return d
}

func mtls() *diag.Diagnosis {
	d := fixture("gate.bank.example", 8443, diag.Failure)
	d.Causes = []diag.Cause{{
		ID: "client-cert-bad-purpose", Family: "client-auth", Severity: diag.SeverityFailure, Confidence: diag.Strong, Stage: diag.StageClientAuth,
		Summary:  "the server refuses your client certificate: wrong purpose",
		Evidence: []diag.Evidence{{Text: "the server sent unsupported_certificate (43) after the handshake", Where: "attempt 1"}},
		Fixes: []diag.Fix{{Side: "client", Action: "reissue-client-certificate", Text: "reissue it with extended key usage clientAuth:",
			Config: "[ client ]\nextendedKeyUsage = clientAuth"}},
		Verify: "tlswhy --cert billing.pem --key billing.key gate.bank.example:8443",
	}}
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{
		{Name: "CertificateRequest", From: "server", Status: diag.StatusOK, Text: "2 acceptable CAs"},
		{Name: "Certificate*", From: "client", Status: diag.StatusBad, Text: "CN=billing-01 (your --cert)", Notes: []string{"its extended key usage is serverAuth only"}},
		{Name: "Finished", Status: diag.StatusOK, Text: "both sides; your program sees a success here"},
		{Name: "Alert", From: "server", Status: diag.StatusBad, Text: "server, after the handshake: unsupported_certificate (43)", AtMS: at(31)},
	}}
	d.Certificates = []diag.Certificate{{Role: "client", Source: "file", Subject: "CN=billing-01", Issuer: "CN=Bank Test CA", NotAfter: started.AddDate(1, 0, 0), Problems: []string{"extended key usage is serverAuth only"}}}
	return d
}

func vhost() *diag.Diagnosis {
	d := fixture("www.example.org", 443, diag.Failure)
	d.Causes = []diag.Cause{{
		ID: "wrong-vhost-cert", Family: "sni", Severity: diag.SeverityFailure, Confidence: diag.Likely, Stage: diag.StageCertificate,
		Summary:  "the server answers with the certificate of another site: *.hosting.example",
		Evidence: []diag.Evidence{{Text: "the same certificate comes for any other name", Where: "attempts 1, 2"}},
		Fixes:    []diag.Fix{{Side: "server", Action: "add-vhost", Text: "add a virtual host for www.example.org with its own certificate"}},
		Verify:   "tlswhy www.example.org",
	}, {ID: "cert-expired", Family: "certificate", Severity: diag.SeverityFailure, Confidence: diag.Proven, Summary: "and that certificate expired 3 days ago"}}
	d.Certificates = []diag.Certificate{{Role: "leaf", Source: "sent", Subject: "CN=*.hosting.example", Issuer: "CN=Private CA", NotBefore: started.AddDate(0, -3, 0), NotAfter: started.AddDate(0, 0, -3), Names: []string{"*.hosting.example"}, Problems: []string{"does not cover www.example.org"}},
		{Role: "missing", Subject: "CN=Private CA", Problems: []string{"not sent, not in the system store"}}}
	return d
}

func starttls() *diag.Diagnosis {
	d := fixture("mail.example.org", 25, diag.Failure)
	d.Target.Protocol, d.Target.StartTLS = "smtp", "smtp"
	d.Causes = []diag.Cause{{ID: "starttls-missing", Family: "transport", Severity: diag.SeverityFailure, Confidence: diag.Strong, Stage: diag.StagePreamble,
		Summary: "the server does not offer STARTTLS", Evidence: []diag.Evidence{{Text: "its EHLO answer names no STARTTLS", Where: "attempt 1, preamble"}},
		Fixes: []diag.Fix{{Side: "server", For: "postfix", Action: "enable-starttls", Text: "Turn it on in main.cf:", Config: "smtpd_tls_security_level = may", Command: "postfix reload"}}}}
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{
		{Name: "preamble", Stage: diag.StagePreamble, From: "server", Status: diag.StatusBad, Text: "EHLO without STARTTLS", Notes: []string{"← 220 mail ready", "→ EHLO localhost", "← 250 8BITMIME"}},
		{Name: "ClientHello", Stage: diag.StageClientHello, From: "client", Status: diag.StatusNever}}}
	return d
}

func healthy() *diag.Diagnosis {
	d := fixture("www.example.org", 443, diag.OK)
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{{Name: "ClientHello", From: "client", Status: diag.StatusOK, Text: "TLS 1.2–1.3"}, {Name: "Finished", Status: diag.StatusOK, Text: "both sides", AtMS: at(40)}}}
	d.Certificates = []diag.Certificate{{Role: "leaf", Source: "sent", Subject: "CN=www.example.org", Issuer: "CN=R11", NotBefore: started.AddDate(0, -1, 0), NotAfter: started.AddDate(0, 2, 0), Names: []string{"www.example.org"}}}
	d.Attempts = []diag.Attempt{{N: 1, Address: "203.0.113.30:443", EndKind: "completed", End: "completed", Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Group: "X25519MLKEM768", ALPN: "h2", DurationMS: 40}}
	return d
}

func warned() *diag.Diagnosis {
	d := healthy()
	d.Verdict = diag.Warning
	d.Causes = []diag.Cause{
		{ID: "cert-expired", Severity: diag.SeverityWarning, Confidence: diag.Proven, Summary: "expires in 9 days; a third of its life was left 21 days ago: check the renewal", Fixes: []diag.Fix{{Text: "renew"}}},
		{ID: "wrong-vhost-cert", Severity: diag.SeverityWarning, Confidence: diag.Strong, Summary: "clients without SNI (Java 6, Android 2.x, IE 6 on XP) get *.hosting.example"},
		{ID: "chain-order", Severity: diag.SeverityInfo, Confidence: diag.Proven, Summary: "the root is sent too"},
	}
	return d
}

func unexplained() *diag.Diagnosis {
	d := fixture("odd.example.net", 4433, diag.Failure)
	d.Causes = []diag.Cause{{ID: "unexplained", Family: "transport", Severity: diag.SeverityFailure, Confidence: diag.Possible, Stage: diag.StageServerHello,
		Summary:  "the handshake ends after the ServerHello and no experiment explains why",
		Evidence: []diag.Evidence{{Text: "8 experiments, all with the same end", Where: "attempts 1–8"}},
		Fixes:    []diag.Fix{{Side: "", Text: "next step: look into the server's log at 10:00:00 UTC"}}}}
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{
		{Name: "ClientHello", From: "client", Status: diag.StatusOK, Text: "TLS 1.2–1.3"},
		{Name: "ServerHello", From: "server", Status: diag.StatusOK, Text: "TLS 1.2"},
		{Name: "end", Status: diag.StatusBad, Text: "closed by the server without an alert"},
	}}
	d.Attempts = []diag.Attempt{{N: 1, Address: "192.0.2.4:4433", End: "closed without an alert", EndKind: "closed", DurationMS: 15000,
		Messages: []diag.Message{{From: "client", Name: "ClientHello", Size: 517, Raw: "0100"}, {From: "server", Name: "ServerHello", Size: 90, AtMS: 11, Raw: strings.Repeat("02000056", 30)}}},
		{N: 2, Address: "192.0.2.5:4433", Change: "without SNI", End: "closed without an alert", EndKind: "closed", DurationMS: 12}}
	return d
}

func untested() *diag.Diagnosis {
	d := fixture("", 0, diag.Untested)
	d.Target = diag.Target{Input: "gopher://x"}
	d.Causes = []diag.Cause{{ID: "file-or-config-error", Family: "transport", Severity: diag.SeverityFailure, Confidence: diag.Proven, Summary: `unknown scheme "gopher"`,
		Fixes: []diag.Fix{{Text: "use one of https, http, tls, smtp, imap"}}}}
	return d
}

// hostile puts everything into everything: what a peer controls must not
// leave the report.
func hostile() *diag.Diagnosis {
	evil := "a\x1b[2J\x1b]0;owned\x07b\u202Egnp.exe\u2066 \u200b<script>alert(1)</script> `x` | * [l](javascript:x) \r\nSet: 1\x9b31m ü 日本語 \xff\xfe ]]> --> \"q\" 'q' &amp; z" + strings.Repeat("\u0301", 7)
	d := fixture("xn--"+strings.Repeat("a", 59)+"."+strings.Repeat("b", 63)+".example", 443, diag.Failure)
	d.Target.Input, d.Target.Client = evil, evil
	long := strings.Repeat("long", 60)
	c := diag.Cause{ID: evil, Family: evil, Severity: diag.SeverityFailure, Confidence: diag.Possible, Summary: evil + long,
		Evidence: []diag.Evidence{{Text: evil, Where: evil}}, Affects: []string{evil}, NotRuledOut: []string{evil},
		Fixes: []diag.Fix{{Side: evil, For: evil, Text: evil, Config: "a {\r\n\tb " + evil + ";\n}\n```\n", Command: long}}, Verify: long, Addresses: []string{evil}}
	d.Causes = []diag.Cause{c, c}
	d.Causes[1].Severity = diag.SeverityWarning
	d.Handshake = diag.Handshake{Attempt: 1, Steps: []diag.Step{{Name: evil, From: "server", Status: diag.StatusBad, Text: evil, Notes: []string{evil, long}, AtMS: at(1e300)}}}
	d.Addresses = []diag.Address{{Address: evil, Outcome: evil, Text: evil}, {Address: "x", Outcome: "ok"}}
	for i := range 3 {
		d.Certificates = append(d.Certificates, diag.Certificate{Role: []string{"leaf", "intermediate", evil}[i], Source: evil, Subject: evil, Issuer: evil, Names: []string{evil, long}, Problems: []string{evil}, PEM: evil})
	}
	d.Attempts = []diag.Attempt{{N: 1, Address: evil, Change: evil, End: evil, Messages: []diag.Message{{From: "server", Name: evil, Raw: "zz"}, {From: evil, Name: evil, Raw: "1b5b324a", Fields: []diag.Field{{Name: evil, Text: evil + long}}}}}}
	d.Stores = []diag.Store{{Program: evil, Date: evil}, {Program: long, Date: long, Has: true}}
	d.Certificates[1].IssuerURLs, d.Certificates[1].AuthorityKeyID, d.Certificates[1].Link = []string{evil, long}, evil, evil
	d.NotTested = []diag.NotTested{{What: evil, Reason: evil}}
	d.Notes = []string{evil}
	return d
}

// huge is a peer that sends far too much of everything.
func huge() *diag.Diagnosis {
	d := expired()
	for i := range 2000 {
		d.Certificates = append(d.Certificates, diag.Certificate{Role: "extra", Source: "sent", Position: i, Subject: "CN=extra", Issuer: "CN=extra"})
		d.Certificates[0].Names = append(d.Certificates[0].Names, "n.example.com")
		d.Causes[0].Evidence = append(d.Causes[0].Evidence, diag.Evidence{Text: "more"})
		d.Attempts = append(d.Attempts, d.Attempts[0])
	}
	return d
}

var fixtures = map[string]func() *diag.Diagnosis{
	"expired": expired, "cipher": cipher, "version": version, "middlebox": middlebox, "mtls": mtls, "vhost": vhost, "starttls": starttls,
	"healthy": healthy, "warned": warned, "unexplained": unexplained, "untested": untested, "hostile": hostile,
}
