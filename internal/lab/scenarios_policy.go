package lab

import (
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// http1 is a server whose answer can carry header fields.
var http1 = Offer{ALPN: []string{"http/1.1"}}

var _ = register(
	Scenario{ID: "expires-soon", Also: []string{"expires-soon"}, Near: "cert-expired", Title: "the certificate expires in five days",
		Story: "90 days were granted, renewal was due a month before the end, and nothing has happened.", Server: Server{Leaf: Leaf{Expired: -5 * day}}},
	Scenario{ID: "expires-soon-short", Also: []string{"expires-soon"}, Near: "cert-expired", Title: "a certificate of six days with one left",
		Story: "Soon is a part of the lifetime: six-day certificates are renewed every three days.", Server: Server{Leaf: Leaf{Issued: time.Now().Add(-5 * day), Days: 6}}},
	Scenario{ID: "short-lived-fresh", Title: "a certificate of six days with four left",
		Story: "Four days are much of such a life.", Server: Server{Leaf: Leaf{Issued: time.Now().Add(-2 * day), Days: 6}}},

	Scenario{ID: "clock-skew", Cause: "clock-skew", Title: "this machine's clock is months behind",
		Story:  "The certificate is for everybody else valid: the server's Date field says which time it is.",
		Server: Server{Leaf: Leaf{NotYetValid: 300 * day}, Offer: http1, App: App{Date: true, DateOff: 320 * day}}},
	Scenario{ID: "clock-skew-small", Cause: "clock-skew", Title: "this machine's clock is two hours behind",
		Story:  "A virtual machine woke up. The certificate is an hour old.",
		Server: Server{Leaf: Leaf{NotYetValid: time.Hour}, Offer: http1, App: App{Date: true, DateOff: 2 * time.Hour}}},
	Scenario{ID: "clock-right", Cause: "cert-expired", Near: "clock-skew", Title: "expired, and the clocks agree",
		Story:  "The server's Date field is the time of this machine: the certificate has really expired.",
		Server: Server{Leaf: Leaf{Expired: 12 * day}, Offer: http1, App: App{Date: true}}},
	Scenario{ID: "clock-of-the-server", Near: "clock-skew", Title: "the server's clock is wrong, its certificate is not",
		Story:  "A Date field of next year troubles nobody.",
		Server: Server{Offer: http1, App: App{Date: true, DateOff: 400 * day}}},
	Scenario{ID: "clock-wrong-at-server-too", Cause: "cert-not-yet-valid", Near: "clock-skew", Title: "the server's clock is wrong, and does not explain it",
		Story:  "By neither clock is the certificate valid.",
		Server: Server{Leaf: Leaf{NotYetValid: 300 * day}, Offer: http1, App: App{Date: true, DateOff: 20 * day}}},
	Scenario{ID: "clock-judged-then", Cause: "cert-expired", Near: "clock-skew", Title: "judged at a moment that the user chose",
		Story:  "Who asks about next year is not told that the clock is wrong.",
		Server: Server{Offer: http1, App: App{Date: true}}, Client: ClientHint{At: 400 * day}},

	Scenario{ID: "captive-portal", Cause: "captive-portal", Title: "a portal answers in plain HTTP",
		Story: "The network of a hotel sends every connection to its sign-in page.",
		Server: Server{Transport: Transport{Speaks: "http"}, App: App{Status: 302,
			Location: "http://portal.hotel.test/guest/login?url=https%3A%2F%2Fshop.lab.test%2F"}}},
	Scenario{ID: "captive-portal-511", Cause: "captive-portal", Title: "a portal says so",
		Story:  "HTTP 511 means: sign in to the network first.",
		Server: Server{Transport: Transport{Speaks: "http"}, App: App{Status: 511}}},
	Scenario{ID: "captive-portal-tls", Cause: "captive-portal", Title: "a portal answers under its own name",
		Story: "It has a certificate of its own, and sends the browser to itself.",
		Server: Server{Leaf: Leaf{Names: []string{"login.hotspot.test"}}, Offer: http1, App: App{Status: 302,
			Location: "https://login.hotspot.test/splash?continue=https://shop.lab.test/"}}},
	Scenario{ID: "plain-http-to-https", Cause: "server-speaks-plaintext", Near: "captive-portal", Title: "plain HTTP that redirects to its own https address",
		Story:  "The listener for port 443 was written without TLS.",
		Server: Server{Transport: Transport{Speaks: "http"}, App: App{Status: 301, Location: "https://shop.lab.test/"}}},
	Scenario{ID: "plain-http-to-sso", Cause: "server-speaks-plaintext", Near: "captive-portal", Title: "plain HTTP that redirects to a single sign-on",
		Story: "An application without TLS sends its users to the company's login.",
		Server: Server{Transport: Transport{Speaks: "http"}, App: App{Status: 302,
			Location: "https://login.company.test/authorize?redirect_uri=https%3A%2F%2Fshop.lab.test%2F"}}},
	Scenario{ID: "redirect-elsewhere", Near: "captive-portal", Title: "a healthy site that redirects to a login at another host",
		Story:  "The certificate is right, so the site may send its visitors where it wants.",
		Server: Server{Offer: http1, App: App{Status: 302, Location: "https://portal.elsewhere.test/guest/login?url=https://shop.lab.test/"}}},
	Scenario{ID: "wrong-name-redirects-home", Cause: "hostname-mismatch", Or: []string{"wrong-vhost-cert"}, Near: "captive-portal",
		Title: "a wrong certificate, and a redirect to its own name", Story: "The default site of a host sends strangers to its front page.",
		Server: Server{Leaf: Leaf{Names: []string{"www.hosting.test"}}, Offer: http1, App: App{Status: 301, Location: "https://www.hosting.test/"}}},

	Scenario{ID: "cert-lifetime-policy", Cause: "cert-lifetime-too-long", Title: "valid for longer than the policy allows",
		Story: "The company wants 47 days, this one has 90.", Client: ClientHint{MaxDays: 47}},
	Scenario{ID: "cert-lifetime-policy-kept", Near: "cert-lifetime-too-long", Title: "exactly as long as the policy allows",
		Story: "90 days of 90.", Server: Server{Leaf: Leaf{Issued: time.Now().Add(-10 * day), Days: 90}}, Client: ClientHint{MaxDays: 90}},
	Scenario{ID: "cert-lifetime-apple", Cause: "cert-lifetime-too-long", Title: "a private CA's certificate of three years, on an iPhone",
		Story:  "Apple allows 825 days, whoever issued.",
		Server: Server{Leaf: Leaf{Issued: time.Now().Add(-10 * day), Days: 1095}}, Client: ClientHint{Profile: "Safari 18.4"}},
	Scenario{ID: "cert-lifetime-private", Also: []string{"cert-lifetime-too-long"}, Near: "cert-lifetime-too-long", Title: "a private CA's certificate of three years",
		Story: "For most clients the CA decides.", Server: Server{Leaf: Leaf{Issued: time.Now().Add(-10 * day), Days: 1095}}},
	Scenario{ID: "cert-lifetime-825", Near: "cert-lifetime-too-long", Title: "a private CA's certificate of 825 days, on an iPhone",
		Story: "Just within Apple's limit.", Server: Server{Leaf: Leaf{Issued: time.Now().Add(-10 * day), Days: 825}}, Client: ClientHint{Profile: "Safari 18.4"}},

	Scenario{ID: "sct-garbled", Title: "a private CA's certificate with timestamps that nobody can check",
		Story:  "Certificate Transparency is asked of public CAs only.",
		Server: Server{Leaf: Leaf{SCTs: []string{"One!", "Two"}, TLSSCTs: []string{"Three"}}}},

	Scenario{ID: "min-dh-bits", Cause: "dh-key-too-small", Title: "a prime of 2048 bits where the policy wants 3072",
		Story:  "What everybody else accepts is too small here.",
		Server: Server{Leaf: rsaLeaf, Offer: dheOnly(2048)}, Client: ClientHint{MinDHBits: 3072}},
	Scenario{ID: "min-dh-bits-lowered", Near: "dh-key-too-small", Title: "a prime of 1024 bits, and a client that takes it",
		Story:  "The client was told to accept it.",
		Server: Server{Leaf: rsaLeaf, Offer: dheOnly(1024)}, Client: ClientHint{MinDHBits: 1024}},

	Scenario{ID: "pin-mismatch", Cause: "pin-mismatch", Title: "the pinned key is not in the chain",
		Story: "The certificate was renewed with a new key, the app still expects the old one.", Client: ClientHint{Pins: []string{"other"}}},
	Scenario{ID: "pin-mismatch-several", Cause: "pin-mismatch", Title: "none of two pins is in the chain",
		Story: "The backup pin is outdated too.", Client: ClientHint{Pins: []string{"other", "other+certificate"}}},
	Scenario{ID: "pin-leaf", Near: "pin-mismatch", Title: "the leaf's key is pinned", Story: "It is there.", Client: ClientHint{Pins: []string{"other", "leaf"}}},
	Scenario{ID: "pin-issuer", Near: "pin-mismatch", Title: "the issuer's certificate is pinned", Story: "Any element of the path will do.", Client: ClientHint{Pins: []string{"issuer+certificate"}}},
	Scenario{ID: "tlsa-mismatch", Cause: "pin-mismatch", Title: "the TLSA record is for another key",
		Story:  "The key was changed before the record.",
		Server: Server{Preamble: Preamble{StartTLS: "smtp"}}, Client: ClientHint{StartTLS: "smtp", TLSA: []string{"3 1 1 other"}}},
	Scenario{ID: "tlsa-ta-mismatch", Cause: "pin-mismatch", Title: "the TLSA record is for a CA that is not sent",
		Story:  "DANE-TA needs the CA in the chain.",
		Server: Server{Preamble: Preamble{StartTLS: "smtp"}}, Client: ClientHint{StartTLS: "smtp", TLSA: []string{"2 0 1 root"}}},
	Scenario{ID: "tlsa-ee", Near: "pin-mismatch", Title: "self-signed, expired and vouched for by a TLSA record",
		Story:  "DANE-EE asks for nothing but the key.",
		Server: Server{Preamble: Preamble{StartTLS: "smtp"}, Leaf: Leaf{SelfSigned: true, Expired: 3 * day}}, Client: ClientHint{StartTLS: "smtp", TLSA: []string{"3 1 1 leaf"}}},
	Scenario{ID: "tlsa-ta", Near: "pin-mismatch", Title: "an unknown CA, vouched for by a TLSA record",
		Story:  "DANE-TA makes the CA an anchor for this name.",
		Server: Server{Preamble: Preamble{StartTLS: "smtp"}, Chain: Chain{UnknownRoot: true}}, Client: ClientHint{StartTLS: "smtp", TLSA: []string{"2 1 2 issuer"}}},
	Scenario{ID: "tlsa-unusable", Near: "pin-mismatch", Title: "a TLSA record that mail servers do not use",
		Story:  "PKIX-EE is not for SMTP, so that the record says nothing.",
		Server: Server{Preamble: Preamble{StartTLS: "smtp"}}, Client: ClientHint{StartTLS: "smtp", TLSA: []string{"1 1 1 other"}}},
)

// dheOnly is a server of TLS 1.2 that knows DHE only.
func dheOnly(bits int) Offer {
	return Offer{MaxVersion: tlswire.TLS12, DHBits: bits, Suites: suites(tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256)}
}
