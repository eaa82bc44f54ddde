package diagnose

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// ladder draws one attempt as the steps of the handshake, the break marked and
// what would have followed it greyed.
func (r *runner) ladder(a *facts.Attempt, found []diag.Cause) diag.Handshake {
	l := &rungs{a: a, found: found, lowest: r.c.Want.Client.Lowest(0), anchors: r.c.Want.AnchorsFrom}
	if a != nil && a.Of.Kind == facts.OnFile {
		l.onFile(causes.Analyze(r.c, a))
		return diag.Handshake{Attempt: a.N, Steps: l.steps}
	}
	r.resolved(l)
	if a == nil {
		return diag.Handshake{Steps: append([]diag.Step{}, l.steps...)}
	}
	l.connect()
	if a.Of.Kind == facts.Plain {
		l.plain()
		return diag.Handshake{Attempt: a.N, Steps: l.steps}
	}
	l.preamble()
	l.hello()
	l.serverHello()
	l.certificate(causes.Analyze(r.c, a))
	l.clientAuth(r.c.Want.Identity)
	l.finished()
	l.end()
	l.never()
	return diag.Handshake{Attempt: a.N, Steps: l.steps}
}

// rungs are the steps under construction.
type rungs struct {
	a     *facts.Attempt
	found []diag.Cause
	steps []diag.Step
	// lowest is the oldest version that the client takes.
	lowest tlswire.Version
	// anchors says whose the trust anchors are.
	anchors string
}

func (l *rungs) add(s diag.Step) *diag.Step {
	if s.Notes == nil {
		s.Notes = []string{}
	}
	l.steps = append(l.steps, s)
	return &l.steps[len(l.steps)-1]
}

// at is when the first message of a name passed, with its size.
func (l *rungs) at(from tlswire.Side, name string) (*float64, int) {
	for _, m := range l.a.Messages {
		if m.From == from && m.Name == name {
			t := ms(m.At)
			return &t, m.Size
		}
	}
	return nil, 0
}

func (r *runner) resolved(l *rungs) {
	k := &r.c.Lookup
	s := diag.Step{Name: "resolve", Stage: diag.StageResolve, Status: diag.StatusOK}
	switch {
	case k.Err != "" && len(k.Addresses) == 0:
		s.Status, s.Text = diag.StatusBad, k.Err
	case k.Given && resolvesItself(r.ways.proxy) && len(r.opts.Connect) == 0:
		s.Status, s.Text = diag.StatusInform, "left to the proxy"
	case k.Given:
		s.Status, s.Text = diag.StatusInform, hosts(k.Addresses)+" as given"
	case len(k.Addresses) == 0:
		return
	default:
		s.Text = hosts(k.Addresses)
		t := ms(k.Took)
		s.AtMS = &t
	}
	l.add(s)
}

func hosts(addrs []string) string {
	var out []string
	for _, a := range addrs {
		if h, _, err := net.SplitHostPort(a); err == nil {
			a = h
		}
		out = append(out, a)
	}
	return strings.Join(out, ", ")
}

func (l *rungs) connect() {
	s := diag.Step{Name: "connect", Stage: diag.StageConnect, Status: diag.StatusOK, Text: l.a.Address}
	if p := l.a.Passage; p != nil {
		s.Text = "the proxy " + p.Proxy.Address + ", for " + p.Asked
		if p.Step == facts.PassageLookup || p.Step == facts.PassageConnect {
			s.Status, s.Text = diag.StatusBad, "the proxy "+p.Proxy.Address+": "+causes.EndText(l.a)
		}
	}
	if l.a.End.Stage == diag.StageConnect {
		s.Status, s.Text = diag.StatusBad, l.a.Address+": "+causes.EndText(l.a)
	}
	t := ms(l.a.Connect)
	s.AtMS = &t
	l.add(s)
}

func (l *rungs) plain() {
	s := diag.Step{Name: "request", Stage: diag.StageApplication, From: "client", Status: diag.StatusInform, Text: "HTTP in clear"}
	l.add(s)
	s = diag.Step{Name: "answer", Stage: diag.StageApplication, From: "server", Status: diag.StatusInform, Text: causes.EndText(l.a)}
	switch h := l.a.HTTP; {
	case h != nil && h.Status != 0:
		s.Text = fmt.Sprintf("HTTP %d", h.Status)
	case len(l.a.End.Data) > 0:
		s.Text = fmt.Sprintf("%d bytes that are no HTTP", len(l.a.End.Data))
	}
	if l.failed(diag.StageApplication) || len(l.found) > 0 && l.found[0].Severity == diag.SeverityFailure {
		s.Status = diag.StatusBad
	}
	l.add(s)
}

func (l *rungs) preamble() {
	if len(l.a.Preamble) == 0 && l.a.End.Stage != diag.StagePreamble && l.a.End.Kind != facts.EndProxy {
		return
	}
	s := diag.Step{Name: "preamble", Stage: diag.StagePreamble, From: "server", Status: diag.StatusOK}
	const most = 12
	for i, p := range l.a.Preamble {
		if i == most {
			s.Notes = append(s.Notes, fmt.Sprintf("and %d more", len(l.a.Preamble)-most))
			break
		}
		arrow := "→ "
		if p.From == tlswire.SideServer {
			arrow = "← "
		}
		s.Notes = append(s.Notes, arrow+p.Text)
	}
	s.Text = "plaintext dialogue, then TLS"
	switch l.a.End.Stage {
	case diag.StageProxy:
		s.Name, s.Stage = "proxy", diag.StageProxy
		fallthrough
	case diag.StagePreamble:
		s.Status, s.Text = diag.StatusBad, l.a.End.Err
	}
	l.add(s)
}

func (l *rungs) hello() {
	h := l.a.Sent
	if h == nil {
		return
	}
	t, size := l.at(tlswire.SideClient, "ClientHello")
	text := l.versions(h)
	if name := h.ServerName(); name != "" {
		text += ", SNI " + name
	} else {
		text += ", no SNI"
	}
	if alpn := h.ALPN(); len(alpn) > 0 {
		text += ", ALPN " + strings.Join(alpn, " ")
	}
	l.add(diag.Step{Name: "ClientHello", Stage: diag.StageClientHello, From: "client", Status: diag.StatusOK, AtMS: t, Bytes: size,
		Text: fmt.Sprintf("%s, %s, %d bytes", text, suites(h), size)})
	if l.a.Retry != nil {
		t, _ := l.at(tlswire.SideServer, "HelloRetryRequest")
		group := l.a.Retry.SelectedGroup()
		l.add(diag.Step{Name: "HelloRetryRequest", Stage: diag.StageClientHello, From: "server", Status: diag.StatusInform, AtMS: t, Text: "wants a key share for " + group.String()})
	}
}

func suites(h *tlswire.ClientHello) string {
	n := len(h.CipherSuites) + len(h.SSL2Specs)
	if n == 1 {
		return "1 suite"
	}
	return fmt.Sprintf("%d suites", n)
}

// versions says what the client takes; a hello without supported_versions
// names only the highest.
func (l *rungs) versions(h *tlswire.ClientHello) string {
	lo, hi := h.MinVersion(), h.MaxVersion()
	if l.a.Seen != nil && lo == 0 {
		return "up to " + hi.String()
	}
	if lo == 0 || h.SSL2 {
		lo = min(l.lowest, hi)
	}
	if lo == hi {
		return hi.String()
	}
	if lo < tlswire.TLS10 {
		return lo.String() + "–" + hi.String()
	}
	return lo.String() + "–" + strings.TrimPrefix(hi.String(), "TLS ")
}

func (l *rungs) serverHello() {
	a := l.a
	if a.ServerHello == nil && a.SSL2 == nil {
		return
	}
	t, size := l.at(tlswire.SideServer, "ServerHello")
	s := diag.Step{Name: "ServerHello", Stage: diag.StageServerHello, From: "server", Status: diag.StatusOK, AtMS: t, Bytes: size, Text: a.Version.String()}
	if a.ServerHello != nil {
		s.Text += ", " + a.ServerHello.CipherSuite.String()
	}
	if g := causes.AgreedGroup(a); g != 0 {
		s.Text += ", " + g.String()
	}
	if a.KeyExchange != nil && len(a.KeyExchange.P) > 0 {
		s.Text += fmt.Sprintf(", DH %d bits", len(a.KeyExchange.P)*8)
	}
	for _, v := range a.Violations {
		s.Status = diag.StatusBad
		s.Notes = append(s.Notes, fmt.Sprintf("%s (%s)", v.Problem, v.Rule))
	}
	for _, id := range []string{"protocol-version", "legacy-renegotiation", "dh-key-too-small"} {
		if c := l.cause(id); c != nil && c.Severity == diag.SeverityFailure && slices.Contains(c.Addresses, a.Address) {
			s.Status = diag.StatusBad
			s.Notes = append(s.Notes, c.Summary)
		}
	}
	l.add(s)
	if s.Status == diag.StatusBad && a.Seen == nil {
		l.add(diag.Step{Name: "(stop)", Stage: diag.StageServerHello, From: "client", Status: diag.StatusInform, Text: "your client stops here; tlswhy went on to see the rest"})
	}
}

func (l *rungs) cause(id string) *diag.Cause {
	for i := range l.found {
		if l.found[i].ID == id {
			return &l.found[i]
		}
	}
	return nil
}

func (l *rungs) certificate(analysis *chain.Analysis) {
	a := l.a
	if len(a.Chain) == 0 || analysis == nil {
		return
	}
	t, size := l.at(tlswire.SideServer, "Certificate")
	leaf := a.Chain[0]
	s := diag.Step{Name: "Certificate", Stage: diag.StageCertificate, From: "server", Status: diag.StatusOK, AtMS: t, Bytes: size,
		Text: fmt.Sprintf("%s, issued by %s", leaf.Title(), issuer(leaf))}
	if n := len(a.Chain); n > 1 {
		s.Text += fmt.Sprintf("; %d certificates", n)
	}
	for _, p := range analysis.Problems() {
		s.Status = diag.StatusBad
		s.Notes = append(s.Notes, p.Detail)
	}
	if c := l.family("certificate"); c != nil && s.Status == diag.StatusOK && slices.Contains(c.Addresses, a.Address) {
		s.Status = diag.StatusBad
		s.Notes = append(s.Notes, c.Summary)
	}
	if a.KeyProof.Result == facts.ProofInvalid && len(s.Notes) == 0 {
		s.Status = diag.StatusBad
		s.Notes = append(s.Notes, "the signature of the handshake does not verify with this key")
	}
	l.add(s)
	if a.Request != nil {
		t, _ := l.at(tlswire.SideServer, "CertificateRequest")
		text := "the server asks for a client certificate"
		if n := len(a.Request.CAs); n > 0 {
			text += fmt.Sprintf(" and names its accepted issuers (%d)", n)
		}
		l.add(diag.Step{Name: "CertificateRequest", Stage: diag.StageClientAuth, From: "server", Status: diag.StatusInform, AtMS: t, Text: text})
	}
}

func issuer(c *chain.Certificate) string {
	name := c.Issuer.CN()
	if name == "" {
		name = c.Issuer.String()
	}
	if org := c.Issuer.O(); org != "" && org != name {
		name += " (" + org + ")"
	}
	return name
}

func (l *rungs) clientAuth(own []*chain.Certificate) {
	if l.a.Request == nil || !l.reached(diag.StageClientAuth) {
		return
	}
	t, _ := l.at(tlswire.SideClient, "Certificate")
	s := diag.Step{Name: "Certificate*", Stage: diag.StageClientAuth, From: "client", Status: diag.StatusInform, AtMS: t, Text: "none (an empty list)"}
	if l.a.IdentitySent && len(own) > 0 {
		s.Text = own[0].Title() + ", issued by " + issuer(own[0])
	}
	if c := l.family("client-auth"); c != nil {
		s.Status = diag.StatusBad
		s.Notes = append(s.Notes, c.Summary)
	}
	l.add(s)
}

func (l *rungs) family(name string) *diag.Cause {
	for i := range l.found {
		if l.found[i].Family == name && l.found[i].Severity == diag.SeverityFailure {
			return &l.found[i]
		}
	}
	return nil
}

func (l *rungs) reached(s diag.Stage) bool { return l.a.End.Stage.Rank() >= s.Rank() }
func (l *rungs) failed(s diag.Stage) bool {
	return l.a.End.Stage == s && l.a.End.Kind != facts.EndCompleted
}

func (l *rungs) finished() {
	a := l.a
	if a.Finished.Result == facts.ProofNone {
		return
	}
	t, _ := l.at(tlswire.SideServer, "Finished")
	s := diag.Step{Name: "Finished", Stage: diag.StageFinished, Status: diag.StatusOK, AtMS: t, Text: "both sides"}
	switch {
	case a.Finished.Result == facts.ProofInvalid:
		s.Status, s.Text = diag.StatusBad, "the server's does not verify"
	case a.KeyProof.Result == facts.ProofValid:
		s.Text += "; the server holds the key"
	case a.KeyProof.Result == facts.ProofCannotCheck:
		s.Text += "; the server's signature cannot be checked here: " + a.KeyProof.Reason
	}
	if a.End.Kind == facts.EndAlert && a.Version == tlswire.TLS13 && a.Request != nil {
		s.Text += "; your program sees a success here"
	}
	l.add(s)
}

// end says how the attempt ended, when not as it should.
func (l *rungs) end() {
	a := l.a
	t := ms(a.Connect + a.End.After)
	if n := len(a.Messages); n > 0 {
		t = max(t, ms(a.Messages[n-1].At))
	}
	s := diag.Step{Stage: a.End.Stage, From: "server", Status: diag.StatusBad, AtMS: &t, Text: causes.EndText(a)}
	switch a.End.Kind {
	case facts.EndAlert:
		s.Name, s.Text = "Alert", a.End.Alert.Description.String()
		if a.End.Alert.Description == tlswire.AlertCloseNotify && a.End.Stage == diag.StageApplication {
			return
		}
	case facts.EndReset:
		s.Name = "RST"
	case facts.EndClosed:
		s.Name = "FIN"
	case facts.EndTimeout:
		s.Name, s.From = "silence", ""
		s.Text = "nothing for " + a.End.After.Round(100*time.Millisecond).String()
		if n := a.BytesReceived; n > 0 {
			s.Text = fmt.Sprintf("no end after %s, %d bytes had come", a.End.After.Round(100*time.Millisecond), n)
		}
	case facts.EndNotTLS:
		s.Name = "bytes"
		protocol, detail := tlswire.IdentifyPlaintext(a.End.Data)
		s.Text = strings.TrimSpace("no TLS: " + protocol + " " + detail)
		if protocol == "" {
			s.Text = fmt.Sprintf("no TLS: % x", a.End.Data[:min(len(a.End.Data), 16)])
		}
	case facts.EndMalformed, facts.EndLimit:
		s.Name = "bytes"
	case facts.EndLocal:
		s.Name, s.From = "Alert", "client"
	case facts.EndCompleted:
		if a.HTTP == nil || a.HTTP.Status == 0 {
			return
		}
		s = diag.Step{Name: "answer", Stage: diag.StageApplication, From: "server", Status: diag.StatusOK, AtMS: &t, Text: fmt.Sprintf("HTTP %d", a.HTTP.Status)}
		if server := a.HTTP.Header.Get("Server"); server != "" {
			s.Text += ", Server: " + server
		}
		if len(l.found) > 0 && l.found[0].Stage == diag.StageApplication && l.found[0].Severity == diag.SeverityFailure {
			s.Status = diag.StatusBad
		}
	default:
		return
	}
	if a.Seen != nil && a.End.By != tlswire.SideNone {
		s.From = side(a.End.By)
	}
	if a.Seen != nil && a.Seen.AlertSized != tlswire.SideNone {
		s.Name = "Alert?"
	}
	switch a.End.Kind {
	case facts.EndTimeout, facts.EndClosed, facts.EndReset, facts.EndLimit:
		if a.End.Stage == diag.StageApplication {
			s.Status = diag.StatusInform // the application's affair
		}
	}
	l.add(s)
}

// never lists what would have followed the break.
func (l *rungs) never() {
	if l.a.End.Kind == facts.EndCompleted || l.a.End.Kind == facts.EndStopped || l.reached(diag.StageClientAuth) {
		return
	}
	for _, s := range []struct {
		name  string
		stage diag.Stage
		from  string
		seen  bool
	}{
		{"ClientHello", diag.StageClientHello, "client", l.a.Sent != nil},
		{"ServerHello", diag.StageServerHello, "server", l.a.ServerHello != nil || l.a.SSL2 != nil},
		{"Certificate", diag.StageCertificate, "server", len(l.a.Chain) > 0},
		{"Finished", diag.StageFinished, "", false},
	} {
		if !s.seen {
			l.add(diag.Step{Name: s.name, Stage: s.stage, From: s.from, Status: diag.StatusNever})
		}
	}
}
