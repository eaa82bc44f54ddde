package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// tree is the drawing of a chain: the anchor on top, the leaf at the bottom,
// what is missing as a dashed box.
type tree struct {
	Title  string
	Levels []level // the top first
	Beside []treeBox
	More   int // certificates that are left out
}

// level is one certificate of the path, with others that might stand in its
// place.
type level struct {
	Boxes []treeBox
	Link  *treeLink // to the level below, nil at the bottom
}

// treeLink says how a certificate is signed by the one above it.
type treeLink struct {
	Class, Sign, Text string
}

type treeBox struct {
	*diag.Certificate
	What    string // its part in the chain
	Name    string
	Rest    string // of the subject
	Dashed  bool
	Top     bool
	Because []string // of a missing one: what it would have to be
}

// treeLimit bounds the certificates that are drawn; a table lists all.
const treeLimit = 24

// newTree draws the server's certificates, nil when there are none.
func newTree(d *diag.Diagnosis) *tree {
	levels, beside := chainLevels(d)
	if len(levels) == 0 {
		return nil
	}
	t := &tree{Title: "The certificate chain of " + safeLine(label(d.Target))}
	t.fill(levels)
	for i, c := range beside {
		if i == treeLimit {
			t.More = len(beside) - treeLimit
			break
		}
		t.Beside = append(t.Beside, newBox(c))
	}
	return t
}

// clientTree draws the client's own certificates, nil when there are none.
func clientTree(d *diag.Diagnosis) *tree {
	var levels [][]*diag.Certificate
	for i := range d.Certificates {
		if d.Certificates[i].Role == "client" && len(levels) < treeLimit {
			levels = append(levels, []*diag.Certificate{&d.Certificates[i]})
		}
	}
	if len(levels) == 0 {
		return nil
	}
	t := &tree{Title: "The client's certificate"}
	t.fill(levels)
	return t
}

// fill takes levels, the leaf's first.
func (t *tree) fill(levels [][]*diag.Certificate) {
	for i := len(levels) - 1; i >= 0; i-- {
		var l level
		for _, c := range levels[i] {
			b := newBox(c)
			b.Top = i == len(levels)-1
			l.Boxes = append(l.Boxes, b)
		}
		if i > 0 {
			l.Link = linkTo(levels[i-1][0], levels[i][0])
		}
		t.Levels = append(t.Levels, l)
	}
}

func linkTo(child, parent *diag.Certificate) *treeLink {
	switch {
	case child.Link == "invalid":
		return &treeLink{"bad", "✗", "did not sign this: the signature does not verify"}
	case parent.Fingerprint == "" && parent.Role == "missing":
		return &treeLink{"never", "?", "would have signed"}
	case child.Link == "valid":
		return &treeLink{"ok", "✓", "signed"}
	case child.Link == "unchecked":
		return &treeLink{"inform", "·", "signed, by its name; the signature cannot be checked here"}
	case child.Issuer != parent.Subject:
		return &treeLink{"warn", "!", "stands above it and is not its issuer"}
	}
	return &treeLink{"inform", "·", "signed, by its name"}
}

// chainLevels gives the path from the leaf upwards, with certificates that
// could stand in the same place beside it, and those that belong to no path.
// Where the path ends without an anchor, what is missing is the last level.
func chainLevels(d *diag.Diagnosis) (levels [][]*diag.Certificate, beside []*diag.Certificate) {
	for i := range d.Certificates {
		switch c := &d.Certificates[i]; c.Role {
		case "leaf", "intermediate", "missing", "root":
			if len(levels) < treeLimit {
				levels = append(levels, []*diag.Certificate{c})
			}
		case "client":
		default:
			beside = append(beside, c)
		}
	}
	if len(levels) == 0 {
		return nil, beside
	}
	beside = slices.DeleteFunc(beside, func(c *diag.Certificate) bool {
		for i := 1; i < len(levels); i++ {
			if levels[i][0].Subject == c.Subject && len(levels[i]) < 3 {
				levels[i] = append(levels[i], c)
				return true
			}
		}
		return false
	})
	top := levels[len(levels)-1][0]
	if top.Source != "anchor" && top.Issuer != "" && top.Issuer != top.Subject && top.Role != "root" {
		levels = append(levels, []*diag.Certificate{{Role: "missing", Subject: top.Issuer, SubjectKeyID: top.AuthorityKeyID, IssuerURLs: top.IssuerURLs,
			Problems: []string{"neither sent nor at hand"}}})
	}
	return levels, beside
}

func newBox(c *diag.Certificate) treeBox {
	b := treeBox{Certificate: c, Dashed: c.Role == "missing" || c.Source == "fetched"}
	b.Name, b.Rest = splitName(c.Subject)
	switch {
	case b.Dashed && c.Fingerprint == "":
		b.What = "missing: it would have to be"
		if c.SubjectKeyID != "" {
			b.Because = append(b.Because, "key identifier "+c.SubjectKeyID)
		}
		for _, u := range c.IssuerURLs {
			b.Because = append(b.Because, "to be found at "+shorten(safeLine(u), 200))
		}
	case c.Role == "missing":
		b.What = "missing: not sent"
		if c.Source != "" {
			b.What += ", " + c.Source
		}
		b.Because = append(b.Because, "the server would have to send it")
	case c.Source == "anchor":
		b.What = "trust anchor"
	case c.Source == "sent" && c.Role != "extra":
		b.What = fmt.Sprintf("%s, sent as number %d", c.Role, c.Position)
	case c.Source != "":
		b.What = c.Role + ", " + c.Source
	default:
		b.What = c.Role
	}
	b.What = safeLine(b.What)
	return b
}

// splitName takes the common name out of a distinguished name. What cannot be
// taken apart stays whole.
func splitName(dn string) (name, rest string) {
	head, tail, _ := strings.Cut(dn, ",")
	if cn, ok := strings.CutPrefix(head, "CN="); ok && cn != "" && !strings.HasSuffix(head, `\`) {
		return shorten(safeLine(cn), 120), shorten(safeLine(strings.TrimSpace(tail)), 200)
	}
	return shorten(safeLine(dn), 200), ""
}
