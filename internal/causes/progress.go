package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// progress grades how far an attempt got, for comparison only.
func progress(a *facts.Attempt) int {
	switch {
	case a == nil:
		return -1
	case completed(a):
		return 100
	case a.End.Kind == facts.EndStopped:
		return 10 * diag.StageFinished.Rank()
	}
	return 10 * a.End.Stage.Rank()
}

// further tells whether an attempt got past the stage where cur failed. The
// same end a little later is no progress: a server that cuts after so many
// bytes, or refuses once it knows who asks, does so whatever the hello says.
func further(cur, a *facts.Attempt) bool {
	if progress(a) <= progress(cur) {
		return false
	}
	if completed(a) || a.End.Kind != cur.End.Kind || a.End.Alert != cur.End.Alert || a.End.Stage == diag.StageClientAuth {
		return true
	}
	return cur.End.Kind == facts.EndAlert && cur.End.Stage.Rank() < diag.StageCertificate.Rank()
}

// helps tells whether an attempt got further than cur, or whether the server
// decided where it had cut cur off: it read this hello, and another fault may
// come next. A lower version or another name may be what it decided on, and
// then say nothing.
func (v *view) helps(cur, a *facts.Attempt) bool {
	if another(cur, a) && !heardBack(a) {
		return false // that TCP stands on another way says nothing of the server
	}
	if garbledOnTheWay(a) {
		return false // what was changed on the way may have been that
	}
	if further(cur, a) {
		return true
	}
	if a.Of.Changes.Shape == "ssl2" {
		return false // every server of today refuses that, whatever it cuts off
	}
	if !v.hints || cur.BytesReceived > 0 || cur.End.Stage != diag.StageClientHello || a.End.Kind != facts.EndAlert || a.Of.Changes.SNI != cur.Of.Changes.SNI {
		return false
	}
	switch cur.End.Kind {
	case facts.EndReset, facts.EndClosed, facts.EndTimeout:
	default:
		return false
	}
	switch a.End.Alert.Description {
	case tlswire.AlertHandshakeFailure, tlswire.AlertInsufficientSecurity, tlswire.AlertNoApplicationProtocol, tlswire.AlertUnrecognizedName:
		return true
	case tlswire.AlertProtocolVersion:
		return v.highest(a) >= v.highest(cur)
	}
	return false
}

// unexplained tells whether an attempt ended during the negotiation in a way
// that its own bytes do not explain, so that experiments are worth their price.
func (v *view) unexplained(a *facts.Attempt) bool {
	if a == nil || v.refusesVersion(a) {
		return false
	}
	if v.onTheWay(a) {
		return v.detour(a.Of.Changes) != ""
	}
	switch a.End.Kind {
	case facts.EndAlert, facts.EndReset, facts.EndClosed, facts.EndTimeout, facts.EndMalformed:
	case facts.EndPreamble:
		return wordless(a)
	default:
		return false
	}
	switch a.End.Stage {
	case diag.StageClientHello:
		return true
	case diag.StageServerHello, diag.StageCertificate:
		// The hello was taken; only an alert may still be about it (Go finds out
		// that no signature scheme fits when it comes to sign).
		if a.End.Kind == facts.EndAlert {
			return a.KeyProof.Result != facts.ProofInvalid
		}
		return len(v.clamped(a)) > 0
	case diag.StageClientAuth, diag.StageFinished:
		return len(v.clamped(a)) > 0 && !stands(a)
	}
	return false
}

// agreedGroup is the named group of a handshake, 0 when it used none.
func agreedGroup(a *facts.Attempt) tlswire.Group {
	if a == nil {
		return 0
	}
	if a.Version == tlswire.TLS13 && a.ServerHello != nil {
		if share, ok := a.ServerHello.KeyShare(); ok {
			return share.Group
		}
		return 0
	}
	if a.KeyExchange != nil {
		return a.KeyExchange.Group
	}
	return 0
}

// versionRange writes a range as Changes.Version takes it.
func versionRange(low, high tlswire.Version) string {
	if low == high {
		return versionWord(low)
	}
	return versionWord(low) + "-" + versionWord(high)
}

func versionWord(v tlswire.Version) string {
	switch v {
	case tlswire.SSL2:
		return "ssl2"
	case tlswire.SSL3:
		return "ssl3"
	case tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13:
		return fmt.Sprintf("1.%d", v-tlswire.TLS10)
	}
	return fmt.Sprintf("0x%04X", uint16(v))
}

// lowest is the oldest version that an attempt's hello stands for. A hello
// without supported_versions does not say; the client's own rule does.
func (v *view) lowest(a *facts.Attempt) tlswire.Version {
	if low := offered(a).MinVersion(); low != 0 {
		if c := v.c.Want.Client; a.Of.Changes.Version == "" && c.SignedFrom <= offered(a).MaxVersion() && (a.ServerHello == nil || a.Version < c.Lowest(a.ServerHello.CipherSuite)) {
			low = max(low, c.SignedFrom)
		}
		return low
	}
	return min(v.c.Want.Client.MinVersion, offered(a).MaxVersion())
}

// highest is the newest version that an attempt's hello offers.
func (v *view) highest(a *facts.Attempt) tlswire.Version { return offered(a).MaxVersion() }

// takes tells whether the client goes on with this version after this hello.
func (v *view) takes(a *facts.Attempt, version tlswire.Version) bool {
	return offered(a).Offers(version) && version >= v.lowest(a)
}

// refusesVersion tells whether the server chose a version that the wanted
// client does not take. Of a hello that was not seen, as where a capture begins
// behind it, nothing is known.
func (v *view) refusesVersion(a *facts.Attempt) bool {
	return a.Sent != nil && a.SSL2 == nil && a.Version != 0 && !v.takes(a, a.Version)
}

// join lists words: "a, b and c".
func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// cut tells whether the peer ended without a word once both Finished of TLS 1.3
// had passed, and our request with them.
func cut(a *facts.Attempt) bool { return a != nil && stands(a) && a.Request == nil && abrupt(a) }

// stands tells whether both Finished of TLS 1.3 have passed. The server may
// still refuse, by an alert; silence or an end without one is the application's.
func stands(a *facts.Attempt) bool {
	return a.Version == tlswire.TLS13 && a.Finished.Result != facts.ProofNone && a.End.Stage.Rank() >= diag.StageClientAuth.Rank()
}

// completed tells whether the handshake stands. What the application says or
// does not say after it is no failure of TLS.
func completed(a *facts.Attempt) bool {
	switch {
	case a == nil:
		return false
	case a.Of.Kind == facts.Plain:
		return a.End.Kind == facts.EndCompleted
	case a.End.Kind == facts.EndCompleted:
		return true
	case a.End.Kind == facts.EndTimeout:
		return a.End.Stage == diag.StageApplication || stands(a)
	case a.End.Kind == facts.EndClosed, a.End.Kind == facts.EndReset, a.End.Kind == facts.EndLimit:
		return a.End.Stage == diag.StageApplication
	case a.End.Kind == facts.EndAlert:
		return a.End.Alert.Description == tlswire.AlertCloseNotify && !sslv2Error(a) && (a.End.Stage == diag.StageApplication || stands(a))
	}
	return false
}
