package chain

import "time"

// greedy is the one path that OpenSSL tries (its default since 1.1.0, "trusted
// first"): at each step an issuer is chosen by name and key identifiers alone,
// from the anchors before the sent certificates, one that is valid now before
// others, and never reconsidered. Other clients go back and try again.
func (s *searcher) greedy(now time.Time) *Path {
	nodes := []*node{s.leaf}
	used := map[*node]bool{s.leaf: true}
	for len(nodes) < maxDepth {
		last := nodes[len(nodes)-1]
		if last.anchor || looksSelfSigned(last.cert) {
			break
		}
		next := s.pick(last, now, used, true)
		if next == nil {
			next = s.pick(last, now, used, false)
		}
		if next == nil {
			break
		}
		used[next] = true
		nodes = append(nodes, next)
	}
	p := &Path{Complete: nodes[len(nodes)-1].anchor}
	for i, n := range nodes {
		e := element1(n)
		if i+1 < len(nodes) {
			e.Link = s.check(n.cert, nodes[i+1].cert)
		}
		p.Elements = append(p.Elements, e)
	}
	return p
}

// pick takes the first issuer that is valid now, else the one that ends last.
func (s *searcher) pick(child *node, now time.Time, used map[*node]bool, anchors bool) *node {
	var best *node
	for _, n := range s.named(child.cert.Issuer) {
		if used[n] || n.anchor != anchors || !anchors && n.sent < 0 {
			continue
		}
		if ids := compareKeyIDs(child.cert, n.cert); ids == keyIDMismatch || ids == serialMismatch {
			continue
		}
		if now.IsZero() || !now.Before(n.cert.NotBefore) && !now.After(n.cert.NotAfter) {
			return n
		}
		if best == nil || n.cert.NotAfter.After(best.cert.NotAfter) {
			best = n
		}
	}
	return best
}

// looksSelfSigned is OpenSSL's rule: equal names, and key identifiers that do
// not contradict. The signature does not count.
func looksSelfSigned(c *Certificate) bool {
	ids := compareKeyIDs(c, c)
	return c.SelfIssued() && ids != keyIDMismatch && ids != serialMismatch
}

// same reports whether two paths have the same certificates.
func (p *Path) same(other *Path) bool {
	if len(p.Elements) != len(other.Elements) {
		return false
	}
	for i := range p.Elements {
		if p.Elements[i].Cert.SHA256 != other.Elements[i].Cert.SHA256 {
			return false
		}
	}
	return true
}
