package probe

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// serverHello reads up to the ServerHello and answers a HelloRetryRequest
// before it.
func (e *engine) serverHello() error {
	for {
		got, err := e.next()
		if err != nil {
			return err
		}
		switch got.kind {
		case tlswire.ContentSSL2:
			return e.ssl2(got.data)
		case tlswire.ContentHandshake:
		default:
			return e.unexpected(got, "a ServerHello")
		}
		switch got.message.Type {
		case tlswire.TypeHelloRequest:
			continue // to be ignored during a handshake (RFC 5246, Section 7.4.1.1)
		case tlswire.TypeServerHello:
		default:
			return e.unexpected(got, "a ServerHello")
		}
		hello, err := tlswire.ParseServerHello(got.message.Raw)
		if e.wireViolation(err) && !usable(hello, err) {
			return malformed(err)
		}
		if !hello.IsHelloRetryRequest() {
			return e.takeServerHello(hello)
		}
		if err := e.retry(hello); err != nil {
			return err
		}
	}
}

// usable says whether a ServerHello with a fault says enough to go on: what
// comes before its extensions.
func usable(hello *tlswire.ServerHello, err error) bool {
	var wire *tlswire.WireError
	return hello != nil && len(hello.Random) == 32 && hello.CipherSuite != 0 &&
		errors.As(err, &wire) && (wire.Field == "extensions" || wire.Field == "")
}

// unexpected ends the attempt at a message that has no place here.
func (e *engine) unexpected(got event, want string) error {
	name := got.kind.String() + " record"
	if got.kind == tlswire.ContentHandshake {
		name = got.message.Type.String()
	}
	rule, violation := "RFC 8446, Section 4", facts.ViolationOrder
	if e.a.Version != 0 && e.a.Version < tlswire.TLS13 {
		rule = "RFC 5246, Section 7.3"
	}
	if got.kind == tlswire.ContentChangeCipherSpec {
		rule, violation = "RFC 5246, Section 7.1", facts.ViolationCCS
	}
	if got.kind == tlswire.ContentHandshake && got.message.Type == tlswire.TypeClientHello && e.a.Sent != nil && bytes.Equal(got.message.Raw, e.a.Sent.Raw) {
		violation = facts.ViolationEcho
	}
	e.violation(violation, name, "came in the place of "+want, rule)
	return local(tlswire.AlertUnexpectedMessage, fmt.Sprintf("the server sent a %s in the place of %s", name, want))
}

// takeServerHello checks the ServerHello against the offer and fixes version
// and suite.
func (e *engine) takeServerHello(hello *tlswire.ServerHello) error {
	e.a.ServerHello = hello
	e.a.Version = hello.NegotiatedVersion()
	e.stage = diag.StageServerHello
	version := e.a.Version
	e.checkServerHello(hello)
	switch {
	case version < tlswire.SSL3 || version > tlswire.TLS13:
		return local(tlswire.AlertProtocolVersion, fmt.Sprintf("the server chose %v, which this engine does not speak", version))
	case hello.Compression != 0:
		return local(tlswire.AlertIllegalParameter, fmt.Sprintf("the server chose compression method %d", hello.Compression))
	}
	e.info = hello.CipherSuite.Info()
	var supported bool
	e.protection, supported = tlswire.ProtectionOf(hello.CipherSuite)
	if !supported {
		if version >= tlswire.TLS13 {
			return local(tlswire.AlertInternalError, fmt.Sprintf("the records of %v cannot be computed", hello.CipherSuite))
		}
		return nil // the server's flight is in clear
	}
	e.transcript.Use(version, e.protection.Hash)
	e.transcript.Add(hello.Raw)
	return e.resumes(hello)
}

// retry answers a HelloRetryRequest with the second ClientHello.
func (e *engine) retry(request *tlswire.ServerHello) error {
	if e.a.Retry != nil {
		e.violation(facts.ViolationRetryTwice, "HelloRetryRequest", "comes a second time", ruleRetry)
		return local(tlswire.AlertUnexpectedMessage, "the server sent a second HelloRetryRequest")
	}
	e.a.Retry = request
	e.checkRetry(request)
	if e.spec.Stop == StopAnswer {
		return errStop
	}
	protection, ok := tlswire.ProtectionOf(request.CipherSuite)
	if !ok || request.NegotiatedVersion() != tlswire.TLS13 || !e.hello.Offers(tlswire.TLS13) {
		return local(tlswire.AlertIllegalParameter, fmt.Sprintf("the HelloRetryRequest chooses %v and %v",
			request.NegotiatedVersion(), request.CipherSuite))
	}
	second := e.hello.Clone()
	second.RemoveExtension(tlswire.ExtEarlyData)
	if share, present := request.KeyShare(); present {
		e.keys = &Keys{shares: map[tlswire.Group]keyPair{}, stock: e.spec.Stock}
		public, ok := e.keys.add(share.Group)
		if !ok {
			return local(tlswire.AlertIllegalParameter, fmt.Sprintf("the server asks for a key share of %v, which cannot be computed", share.Group))
		}
		second.SetKeyShares([]tlswire.KeyShare{{Group: share.Group, Data: public}})
	}
	if cookie := request.Cookie(); cookie != nil {
		second.SetCookie(cookie)
	}
	e.transcript.Retry(protection.Hash)
	e.transcript.Add(request.Raw)
	e.hello = second
	if e.a.Session.Offered == "PSK" {
		if suite, _ := tlswire.ProtectionOf(e.spec.Session.suite); suite.Hash != protection.Hash {
			second.RemoveExtension(tlswire.ExtPreSharedKey) // RFC 8446, Section 4.1.4
		} else if err := e.bind(); err != nil {
			return err
		}
	}
	e.send(e.compatibility(nil))
	return e.writeHello(tlswire.TLS12)
}

// compatibility appends the ChangeCipherSpec that makes TLS 1.3 look like a
// resumption to middleboxes (RFC 8446, Appendix D.4), once.
func (e *engine) compatibility(dst []byte) []byte {
	if e.compatSent || len(e.hello.SessionID) == 0 {
		return dst
	}
	e.compatSent = true
	return e.record(dst, "ChangeCipherSpec", tlswire.ContentChangeCipherSpec, []byte{1})
}

// ssl2 takes the answer to an SSLv2 ClientHello, which is the whole flight.
func (e *engine) ssl2(body []byte) error {
	if code, err := tlswire.ParseSSL2Error(body); err == nil {
		return &ended{facts.End{Kind: facts.EndAlert, Data: body, Err: fmt.Sprintf("SSL 2.0 error %d", code)}}
	}
	hello, err := tlswire.ParseSSL2ServerHello(body)
	if e.wireViolation(err) {
		return malformed(err)
	}
	e.a.SSL2, e.a.Version = hello, tlswire.SSL2
	e.stage = diag.StageServerHello
	if len(hello.Certificate) > 0 {
		e.a.Certificate = &tlswire.Certificate{Entries: []tlswire.CertificateEntry{{Data: hello.Certificate}}}
		e.a.Chain = []*chain.Certificate{chain.Parse(hello.Certificate)}
		e.stage = diag.StageFinished
	}
	return errStop
}
