package errtext

import (
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

type alertName struct {
	words       string
	description tlswire.AlertDescription
}

// alertNames are the alerts in the words of all libraries: those of the RFCs,
// then those of Go, GnuTLS, Erlang and others that chose their own.
func alertNames() []alertName {
	var out []alertName
	for n := range 256 {
		if name := tlswire.AlertDescription(n).Name(); name != "" {
			out = append(out, alertName{strings.ReplaceAll(name, "_", " "), tlswire.AlertDescription(n)})
		}
	}
	return append(out, []alertName{
		{"expired certificate", 45}, {"revoked certificate", 44}, {"unknown certificate", 46}, {"unknown certificate authority", 48},
		{"unknown CA", 48}, {"CA is unknown", 48}, {"protocol version not supported", 70}, {"error in protocol version", 70}, {"bad certificate", 42},
		{"certificate is bad", 42}, {"certificate is not supported", 43}, {"certificate was revoked", 44}, {"certificate is expired", 45}, {"certificate has expired", 45},
		{"unknown certificate", 46}, {"error decrypting message", 51}, {"error decoding message", 50}, {"bad record MAC", 20},
		{"insufficient security level", 71}, {"insufficient security", 71}, {"inappropriate fallback", 86}, {"user canceled", 90}, {"user cancelled", 90}, {"no renegotiation", 100},
		{"unrecognized name", 112}, {"unrecognised name", 112}, {"the server name sent was not recognized", 112}, {"bad certificate status response", 113},
		{"unknown PSK identity", 115}, {"certificate required", 116}, {"certificate is required", 116}, {"no application protocol", 120},
		{"no supported application protocol could be negotiated", 120}, {"ECH required", 121}, {"encrypted client hello required", 121},
		{"access was denied", 49}, {"access denied", 49}, {"illegal parameter", 47}, {"decode error", 50}, {"decrypt error", 51}, {"export restriction", 60},
		{"internal error", 80}, {"handshake failure", 40}, {"handshake failed", 40}, {"unsupported extension", 110}, {"an unsupported extension was sent", 110},
		{"missing extension", 109}, {"unexpected message", 10}, {"record overflow", 22}, {"decryption failed", 21}, {"decompression failure", 30}, {"close notify", 0},
		{"no certificate", 41}, {"unsupported certificate", 43}, {"certificate revoked", 44}, {"certificate expired", 45},
	}...)
}

// alertProblems says what an alert complains about.
var alertProblems = map[tlswire.AlertDescription]facts.Problem{
	0: facts.ProblemClosed, 10: facts.ProblemProtocol, 20: facts.ProblemDecrypt, 21: facts.ProblemDecrypt, 22: facts.ProblemProtocol,
	30: facts.ProblemProtocol, 40: facts.ProblemHandshakeFailure, 41: facts.ProblemCertRequired, 42: facts.ProblemNotTrusted,
	43: facts.ProblemUnsupportedCert, 44: facts.ProblemRevoked, 45: facts.ProblemExpired, 46: facts.ProblemNotTrusted,
	47: facts.ProblemProtocol, 48: facts.ProblemUnknownCA, 49: facts.ProblemAccessDenied, 50: facts.ProblemProtocol,
	51: facts.ProblemDecrypt, 60: facts.ProblemSecurityLevel, 70: facts.ProblemVersion, 71: facts.ProblemSecurityLevel,
	80: facts.ProblemInternal, 86: facts.ProblemFallback, 90: facts.ProblemClosed, 100: facts.ProblemRenegotiation,
	109: facts.ProblemExtension, 110: facts.ProblemIntolerance, 111: facts.ProblemFile, 112: facts.ProblemUnrecognizedName,
	113: facts.ProblemStaple, 115: facts.ProblemPSK, 116: facts.ProblemCertRequired, 120: facts.ProblemALPN, 121: facts.ProblemECH,
}

func alertProblem(a tlswire.AlertDescription) facts.Problem {
	if p, ok := alertProblems[a]; ok {
		return p
	}
	return facts.ProblemFatalAlert
}

// ranks weigh the problems that say little; all others weigh 3.
var ranks = map[facts.Problem]int{
	facts.ProblemUnknown:          0,
	facts.ProblemNoChannel:        0,
	facts.ProblemNotTrusted:       1,
	facts.ProblemFatalAlert:       1,
	facts.ProblemClosed:           1,
	facts.ProblemReset:            1,
	facts.ProblemTimeout:          1,
	facts.ProblemConnectTimeout:   1,
	facts.ProblemInternal:         1,
	facts.ProblemRefused:          2,
	facts.ProblemHandshakeFailure: 2,
	facts.ProblemVersionOrCipher:  2,
	facts.ProblemProtocol:         2,
	facts.ProblemSSLProtocol:      2,
	facts.ProblemUnknownCA:        2,
	facts.ProblemFile:             2,
	facts.ProblemLocalPolicy:      2,
}

func rankOf(p facts.Problem) int {
	if r, ok := ranks[p]; ok {
		return r
	}
	return 3
}
