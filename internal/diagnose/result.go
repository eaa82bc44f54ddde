package diagnose

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// maxRaw bounds the bytes of one message in a diagnosis.
const maxRaw = 16 << 10

// maxMessages bounds the messages of one attempt in a diagnosis.
const maxMessages = 60

// result turns the case and its causes into the diagnosis.
func (r *runner) result(found []diag.Cause) *diag.Diagnosis {
	w := &r.c.Want
	d := &diag.Diagnosis{Schema: diag.Schema, Causes: found, NotTested: slices.Concat(r.not, causes.NotJudged(r.c), unanswered(found)), Notes: r.notes, StartedAt: r.started.UTC(), JudgedAt: r.c.At.UTC()}
	if note := causes.Vouched(r.c); note != "" {
		d.Notes = append(d.Notes, note)
	}
	d.Target = diag.Target{Input: w.Input, Name: w.Name, Port: w.Port, Protocol: w.Protocol, StartTLS: w.StartTLS, Client: w.Client.Name, Trust: w.AnchorsFrom}
	if w.Hello != nil {
		d.Target.SNI = w.Hello.ServerName()
	}
	if len(r.opts.Connect) > 0 && len(r.c.Lookup.Addresses) > 0 {
		d.Target.Address = r.c.Lookup.Addresses[0]
	}
	d.Verdict = r.verdict(found)
	if p := w.Proxy; p != nil && d.Verdict == diag.Failure && (p.Scheme == "socks5h" || p.Scheme == "socks4a") {
		d.NotTested = append(d.NotTested, diag.NotTested{What: "the way without the proxy", Reason: p.Scheme + " promises that nothing passes beside it; tlswhy --proxy none tries"})
	}
	base := r.shown(found)
	if base != nil && w.Protocol == "https" && d.Verdict != diag.Failure && base.End.Kind == facts.EndTimeout && base.End.Stage == diag.StageApplication {
		d.Notes = append(d.Notes, fmt.Sprintf("the handshake is complete; the request met silence for %s", base.End.After.Round(time.Second)))
	}
	d.Handshake = r.ladder(base, found)
	d.Addresses = r.addresses(found)
	d.Certificates = r.certificates(base)
	if r.opts.Picture {
		r.loadStores()
	}
	d.Stores = causes.InStores(r.c, base)
	unexplained := slices.ContainsFunc(found, func(c diag.Cause) bool { return c.ID == "unexplained" })
	d.Attempts = []diag.Attempt{}
	for _, a := range r.c.Attempts {
		d.Attempts = append(d.Attempts, r.transcript(a, base, unexplained))
	}
	if d.NotTested == nil {
		d.NotTested = []diag.NotTested{}
	}
	if d.Notes == nil {
		d.Notes = []string{}
	}
	d.Tool = Tool()
	d.DurationMS = ms(time.Since(r.started))
	return d
}

// verdict is failure as soon as one cause breaks this client; untested is only
// our own inability to have the user's own hello answered.
func (r *runner) verdict(found []diag.Cause) diag.Verdict {
	v := diag.OK
	if l := r.c.Want.Local; l != nil && l.Ours {
		return diag.Untested
	}
	for _, c := range found {
		switch c.Severity {
		case diag.SeverityFailure:
			return diag.Failure
		case diag.SeverityWarning:
			v = diag.Warning
		}
	}
	if len(r.c.Attempts) == 0 || slices.ContainsFunc(r.c.Attempts, func(a *facts.Attempt) bool {
		return a.End.Kind == facts.EndCanceled && a.Of.Changes == (facts.Changes{}) && a.Of.What == ""
	}) {
		return diag.Untested
	}
	return v
}

// shown is the attempt whose ladder is drawn: the user's own hello, at an
// address that shows the first failure.
func (r *runner) shown(found []diag.Cause) *facts.Attempt {
	if len(found) > 0 && found[0].Severity == diag.SeverityFailure {
		if a := causes.Example(r.c, found[0]); a != nil {
			return a
		}
	}
	var first *facts.Attempt
	for _, a := range r.c.Attempts {
		if a.Of.Changes != (facts.Changes{}) || a.Of.Repeat > 0 || a.Of.Direct || a.Of.Session != "" || a.Of.Kind == facts.Plain && r.c.Want.Protocol != "http" {
			continue
		}
		if first == nil {
			first = a
		}
		if len(found) > 0 && slices.Contains(found[0].Addresses, a.Address) {
			return a
		}
	}
	return first
}

func (r *runner) addresses(found []diag.Cause) []diag.Address {
	out := []diag.Address{}
	for _, addr := range r.c.Lookup.Addresses {
		x := diag.Address{Address: addr, Family: "ipv4", Outcome: string(diag.Untested), Text: "not tried"}
		if ap, err := netip.ParseAddrPort(addr); err == nil && ap.Addr().Is6() {
			x.Family = "ipv6"
		}
		for _, a := range r.c.Attempts {
			if a.Address == addr && a.Of.Changes == (facts.Changes{}) {
				x.Outcome, x.Text, x.RTTMS = string(diag.OK), causes.EndText(a), ms(a.Connect)
				break
			}
		}
		for _, c := range found {
			if c.Severity == diag.SeverityFailure && slices.Contains(c.Addresses, addr) {
				x.Outcome, x.Text = c.ID, c.Summary
				break
			}
		}
		out = append(out, x)
	}
	return out
}

// transcript is one attempt as the result shows it.
func (r *runner) transcript(a, shown *facts.Attempt, raw bool) diag.Attempt {
	out := diag.Attempt{N: a.N, Address: a.Address, Change: r.change(a.Of), End: causes.EndText(a), EndKind: a.End.Kind.String(), Stage: a.End.Stage,
		Sent: a.BytesSent, Received: a.BytesReceived, ConnectMS: ms(a.Connect), DurationMS: ms(a.Connect + a.End.After), Messages: []diag.Message{}}
	if a.Seen != nil {
		out.Change, raw = "the client's hello, as seen", false
	}
	picture := r.opts.Picture && a == shown
	if a.Of.Changes != (facts.Changes{}) {
		changes := map[string]string{}
		for _, p := range facts.Properties {
			if v := a.Of.Changes.Get(p); v != "" {
				changes[string(p)] = v
			}
		}
		out.Changes = changes
	}
	if a.End.Kind == facts.EndAlert {
		n := int(a.End.Alert.Description)
		out.Alert = &n
	}
	if a.Version != 0 {
		out.Version = a.Version.String()
	}
	if a.ServerHello != nil {
		out.Suite = a.ServerHello.CipherSuite.String()
		out.ALPN = a.ServerHello.ALPN()
	}
	if a.Encrypted != nil {
		out.ALPN = a.Encrypted.ALPN()
	}
	if g := causes.AgreedGroup(a); g != 0 {
		out.Group = g.String()
	}
	for i, m := range a.Messages {
		if i == maxMessages {
			out.Messages = append(out.Messages, diag.Message{Name: fmt.Sprintf("%d more messages", len(a.Messages)-i), AtMS: ms(m.At)})
			break
		}
		x := diag.Message{From: side(m.From), Name: m.Name, Size: m.Size, AtMS: ms(m.At)}
		if raw || r.opts.Detail > 1 || picture {
			x.Raw = hex.EncodeToString(m.Raw[:min(len(m.Raw), maxRaw)])
		}
		if picture {
			x.Fields = fieldsOf(a, m)
		}
		out.Messages = append(out.Messages, x)
	}
	return out
}

// change says in words what an experiment changed.
func (r *runner) change(e facts.Experiment) string {
	switch {
	case e.Kind == facts.Plain && e.What == facts.PlainOwn:
		return "the protocol's first words in clear"
	case e.Kind == facts.Plain && e.What == facts.PlainHTTP:
		return "a plaintext HTTP request"
	case e.Kind == facts.Plain:
		return "nothing sent"
	case e.Direct:
		return "TLS from the first byte"
	case e.What == facts.Resume && e.Session == e.Address:
		return "resuming the session of the first connection"
	case e.What == facts.Resume:
		return "resuming the session of " + e.Session
	case e.What == facts.Later:
		return "the same again, after a pause"
	case e.Changes == (facts.Changes{}) && e.Repeat > 0:
		return "the same again"
	case e.Changes == (facts.Changes{}):
		return ""
	}
	s := client.Describe(e.Changes, r.c.Want.Hello)
	if e.Repeat > 0 {
		s += ", again"
	}
	return s
}

// certificates lists the judged path of an attempt, then what else was sent.
func (r *runner) certificates(a *facts.Attempt) []diag.Certificate {
	out := r.served(a)
	for i, cert := range r.c.Want.Identity {
		c := certificate(cert)
		c.Role, c.Source, c.Position = "client", "file", i
		out = append(out, c)
	}
	return out
}

// served are the certificates of the server's side.
func (r *runner) served(a *facts.Attempt) []diag.Certificate {
	out := []diag.Certificate{}
	analysis := causes.Analyze(r.c, a)
	if analysis == nil {
		if deep := deepest(r.c.Attempts); deep != nil {
			analysis, a = causes.Analyze(r.c, deep), deep
		}
		if analysis == nil {
			return out
		}
	}
	used := map[[32]byte]bool{}
	if path := analysis.BestPath(); path != nil {
		for i, e := range path.Elements {
			c := certificate(e.Cert)
			c.Position = e.Index
			if i+1 < len(path.Elements) {
				c.Link = linkNames[e.Link.Outcome]
			}
			c.Source = map[chain.Source]string{chain.SourceSent: "sent", chain.SourceExtra: "fetched", chain.SourceAnchor: "anchor"}[e.Source]
			switch {
			case i == 0:
				c.Role = "leaf"
				top := path.Elements[len(path.Elements)-1].Cert
				c.Ahead = ahead(e.Cert, r.c.Want.Demand.Roots[top.SHA256])
				if r.opts.Detail > 0 {
					c.PublicKey, c.SCTs = base64.StdEncoding.EncodeToString(e.Cert.SPKISHA256[:]), len(e.Cert.SCTs)+causes.SentSCTs(a)
				}
			case e.Source == chain.SourceAnchor || e.Cert.SelfIssued():
				c.Role = "root"
			case e.Source == chain.SourceExtra:
				c.Role, c.PEM = "missing", string(e.Cert.PEM())
			default:
				c.Role = "intermediate"
			}
			for _, p := range path.Problems {
				if p.Element == i {
					c.Problems = append(c.Problems, p.Detail)
				}
			}
			if r.opts.Detail > 0 || a.Of.Kind == facts.OnFile {
				c.PEM = string(e.Cert.PEM())
			}
			used[e.Cert.SHA256] = true
			out = append(out, c)
		}
	}
	for i, cert := range a.Chain {
		if !used[cert.SHA256] {
			c := certificate(cert)
			c.Role, c.Source, c.Position = "extra", "sent", i
			out = append(out, c)
		}
	}
	return out
}

// linkNames say how the check of a signature came out.
var linkNames = map[chain.Outcome]string{chain.Valid: "valid", chain.Invalid: "invalid", chain.CannotCheck: "unchecked"}

// deepest is the first attempt that saw a certificate.
func deepest(as []*facts.Attempt) *facts.Attempt {
	for _, a := range as {
		if len(a.Chain) > 0 {
			return a
		}
	}
	return nil
}

func certificate(c *chain.Certificate) diag.Certificate {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPs {
		names = append(names, ip.String())
	}
	if names == nil {
		names = []string{}
	}
	return diag.Certificate{SubjectKeyID: hex.EncodeToString(c.SubjectKeyID), AuthorityKeyID: hex.EncodeToString(c.AuthorityKeyID), IssuerURLs: c.IssuerURLs[:min(len(c.IssuerURLs), 4)], Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialString(), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Names: names, Key: c.Key.String(), Signature: c.SignatureAlgorithm.Name, Fingerprint: hex.EncodeToString(c.SHA256[:]), Problems: []string{}}
}

func side(s tlswire.Side) string {
	switch s {
	case tlswire.SideClient:
		return "client"
	case tlswire.SideServer:
		return "server"
	}
	return ""
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
