package diagnose

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Explain judges what a text says of one failure: the same catalogue, and
// nothing but words for evidence. It makes no connection.
func Explain(m facts.TextMatch, o Options) (*diag.Diagnosis, error) {
	started := time.Now()
	w := facts.Want{Input: cmp.Or(m.Host, m.Stack, "the text"), Name: m.Host, Port: cmp.Or(m.Port, 443)}
	if o.Server != "" {
		canonical, ok := causes.Software(o.Server)
		if !ok {
			return nil, usage("", "the server software %q is unknown", o.Server)
		}
		w.Server = canonical
	}
	if m.Side == tlswire.SideServer && w.Server == "" {
		w.Server, _ = causes.Software(m.Stack)
	}
	w.Client.Reference = true
	_, serves := causes.Software(m.Stack) // a server is the client where it calls its upstream, and says so
	if s, ok := causes.ClientSoftware(m.Stack); ok && (m.Side == tlswire.SideClient || m.Side == tlswire.SideNone && !serves) {
		w.Client = facts.Client{Name: s}
	}
	if m.Host != "" {
		w.Command = "tlswhy " + targetOf(m)
	}
	at := o.At
	if at.IsZero() {
		at = started
	}
	found, _ := causes.Judge(&facts.Case{At: at.UTC(), Want: w, Texts: []facts.TextMatch{m}})
	d := empty(started)
	d.Causes, d.Text, d.Verdict = found, textOf(&m), diag.OK
	d.Target = diag.Target{Input: w.Input, Name: m.Host, Port: m.Port}
	if slices.ContainsFunc(found, func(c diag.Cause) bool { return c.Severity == diag.SeverityFailure }) {
		d.Verdict = diag.Failure
		if why, command := causes.NextCheck(&m, found); command != "" {
			d.Next = &diag.Next{Text: why, Command: command}
		}
	}
	d.DurationMS = ms(time.Since(started))
	return d, nil
}

// NoFailure is the answer to a text that says nothing of TLS.
func NoFailure(lines int) *diag.Diagnosis {
	d := empty(time.Now())
	d.Verdict = diag.OK
	d.Target.Input = "the text"
	d.Text = &diag.Text{Codes: []diag.TextCode{}, LastLine: lines}
	return d
}

func empty(started time.Time) *diag.Diagnosis {
	return &diag.Diagnosis{Schema: diag.Schema, Causes: []diag.Cause{}, Handshake: diag.Handshake{Steps: []diag.Step{}}, Addresses: []diag.Address{},
		Certificates: []diag.Certificate{}, Attempts: []diag.Attempt{}, NotTested: []diag.NotTested{}, Notes: []string{}, StartedAt: started.UTC(), JudgedAt: started.UTC(), Tool: Tool()}
}

// Probe runs the live diagnosis of the host that a text names, or of target,
// and joins both: what the live run shows is the verdict, the text its
// evidence. Where the live run finds nothing wrong, the text's candidates stay,
// with that said.
func Probe(ctx context.Context, m facts.TextMatch, target string, o Options, env Env) (*diag.Diagnosis, error) {
	text, err := Explain(m, o)
	if err != nil {
		return nil, err
	}
	if target == "" {
		target = targetOf(m)
	}
	if target == "" {
		text.Notes = append(text.Notes, "no live check: the text names no host; --host gives one")
		return text, nil
	}
	live, err := Run(ctx, target, o, env)
	if err != nil || m.Problem == "" {
		return live, err
	}
	live.Text = text.Text
	first := live.FirstFailure()
	switch {
	case first == nil && len(text.Causes) > 0:
		live.Notes = append(live.Notes, "from here it works for "+live.Target.Client+": the failure in the text depends on the client, its network or the time")
		for i := range text.Causes {
			text.Causes[i].NotRuledOut = append(text.Causes[i].NotRuledOut, "it does not show from here")
			text.Causes[i].Confidence = diag.Possible
		}
		live.Causes = append(text.Causes, live.Causes...)
		live.Verdict = text.Verdict
		live.Next = &diag.Next{Text: "run this on the machine that failed, and compare", Command: "tlswhy " + Quote(target)}
	case first != nil && len(text.Causes) > 0:
		for i := range text.Causes {
			if text.Causes[i].ID == first.ID {
				first.Evidence = append(first.Evidence, diag.Evidence{Text: "the text says the same: " + text.Text.Quote, Where: "line " + strconv.Itoa(m.Line)})
				return live, nil
			}
		}
		live.Notes = append(live.Notes, "the text alone would have meant "+text.Causes[0].ID+"; what was seen live decides")
	}
	return live, nil
}

// targetOf is the target that a text names, "" when there is none.
func targetOf(m facts.TextMatch) string {
	if m.Host == "" {
		return ""
	}
	if m.Port != 0 && m.Port != 443 {
		return net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	}
	return m.Host
}

func textOf(m *facts.TextMatch) *diag.Text {
	t := &diag.Text{Stack: m.Stack, Library: m.Library, Version: m.Version, Side: side(m.Side), Problem: string(m.Problem), Whose: side(m.Whose),
		Codes: []diag.TextCode{}, Host: m.Host, Port: m.Port, CertificateName: m.CertName, FirstLine: m.Line, LastLine: m.Last, Count: m.Count,
		Clients: m.Peers, Quote: m.Quote, Noise: causes.Noise(m)}
	if m.Way != facts.WayNone {
		t.Alert = &diag.TextAlert{Name: m.Alert.Name(), Number: int(m.Alert), By: side(m.AlertBy())}
	}
	for _, c := range m.Codes {
		t.Codes = append(t.Codes, diag.TextCode{Code: c.Text, Means: c.Means})
	}
	return t
}
