package probe

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

const (
	ruleServerHello = "RFC 8446, Section 4.1.3"
	ruleRetry       = "RFC 8446, Section 4.1.4"
	ruleExtensions  = "RFC 8446, Section 4.2"
)

// checkServerHello notes what was never offered, and what the version forbids.
func (e *engine) checkServerHello(hello *tlswire.ServerHello) {
	const message = "ServerHello"
	version, suite := hello.NegotiatedVersion(), hello.CipherSuite
	if !e.hello.Offers(version) {
		e.violation(facts.ViolationVersion, message, fmt.Sprintf("chooses %v, which was not offered", version), ruleServerHello)
	}
	if _, modern := hello.Extension(tlswire.ExtSupportedVersions); modern {
		switch {
		case version < tlswire.TLS13:
			e.violation(facts.ViolationVersion, message, fmt.Sprintf("chooses %v by supported_versions, which is for TLS 1.3 alone", version), "RFC 8446, Section 4.2.1")
		case hello.Version != tlswire.TLS12:
			e.violation(facts.ViolationLegacy, message, fmt.Sprintf("has the legacy_version %v instead of TLS 1.2", hello.Version), ruleServerHello)
		}
	}
	e.checkSuite(message, suite, version, ruleServerHello)
	if hello.Compression != 0 && !slices.Contains(e.hello.Compression, hello.Compression) {
		e.violation(facts.ViolationCompression, message, fmt.Sprintf("chooses compression method %d, which was not offered", hello.Compression), ruleServerHello)
	}
	e.checkExtensions(message, hello.Extensions)
	e.checkPlace(message, hello.Extensions, version)
	e.checkALPN(message, hello.Extensions)
	if version == tlswire.TLS13 && !bytes.Equal(hello.SessionID, e.hello.SessionID) {
		e.violation(facts.ViolationSessionID, message, "does not echo the session ID", ruleServerHello)
	}
	if retry := e.a.Retry; retry != nil {
		e.checkAfterRetry(retry, hello)
	}
	sentinel := hello.DowngradeSentinel()
	switch {
	case sentinel != 0 && version < tlswire.TLS13 && e.hello.Offers(tlswire.TLS13),
		sentinel == tlswire.TLS11 && version < tlswire.TLS12 && e.hello.Offers(tlswire.TLS12):
		e.violation(facts.ViolationSentinel, message, fmt.Sprintf("chooses %v, but its random carries the downgrade sentinel: "+
			"the server knows a higher version and did not see that it was offered", version), ruleServerHello)
	}
}

// checkSuite notes a suite that was not offered, or that is of another version.
func (e *engine) checkSuite(message string, suite tlswire.CipherSuite, version tlswire.Version, rule string) {
	switch {
	case !slices.Contains(e.hello.CipherSuites, suite):
		e.violation(facts.ViolationSuite, message, fmt.Sprintf("chooses %v, which was not offered", suite), rule)
	case e.hello.Offers(version) && suite.Info().Known && !suite.AllowedIn(version):
		e.violation(facts.ViolationSuite, message, fmt.Sprintf("chooses %v, which does not belong to %v", suite, version), rule)
	}
}

// checkAfterRetry compares the ServerHello with the HelloRetryRequest before it.
func (e *engine) checkAfterRetry(retry, hello *tlswire.ServerHello) {
	const message = "ServerHello"
	if retry.CipherSuite != hello.CipherSuite {
		e.violation(facts.ViolationRetryChange, message, fmt.Sprintf("chooses %v, the HelloRetryRequest chose %v", hello.CipherSuite, retry.CipherSuite), ruleRetry)
	}
	if retry.NegotiatedVersion() != hello.NegotiatedVersion() {
		e.violation(facts.ViolationRetryChange, message, "chooses another version than the HelloRetryRequest", ruleRetry)
	}
	asked, was := retry.KeyShare()
	if share, is := hello.KeyShare(); was && is && share.Group != asked.Group {
		e.violation(facts.ViolationRetryChange, message, fmt.Sprintf("answers with a share of %v, the HelloRetryRequest asked for %v", share.Group, asked.Group), "RFC 8446, Section 4.2.8")
	}
}

// checkRetry notes what a HelloRetryRequest may not say.
func (e *engine) checkRetry(request *tlswire.ServerHello) {
	const message = "HelloRetryRequest"
	e.checkExtensions(message, request.Extensions)
	e.checkSuite(message, request.CipherSuite, tlswire.TLS13, ruleRetry)
	if !bytes.Equal(request.SessionID, e.hello.SessionID) {
		e.violation(facts.ViolationSessionID, message, "does not echo the session ID", ruleRetry)
	}
	share, present := request.KeyShare()
	switch {
	case !present:
		if request.Cookie() == nil {
			e.violation(facts.ViolationRetryNothing, message, "asks for no change of the ClientHello", ruleRetry)
		}
	case !slices.Contains(e.hello.Groups(), share.Group):
		e.violation(facts.ViolationRetryGroup, message, fmt.Sprintf("asks for %v, which was not offered", share.Group), "RFC 8446, Section 4.2.8")
	case slices.ContainsFunc(e.hello.KeyShares(), func(s tlswire.KeyShare) bool { return s.Group == share.Group }):
		e.violation(facts.ViolationRetrySame, message, fmt.Sprintf("asks for %v, whose key share was sent", share.Group), "RFC 8446, Section 4.2.8")
	}
}

// checkExtensions notes extensions that answer nothing of ours.
func (e *engine) checkExtensions(message string, extensions []tlswire.Extension) {
	for _, x := range extensions {
		switch {
		case e.hello.HasExtension(x.Type):
		case x.Type == tlswire.ExtRenegotiationInfo && e.hello.RenegotiationInfo():
		case x.Type == tlswire.ExtCookie && message == "HelloRetryRequest":
		default:
			e.violation(facts.ViolationExtension, message, fmt.Sprintf("carries the extension %v, which was not offered", x.Type), ruleExtensions)
		}
	}
}

// Extensions that have their place in the EncryptedExtensions or in no answer of
// TLS 1.3 at all, and those that must not come encrypted (RFC 8446, Section
// 4.2, the table).
var (
	notInServerHello = []tlswire.ExtensionType{tlswire.ExtServerName, tlswire.ExtMaxFragmentLength, tlswire.ExtSupportedGroups, tlswire.ExtALPN,
		tlswire.ExtECPointFormats, tlswire.ExtEncryptThenMAC, tlswire.ExtExtendedMasterSecret, tlswire.ExtSessionTicket, tlswire.ExtRenegotiationInfo,
		tlswire.ExtStatusRequest, tlswire.ExtSCT}
	notEncrypted = []tlswire.ExtensionType{tlswire.ExtKeyShare, tlswire.ExtSupportedVersions, tlswire.ExtPreSharedKey, tlswire.ExtPSKKeyExchangeModes,
		tlswire.ExtSignatureAlgorithms, tlswire.ExtRenegotiationInfo, tlswire.ExtExtendedMasterSecret, tlswire.ExtSessionTicket, tlswire.ExtStatusRequest,
		tlswire.ExtSCT, tlswire.ExtPadding}
	// alwaysEmpty are those whose answer carries nothing.
	alwaysEmpty = []tlswire.ExtensionType{tlswire.ExtServerName, tlswire.ExtExtendedMasterSecret, tlswire.ExtEncryptThenMAC}
)

// checkPlace notes extensions in the wrong message, and answers that say
// something where nothing may be said.
func (e *engine) checkPlace(message string, extensions []tlswire.Extension, version tlswire.Version) {
	wrong := notEncrypted
	if message == "ServerHello" {
		wrong = notInServerHello
	}
	for _, x := range extensions {
		switch {
		case version >= tlswire.TLS13 && slices.Contains(wrong, x.Type) && e.hello.HasExtension(x.Type):
			e.violation(facts.ViolationExtension, message, fmt.Sprintf("carries the extension %v, which has no place in it", x.Type), ruleExtensions)
		case slices.Contains(alwaysEmpty, x.Type) && len(x.Data) > 0:
			e.violation(facts.ViolationZero, message, fmt.Sprintf("answers %v with %d bytes instead of none", x.Type, len(x.Data)), ruleOf[x.Type])
		case x.Type == tlswire.ExtRenegotiationInfo && version < tlswire.TLS13 && !bytes.Equal(x.Data, []byte{0}):
			e.violation(facts.ViolationZero, message, fmt.Sprintf("has a renegotiation_info of %x in a first handshake, where it must be empty", x.Data[:min(len(x.Data), 8)]), "RFC 5746, Section 3.4")
		case x.Type == tlswire.ExtECPointFormats && version < tlswire.TLS13 && !bytes.Contains(x.Data[min(1, len(x.Data)):], []byte{0}):
			e.violation(facts.ViolationExtension, message, "lists point formats without the uncompressed one", "RFC 8422, Section 5.2")
		}
	}
}

var ruleOf = map[tlswire.ExtensionType]string{tlswire.ExtServerName: "RFC 6066, Section 3",
	tlswire.ExtExtendedMasterSecret: "RFC 7627, Section 5.1", tlswire.ExtEncryptThenMAC: "RFC 7366, Section 2"}

// checkALPN notes a protocol that was never offered, and more than one.
func (e *engine) checkALPN(message string, extensions []tlswire.Extension) {
	for _, x := range extensions {
		if x.Type != tlswire.ExtALPN {
			continue
		}
		const rule = "RFC 7301, Section 3.1"
		chosen := tlswire.ALPNNames(x.Data)
		if len(chosen) != 1 {
			e.violation(facts.ViolationALPN, message, fmt.Sprintf("selects %d application protocols instead of one", len(chosen)), rule)
		}
		for _, name := range chosen {
			if !slices.Contains(e.hello.ALPN(), name) {
				e.violation(facts.ViolationALPN, message, fmt.Sprintf("selects the application protocol %q, which was not offered", name), rule)
			}
		}
	}
}

// order13 is the order of the server's flight in TLS 1.3 (RFC 8446, Section 2).
var order13 = []tlswire.HandshakeType{tlswire.TypeEncryptedExtensions, tlswire.TypeCertificateRequest, tlswire.TypeCertificate,
	tlswire.TypeCertificateVerify, tlswire.TypeFinished}

// order12 is that of the versions before (RFC 5246, Section 7.3).
var order12 = []tlswire.HandshakeType{tlswire.TypeCertificate, tlswire.TypeCertificateStatus, tlswire.TypeServerKeyExchange,
	tlswire.TypeCertificateRequest, tlswire.TypeServerHelloDone}

// checkOrder notes a message that comes behind one which it has to precede.
func (e *engine) checkOrder(flight []tlswire.HandshakeType, t tlswire.HandshakeType, rule string) {
	if t == tlswire.TypeCompressedCertificate {
		t = tlswire.TypeCertificate
	}
	place := slices.Index(flight, t)
	if place < 0 {
		return
	}
	if place < e.place {
		e.violation(facts.ViolationOrder, t.String(), fmt.Sprintf("comes after the %v", flight[e.place]), rule)
	}
	e.place = max(e.place, place)
	e.seen = append(e.seen, t)
}

// checkComplete13 notes what a flight of TLS 1.3 lacks when it ends.
func (e *engine) checkComplete13() {
	must := []tlswire.HandshakeType{tlswire.TypeEncryptedExtensions, tlswire.TypeCertificate, tlswire.TypeCertificateVerify}
	if e.a.Session.Resumed {
		must = must[:1]
	}
	for _, t := range must {
		if !slices.Contains(e.seen, t) {
			e.violation(facts.ViolationOrder, "Finished", fmt.Sprintf("came without the %v", t), "RFC 8446, Section 4.4")
		}
	}
}

// checkComplete12 notes what a flight before TLS 1.3 lacks, or has too much.
func (e *engine) checkComplete12(done tlswire.Handshake) {
	const message = "ServerHelloDone"
	if len(done.Raw) > 4 {
		e.violation(facts.ViolationZero, message, fmt.Sprintf("has %d bytes, it must be empty", len(done.Raw)-4), "RFC 5246, Section 7.4.5")
	}
	if !slices.Contains(e.seen, tlswire.TypeCertificate) && (e.info.Auth == tlswire.AuthRSA || e.info.Auth == tlswire.AuthECDSA) {
		e.violation(facts.ViolationOrder, message, "came without a Certificate", "RFC 5246, Section 7.4.2")
	}
	if e.info.Kex == tlswire.KexRSA && !e.info.Export && !e.info.PSK && slices.Contains(e.seen, tlswire.TypeServerKeyExchange) {
		e.violation(facts.ViolationOrder, "ServerKeyExchange", "comes with a suite of static RSA, which has none", "RFC 5246, Section 7.4.3")
	}
}
