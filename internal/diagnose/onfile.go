package diagnose

import (
	"cmp"
	"context"
	"crypto"
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// Held is what a file holds for a server to serve.
type Held struct {
	File  string // its name, for people
	Path  string // to read it again, "" = File
	Chain []*chain.Certificate
	Key   crypto.PublicKey // public half of the key that goes with it; nil = none given
	Flaw  string           // why OpenSSL cannot read the file as it is, "" = it can
	Mend  string           // what mends that
	Also  []string         // other files that hold the same
	Notes []string         // what else is to be said of the file
}

// Files judges files as if a server sent what they hold, in their order, to the
// client of the options. The name, "" for none, is what clients will ask for.
// No connection to a server is made; missing issuers are fetched unless offline.
type Files struct {
	opts    Options
	env     Env
	want    facts.Want
	notes   []string
	at      time.Time
	offline bool
}

// NewFiles reads the options once for all files. The error is a *UsageError or a
// *FileError.
func NewFiles(name string, offline bool, o Options, env Env) (*Files, error) {
	f := &Files{opts: o, env: env, at: o.At.UTC(), offline: offline}
	if f.at.IsZero() {
		f.at = time.Now().UTC()
	}
	p := &plan{opts: o, env: env}
	w := &f.want
	*w = facts.Want{Protocol: "file"}
	if name != "" {
		var err error
		if w.Name, err = normalName(name); err != nil {
			return nil, err
		}
	}
	if err := p.software(w); err != nil {
		return nil, err
	}
	profile, err := p.profile()
	if err != nil {
		return nil, err
	}
	if w.Hello, w.Client, err = client.Build(profile, client.Options{SNI: w.Name}); err != nil {
		return nil, usage("", "%v", err)
	}
	if err := p.loadAnchors(w, f.at); err != nil {
		return nil, err
	}
	if w.Local != nil {
		return nil, usage("give a file of CA certificates", "the %s %s cannot be used: %s", w.Local.Role, w.Local.File, w.Local.Problem)
	}
	f.notes = p.notes
	return f, nil
}

// Judge judges one file; command repeats that. It is safe for concurrent use.
func (f *Files) Judge(ctx context.Context, held Held, command string) *diag.Diagnosis {
	w := f.want
	w.Input, w.Command = held.File, command
	for _, cert := range held.Chain {
		// A root in a file is no claim of being trusted, but a file of CAs is
		// judged by its own.
		if cert.IsCA() && !held.Chain[0].IsCA() {
			break
		}
		if cert.IsCA() && cert.SelfIssued() {
			w.Anchors = append(slices.Clone(w.Anchors), cert)
		}
	}
	if held.Flaw != "" {
		w.Local = &facts.LocalFault{File: held.File, Role: "file", Problem: held.Flaw, Mend: held.Mend}
	}
	c := &facts.Case{At: f.at, Want: w, Lookup: facts.Lookup{Name: held.File, Addresses: []string{held.File}, Given: true}}
	c.Attempts = []*facts.Attempt{held.attempt()}
	d := Gathered(ctx, c, f.opts, f.env, !f.offline, slices.Concat(f.notes, held.notes(w.Name))...)
	if slices.ContainsFunc(d.Certificates, func(c diag.Certificate) bool { return c.Role == "missing" }) {
		d.Notes = append(d.Notes, "the complete chain, ready for a server: tlswhy cert --complete -w fullchain.pem "+Quote(cmp.Or(held.Path, held.File)))
	}
	return d
}

// notes say what the reader should know beside the verdict.
func (h Held) notes(name string) []string {
	out := slices.Clone(h.Notes)
	if name == "" && h.Chain[0].ForClients() {
		out = append(out, "the certificate is for clients alone (extended key usage clientAuth) and was judged as a client's; --name NAME judges it as a server's")
	}
	const most = 10
	for _, a := range h.Also[:min(len(h.Also), most)] {
		out = append(out, "also in "+a)
	}
	if n := len(h.Also) - most; n > 0 {
		out = append(out, fmt.Sprintf("also in %d more files", n))
	}
	return out
}

// attempt is the file as the judge sees it: a handshake in which nothing but
// the certificate was said.
func (h Held) attempt() *facts.Attempt {
	a := &facts.Attempt{N: 1, Of: facts.Experiment{Kind: facts.OnFile, Address: h.File}, Address: h.File, Chain: h.Chain,
		End: facts.End{Kind: facts.EndCompleted, Stage: diag.StageApplication}}
	if h.Key != nil && len(h.Chain) > 0 {
		a.KeyProof.Result = facts.ProofValid
		if !chain.MatchesKey(h.Chain[0], h.Key) {
			a.KeyProof = facts.Proof{Result: facts.ProofInvalid, Reason: "the private key given is another one"}
		}
	}
	return a
}

// onFile draws the certificates of a file, one rung each.
func (l *rungs) onFile(analysis *chain.Analysis) {
	var path *chain.Path
	if analysis != nil {
		path = analysis.BestPath()
	}
	for i, cert := range l.a.Chain {
		s := diag.Step{Name: fmt.Sprint(i+1, " ", role(i, cert)), Stage: diag.StageCertificate, Status: diag.StatusOK, Text: cert.Title()}
		if !cert.NotAfter.IsZero() { // which could be read
			s.Text += fmt.Sprintf(", %s to %s, %s", cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly), cert.Key)
		}
		used := false
		for j := range pathLen(path) {
			if path.Elements[j].Index != i {
				continue
			}
			used = true
			for _, p := range path.Problems {
				if p.Element == j {
					s.Status = diag.StatusBad
					s.Notes = append(s.Notes, p.Detail)
				}
			}
		}
		if !used && path != nil {
			s.Status = diag.StatusWarn
			s.Notes = append(s.Notes, "not part of the path from the first certificate")
		}
		if i == 0 && l.a.KeyProof.Result == facts.ProofInvalid {
			s.Status = diag.StatusBad
			s.Notes = append(s.Notes, l.a.KeyProof.Reason)
		}
		l.add(s)
	}
	for j := range pathLen(path) {
		if e := path.Elements[j]; e.Index < 0 {
			s := diag.Step{Name: "  anchor", Stage: diag.StageCertificate, Status: diag.StatusOK, Text: e.Cert.Title() + ", in " + l.anchors}
			if e.Source == chain.SourceExtra {
				s.Name, s.Status, s.Text = "  missing", diag.StatusBad, e.Cert.Title()+", not in the file"
			}
			l.add(s)
		}
	}
}

func pathLen(p *chain.Path) int {
	if p == nil {
		return 0
	}
	return len(p.Elements)
}

func role(i int, c *chain.Certificate) string {
	switch {
	case i == 0 && !c.IsCA():
		return "leaf"
	case c.SelfIssued():
		return "root"
	case c.IsCA():
		return "intermediate"
	}
	return "extra"
}
