package chain

import "slices"

// The bounds of the path search. Cross-signed graphs grow exponentially, and
// each check of a signature costs up to milliseconds.
const (
	maxDepth      = 20
	maxPaths      = 48
	maxSent       = 200 // certificates of the chain that are looked at
	maxExtra      = 200
	maxSteps      = 4000
	checkBudget   = 20000 // in units of an RSA-1024 check, about 10 microseconds
	maxCandidates = 64    // same-named issuers of one certificate
)

// node is one distinct certificate of the search.
type node struct {
	cert   *Certificate
	anchor bool
	sent   int // index in Sent, -1 = not sent
	dist   int // fewest links to an anchor; -1 = none
}

type searcher struct {
	leaf      *node
	nodes     map[[32]byte]*node
	bySubject map[string][]*node
	anchors   []*Certificate
	looked    map[string]bool // subjects for which the anchors were looked through
	links     map[*node][]link
	checks    map[checkKey]Check
	budget    int
	steps     int
	truncated bool
	noExtra   bool
	paths     []*Path
	seen      map[string]bool
}

func newSearcher(in *Input) *searcher {
	s := &searcher{
		nodes: map[[32]byte]*node{}, bySubject: map[string][]*node{}, anchors: in.Anchors, looked: map[string]bool{},
		links: map[*node][]link{}, checks: map[checkKey]Check{}, budget: checkBudget, seen: map[string]bool{},
	}
	if len(in.Sent) > maxSent || len(in.Extra) > maxExtra {
		s.truncated = true
	}
	for i, c := range in.Sent[:min(len(in.Sent), maxSent)] {
		s.add(c, i)
	}
	for _, c := range in.Extra[:min(len(in.Extra), maxExtra)] {
		s.add(c, -1)
	}
	if len(in.Sent) > 0 && in.Sent[0] != nil {
		s.leaf = s.nodes[in.Sent[0].SHA256]
	}
	return s
}

func (s *searcher) add(c *Certificate, sent int) {
	if c == nil || s.nodes[c.SHA256] != nil {
		return
	}
	n := &node{cert: c, sent: sent, dist: -1}
	s.nodes[c.SHA256] = n
	for _, anchor := range s.anchors {
		if anchor != nil && anchor.SHA256 == c.SHA256 {
			n.anchor = true
			break
		}
	}
	if c.Readable() && c.Subject.Raw != nil {
		s.bySubject[c.Subject.canon] = append(s.bySubject[c.Subject.canon], n)
	}
}

// named gives all certificates at hand with this subject. The anchors, hundreds
// of which few are wanted, get their nodes only here.
func (s *searcher) named(subject DN) []*node {
	if subject.Raw == nil {
		return nil
	}
	if !s.looked[subject.canon] {
		s.looked[subject.canon] = true
		for _, c := range s.anchors {
			if c != nil && c.Subject.canon == subject.canon {
				s.add(c, -1)
			}
		}
	}
	return s.bySubject[subject.canon]
}

// measure fills the distances to the nearest anchor, so that the search goes the
// right way first whatever the graph.
func (s *searcher) measure() {
	reverse := map[*node][]*node{}
	queue := []*node{s.leaf}
	visited := map[*node]bool{s.leaf: true}
	var anchors []*node
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if n.anchor {
			anchors = append(anchors, n)
			continue
		}
		for _, l := range s.issuersOf(n) {
			if !l.usable() {
				continue
			}
			reverse[l.to] = append(reverse[l.to], n)
			if !visited[l.to] {
				visited[l.to] = true
				queue = append(queue, l.to)
			}
		}
	}
	for _, a := range anchors {
		a.dist = 0
	}
	for queue = anchors; len(queue) > 0; queue = queue[1:] {
		for _, n := range reverse[queue[0]] {
			if n.dist < 0 {
				n.dist = queue[0].dist + 1
				queue = append(queue, n)
			}
		}
	}
}

// search collects the paths: first those of sent certificates and anchors, then
// those that need others.
func (s *searcher) search() []*Path {
	s.measure()
	s.noExtra = true
	s.walk([]Element{element1(s.leaf)}, []*node{s.leaf}, maxPaths/2)
	s.noExtra = false
	s.steps = 0
	s.walk([]Element{element1(s.leaf)}, []*node{s.leaf}, maxPaths)
	return s.paths
}

func element1(n *node) Element {
	e := Element{Cert: n.cert, Index: n.sent}
	switch {
	case n.anchor:
		e.Source = SourceAnchor
	case n.sent < 0:
		e.Source = SourceExtra
	}
	return e
}

func (s *searcher) walk(path []Element, nodes []*node, limit int) {
	last := nodes[len(nodes)-1]
	if last.anchor {
		s.keep(path, true)
		return
	}
	if len(s.paths) >= limit || s.steps >= maxSteps {
		s.truncated = true
		return
	}
	s.steps++
	next := s.next(last, nodes)
	if len(next) == 0 || len(nodes) >= maxDepth {
		s.truncated = s.truncated || len(next) > 0
		s.keep(path, false)
		return
	}
	for _, l := range next {
		longer := slices.Clone(path)
		longer[len(longer)-1].Link = l.check
		s.walk(append(longer, element1(l.to)), append(slices.Clip(nodes), l.to), limit)
	}
}

// next orders the ways on: verified before broken links, nearer to an anchor
// first, matching key identifiers first, then as sent.
func (s *searcher) next(last *node, nodes []*node) []link {
	if last.cert.isRoot() && len(nodes) > 1 {
		return nil
	}
	var usable, broken []link
	for _, l := range s.issuersOf(last) {
		if s.noExtra && l.to.sent < 0 && !l.to.anchor || inPath(nodes, l.to) {
			continue
		}
		if l.usable() {
			usable = append(usable, l)
		} else if l.broken() && !last.cert.isRoot() {
			broken = append(broken, l)
		}
	}
	if len(usable) == 0 {
		usable = broken[:min(len(broken), 2)]
	}
	slices.SortStableFunc(usable, func(a, b link) int { return a.weight() - b.weight() })
	return usable
}

// inPath keeps loops out: a name and key may stand only once on a path.
func inPath(nodes []*node, n *node) bool {
	for _, other := range nodes {
		if other == n || other.cert.SameKey(n.cert) && other.cert.Subject.Equal(n.cert.Subject) {
			return true
		}
	}
	return false
}

func (s *searcher) keep(path []Element, complete bool) {
	var id []byte
	for _, e := range path {
		id = append(id, e.Cert.SHA256[:8]...)
	}
	if s.seen[string(id)] {
		return
	}
	s.seen[string(id)] = true
	p := &Path{Elements: path, Complete: complete}
	for _, e := range path {
		p.UsesExtra = p.UsesExtra || e.Source == SourceExtra
	}
	s.paths = append(s.paths, p)
}
