package errtext

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// mark is one phrase that was found.
type mark struct {
	s        *stanza
	from, to int // words
	gaps     int
	deep     int  // exceptions around it
	code     bool // the words are the meaning of a code
	problem  facts.Problem
	rank     int
	alert    tlswire.AlertDescription
	way      facts.Way
	host     string
	port     int
	cert     string
	version  string
	codes    []facts.TextCode
}

// scanner finds the marks of one text.
type scanner struct {
	lex   *lexicon
	text  string
	words []word
	marks []mark
	steps int
}

// maxSteps bounds the work for one text, whatever it says.
const maxSteps = 4 << 20

// find returns all marks of a text, in the order of the text; those inside a
// longer one are left out.
func find(text string) ([]word, []mark) {
	s := &scanner{lex: load(), text: text, words: split(text)}
	windows := false
	for i := range s.words {
		n := s.lex.at(s.words[i].text)
		if n != nil {
			s.walk(n, i+1, mark{from: i})
		}
		windows = windows || s.words[i].text == "schannel"
		if windows && schannelEvent(s.words[i].text) {
			s.event(i)
		}
	}
	nest(text, s.words, s.marks)
	return s.words, outermost(s.marks)
}

// nest counts for each mark the exceptions that wrap its own: those of Java are
// printed from the outside in, and so are those of .NET on one line.
func nest(text string, words []word, marks []mark) {
	var starts []int
	for _, sign := range []string{"Caused by: ", "nested exception is ", " ---> "} {
		for from := 0; ; {
			i := strings.Index(text[from:], sign)
			if i < 0 {
				break
			}
			from += i + len(sign)
			starts = append(starts, from)
		}
	}
	for i := range marks {
		for _, at := range starts {
			if words[marks[i].from].start >= at {
				marks[i].deep++
			}
		}
	}
}

// schannelEvent tells the numbers of the events that SChannel writes.
func schannelEvent(word string) bool {
	return len(word) == 5 && "36870" <= word && word <= "36888"
}

// event reads the number of an event at word i as "event ID 36887" is read: what
// stands around it is in the language of the machine. The alert, where there
// is one, is the next number that is one.
func (s *scanner) event(i int) {
	number := s.words[i].text
	n := s.lex.at("event")
	for _, w := range []string{"id", number} {
		if n == nil {
			return
		}
		n = n.next[w]
	}
	m := mark{from: i}
	const far = 150 // words; every character of Japanese is one
	for k := i + 1; k < min(len(s.words), i+far) && (number == "36887" || number == "36888"); k++ {
		if a, err := strconv.ParseUint(s.words[k].text, 10, 8); err == nil && a > 0 && tlswire.AlertDescription(a).Name() != "" {
			m = withAlert(m, tlswire.AlertDescription(a))
			m.way = facts.WayReceived
			if number == "36888" {
				m.way = facts.WaySent
			}
			break
		}
	}
	if n != nil {
		s.walk(n, i+1, m)
	}
}

// walk follows the tree from a node, at word i.
func (s *scanner) walk(n *node, i int, m mark) {
	if s.steps++; s.steps > maxSteps {
		return
	}
	for _, st := range n.ends {
		s.found(st, i, m)
	}
	if i >= len(s.words) {
		return
	}
	if next := n.next[s.words[i].text]; next != nil {
		s.walk(next, i+1, m)
	}
	for _, h := range n.holes {
		if to, m2, ok := s.fill(h.kind, i, m); ok {
			s.walk(h.to, to, m2)
		}
	}
	if n.gap != nil {
		m.gaps++
		for k := i; k < len(s.words) && k-i <= gapWords; k++ {
			s.walk(n.gap, k, m)
		}
	}
}

// found records a phrase that ends before word i.
func (s *scanner) found(st *stanza, i int, m mark) {
	m.s, m.to = st, i
	if st.problem != "" {
		m.problem = st.problem
	}
	if m.problem != "" {
		m.rank = rankOf(m.problem)
		if st.rank >= 0 {
			m.rank = st.rank
		}
	}
	if st.way != facts.WayNone && m.way != facts.WayNone {
		m.way = st.way
	}
	m.codes = slices.Clip(m.codes)
	s.marks = append(s.marks, m)
}

// fill reads what stands for a hole at word i and returns the word behind it.
func (s *scanner) fill(kind string, i int, m mark) (int, mark, bool) {
	w := s.words[i]
	switch kind {
	case "host", "cert":
		name, to := s.run(i)
		if name == "" {
			return 0, m, false
		}
		if kind == "cert" {
			m.cert = name
			return to, m, true
		}
		m.host, m.port = splitPort(name, m.port)
		return to, m, true
	case "version":
		v, to := s.run(i)
		m.version = v
		return to, m, v != ""
	case "port":
		n, err := strconv.Atoi(w.text)
		m.port = n
		return i + 1, m, err == nil && n > 0 && n < 1<<16
	case "n":
		return i + 1, m, strings.Trim(w.text, "0123456789abcdefx") == ""
	case "alert":
		return s.alert(i, m)
	case "alert-number":
		n, err := strconv.Atoi(w.text)
		if n > 512 {
			n -= 512 // curl counts the level in
		}
		if err != nil || n < 0 || n > 255 {
			return 0, m, false
		}
		return i + 1, withAlert(m, tlswire.AlertDescription(n)), true
	}
	if w.start > 0 && (s.text[w.start-1] == '/' || s.text[w.start-1] == '+') || w.end+1 < len(s.text) && s.text[w.end] == '.' && isDigit(s.text[w.end+1]) {
		return 0, m, false // a version: curl/7.88.1
	}
	name, words, ok := decode(kind, w.text, s)
	if !ok {
		return 0, m, false
	}
	m.codes = append(slices.Clip(m.codes), facts.TextCode{Text: s.text[w.start:w.end], Means: name})
	m.mean(words)
	return i + 1, m, true
}

// mean reads the meaning of a code like a text of its own.
func (m *mark) mean(words string) {
	_, marks := find(words)
	if best := choose(marks); best != nil {
		m.problem, m.alert, m.way, m.code = best.problem, best.alert, best.way, true
	}
}

// alert reads the name of an alert, the longest that stands there.
func (s *scanner) alert(i int, m mark) (int, mark, bool) {
	n, best, to := s.lex.alerts, -1, 0
	for k := i; k < len(s.words) && n != nil; k++ {
		if n = n.next[s.words[k].text]; n != nil && len(n.ends) > 0 {
			best, to = n.ends[0].rank, k+1
		}
	}
	if best < 0 {
		return 0, m, false
	}
	return to, withAlert(m, tlswire.AlertDescription(best)), true
}

func withAlert(m mark, a tlswire.AlertDescription) mark {
	m.alert, m.way = a, facts.WayUnknown
	m.problem = alertProblem(a)
	return m
}

// run is the run of characters of a host name, address or version that begins
// at word i, and the word behind it.
func (s *scanner) run(i int) (string, int) {
	start := s.words[i].start
	for start > 0 && strings.IndexByte("*.:[", s.text[start-1]) >= 0 && (start < 2 || s.text[start-1] != ':' || s.text[start-2] == ':') {
		start--
	}
	end := start
	for end < len(s.text) && hostByte(s.text[end]) {
		end++
	}
	name := strings.TrimRight(s.text[start:end], ".:-[")
	to := i
	for to < len(s.words) && s.words[to].start < end {
		to++
	}
	return strings.TrimLeft(name, ".:"), to
}

func hostByte(c byte) bool {
	return isLower(c) || isUpper(c) || '0' <= c && c <= '9' || strings.IndexByte(".-_:*[]", c) >= 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// outermost drops marks that lie inside a longer one without gaps.
func outermost(marks []mark) []mark {
	var out []mark
	for i, m := range marks {
		inside := false
		for k, o := range marks {
			if k != i && o.gaps == 0 && o.from <= m.from && m.to <= o.to && o.covers(&m) && o.replaces(&m) {
				inside = true
				break
			}
		}
		if !inside && !m.s.nothing {
			out = append(out, m)
		}
	}
	return out
}

// covers tells whether a phrase around another is longer, or as long and there to
// hide it.
func (m *mark) covers(o *mark) bool {
	long, short := m.to-m.from, o.to-o.from
	return long > short || long == short && m.s.nothing && !o.s.nothing
}

// replaces tells whether a longer phrase says what a shorter one inside it
// says, only better.
func (m *mark) replaces(o *mark) bool {
	return m.s.nothing || m.problem != "" && o.problem != "" || m.s.side != tlswire.SideNone && o.s.side != tlswire.SideNone && o.problem == ""
}

// weight orders marks: the rank of the problem, codes before words, what came
// in before what was sent in answer.
func (m *mark) weight() int {
	w := m.rank * 10
	if m.way == facts.WaySent {
		w -= 10
	}
	if m.problem == facts.ProblemFatalAlert {
		w -= 6 // the kind of the alert often follows
	}
	if m.code || len(m.codes) > 0 {
		w += 5
	}
	if m.problem == facts.ProblemReset {
		w++ // says how it was closed
	}
	return w
}

// choose is the mark that names the problem best, nil when none does. Of
// equals the first counts, and what stands behind a later "Caused by" counts
// more.
func choose(marks []mark) *mark {
	var best *mark
	weight := 0
	for i := range marks {
		m := &marks[i]
		if m.problem == "" {
			continue
		}
		if w := m.weight() + m.bonus(); best == nil || w > weight {
			best, weight = m, w
		}
	}
	return best
}

// bonus is what the place of a mark adds to its weight: some for each exception
// that it lies deeper, where it says more than that something failed.
func (m *mark) bonus() int {
	const most = 12
	if m.rank < 2 {
		return 0
	}
	return min(4*m.deep, most)
}

// splitPort takes a port off a host, where there is one.
func splitPort(s string, port int) (string, int) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.Count(s, ":") > 1 && !strings.Contains(s, "]:") {
		return strings.Trim(s, "[]"), port
	}
	if n, err := strconv.Atoi(s[i+1:]); err == nil && n > 0 && n < 1<<16 {
		return strings.Trim(s[:i], "[]"), n
	}
	return strings.Trim(s[:i], "[]"), port
}
