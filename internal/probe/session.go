package probe

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Session is what a handshake left to be resumed. It holds secrets; its only
// use is Spec.Session of a later attempt.
type Session struct {
	version    tlswire.Version
	suite      tlswire.CipherSuite
	secret     []byte // the master secret, or in TLS 1.3 the ticket's key
	id, ticket []byte
	extended   bool // extended_master_secret
	ageAdd     uint32
	at         time.Time
}

// String keeps the secrets out of every log.
func (s *Session) String() string { return "session of " + s.version.String() }

// Kind is "session ID", "ticket" or "PSK".
func (s *Session) Kind() string {
	switch {
	case s.version >= tlswire.TLS13:
		return "PSK"
	case s.ticket != nil:
		return "ticket"
	}
	return "session ID"
}

// keep hands a session out.
func (e *engine) keep(s *Session) {
	s.version, s.suite, s.at = e.a.Version, e.a.ServerHello.CipherSuite, time.Now()
	e.a.Session.Left = s.Kind()
	if e.spec.Keep != nil {
		e.spec.Keep(s)
	}
}

// keep12 keeps the session of a complete handshake before TLS 1.3, if the
// server gave it a name.
func (e *engine) keep12(keys *keys12) {
	id := e.a.ServerHello.SessionID
	if len(id) > 0 || len(e.ticket) > 0 {
		e.keep(&Session{secret: keys.master, id: id, ticket: e.ticket, extended: e.a.ServerHello.ExtendedMasterSecret()})
	}
}

// keep13 keeps the session of a ticket.
func (e *engine) keep13(t *tlswire.NewSessionTicket) {
	if len(t.Ticket) > 0 && e.resumption != nil {
		e.a.Session.EarlyData = t.MaxEarlyData()
		e.keep(&Session{secret: tlswire.TicketPSK(e.protection.Hash, e.resumption, t.Nonce), ticket: t.Ticket, ageAdd: t.AgeAdd})
	}
}

// offer puts the session into the first hello, where the hello has room for it.
func (e *engine) offer() error {
	s, h := e.spec.Session, e.hello
	if s == nil || e.spec.Verbatim || h.SSL2 || !h.Offers(s.version) || !slices.Contains(h.CipherSuites, s.suite) {
		e.spec.Session = nil
		return nil
	}
	switch s.Kind() {
	case "PSK":
		if !slices.Contains(h.PSKModes(), 1) { // psk_dhe_ke
			e.spec.Session = nil
			return nil
		}
		if err := e.bind(); err != nil {
			return err
		}
	case "ticket":
		if len(h.SessionID) == 0 {
			h.SessionID = make([]byte, 32)
			rand.Read(h.SessionID)
		}
		h.SetSessionTicket(s.ticket)
	default:
		h.SessionID = s.id
	}
	e.a.Session.Offered = s.Kind()
	return nil
}

// bind offers the pre-shared key, with a binder for the transcript so far.
func (e *engine) bind() error {
	s := e.spec.Session
	p, _ := tlswire.ProtectionOf(s.suite)
	e.hello.SetPreSharedKey(s.ticket, uint32(time.Since(s.at).Milliseconds())+s.ageAdd, p.Hash.Size())
	err := e.hello.BindPreSharedKey(p.Hash.Size(), func(partial []byte) []byte {
		digest := p.Hash.New()
		digest.Write(e.transcript.Messages())
		digest.Write(partial)
		return tlswire.NewPSKSchedule(p.Hash, s.secret).Binder(digest.Sum(nil))
	})
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	return nil
}

// resumes tells whether a ServerHello takes the offered session up, and
// whether it may.
func (e *engine) resumes(hello *tlswire.ServerHello) error {
	s := e.spec.Session
	if s == nil {
		return nil
	}
	taken := len(e.hello.SessionID) > 0 && string(hello.SessionID) == string(e.hello.SessionID)
	if e.a.Version >= tlswire.TLS13 {
		_, taken = hello.SelectedPSK()
	}
	if s.version >= tlswire.TLS13 && e.a.Version < tlswire.TLS13 || !taken {
		return nil
	}
	e.a.Session.Resumed = true
	mine, _ := tlswire.ProtectionOf(s.suite)
	chosen, _ := tlswire.ProtectionOf(hello.CipherSuite)
	switch {
	case e.a.Version != s.version:
		return e.wrongResumption(fmt.Sprintf("resumes a session of %v with %v", s.version, e.a.Version), "RFC 5246, Section 7.4.1.3")
	case e.a.Version >= tlswire.TLS13 && mine.Hash != chosen.Hash, e.a.Version < tlswire.TLS13 && hello.CipherSuite != s.suite:
		return e.wrongResumption(fmt.Sprintf("resumes a session of %v with %v", s.suite, hello.CipherSuite), "RFC 8446, Section 4.2.11")
	case e.a.Version < tlswire.TLS13 && hello.ExtendedMasterSecret() != s.extended:
		return e.wrongResumption("resumes a session with another use of extended_master_secret", "RFC 7627, Section 5.3")
	}
	return nil
}

func (e *engine) wrongResumption(problem, rule string) error {
	e.violation(facts.ViolationPSK, "ServerHello", problem, rule)
	return local(tlswire.AlertIllegalParameter, "the server "+problem)
}

// resume12 is the abbreviated handshake (RFC 5246, Section 7.3): the server's
// Finished comes first.
func (e *engine) resume12() error {
	s, version := e.spec.Session, e.a.Version
	e.stage = diag.StageFinished
	if e.protection == (tlswire.Protection{}) {
		return local(tlswire.AlertInternalError, fmt.Sprintf("the records of %v cannot be computed", s.suite))
	}
	keys := &keys12{master: s.secret}
	keys.client, keys.server = tlswire.KeyBlock(version, e.protection, keys.master, e.clientRandom(), e.a.ServerHello.Random)
	if err := e.serverFinished12(keys); err != nil {
		return err
	}
	if e.a.Finished.Result == facts.ProofInvalid {
		return local(tlswire.AlertDecryptError, "the server's Finished of the resumed session does not verify")
	}
	flight := e.record(nil, "ChangeCipherSpec", tlswire.ContentChangeCipherSpec, []byte{1})
	var err error
	if e.write, err = tlswire.NewProtector(version, e.protection, keys.client, e.encryptThenMAC()); err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	verify := tlswire.VerifyData(version, e.protection.Hash, keys.master, tlswire.SideClient, e.transcript.Sum())
	finished, err := tlswire.MarshalFinished(verify)
	if err != nil {
		return local(tlswire.AlertInternalError, err.Error())
	}
	e.answered = true
	e.send(e.message(flight, "Finished", finished))
	return nil
}
