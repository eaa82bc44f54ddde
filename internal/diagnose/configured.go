package diagnose

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Configured judges a site of a configuration as if a client met it: the judge
// asks its questions, and the configuration answers them instead of a server.
// Nothing is connected; missing issuers are fetched unless offline. The error
// is a *UsageError or a *FileError.
func Configured(ctx context.Context, s *facts.Site, offline bool, o Options, env Env) (*diag.Diagnosis, error) {
	started := time.Now()
	at := o.At
	if at.IsZero() {
		at = started
	}
	p := &plan{opts: o, env: env}
	w := facts.Want{Input: s.Title, Name: WantedName(s), Port: s.Port, Protocol: s.Protocol, StartTLS: s.StartTLS, Guessed: true, Server: s.Software}
	if o.Server != "" {
		if err := p.software(&w); err != nil {
			return nil, err
		}
	}
	if canonical, ok := causes.Software(w.Server); ok {
		w.Server = canonical
	}
	if err := p.hello(&w); err != nil {
		return nil, err
	}
	if err := p.loadAnchors(&w, at); err != nil {
		return nil, err
	}
	w.Command = o.Command
	r := &runner{plan: p, started: started, c: &facts.Case{At: at.UTC(), AtGiven: !o.At.IsZero(), Want: w, Site: s}}
	if !slices.ContainsFunc(s.Faults, func(f facts.Fault) bool { return f.Stops }) {
		r.c.Lookup = facts.Lookup{Name: w.Name, Addresses: []string{address(s)}, Given: true}
	}
	var found []diag.Cause
	if !s.Refuses { // on purpose
		found = r.expect(ctx, func(h *tlswire.ClientHello, e facts.Experiment) *facts.Attempt { return predict(s, h, e) }, !offline)
	}
	d := r.result(found)
	d.Causes = tone(s, d.Causes)
	d.Verdict = r.verdict(d.Causes)
	if len(r.c.Attempts) == 0 && d.Verdict == diag.Untested {
		d.Verdict = diag.OK
	}
	d.Attempts, d.Addresses = []diag.Attempt{}, []diag.Address{}
	d.Handshake = outline(s, r.c, d.Causes)
	d.NotTested = append(d.NotTested, diag.NotTested{What: "the running server", Reason: "this is what " + s.At.String() + " makes one expect of OpenSSL 3; nothing was connected"})
	return d, nil
}

// Misread is the diagnosis of a configuration that cannot be read, or only in
// part; server is whose it is, "" = not known.
func Misread(file, server string, faults []facts.Fault, command string) *diag.Diagnosis {
	started := time.Now()
	if canonical, ok := causes.Software(server); ok {
		server = canonical
	}
	found, _ := causes.Judge(&facts.Case{At: started.UTC(), Want: facts.Want{Input: file, Protocol: "config", Server: server, Command: command}, Faults: faults, Spent: true})
	d := empty(started)
	d.Target = diag.Target{Input: file, Protocol: "config"}
	d.Causes, d.Verdict = found, diag.Failure
	if d.FirstFailure() == nil {
		d.Verdict = diag.Warning
	}
	return d
}

// expect is the loop of a diagnosis with something that is known in the
// server's place: it answers a hello.
func (r *runner) expect(ctx context.Context, answer func(*tlswire.ClientHello, facts.Experiment) *facts.Attempt, fetches bool) []diag.Cause {
	limit := r.started.Add(r.timeout() + afterFirst)
	for {
		found, ask := causes.Judge(r.c)
		var get []facts.Experiment
		made := 0
		for _, e := range ask {
			switch {
			case e.Kind == facts.Fetch && fetches:
				get = append(get, e)
			case e.Kind == facts.Handshake && e.What == "" && !e.Direct && len(r.c.Attempts) < r.budget():
				h, err := client.Apply(r.c.Want.Hello, e.Changes)
				if err != nil {
					continue
				}
				a := answer(h, e)
				a.N = len(r.c.Attempts) + 1
				r.c.Attempts = append(r.c.Attempts, a)
				made++
			}
		}
		switch {
		case len(get) > 0 && ctx.Err() == nil && time.Until(limit) >= tooShort:
			r.batch(ctx, get, limit)
		case made > 0:
		case !r.c.Spent:
			r.c.Spent = true
		default:
			return found
		}
	}
}

// address is where a client would find the site.
func address(s *facts.Site) string {
	if len(s.Listen) == 0 {
		return net.JoinHostPort("0.0.0.0", strconv.Itoa(s.Port))
	}
	return s.Listen[0]
}

// WantedName is the name for which clients come. A name that the certificate
// does not cover goes first: it is the one that fails.
func WantedName(s *facts.Site) string {
	var names []string
	for _, n := range s.Names {
		n = strings.TrimSuffix(strings.ToLower(n), ".")
		if strings.HasPrefix(n, "*.") {
			n = "www" + n[1:]
		}
		n = strings.TrimPrefix(n, ".")
		if !strings.Contains(n, ".") || strings.ContainsAny(n, "*~$^(){}[]\\_ :") {
			continue // no name of the DNS, or one that is known only later
		}
		if _, err := normalName(n); err == nil {
			names = append(names, n)
		}
	}
	for _, n := range names {
		if at := s.Answering(n); at != nil && len(at.Pairs) > 0 && !slices.ContainsFunc(at.Pairs, func(p facts.Pair) bool { return len(p.Chain) == 0 || chain.MatchName(p.Chain[0], n).OK }) {
			return n
		}
	}
	if len(names) > 0 {
		return names[0]
	}
	return ""
}

// tone says of predictions that they are no more than that, and takes back what
// the clients of a site do not mind.
func tone(s *facts.Site, found []diag.Cause) []diag.Cause {
	for i := range found {
		c := &found[i]
		c.Addresses = []string{}
		if c.Family != "certificate" && c.ID != "file-or-config-error" && c.Confidence == diag.Proven {
			c.Confidence = diag.Strong
		}
		if s.Optional && (c.Family == "certificate" || c.ID == "wrong-vhost-cert" || c.ID == "cert-expired") && c.ID != "private-key-mismatch-server" {
			c.Severity = diag.SeverityInfo
		}
		for j := range c.Evidence {
			for _, message := range []string{", ServerHello", ", ServerKeyExchange", ", CertificateVerify", ", first bytes"} {
				c.Evidence[j].Where = strings.TrimSuffix(c.Evidence[j].Where, message)
			}
		}
	}
	return found
}

// asked says which client certificates a site takes.
func asked(s *facts.Site) string {
	words := s.Verify
	var of []string
	for _, c := range s.Authorities[:min(len(s.Authorities), 3)] {
		of = append(of, c.Title())
	}
	switch {
	case s.Unjudged:
		return words + ", of any CA"
	case len(of) > 0:
		words += ", of " + strings.Join(of, " or ")
	}
	if more := len(s.Authorities) - len(of); more > 0 {
		words += fmt.Sprintf(" or %d more", more)
	}
	return words
}

// outline draws a site: where it listens, what it serves, what it negotiates.
func outline(s *facts.Site, c *facts.Case, found []diag.Cause) diag.Handshake {
	l := &rungs{found: found, anchors: c.Want.AnchorsFrom}
	words := strings.Join(s.Listen, ", ")
	if len(s.Names) > 0 {
		words += "  for " + strings.Join(s.Names[:min(len(s.Names), 6)], " ")
	}
	l.add(diag.Step{Name: "listen", Stage: diag.StageConnect, Status: diag.StatusInform, Text: words, Notes: []string{s.Line(facts.SetListen).String()}})
	for _, p := range s.Pairs {
		l.a = &facts.Attempt{Chain: p.Chain}
		var analysis *chain.Analysis
		if len(p.Chain) > 0 {
			analysis = causes.Analyze(c, &facts.Attempt{Site: s, Chain: p.Chain, Address: address(s)})
		}
		l.onFile(analysis)
	}
	if s.Refuses {
		l.add(diag.Step{Name: "refuses", Stage: diag.StageClientHello, Status: diag.StatusInform, Text: "every handshake, on purpose"})
	}
	if s.Verify != "" {
		l.add(diag.Step{Name: "asks", Stage: diag.StageClientAuth, Status: diag.StatusInform, Text: "for a client certificate, " + asked(s), Notes: []string{s.Line(facts.SetVerify).String()}})
	}
	var versions []string
	for v, on := range s.Server.Versions {
		if on {
			versions = append(versions, v.String())
		}
	}
	slices.Sort(versions)
	if len(versions) > 0 {
		l.add(diag.Step{Name: "speaks", Stage: diag.StageServerHello, Status: diag.StatusInform,
			Text: fmt.Sprintf("%s; %d cipher suites", strings.Join(versions, ", "), len(s.Server.Suites))})
	}
	return diag.Handshake{Steps: l.steps}
}
