package lab

import (
	"crypto/tls"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// engine serves the connections of one scenario.
type engine struct {
	running  *Running
	material *material
	faults   Server
	asked    atomic.Int32 // hellos that asked for a staple

	second   *material // of SecondLeaf
	backends []*engine
	mu       sync.Mutex // guards what follows
	served   int
	last     time.Time // of the latest connection
	stranger []byte    // a session that is not the one asked for
}

// serve goes through the stages of one connection; n is its number.
func (e *engine) serve(conn *serverConn, n int) {
	f := &e.faults
	if f.AcceptDelay > 0 && !conn.pause(f.AcceptDelay) {
		return
	}
	if conn.limited = e.limited(); conn.limited && f.LimitBy.do(conn, plainAlert(conn, tlswire.TLS12)) != nil {
		return
	}
	if !f.ProxyHeader.IsZero() && proxyHeader(conn) != nil {
		_ = f.ProxyHeader.do(conn, plainAlert(conn, tlswire.TLS12)) // always an error
		return
	}
	if f.LargePackets != (Reaction{}) && largePackets(conn.TCPConn) && f.LargePackets.do(conn, plainAlert(conn, tlswire.TLS12)) != nil {
		return
	}
	if f.AtAccept.do(conn, plainAlert(conn, tlswire.TLS12)) != nil {
		return
	}
	if n%2 == 0 && f.EveryOther.do(conn, plainAlert(conn, tlswire.TLS12)) != nil {
		return
	}
	if f.Speaks != "" {
		speak(conn, f.Speaks, &f.App)
		return
	}
	if f.StartTLS != "" && !e.preamble(conn) {
		return
	}
	hello, err := e.gate(conn)
	if err != nil {
		return
	}
	if e.scripted() {
		e.serveScripted(conn, hello)
		return
	}
	e.serveStandard(conn)
}

// scripted reports whether the scripted server is needed: crypto/tls is the
// better server where it can do what is asked.
func (e *engine) scripted() bool {
	f := &e.faults
	for _, group := range []any{f.Answer, f.Breach, f.Stage} {
		if !reflect.ValueOf(group).IsZero() {
			return true
		}
	}
	for _, suite := range f.Suites {
		if !slices.ContainsFunc(append(tls.CipherSuites(), tls.InsecureCipherSuites()...), func(s *tls.CipherSuite) bool { return s.ID == uint16(suite) }) {
			return true
		}
	}
	return f.Scripted || f.GarbleFinished || f.ExplicitCurve || f.ForceScheme != 0 || f.VersionAlert != 0 || len(f.Schemes) > 0 || len(f.Suites13) > 0 ||
		f.NoRenegotiationInfo || f.NoExtendedMasterSecret || f.Malformed == "garbage" ||
		(f.MaxVersion != 0 && f.MaxVersion < tlswire.TLS10) || !f.WithoutCertificate.IsZero() || !f.RefuseCertificate.IsZero()
}

// gate reads the ClientHello, reacts to what it says and puts it back.
func (e *engine) gate(conn *serverConn) (*tlswire.ClientHello, error) {
	var read []byte
	var records tlswire.RecordSplitter
	var messages tlswire.Reassembler
	split, count := false, 0
	buf := make([]byte, 1<<16)
	for {
		n, err := conn.take(buf)
		if at := conn.faults.GarbleReceived - 1 - conn.received; at >= 0 && at < n {
			buf[at] ^= 1
		}
		conn.received += n
		read = append(read, buf[:n]...)
		records.Push(buf[:n])
		hello, done, parseErr := nextHello(&records, &messages, &count)
		if done {
			conn.putBack(read)
			return hello, e.react(conn, hello, len(read), count, split)
		}
		if parseErr != nil {
			return nil, e.notTLS(conn, read)
		}
		if err != nil {
			return nil, err
		}
		if n > 0 {
			// The hello did not come with one read.
			split = true
			if err := e.faults.Split.do(conn, plainAlert(conn, tlswire.TLS12)); err != nil {
				return nil, err
			}
		}
		if len(read) > tlswire.MaxPlaintext {
			return nil, fmt.Errorf("reading ClientHello: more than %d bytes", tlswire.MaxPlaintext)
		}
	}
}

// nextHello returns the hello when it is complete, and counts its records.
func nextHello(records *tlswire.RecordSplitter, messages *tlswire.Reassembler, count *int) (*tlswire.ClientHello, bool, error) {
	for {
		record, ok, err := records.Next()
		if err != nil || !ok {
			return nil, false, err
		}
		*count++
		switch record.Type {
		case tlswire.ContentSSL2:
			hello, err := tlswire.ParseSSL2ClientHello(record.Fragment)
			return hello, err == nil, err
		case tlswire.ContentHandshake:
		default:
			return nil, false, errNoHello
		}
		if err := messages.Push(record.Fragment); err != nil {
			return nil, false, err
		}
		message, ok, err := messages.Next()
		if err != nil {
			return nil, false, err
		}
		if ok {
			hello, err := tlswire.ParseClientHello(message.Raw)
			hello.RecordVersion = record.Version
			return hello, err == nil, err
		}
	}
}

var errNoHello = errors.New("the first record carries no ClientHello")

// notTLS answers a client that does not speak TLS: in the manner of nginx where
// it speaks HTTP, by an alert else. A server that reacts to every hello reacts
// to this as well.
func (e *engine) notTLS(conn *serverConn, read []byte) error {
	if r := e.faults.Every; !r.IsZero() {
		return r.do(conn, plainAlert(conn, tlswire.TLS10))
	}
	for _, method := range []string{"GET ", "HEAD ", "POST ", "OPTIONS "} {
		if len(read) >= len(method) && string(read[:len(method)]) == method {
			return Say(plainToTLS).do(conn, nil)
		}
	}
	return Alert(tlswire.AlertProtocolVersion).do(conn, plainAlert(conn, tlswire.TLS10))
}

// react applies the reactions to what the hello says.
func (e *engine) react(conn *serverConn, hello *tlswire.ClientHello, size, records int, split bool) error {
	f := &e.faults
	name := hello.ServerName()
	limit := f.LargeAbove
	if limit == 0 {
		limit = 1400
	}
	offersH2 := false
	for _, p := range hello.ALPN() {
		offersH2 = offersH2 || p == "h2"
	}
	postQuantum := false
	for _, g := range hello.Groups() {
		postQuantum = postQuantum || g == tlswire.GroupX25519MLKEM768
	}
	for _, rule := range []struct {
		reaction Reaction
		when     bool
	}{
		{f.Every, true},
		{f.NotSSL2, !hello.SSL2},
		{f.Large, size > limit},
		{f.Split, split},
		{f.SplitRecords, records > 1},
		{f.OddRecord, !hello.SSL2 && hello.RecordVersion != tlswire.TLS10},
		{f.Lacks, !hello.HasExtension(f.LacksType)},
		{f.GREASE, hello.HasGREASE()},
		{f.TLS13, hello.Offers(tlswire.TLS13)},
		{f.PostQuantum, postQuantum},
		{f.NoSNI, name == ""},
		{f.SNI, name != ""},
		{f.UnknownSNI, name != "" && name != e.running.Name},
		{f.NoH2, !offersH2},
		{f.Extension, hello.HasExtension(f.ExtensionType)},
		{f.ManySuites, len(hello.CipherSuites) > 20},
		{f.Resumption, offersSession(hello)},
	} {
		if !rule.when {
			continue
		}
		if err := rule.reaction.do(conn, plainAlert(conn, min(max(hello.Version, tlswire.TLS10), tlswire.TLS12))); err != nil {
			return err
		}
	}
	return nil
}

// chosen is the certificate for a server_name.
func (e *engine) chosen(name string) ([][]byte, bool) {
	right := name == e.running.Name
	if !right && name != "" && e.material.mint != nil {
		return e.material.mint(name), e.faults.OnDemand == "own-key"
	}
	if len(e.faults.DefaultNames) == 0 {
		return e.material.chain, false
	}
	if e.faults.SwapNames {
		right = !right
	}
	if right {
		return e.material.chain, false
	}
	return e.material.other, true
}
