package diagnose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// oddities answers experiments with facts that no honest server gives: whatever
// the types allow, message by message, at every stage, and cut off anywhere.
type oddities struct {
	rnd    *rand.Rand
	chains [][]*chain.Certificate
	hello  *tlswire.ClientHello
	steady bool // the same experiment ends in the same way
	seen   bool // somebody else's connection was watched
}

// oddRounds bounds the search, as the budget of connections does.
const oddRounds = 30

// TestOddFacts holds whatever the judge makes of such facts to the contract of
// every diagnosis.
func TestOddFacts(t *testing.T) {
	t.Parallel()
	root, chains := oddChains(t)
	for seed := range uint64(80) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer func() {
				if r := recover(); r != nil {
					t.Fatalf("%v\n%s", r, debug.Stack())
				}
			}()
			o := &oddities{rnd: rnd, chains: chains, steady: rnd.IntN(2) == 0, seen: rnd.IntN(6) == 0}
			c := o.facts(t, root)
			for range oddRounds {
				if c.Spent {
					break
				}
				_, ask := causes.Judge(c)
				c.Spent = len(ask) == 0 || len(c.Attempts) > 200
				for _, e := range ask {
					o.answer(c, e, len(ask) == 1)
				}
			}
			c.Spent = true
			if _, ask := causes.Judge(c); len(ask) > 0 {
				t.Errorf("the budget is spent, and it asks for %+v", ask)
			}
			d := diagnose.Gathered(t.Context(), c, diagnose.Options{}, diagnose.Env{}, false)
			for _, cause := range d.Causes {
				for i := range cause.Evidence {
					if e := &cause.Evidence[i]; o.seen && e.Where == "" {
						e.Where = "a relay" // which numbers no packets
					}
				}
			}
			contract(t, d, noBreak)
			if t.Failed() {
				t.Log(describe(d))
			}
		})
	}
}

// facts begins a case: one to three addresses, perhaps a control, a client
// certificate, a proxy, another protocol.
func (o *oddities) facts(t *testing.T, root *chain.Certificate) *facts.Case {
	t.Helper()
	profile := client.Reference()
	if o.maybe(3) {
		profile = pick(o.rnd, client.Profiles())
	}
	hello, who, err := client.Build(profile, client.Options{SNI: "shop.example.com", ALPN: client.HTTPProtocols})
	if err != nil {
		t.Fatal(err)
	}
	o.hello = hello
	c := &facts.Case{At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Want: facts.Want{Input: "shop.example.com", Name: "shop.example.com", Port: 443, Protocol: "https",
		Hello: hello, Client: who, Anchors: []*chain.Certificate{root}, AnchorsFrom: "--ca ca.pem", AnchorsPrivate: true, Command: "tlswhy shop.example.com", CanClamp: o.maybe(2)}}
	c.Lookup = facts.Lookup{Name: "shop.example.com"}
	for i := range 1 + o.rnd.IntN(3) {
		c.Lookup.Addresses = append(c.Lookup.Addresses, []string{"192.0.2.1:443", "[2001:db8::1]:443", "198.51.100.7:443"}[i])
	}
	if o.maybe(3) {
		c.Controls = []facts.Control{{Name: "control.example.org", Address: "203.0.113.9:443"}}
	}
	if o.maybe(3) {
		c.Want.Identity, c.Want.IdentityCertFile = pick(o.rnd, o.chains), "client.pem"
	}
	if o.maybe(5) {
		c.Want.Proxy = &facts.Proxy{Scheme: pick(o.rnd, []string{"http", "https", "socks5"}), Address: "proxy.example.com:3128", From: "HTTPS_PROXY"}
	}
	if o.maybe(5) {
		c.Want.OnDisk, c.Want.OnDiskFile = o.chains[0], "full.pem"
	}
	if o.maybe(4) {
		c.Want.Revocation, c.Want.RequireStaple = pick(o.rnd, []string{facts.RevocationSoft, facts.RevocationHard}), o.maybe(2)
	}
	if o.maybe(4) {
		c.Want.Protocol = pick(o.rnd, []string{"smtp", "tls", "imaps", "postgres"})
		if c.Want.Protocol == "smtp" || c.Want.Protocol == "postgres" {
			c.Want.StartTLS = c.Want.Protocol
		}
	}
	if o.seen {
		c.Lookup.Addresses, c.Spent = c.Lookup.Addresses[:1], true
		o.answer(c, facts.Experiment{Address: c.Lookup.Addresses[0]}, true)
		c.Want.Hello = c.Attempts[0].Sent // nil where the capture does not hold it
		if o.maybe(2) {
			c.Others = []*facts.Attempt{o.attempt(facts.Experiment{Address: c.Lookup.Addresses[0]}, false)}
		}
	}
	return c
}

// answer adds what came of an experiment to the case.
func (o *oddities) answer(c *facts.Case, e facts.Experiment, alone bool) {
	if e.Kind == facts.Fetch {
		f := facts.Fetched{URL: e.URL, What: e.What, Body: e.Body, At: c.At}
		switch {
		case o.maybe(2):
			f.Err = "no answer"
		case e.What == "":
			f.Certificates = pick(o.rnd, o.chains)
		}
		c.Fetches = append(c.Fetches, f)
		return
	}
	a := o.attempt(e, alone)
	if o.steady {
		for _, b := range c.Attempts {
			if b.Address == e.Address && b.Of.Changes == e.Changes && b.Of.Kind == e.Kind {
				same := *b
				same.Of, same.Alone = e, alone
				a = &same
			}
		}
	}
	a.N = len(c.Attempts) + 1
	c.Attempts = append(c.Attempts, a)
}

// attempt is one connection: it gets so far, each message may be missing, and
// it ends in some way, which the stage may contradict.
func (o *oddities) attempt(e facts.Experiment, alone bool) *facts.Attempt {
	stages := []diag.Stage{diag.StageConnect, diag.StageProxy, diag.StagePreamble, diag.StageClientHello, diag.StageServerHello, diag.StageCertificate, diag.StageClientAuth, diag.StageFinished, diag.StageApplication}
	so := 3 + o.rnd.IntN(len(stages)-3)
	if o.maybe(8) {
		so = o.rnd.IntN(3)
	}
	a := &facts.Attempt{Of: e, Address: e.Address, Started: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Alone: alone, Connect: time.Millisecond * time.Duration(o.rnd.IntN(100))}
	a.End = facts.End{Kind: facts.EndKind(1 + o.rnd.IntN(int(facts.EndCanceled))), Stage: stages[so], By: tlswire.Side(o.rnd.IntN(3)), After: time.Duration(o.rnd.IntN(9000)) * time.Millisecond}
	switch {
	case o.maybe(3) || a.End.Kind == facts.EndCompleted:
		a.End.Kind, so = facts.EndCompleted, len(stages)-1
	case a.End.Kind == facts.EndRefused, a.End.Kind == facts.EndUnreachable, a.End.Kind == facts.EndNoConnect:
		so = 0
	case a.End.Kind == facts.EndProxy:
		so = 1
	case a.End.Kind == facts.EndPreamble:
		so = 2
	}
	a.End.Stage = stages[so]
	o.end(a)
	if so >= 3 && !o.maybe(10) {
		if h, err := client.Apply(o.hello, e.Changes); err == nil {
			a.Sent = h
		}
	}
	if so >= 4 {
		o.flight(a, so)
	}
	if o.maybe(4) {
		a.TCP = &facts.TCPInfo{RTT: time.Millisecond * time.Duration(o.rnd.IntN(300)), Retransmits: o.rnd.IntN(4), Unacked: o.rnd.IntN(3), BytesAcked: int64(o.rnd.IntN(2000)), SndMSS: 1400}
	}
	if o.maybe(6) {
		a.Violations = append(a.Violations, facts.Violation{Kind: pick(o.rnd, []facts.ViolationKind{facts.ViolationSyntax, facts.ViolationSuite, facts.ViolationRetryTwice, facts.ViolationEmpty, facts.ViolationSentinel}), Message: "ServerHello", Problem: "it is odd", Rule: "RFC 8446, Section 4.1.3"})
	}
	o.messages(a)
	if o.seen {
		a.Seen = &facts.Seen{Client: "192.0.2.99:40000", First: 1, Last: 9, EndPacket: 1 + o.rnd.IntN(9), Began: o.maybe(2), Lost: o.rnd.IntN(2), Open: o.maybe(4), Accepted: o.maybe(3), Asked: o.maybe(3),
			AlertSized: tlswire.Side(o.rnd.IntN(3)), ClientSpoke: o.maybe(3), ServerSpoke: o.maybe(3), Gave: tlswire.Side(o.rnd.IntN(3)), GaveBy: a.End.Kind}
	}
	return a
}

// messages are those that the facts are of, at packets of their own.
func (o *oddities) messages(a *facts.Attempt) {
	add := func(from tlswire.Side, name string, there bool) {
		if there {
			a.Messages = append(a.Messages, facts.Message{From: from, Name: name, Size: o.rnd.IntN(2000), Packet: 1 + len(a.Messages)})
		}
	}
	add(tlswire.SideClient, "ClientHello", a.Sent != nil)
	add(tlswire.SideServer, "HelloRetryRequest", a.Retry != nil)
	add(tlswire.SideServer, "ServerHello", a.ServerHello != nil)
	add(tlswire.SideServer, "Certificate", a.Certificate != nil)
	add(tlswire.SideServer, "ServerKeyExchange", a.KeyExchange != nil)
	add(tlswire.SideServer, "CertificateRequest", a.Request != nil)
	add(tlswire.SideClient, "Certificate", a.IdentitySent)
	add(tlswire.SideClient, "encrypted record", o.maybe(3))
	add(tlswire.SideServer, "Alert", len(a.Alerts) > 0)
}

// end fills in what an end of its kind has, or not.
func (o *oddities) end(a *facts.Attempt) {
	descriptions := []tlswire.AlertDescription{0, 10, 20, 21, 22, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 90, 100, 109, 110, 112, 113, 114, 115, 116, 120, 121, 200}
	switch a.End.Kind {
	case facts.EndAlert, facts.EndLocal:
		a.End.Alert = tlswire.Alert{Level: tlswire.AlertLevel(1 + o.rnd.IntN(2)), Description: pick(o.rnd, descriptions)}
		if a.End.Kind == facts.EndAlert && !o.maybe(5) {
			a.End.By, a.Alerts = tlswire.SideServer, []tlswire.Alert{a.End.Alert}
		}
		a.End.Err = pick(o.rnd, []string{"record does not authenticate", "the point is not on the curve"})
	case facts.EndMalformed, facts.EndLimit:
		a.End.Err = "the message is too long or cut short"
	case facts.EndNotTLS:
		a.End.Data = pick(o.rnd, [][]byte{nil, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), []byte("220 mx ESMTP\r\n"), {0, 1, 2, 255}, []byte("SSH-2.0-x\r\n")})
	case facts.EndPreamble:
		a.End.Err = "the dialogue leads nowhere"
		a.End.Preamble = pick(o.rnd, []string{"the server says nothing", "the server does not offer STARTTLS"})
		if o.maybe(2) {
			a.End.Refusal = &facts.Refusal{Step: "greeting", Code: "421", Text: "try again later", Temporary: o.maybe(2), Denied: o.maybe(2)}
		}
	case facts.EndProxy:
		if a.End.Err = "no tunnel"; !o.maybe(4) {
			a.Passage = &facts.Passage{Proxy: facts.Proxy{Scheme: "http", Address: "proxy.example.com:3128", From: "--proxy"}, Step: pick(o.rnd, []facts.PassageStep{facts.PassageConnect, facts.PassageTunnel, facts.PassageTLS, facts.PassageLookup}),
				Asked: a.Address, Lines: pick(o.rnd, [][]string{nil, {""}, {"HTTP/1.1 407 Proxy Authentication Required"}, {"HTTP/1.1 502"}})}
		}
	case facts.EndRefused, facts.EndUnreachable, facts.EndNoConnect:
		a.End.Err = "connect: it does not work"
	}
}

// flight fills in messages of the server up to a stage, and leaves some out.
func (o *oddities) flight(a *facts.Attempt, so int) {
	a.Version = tlswire.SSL3 + tlswire.Version(o.rnd.IntN(5))
	suite := pick(o.rnd, []tlswire.CipherSuite{0x1301, tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA, 0x0005, 0x0A0A, 0})
	if !o.maybe(10) {
		a.ServerHello = &tlswire.ServerHello{Version: a.Version, CipherSuite: suite}
		if o.maybe(2) {
			a.ServerHello.Extensions = []tlswire.Extension{{Type: pick(o.rnd, []tlswire.ExtensionType{tlswire.ExtKeyShare, tlswire.ExtRenegotiationInfo, tlswire.ExtALPN, tlswire.ExtSupportedVersions}), Data: make([]byte, o.rnd.IntN(6))}}
		}
	}
	if o.maybe(8) {
		a.Retry = &tlswire.ServerHello{Version: tlswire.TLS12, CipherSuite: suite}
	}
	if o.maybe(20) {
		a.SSL2 = &tlswire.SSL2ServerHello{}
	}
	if so < 5 {
		return
	}
	if a.Chain = pick(o.rnd, o.chains); !o.maybe(10) {
		a.Certificate = &tlswire.Certificate{}
		for _, c := range a.Chain {
			a.Certificate.Entries = append(a.Certificate.Entries, tlswire.CertificateEntry{Data: c.Raw})
		}
	}
	if o.maybe(2) {
		a.Encrypted = &tlswire.EncryptedExtensions{}
	}
	if o.maybe(2) {
		a.KeyExchange = &tlswire.ServerKeyExchange{Kex: pick(o.rnd, []tlswire.KeyExchange{tlswire.KexECDHE, tlswire.KexDHE, tlswire.KexRSA}), P: make([]byte, o.rnd.IntN(300)), Group: tlswire.GroupP256}
	}
	if o.maybe(3) {
		a.Request = &tlswire.CertificateRequest{CAs: pick(o.rnd, [][][]byte{nil, {nil}, {{0x30, 0}}}), Schemes: pick(o.rnd, [][]tlswire.SignatureScheme{nil, {0x0804}, {0x0203}})}
		a.IdentitySent = o.maybe(2)
	}
	if o.maybe(6) {
		a.Staple = make([]byte, o.rnd.IntN(9))
	}
	proof := func() facts.Proof {
		return facts.Proof{Result: facts.ProofResult(o.rnd.IntN(4)), Reason: "the signature does not verify", Scheme: pick(o.rnd, []tlswire.SignatureScheme{0, 0x0804, 0x0403})}
	}
	a.KeyProof, a.Finished = proof(), proof()
	if so == 8 && !o.maybe(4) {
		a.HTTP = &facts.HTTP{Status: pick(o.rnd, []int{0, 200, 301, 400, 403, 421, 496, 502, 999}), Proto: "HTTP/1.1", Body: pick(o.rnd, [][]byte{nil, []byte("<html>The SSL certificate error")})}
		if o.maybe(2) {
			a.HTTP.Header = http.Header{"Server": {pick(o.rnd, []string{"nginx", "", "Apache/2.4"})}}
		}
	}
}

// maybe is true once in n times.
func (o *oddities) maybe(n int) bool { return o.rnd.IntN(n) == 0 }

func pick[T any](rnd *rand.Rand, of []T) T { return of[rnd.IntN(len(of))] }

// oddChains makes a root and chains below it: in order, late, of another name,
// upside down, garbage and none.
func oddChains(t *testing.T) (*chain.Certificate, [][]*chain.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Odd Root"}, NotBefore: day.AddDate(-1, 0, 0), NotAfter: day.AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	issue := func(name string, until time.Time, is *x509.Certificate) *chain.Certificate {
		if is == nil {
			is = &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: day, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
				ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IssuingCertificateURL: []string{"http://ca.example.com/root.der"}, OCSPServer: []string{"http://ocsp.example.com/"}, CRLDistributionPoints: []string{"http://ca.example.com/root.crl"}}
		}
		der, err := x509.CreateCertificate(cryptorand.Reader, is, ca, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return chain.Parse(der)
	}
	root := issue("", day, ca)
	good := issue("shop.example.com", day.AddDate(0, 2, 0), nil)
	late, other := issue("shop.example.com", day.AddDate(0, 0, 5), nil), issue("other.example.com", day.AddDate(0, 2, 0), nil)
	return root, [][]*chain.Certificate{{good}, {good, root}, {root, good}, {late}, {other}, {root}, {chain.Parse([]byte("garbage"))}, {chain.Parse(nil), good}, {chain.Parse(good.Raw[:200])}, nil}
}
