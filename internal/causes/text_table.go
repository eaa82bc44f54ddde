package causes

import (
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// reading is what words about a failure may mean: candidate causes, the most
// likely first, and how sure the first one is from the words alone. The other
// ones are possible.
type reading struct {
	ids  []string
	sure diag.Confidence
}

func means(sure diag.Confidence, ids string) reading { return reading{strings.Fields(ids), sure} }

// readings says what each problem may mean when it concerns the server's side
// (or when it is not said whose it is).
var readings = map[facts.Problem]reading{
	facts.ProblemNameNotResolved:  means(diag.Strong, "dns-failure"),
	facts.ProblemRefused:          means(diag.Strong, "tcp-refused"),
	facts.ProblemConnectTimeout:   means(diag.Likely, "tcp-timeout handshake-timeout pmtu-blackhole middlebox-blackhole"),
	facts.ProblemUnreachable:      means(diag.Strong, "tcp-timeout"),
	facts.ProblemReset:            means(diag.Possible, "connection-reset middlebox-reset hello-too-large sni-unrecognized rate-limited"),
	facts.ProblemClosed:           means(diag.Possible, "eof-during-handshake connection-reset sni-unrecognized client-cert-required middlebox-reset"),
	facts.ProblemTimeout:          means(diag.Likely, "handshake-timeout pmtu-blackhole hello-too-large middlebox-blackhole"),
	facts.ProblemProxy:            means(diag.Strong, "proxy-refused"),
	facts.ProblemPortal:           means(diag.Likely, "captive-portal"),
	facts.ProblemNotTLS:           means(diag.Likely, "server-speaks-plaintext proxy-refused captive-portal starttls-missing"),
	facts.ProblemPlainServer:      means(diag.Strong, "server-speaks-plaintext captive-portal"),
	facts.ProblemPlainClient:      means(diag.Strong, "client-speaks-plaintext"),
	facts.ProblemHTTP1:            means(diag.Possible, "client-speaks-plaintext alpn-no-overlap"),
	facts.ProblemNoSTARTTLS:       means(diag.Strong, "starttls-missing"),
	facts.ProblemPROXYHeader:      means(diag.Strong, "proxy-protocol"),
	facts.ProblemThrottled:        means(diag.Likely, "rate-limited"),
	facts.ProblemHandshakeFailure: means(diag.Possible, "cipher-mismatch protocol-version no-common-group sigalg-mismatch client-cert-required sni-unrecognized sni-missing"),
	facts.ProblemFatalAlert:       means(diag.Possible, "cipher-mismatch protocol-version client-cert-required client-cert-untrusted sni-unrecognized"),
	facts.ProblemNoCipher:         means(diag.Strong, "cipher-mismatch no-common-group server-no-certificate"),
	facts.ProblemVersionOrCipher:  means(diag.Likely, "cipher-mismatch protocol-version no-common-group sigalg-mismatch sni-unrecognized"),
	facts.ProblemNoChannel:        means(diag.Possible, "protocol-version cipher-mismatch client-cert-required sni-unrecognized"),
	facts.ProblemNoGroup:          means(diag.Strong, "no-common-group"),
	facts.ProblemNoScheme:         means(diag.Strong, "sigalg-mismatch no-common-group"),
	facts.ProblemVersion:          means(diag.Strong, "protocol-version"),
	facts.ProblemFallback:         means(diag.Strong, "inappropriate-fallback protocol-version"),
	facts.ProblemDowngrade:        means(diag.Likely, "middlebox-downgrade protocol-version"),
	facts.ProblemDHKey:            means(diag.Strong, "dh-key-too-small"),
	facts.ProblemRenegotiation:    means(diag.Strong, "legacy-renegotiation"),
	facts.ProblemALPN:             means(diag.Strong, "alpn-no-overlap middlebox-inspection"),
	facts.ProblemExtension:        means(diag.Strong, "extension-required"),
	facts.ProblemHelloRetry:       means(diag.Likely, "hello-retry-failure no-common-group"),
	facts.ProblemHelloSize:        means(diag.Likely, "hello-too-large handshake-timeout middlebox-reset"),
	facts.ProblemIntolerance:      means(diag.Likely, "hello-intolerance protocol-violation"),
	facts.ProblemPSK:              means(diag.Strong, "psk-only resumption-broken"),
	facts.ProblemFIPS:             means(diag.Strong, "fips-policy"),
	facts.ProblemSecurityLevel:    means(diag.Likely, "cipher-mismatch dh-key-too-small weak-key-or-digest"),
	facts.ProblemResumption:       means(diag.Likely, "resumption-broken"),
	facts.ProblemNotTrusted:       means(diag.Possible, "unknown-ca self-signed incomplete-chain cert-expired hostname-mismatch middlebox-inspection"),
	facts.ProblemUnknownCA:        means(diag.Likely, "unknown-ca incomplete-chain middlebox-inspection self-signed"),
	facts.ProblemSelfSigned:       means(diag.Strong, "self-signed unknown-ca middlebox-inspection"),
	facts.ProblemSelfSignedRoot:   means(diag.Likely, "unknown-ca middlebox-inspection self-signed"),
	facts.ProblemIncomplete:       means(diag.Likely, "incomplete-chain unknown-ca middlebox-inspection self-signed"),
	facts.ProblemExpired:          means(diag.Strong, "cert-expired clock-skew"),
	facts.ProblemNotYetValid:      means(diag.Likely, "cert-not-yet-valid clock-skew"),
	facts.ProblemDates:            means(diag.Likely, "cert-expired clock-skew cert-not-yet-valid"),
	facts.ProblemClock:            means(diag.Likely, "clock-skew cert-not-yet-valid"),
	facts.ProblemHostname:         means(diag.Strong, "hostname-mismatch wrong-vhost-cert sni-missing middlebox-inspection"),
	facts.ProblemNoSAN:            means(diag.Strong, "hostname-mismatch"),
	facts.ProblemRevoked:          means(diag.Strong, "cert-revoked"),
	facts.ProblemNoRevocation:     means(diag.Strong, "revocation-unavailable"),
	facts.ProblemCRLExpired:       means(diag.Strong, "revocation-unavailable"),
	facts.ProblemStaple:           means(diag.Strong, "ocsp-staple-missing-or-bad"),
	facts.ProblemPurpose:          means(diag.Strong, "bad-eku-or-constraints"),
	facts.ProblemConstraints:      means(diag.Strong, "bad-eku-or-constraints cert-malformed"),
	facts.ProblemNameConstraints:  means(diag.Strong, "name-constraints"),
	facts.ProblemMalformed:        means(diag.Likely, "cert-malformed bad-eku-or-constraints middlebox-inspection"),
	facts.ProblemCertSignature:    means(diag.Likely, "cert-bad-signature cert-malformed unknown-ca"),
	facts.ProblemWeak:             means(diag.Strong, "weak-key-or-digest middlebox-inspection"),
	facts.ProblemLifetime:         means(diag.Strong, "cert-lifetime-too-long"),
	facts.ProblemCT:               means(diag.Strong, "ct-required"),
	facts.ProblemPin:              means(diag.Strong, "pin-mismatch middlebox-inspection"),
	facts.ProblemDistrusted:       means(diag.Strong, "distrusted-ca"),
	facts.ProblemChainSize:        means(diag.Strong, "chain-too-large"),
	facts.ProblemNoServerCert:     means(diag.Strong, "server-no-certificate file-or-config-error"),
	facts.ProblemUnsupportedCert:  means(diag.Possible, "bad-eku-or-constraints sigalg-mismatch"),
	facts.ProblemCertRequired:     means(diag.Strong, "client-cert-required"),
	facts.ProblemClientCert:       means(diag.Likely, "client-cert-required client-cert-untrusted client-cert-expired client-cert-bad-purpose"),
	facts.ProblemSSLProtocol:      means(diag.Possible, "server-speaks-plaintext protocol-violation internal-error alpn-no-overlap"),
	facts.ProblemKeyMismatch:      means(diag.Strong, "private-key-mismatch-server client-cert-key-mismatch"),
	facts.ProblemUnrecognizedName: means(diag.Strong, "sni-unrecognized sni-missing"),
	facts.ProblemMisdirected:      means(diag.Strong, "misdirected-request"),
	facts.ProblemECH:              means(diag.Strong, "ech-rejected"),
	facts.ProblemInspection:       means(diag.Strong, "middlebox-inspection"),
	facts.ProblemAccessDenied:     means(diag.Likely, "access-denied rate-limited client-cert-required sni-unrecognized"),
	facts.ProblemDecrypt:          means(diag.Likely, "decrypt-error private-key-mismatch-server"),
	facts.ProblemProtocol:         means(diag.Possible, "protocol-violation hello-intolerance no-common-group sigalg-mismatch"),
	facts.ProblemInternal:         means(diag.Likely, "internal-error"),
	facts.ProblemFile:             means(diag.Strong, "file-or-config-error"),
	facts.ProblemLocalPolicy:      means(diag.Possible, "fips-policy file-or-config-error"),
}

// clientReadings says what problems mean that concern the client's certificate.
var clientReadings = map[facts.Problem]reading{
	facts.ProblemNotTrusted:      means(diag.Likely, "client-cert-untrusted client-cert-expired client-cert-bad-purpose client-cert-required"),
	facts.ProblemUnknownCA:       means(diag.Strong, "client-cert-untrusted client-cert-incomplete-chain"),
	facts.ProblemSelfSigned:      means(diag.Strong, "client-cert-untrusted"),
	facts.ProblemSelfSignedRoot:  means(diag.Strong, "client-cert-untrusted"),
	facts.ProblemIncomplete:      means(diag.Likely, "client-cert-incomplete-chain client-cert-untrusted"),
	facts.ProblemExpired:         means(diag.Strong, "client-cert-expired clock-skew"),
	facts.ProblemNotYetValid:     means(diag.Strong, "client-cert-expired clock-skew"),
	facts.ProblemDates:           means(diag.Strong, "client-cert-expired clock-skew"),
	facts.ProblemRevoked:         means(diag.Strong, "client-cert-revoked"),
	facts.ProblemNoRevocation:    means(diag.Likely, "server-crl-expired client-cert-untrusted"),
	facts.ProblemCRLExpired:      means(diag.Strong, "server-crl-expired"),
	facts.ProblemPurpose:         means(diag.Strong, "client-cert-bad-purpose"),
	facts.ProblemConstraints:     means(diag.Likely, "client-cert-bad-purpose client-cert-untrusted"),
	facts.ProblemUnsupportedCert: means(diag.Likely, "client-cert-bad-purpose client-cert-untrusted"),
	facts.ProblemCertSignature:   means(diag.Likely, "client-cert-untrusted decrypt-error"),
	facts.ProblemHostname:        means(diag.Likely, "client-cert-untrusted"),
	facts.ProblemKeyMismatch:     means(diag.Strong, "client-cert-key-mismatch file-or-config-error"),
}

// twist changes the order of the candidates where the text shows more than its
// problem. The first that applies counts.
type twist struct {
	when func(*facts.TextMatch) bool
	ids  string // they move to the front
	sure diag.Confidence
	why  string // evidence in words
}

var twists = []twist{
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemHandshakeFailure && m.Has(facts.SignChainVerified)
	}, "client-cert-required client-cert-untrusted", diag.Likely,
		"the alert came after the server's certificate was accepted: suites and version were agreed by then"},
	{func(m *facts.TextMatch) bool {
		return (m.Problem == facts.ProblemHandshakeFailure || m.Problem == facts.ProblemFatalAlert) && m.Has(facts.SignMutual)
	}, "client-cert-required client-cert-untrusted", diag.Likely, "the server asks for a client certificate there"},
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemFatalAlert && m.Side == tlswire.SideServer
	}, "unknown-ca cipher-mismatch", diag.Possible, "a server wrote this: an alert of a client is mostly about the server's certificate"},
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemNotTrusted && m.Has(facts.SignMaybeAlert)
	}, "unknown-ca client-cert-expired", diag.Possible, "curl says the same of a received alert 45: then the server found the client's certificate expired"},
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemHandshakeFailure && m.Has(facts.SignUpstream)
	}, "sni-missing sni-unrecognized", diag.Possible, "a proxy that knows its upstream by address sends no SNI, or the wrong one, unless it is told to"},
	{func(m *facts.TextMatch) bool { return m.Has(facts.SignInspection) && trustProblem(m) },
		"middlebox-inspection", diag.Likely, "the text names a product that re-signs certificates"},
	{func(m *facts.TextMatch) bool {
		return m.Has(facts.SignKnownSite) && m.Has(facts.SignBundleLoaded) && trustProblem(m)
	}, "middlebox-inspection unknown-ca", diag.Possible, "a CA bundle is loaded, and every bundle has the root of this well-known site: something re-signs"},
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemHostname && m.Has(facts.SignForeignName) && m.Whose != tlswire.SideClient
	}, "wrong-vhost-cert hostname-mismatch", diag.Likely, "the certificate's name and the wanted one belong to different sites"},
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemNotTrusted && m.Has(facts.SignFileMissing)
	}, "file-or-config-error unknown-ca", diag.Likely, "a file that the client wanted to read does not exist: without its CA bundle it trusts nobody"},
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemUnknown && m.Has(facts.SignFileMissing)
	}, "file-or-config-error", diag.Possible, "a file that was to be read does not exist, and the text gives no other reason"},
	{func(m *facts.TextMatch) bool {
		return m.Has(facts.SignClock) && (m.Problem == facts.ProblemNotYetValid || m.Problem == facts.ProblemDates || m.Problem == facts.ProblemExpired)
	}, "clock-skew", diag.Likely, "the stated time cannot be true"},
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemNotTLS && m.Side == tlswire.SideServer
	}, "client-speaks-plaintext", diag.Likely, "a server wrote this: it is the client that sent no TLS"},
	{func(m *facts.TextMatch) bool {
		return m.Problem == facts.ProblemClosed && m.Side == tlswire.SideServer
	}, "eof-during-handshake unknown-ca", diag.Possible, "a server wrote this: the client hung up, as clients do that do not like the certificate, and probes"},
}

// trustProblem tells problems that a re-signed chain causes.
func trustProblem(m *facts.TextMatch) bool {
	switch m.Problem {
	case facts.ProblemUnknownCA, facts.ProblemSelfSigned, facts.ProblemSelfSignedRoot, facts.ProblemIncomplete, facts.ProblemNotTrusted, facts.ProblemMalformed, facts.ProblemUnknown:
		return m.Whose != tlswire.SideClient
	}
	return false
}

// words says what a problem's words mean to somebody who reads them for the
// first time, where they mislead.
var textWords = map[facts.Problem]string{
	facts.ProblemNotTLS:          "these words say that what the other side sent is no TLS at all; versions have nothing to do with it",
	facts.ProblemClosed:          "the TCP stream ended without a TLS alert: the text alone cannot say why",
	facts.ProblemReset:           "a reset is no TLS message: the server, a balancer or a filter on the path sent it",
	facts.ProblemVersionOrCipher: "the program has one text for several refusals: version, suites, groups",
	facts.ProblemHandshakeFailure: "the alert handshake_failure gives no reason: nothing in common in suites, versions, groups or signatures, " +
		"an unknown name, or a missing client certificate",
	facts.ProblemNoChannel:   "Windows has these words for every refusal; the commonest reason is a .NET Framework that offers nothing newer than TLS 1.0",
	facts.ProblemHTTP1:       "the answer to an HTTP/2 preface was HTTP/1.1: either the client speaks in clear to a TLS port, or the server has no h2",
	facts.ProblemLocalPolicy: "OpenSSL 3 refuses an old algorithm: in FIPS mode many, else MD4, RC2 and RC4, as old bundlers use them and old PKCS#12 files",
	facts.ProblemUnknownCA:   "a missing intermediate, a private CA and an inspecting proxy all cause these words",
	facts.ProblemNotTrusted:  "the words do not say what was wrong with the certificate",
	facts.ProblemFatalAlert:  "the kind of the alert is not in the text",
	facts.ProblemUnknown:     "the words say that it failed and nothing more",
	facts.ProblemTimeout:     "TCP works and the TLS answer does not come",
	facts.ProblemIncomplete:  "the verification did not get past the leaf",
	facts.ProblemExpired:     "only two clocks matter: the certificate's notAfter and that of the machine which complains",
	facts.ProblemNotYetValid: "most often the clock of the machine which complains is behind",
}
