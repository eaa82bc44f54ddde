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
}

// OnFile judges the certificates of a file as if a server sent them, in their
// order, to the client of the options. The name, "" for none, is what clients
// will ask for. No connection to a server is made; missing issuers are fetched
// unless offline. The error is a *UsageError or a *FileError.
func OnFile(ctx context.Context, held Held, name string, offline bool, o Options, env Env) (*diag.Diagnosis, error) {
	at := o.At
	if at.IsZero() {
		at = time.Now()
	}
	p := &plan{opts: o, env: env}
	w := facts.Want{Input: held.File, Protocol: "file", Command: o.Command}
	if name != "" {
		var err error
		if w.Name, err = normalName(name); err != nil {
			return nil, err
		}
	}
	if err := p.software(&w); err != nil {
		return nil, err
	}
	profile, err := p.profile()
	if err != nil {
		return nil, err
	}
	if w.Hello, w.Client, err = client.Build(profile, client.Options{SNI: w.Name}); err != nil {
		return nil, usage("", "%v", err)
	}
	if err := p.loadAnchors(&w, at); err != nil {
		return nil, err
	}
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
	c := &facts.Case{At: at.UTC(), Want: w, Lookup: facts.Lookup{Name: held.File, Addresses: []string{held.File}, Given: true}}
	c.Attempts = []*facts.Attempt{held.attempt()}
	d := Gathered(ctx, c, o, env, !offline, p.notes...)
	if slices.ContainsFunc(d.Certificates, func(c diag.Certificate) bool { return c.Role == "missing" }) {
		d.Notes = append(d.Notes, "the complete chain, ready for a server: tlswhy cert --complete -w fullchain.pem "+quote(cmp.Or(held.Path, held.File)))
	}
	return d, nil
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
		s := diag.Step{Name: fmt.Sprint(i+1, " ", role(i, cert)), Stage: diag.StageCertificate, Status: diag.StatusOK,
			Text: fmt.Sprintf("%s, %s to %s, %s", cert.Title(), cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly), cert.Key)}
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
