package causes

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// view is what a rule sees of a case: one group of addresses that answer the
// user's own hello alike, with the attempts made at one of them.
type view struct {
	c     *facts.Case
	addrs []string // ip:port; experiments run at the first
	tries []*facts.Attempt

	base *facts.Attempt // the user's own hello; nil before it was tried
	// deep is the attempt that got furthest among those that lead from the base
	// by minimal changes; what lies behind a first fault is seen there.
	deep  *facts.Attempt
	flips []flip
	// hints says that a decision counts where there was none before.
	hints bool
	// stuck says that negotiation fails and no experiment is left that could
	// still help.
	stuck bool
	// mixed says that other connections to the address were answered otherwise.
	mixed bool
	// flaky says that the user's own hello works at other times.
	flaky bool

	analysis *chain.Analysis // of deep's chain; nil when there is none
	rulings  map[listCase]chain.Ruling
}

func newView(c *facts.Case, addrs []string) *view {
	v := &view{c: c, addrs: addrs}
	if len(addrs) == 0 {
		return v
	}
	for _, a := range c.Attempts {
		if a.Address == addrs[0] {
			v.tries = append(v.tries, a)
			if v.base == nil && a.Of.Kind != facts.Fetch && a.Of.Changes == (facts.Changes{}) && a.Of.Repeat == 0 && !a.Of.Direct && a.Of.What == v.plainBase() {
				v.base = a
			}
		}
	}
	v.deep = v.base
	return v
}

// plainBase is what the base attempt of a plaintext target says, "" for TLS.
func (v *view) plainBase() string {
	if v.c.Want.Protocol == "http" {
		return facts.PlainHTTP
	}
	return ""
}

// at returns the attempts made with exactly these changes, in order.
func (v *view) at(ch facts.Changes) []*facts.Attempt {
	var out []*facts.Attempt
	for _, a := range v.tries {
		if a.Of.Kind == facts.Handshake && !a.Of.Direct && a.Of.What == "" && a.Of.Changes == ch {
			out = append(out, a)
		}
	}
	return out
}

// plain returns the answer to a plaintext experiment, or nil.
func (v *view) plain(what string) *facts.Attempt {
	for _, a := range v.tries {
		if a.Of.Kind == facts.Plain && a.Of.What == what {
			return a
		}
	}
	return nil
}

// quiet returns the handshake after which nothing was asked, or nil.
func (v *view) quiet() *facts.Attempt {
	for _, a := range v.tries {
		if a.Of.What == facts.Quiet {
			return a
		}
	}
	return nil
}

// control tells whether a failed experiment says something: the user's own
// hello works each time, and it fails each time, in every order. Without that a
// server may have had enough of us, or another machine have answered.
func (v *view) control(failed *facts.Attempt) bool {
	return !v.mixed && v.shut() == nil && completed(v.base) && v.trial(failed, v.base).holds()
}

// direct returns the attempt that skipped the STARTTLS dialogue, or nil.
func (v *view) direct() *facts.Attempt {
	for _, a := range v.tries {
		if a.Of.Direct {
			return a
		}
	}
	return nil
}

// analyze judges a chain as the wanted client does.
func (v *view) analyze(sent []*chain.Certificate) *chain.Analysis {
	w := &v.c.Want
	extra := slices.Clone(w.AtHand)
	for _, f := range v.c.Fetches {
		extra = append(extra, f.Certificates...)
	}
	p := chain.Policy{AllowSHA1: w.Client.AllowSHA1, AllowMD5: w.Client.AllowSHA1, CNFallback: w.Client.CNFallback, MinRSABits: w.Client.MinRSABits, Backtracks: !w.Client.Reference}
	if p.MinRSABits == 0 {
		p.MinRSABits = -1
	}
	p.RejectExplicit = w.Client.Reference
	use := chain.KeyUsageDigitalSignature
	if v.deep != nil && v.deep.ServerHello != nil && v.deep.ServerHello.CipherSuite.Info().Kex == tlswire.KexRSA {
		use = chain.KeyUsageKeyEncipherment
	}
	usage := chain.UsageServer
	if onlyCAs(sent) && v.deep != nil && v.deep.Of.Kind == facts.OnFile {
		usage = chain.UsageCA
	} else if v.deep != nil && v.deep.Of.Kind == facts.OnFile && w.Name == "" && len(sent) > 0 && sent[0].ForClients() {
		usage = chain.UsageClient // a file may be for either side
	}
	in := chain.Input{Usage: usage, KeyUse: use, Sent: sent, Extra: extra, Anchors: w.Anchors, Name: w.Name, Now: v.c.At, OwnAnchors: w.AnchorsPrivate, DistrustAfter: w.DistrustAfter, Policy: p}
	v.withDANE(&in)
	return chain.Analyze(in)
}

func onlyCAs(certs []*chain.Certificate) bool {
	return !slices.ContainsFunc(certs, func(c *chain.Certificate) bool { return !c.IsCA() })
}

// analyzeDeep judges the chain of the deepest attempt.
func (v *view) analyzeDeep() {
	if v.deep != nil && len(v.deep.Chain) > 0 && v.deep.SSL2 == nil && v.judgesChain() {
		v.analysis = v.analyze(v.deep.Chain)
	}
}

// path is the judged path of the deepest attempt, nil when there is none.
func (v *view) path() *chain.Path {
	if v.analysis == nil {
		return nil
	}
	return v.analysis.BestPath()
}

// problems are all problems of one of the kinds on the judged path.
func (v *view) problems(kinds ...chain.Kind) []chain.Problem {
	var out []chain.Problem
	if v.analysis == nil {
		return nil
	}
	for _, p := range v.analysis.Problems() {
		if slices.Contains(kinds, p.Kind) {
			out = append(out, p)
		}
	}
	return out
}

// problem is the first of them, or nil.
func (v *view) problem(kinds ...chain.Kind) *chain.Problem {
	if ps := v.problems(kinds...); len(ps) > 0 {
		return &ps[0]
	}
	return nil
}

// leaf is the certificate that the deepest attempt was shown, or nil.
func (v *view) leaf() *chain.Certificate {
	if v.deep == nil || len(v.deep.Chain) == 0 {
		return nil
	}
	return v.deep.Chain[0]
}

// element names an element of the judged path in words.
func (v *view) element(i int) string {
	p := v.path()
	if i <= 0 || p == nil || i >= len(p.Elements) {
		return "the certificate"
	}
	if p.Elements[i].Source == chain.SourceAnchor || p.Elements[i].Cert.SelfIssued() {
		return "the root " + p.Elements[i].Cert.Title()
	}
	return "the intermediate " + p.Elements[i].Cert.Title()
}

// where says where an element of the judged path was seen.
func (v *view) where(i int) string {
	p := v.path()
	if p == nil || i < 0 || i >= len(p.Elements) {
		return v.seen()
	}
	e := p.Elements[i]
	switch {
	case e.Index >= 0 && v.deep.Of.Kind == facts.OnFile:
		return fmt.Sprintf("%s, certificate %d", v.deep.Address, e.Index+1)
	case e.Index >= 0 && v.deep.Site != nil:
		return fmt.Sprintf("%s, certificate %d", v.deep.Because, e.Index+1)
	case e.Index >= 0 && v.deep.Seen != nil:
		return fmt.Sprintf("%s, Certificate, element %d", packet(packetOf(v.deep, tlswire.SideServer, "Certificate")), e.Index)
	case e.Index >= 0:
		return fmt.Sprintf("Certificate message, element %d, attempt %d", e.Index, v.deep.N)
	case e.Source == chain.SourceAnchor:
		return v.c.Want.AnchorsFrom
	}
	return "fetched"
}

// seen names the deepest attempt.
func (v *view) seen() string { return attempts(v.deep) }

// offered is the hello that an attempt sent, never nil.
func offered(a *facts.Attempt) *tlswire.ClientHello {
	if a == nil || a.Sent == nil {
		return &tlswire.ClientHello{}
	}
	return a.Sent
}

// attempts says "attempt 3" or "attempts 1, 4".
func attempts(as ...*facts.Attempt) string {
	var ns []string
	if s := predicted(as); s != "" {
		return s
	}
	for _, a := range as {
		if a != nil && a.Of.Kind == facts.OnFile {
			return a.Address
		}
		if a != nil && a.Seen != nil {
			return packet(cmp.Or(a.Seen.EndPacket, a.Seen.Last)) // what did not end, ends with what was seen
		}
		if a != nil {
			ns = append(ns, fmt.Sprint(a.N))
		}
	}
	switch len(ns) {
	case 0:
		return ""
	case 1:
		return "attempt " + ns[0]
	}
	return "attempts " + strings.Join(ns, ", ")
}

// endText says in words how an attempt ended.
func endText(a *facts.Attempt) string {
	if a == nil {
		return "nothing happened"
	}
	if a.Seen != nil && a.Seen.AlertSized != tlswire.SideNone {
		return fmt.Sprintf("an encrypted record of the %s that has the size of an alert", sideName(a.Seen.AlertSized))
	}
	switch a.End.Kind {
	case facts.EndCompleted:
		if a.Of.Kind == facts.Plain {
			return "the server answers in clear"
		}
		return "the handshake completes"
	case facts.EndStopped:
		return "the server's flight is complete"
	case facts.EndRefused:
		return "the connection is refused"
	case facts.EndUnreachable:
		return "the address cannot be reached"
	case facts.EndNoConnect:
		return "no answer to the TCP connect"
	case facts.EndProxy:
		return "the proxy does not open the tunnel"
	case facts.EndPreamble:
		return "the plaintext dialogue does not lead to TLS"
	case facts.EndAlert:
		return fmt.Sprintf("%s alert: %s", sideName(a.End.By), a.End.Alert.Description)
	case facts.EndReset:
		return "the connection is reset" + behind(a)
	case facts.EndClosed:
		return "the connection is closed without an alert" + behind(a)
	case facts.EndTimeout:
		return "silence" + behind(a)
	case facts.EndNotTLS:
		return "the answer is no TLS"
	case facts.EndMalformed:
		return "the answer cannot be read as TLS: " + a.End.Err
	case facts.EndLocal:
		return a.End.Err
	case facts.EndLimit:
		return "too many bytes: " + a.End.Err
	}
	return "the attempt was cut short"
}

func behind(a *facts.Attempt) string {
	switch a.End.Stage {
	case diag.StageClientHello:
		return " after the ClientHello"
	case diag.StageServerHello:
		return " after the ServerHello"
	case diag.StageCertificate:
		return " in the middle of the server's flight"
	case diag.StageClientAuth:
		return " after the client's certificate"
	case diag.StageFinished:
		if stands(a) {
			return " after the handshake"
		}
		return " before the server's Finished"
	case diag.StageApplication:
		if a.Of.Kind == facts.Plain {
			return ""
		}
		return " after the handshake"
	}
	return ""
}

func sideName(s tlswire.Side) string {
	switch s {
	case tlswire.SideServer:
		return "server"
	case tlswire.SideClient:
		return "client"
	}
	return "peer"
}

// ago says a duration in the unit that a person would use.
func ago(d time.Duration) string {
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name
		}
		return fmt.Sprintf("%d %ss", n, name)
	}
	switch {
	case d < 0:
		return ago(-d)
	case d < 2*time.Minute:
		return unit(int(d.Seconds()), "second")
	case d < 2*time.Hour:
		return unit(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return unit(int(d.Hours()), "hour")
	}
	return unit(int(d.Hours()/24), "day")
}

// day prints a moment as all reports do.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// isIP tells whether the target is an IP literal.
func (v *view) isIP() bool {
	_, err := netip.ParseAddr(v.c.Want.Name)
	return err == nil
}

// hellos says "your client" for a flag-made client and its name for a profile.
func (v *view) client() string {
	if v.c.Want.Client.Reference {
		return "your client"
	}
	return v.c.Want.Client.Name
}
