package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

// Clients that ask about revocation.
var (
	soft = ClientHint{Revocation: "soft"}
	hard = ClientHint{Revocation: "hard"}
)

func stapled(what string) Server { return Server{Revocation: Revocation{Staple: what, OCSP: "good"}} }

func mustStaple(what string) Server {
	return Server{Revocation: Revocation{MustStaple: true, Staple: what, OCSP: "good"}}
}

func listed(what string) Server { return Server{Revocation: Revocation{CRL: what}} }

var _ = register(
	// Staples.
	Scenario{ID: "cert-revoked", Cause: "cert-revoked", Title: "the stapled OCSP response says revoked",
		Story: "The key leaked, the CA revoked the certificate, the server still serves it and staples the bad news. curl connects, Firefox and Chrome refuse.", Server: stapled("revoked")},
	Scenario{ID: "cert-revoked-hold", Cause: "cert-revoked", Title: "the stapled response says: on hold",
		Story: "The CA has suspended the certificate.", Server: stapled("hold")},
	Scenario{ID: "cert-revoked-stale", Cause: "cert-revoked", Title: "the stapled response says revoked, and is out of date",
		Story: "A revocation stays.", Server: stapled("stale-revoked")},
	Scenario{ID: "must-staple-revoked", Cause: "cert-revoked", Title: "must-staple, and the response says revoked",
		Story: "There is a response, so the demand is met; what it says is bad.", Server: mustStaple("revoked"), Near: "ocsp-staple-missing-or-bad"},
	Scenario{ID: "staple-good", Title: "a good stapled response", Near: "cert-revoked",
		Story: "Signed by the CA itself, of yesterday, valid for six days.", Server: stapled("good")},
	Scenario{ID: "staple-good-12", Title: "a good stapled response (TLS 1.2)", Near: "ocsp-staple-missing-or-bad",
		Story: "The same in a CertificateStatus message.", Server: Server{Revocation: Revocation{Staple: "good", OCSP: "good"}, Offer: Offer{MaxVersion: tlswire.TLS12}}},
	Scenario{ID: "staple-delegated", Title: "a response by a delegated responder", Near: "ocsp-staple-missing-or-bad",
		Story: "Signed by a certificate with the purpose OCSPSigning, which the CA has made.", Server: stapled("delegated")},
	Scenario{ID: "staple-no-end", Title: "a response without an end", Near: "ocsp-staple-missing-or-bad",
		Story: "openssl ocsp makes such ones: no nextUpdate.", Server: stapled("no-end")},
	Scenario{ID: "ocsp-without-staple", Title: "an OCSP address and no staple", Near: "ocsp-staple-missing-or-bad",
		Story: "Nobody demands one.", Server: stapled("")},
	Scenario{ID: "must-staple-good", Title: "must-staple with a good response", Near: "ocsp-staple-missing-or-bad",
		Story: "What the certificate demands is there.", Server: mustStaple("good")},

	Scenario{ID: "ocsp-staple-missing-or-bad", Cause: "ocsp-staple-missing-or-bad", Title: "must-staple without a staple",
		Story: "The certificate demands a stapled response, the server was never told to staple. Only Firefox and GnuTLS notice.", Server: mustStaple("")},
	Scenario{ID: "must-staple-12", Cause: "ocsp-staple-missing-or-bad", Title: "must-staple without a staple (TLS 1.2)",
		Story: "The same in TLS 1.2.", Server: Server{Revocation: Revocation{MustStaple: true, OCSP: "good"}, Offer: Offer{MaxVersion: tlswire.TLS12}}},
	Scenario{ID: "must-staple-no-ocsp", Cause: "ocsp-staple-missing-or-bad", Title: "must-staple from a CA that answers no OCSP any more",
		Story: "There is nobody from whom to get a response: the certificate has to be issued again without the demand.", Server: Server{Revocation: Revocation{MustStaple: true}}},
	Scenario{ID: "must-staple-stale", Cause: "ocsp-staple-missing-or-bad", Title: "must-staple with a response that is out of date",
		Story: "The server no longer reaches the responder, and staples the last response that it had.", Server: mustStaple("stale")},
	Scenario{ID: "must-staple-try-later", Cause: "ocsp-staple-missing-or-bad", Title: "must-staple, and the server staples tryLater",
		Story: "Apache passes on the responder's error.", Server: mustStaple("try-later")},
	Scenario{ID: "must-staple-late", Title: "must-staple, and the first connections get no response", Near: "ocsp-staple-missing-or-bad",
		Story: "nginx fetches the response after the first connection of each worker.", Server: Server{Revocation: Revocation{MustStaple: true, Staple: "good", OCSP: "good", StapleLate: true}}},
	Scenario{ID: "must-staple-java", Title: "must-staple without a staple, and Java", Near: "ocsp-staple-missing-or-bad", Also: []string{"ocsp-staple-missing-or-bad"},
		Story: "Java does not look.", Server: mustStaple(""), Client: ClientHint{Profile: "Java 21.0.6"}},
	Scenario{ID: "must-staple-firefox", Cause: "ocsp-staple-missing-or-bad", Title: "must-staple without a staple, and Firefox",
		Story: "MOZILLA_PKIX_ERROR_REQUIRED_TLS_FEATURE_MISSING.", Server: mustStaple(""), Client: ClientHint{Profile: "Firefox 137"}},
	Scenario{ID: "require-staple", Cause: "ocsp-staple-missing-or-bad", Title: "the client wants a staple, the server has none",
		Story: "curl --cert-status.", Server: stapled(""), Client: ClientHint{RequireStaple: true}},
	Scenario{ID: "require-staple-good", Title: "the client wants a staple and gets one", Near: "ocsp-staple-missing-or-bad",
		Story: "curl --cert-status, and all is well.", Server: stapled("good"), Client: ClientHint{RequireStaple: true}},
	staleStaple("stale", "is out of date"), staleStaple("other", "is about another certificate"), staleStaple("foreign", "is signed by a stranger"),
	staleStaple("bad-signature", "has a broken signature"), staleStaple("delegated-no-eku", "is signed by a certificate without the purpose"),
	staleStaple("future", "is of tomorrow"), staleStaple("garbage", "is no response"), staleStaple("unknown", "says that the certificate is unknown"),
	staleStaple("unauthorized", "is the responder's error unauthorized"),

	// Lists and responders.
	Scenario{ID: "cert-revoked-list", Cause: "cert-revoked", Title: "the CA's list revokes the certificate", Story: "--revocation soft asks.", Server: listed("revoked"), Client: soft},
	Scenario{ID: "cert-revoked-list-hard", Cause: "cert-revoked", Title: "the CA's list revokes the certificate (superseded)", Story: "--revocation hard asks.", Server: listed("superseded"), Client: hard},
	Scenario{ID: "cert-revoked-list-redirect", Cause: "cert-revoked", Title: "the list revokes, behind a redirect", Story: "302 to the real place.",
		Server: Server{Revocation: Revocation{CRL: "redirect", OCSP: "revoked"}}, Client: ClientHint{Revocation: "hard", List: "revoked"}},
	Scenario{ID: "cert-revoked-not-asked", Title: "revoked by the list, and nobody asks", Near: "cert-revoked", Story: "What most command-line clients do.", Server: listed("revoked")},
	Scenario{ID: "cert-revoked-removed", Title: "once on the list, and removed from it", Near: "cert-revoked", Story: "The reason removeFromCRL takes a hold back.", Server: listed("removed"), Client: hard},
	Scenario{ID: "cert-revoked-ocsp", Cause: "cert-revoked", Title: "the responder says revoked, the list cannot be had", Story: "The next source decides.",
		Server: Server{Revocation: Revocation{CRL: "missing", OCSP: "revoked"}}, Client: soft},
	Scenario{ID: "cert-revoked-file", Cause: "cert-revoked", Title: "the client's own list revokes the certificate", Story: "--crl FILE, nobody is asked.", Client: ClientHint{List: "revoked"}},
	Scenario{ID: "cert-revoked-file-stale", Cause: "cert-revoked", Also: []string{"cert-revoked"}, Title: "the client's own list revokes, and is out of date", Story: "A revocation stays.", Client: ClientHint{List: "stale-revoked"}},
	Scenario{ID: "cert-revoked-intermediate", Cause: "cert-revoked", Title: "the intermediate is revoked", Story: "The leaf is as good as ever.",
		Server: Server{Revocation: Revocation{IntermediateCRL: "revoked", CRL: "good"}}, Client: hard},
	Scenario{ID: "list-good", Title: "the list does not name the certificate", Near: "revocation-unavailable", Story: "Asked and answered.", Server: listed("good"), Client: hard},
	Scenario{ID: "list-pem", Title: "a list in PEM", Near: "revocation-unavailable", Story: "Against RFC 5280, and read by all.", Server: listed("pem"), Client: hard},
	Scenario{ID: "list-file-good", Title: "the client's own list is good", Near: "revocation-unavailable", Story: "--crl FILE.", Client: ClientHint{List: "good", Revocation: "hard"}},
	Scenario{ID: "list-file-foreign", Title: "the client's own list is another issuer's", Near: "revocation-unavailable", Story: "It concerns nobody here.", Client: ClientHint{List: "foreign"}},
	Scenario{ID: "ocsp-good-list-missing", Title: "no list, a good answer", Near: "revocation-unavailable", Story: "The next source is asked.",
		Server: Server{Revocation: Revocation{CRL: "missing", OCSP: "good"}}, Client: hard},
	Scenario{ID: "staple-answers", Title: "the staple answers, nobody else does", Near: "revocation-unavailable", Story: "A client that has a good staple asks nobody.",
		Server: Server{Revocation: Revocation{Staple: "good", OCSP: "refused"}}, Client: hard},
	Scenario{ID: "no-revocation-source", Title: "a certificate that names no list and no responder", Near: "revocation-unavailable",
		Story: "No fault of the server.", Client: hard},
	Scenario{ID: "short-lived", Title: "a certificate for six days", Near: "revocation-unavailable", Story: "It needs no revocation.",
		Server: Server{Revocation: Revocation{ShortLived: true}}, Client: hard},
	Scenario{ID: "no-rev-avail", Title: "a certificate that says that there is no revocation", Near: "revocation-unavailable", Story: "RFC 9608.",
		Server: Server{Revocation: Revocation{NoRevAvail: true}}, Client: hard},
	Scenario{ID: "list-unavailable-soft", Title: "no answer, and the client does not insist", Near: "revocation-unavailable", Story: "--revocation soft goes on.",
		Server: listed("refused"), Client: soft},
	Scenario{ID: "revocation-unavailable", Cause: "revocation-unavailable", Title: "the list cannot be had", Story: "A firewall refuses connections to the CA; a client that insists fails.",
		Server: listed("refused"), Client: hard},
	unavailable("missing", "404 Not Found"), unavailable("html", "a sign-in page instead"), unavailable("garbage", "no list"), unavailable("unresolvable", "its name does not resolve"),
	unavailable("hang", "silence"), unavailable("huge", "too large"), unavailable("stale", "out of date"), unavailable("future", "of tomorrow"), unavailable("bad-signature", "a broken signature"),
	unavailable("foreign", "another issuer's"), unavailable("delta", "a delta list"), unavailable("indirect", "an indirect list"), unavailable("scope", "for other certificates"),
	unavailable("critical", "with an unknown critical extension"),
	Scenario{ID: "revocation-unavailable-ocsp", Cause: "revocation-unavailable", Title: "no list, and the responder says try later", Story: "Both sources fail.",
		Server: Server{Revocation: Revocation{CRL: "missing", OCSP: "try-later"}}, Client: hard},
	Scenario{ID: "revocation-unavailable-hangs", Cause: "revocation-unavailable", Title: "list and responder both hang", Story: "Nothing may take longer than the user's patience.",
		Server: Server{Revocation: Revocation{CRL: "hang", OCSP: "hang", IntermediateCRL: "hang"}}, Client: hard},
	Scenario{ID: "revocation-unavailable-file", Cause: "revocation-unavailable", Title: "the client's own list is out of date", Story: "verify error 12: CRL has expired.", Client: ClientHint{List: "stale"}},
	Scenario{ID: "revocation-unavailable-file-signature", Cause: "revocation-unavailable", Title: "the client's own list has a broken signature", Story: "verify error 8: CRL signature failure.",
		Client: ClientHint{List: "bad-signature"}},

	// The server's list and the client's certificate.
	Scenario{ID: "client-cert-revoked-list", Cause: "client-cert-revoked", Title: "the client certificate is on its issuer's list", Story: "The server says bad_certificate; the list says why.",
		Server: refusesClient(tlswire.AlertBadCertificate, "revoked"), Client: ClientHint{Cert: "good"}},
	Scenario{ID: "client-cert-revoked-file", Cause: "client-cert-revoked", Title: "the client certificate is on the list in the user's hands", Story: "--crl FILE.",
		Server: refusesClient(tlswire.AlertCertificateUnknown, ""), Client: ClientHint{Cert: "good", ClientList: "revoked"}},
	Scenario{ID: "server-crl-expired", Cause: "server-crl-expired", Title: "the server's own list is out of date", Story: "OpenSSL says certificate_expired (45) of a certificate that is in date.",
		Server: refusesClient(tlswire.AlertCertificateExpired, ""), Client: ClientHint{Cert: "good"}},
	Scenario{ID: "server-crl-expired-12", Cause: "server-crl-expired", Title: "the server's own list is out of date (TLS 1.2)", Story: "Within the handshake.",
		Server: Server{ClientAuth: ClientAuth{Ask: "required", RefuseCertificate: Alert(tlswire.AlertCertificateExpired)}, Offer: Offer{MaxVersion: tlswire.TLS12}}, Client: ClientHint{Cert: "good"}},
	Scenario{ID: "server-crl-expired-list", Cause: "server-crl-expired", Title: "the published list is out of date too", Story: "The CA stopped publishing; the server says certificate_unknown (46).",
		Server: refusesClient(tlswire.AlertCertificateUnknown, "stale"), Client: ClientHint{Cert: "good"}},
	Scenario{ID: "client-cert-good-list", Title: "a client certificate with a good list", Near: "client-cert-revoked", Story: "Accepted; nobody looks at the list.",
		Server: Server{ClientAuth: ClientAuth{Ask: "required"}, Revocation: Revocation{ClientCRL: "good"}}, Client: ClientHint{Cert: "good"}},
	Scenario{ID: "client-cert-expired-45", Cause: "client-cert-expired", Near: "server-crl-expired", Title: "the client certificate has expired, and the server says so", Story: "The file itself tells.",
		Server: refusesClient(tlswire.AlertCertificateExpired, "stale"), Client: ClientHint{Cert: "expired"}},
)

// staleStaple is a server that staples a bad response that nobody demands:
// Firefox and GnuTLS refuse it, so it is a warning.
func staleStaple(what, words string) Scenario {
	return Scenario{ID: "staple-" + what, Title: "the stapled response " + words, Near: "ocsp-staple-missing-or-bad", Also: []string{"ocsp-staple-missing-or-bad"},
		Story: "A warning: most clients do not look.", Server: stapled(what)}
}

// unavailable is a list that a client cannot use though it must.
func unavailable(what, words string) Scenario {
	return Scenario{ID: "list-" + what, Cause: "revocation-unavailable", Title: "the list: " + words, Story: "A client that insists on an answer fails.", Server: listed(what), Client: hard}
}

func refusesClient(alert tlswire.AlertDescription, list string) Server {
	return Server{ClientAuth: ClientAuth{Ask: "required", RefuseCertificate: Alert(alert)}, Revocation: Revocation{ClientCRL: list}}
}
