package errtext

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

//go:embed patterns/*.txt
var patternFiles embed.FS

// stanza is one entry of a pattern file: phrases, and what they state.
type stanza struct {
	file     string
	line     int
	match    []string
	examples []string

	stack, library string
	side, whose    tlswire.Side
	problem        facts.Problem
	rank           int // of the problem; -1 = the problem's own
	way            facts.Way
	sign           facts.Sign
	stage          diag.Stage
	words          []string // rules over words in any order
	weak           bool     // says something about TLS only where TLS is the subject
	nothing        bool     // states nothing, and hides shorter phrases inside it
	hint           bool     // the side is a guess that any other word overrules
}

// The pattern files. A stanza is a block of lines "key: value"; blank lines
// separate stanzas, # begins a comment. The stanza without a match holds what
// all others of its file share. Keys:
//
//	match     a phrase; several are alternatives. * stands for up to 12 words,
//	          {host} {cert} {port} {version} for what they say, {alert} for the
//	          name of an alert, {alert-number} for its number, {verify} {curl}
//	          {chrome} ... for a code of that table
//	stack     the program that writes so     library   what does TLS in it
//	side      client or server: the end at which the writer sits
//	problem   one of facts.Problem           rank      its weight, 0 to 5
//	whose     client or server: the side whose certificate or key it is about
//	alert     received or sent, of {alert} and {alert-number}
//	sign      one of facts.Sign              stage     one of diag.Stage
//	weak      yes: the words are about TLS only where TLS is the subject
//	nothing   yes: the phrase states nothing, and hides shorter ones inside it
//	hint      yes: the side is a guess that any other phrase overrules
//	words     groups of words of which one each must stand near the others, in any
//	          order: "cert|certificate expired|outdated"; read only where no phrase
//	          gave a reason
//	example   a real text; \n separates lines
func parsePatterns(name, text string) ([]*stanza, error) {
	shared := stanza{rank: -1}
	var out []*stanza
	cur, used := shared, false
	flush := func() {
		if !used {
			return
		}
		if len(cur.match)+len(cur.words) == 0 {
			shared = cur
		} else {
			s := cur
			out = append(out, &s)
		}
		cur, used = shared, false
	}
	for i, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		if l == "" {
			flush()
			continue
		}
		if strings.HasPrefix(l, "#") {
			continue
		}
		key, value, ok := strings.Cut(l, ":")
		value = strings.TrimSpace(value)
		if !ok || value == "" {
			return nil, fmt.Errorf("%s:%d: no \"key: value\"", name, i+1)
		}
		if !used {
			used = true
			cur.file, cur.line = name, i+1
		}
		if err := cur.set(key, value); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	flush()
	return out, nil
}

func (s *stanza) set(key, value string) error {
	var err error
	switch key {
	case "match":
		s.match = append(s.match, value) // the stanza that others share has none
	case "example":
		s.examples = append(slices.Clip(s.examples), strings.ReplaceAll(value, `\n`, "\n"))
	case "stack":
		s.stack = value
	case "library":
		s.library = value
	case "side":
		s.side, err = parseSide(value)
	case "whose":
		s.whose, err = parseSide(value)
	case "problem":
		s.problem = facts.Problem(value)
	case "rank":
		s.rank, err = strconv.Atoi(value)
	case "sign":
		s.sign = facts.Sign(value)
	case "stage":
		s.stage = diag.Stage(value)
		if s.stage.Rank() < 0 {
			err = fmt.Errorf("unknown stage %q", value)
		}
	case "weak":
		s.weak = value == "yes"
	case "nothing":
		s.nothing = value == "yes"
	case "hint":
		s.hint = value == "yes"
	case "words":
		s.words = append(s.words, value)
	case "alert":
		switch value {
		case "received":
			s.way = facts.WayReceived
		case "sent":
			s.way = facts.WaySent
		case "unknown":
			s.way = facts.WayUnknown
		default:
			err = fmt.Errorf("unknown way of an alert %q", value)
		}
	default:
		err = fmt.Errorf("unknown key %q", key)
	}
	return err
}

func parseSide(s string) (tlswire.Side, error) {
	switch s {
	case "client":
		return tlswire.SideClient, nil
	case "server":
		return tlswire.SideServer, nil
	}
	return tlswire.SideNone, fmt.Errorf("unknown side %q", s)
}

// node is a state of the lexicon: the words that may follow, captures that may
// follow, and the stanzas whose phrase ends here.
type node struct {
	next  map[string]*node
	holes []hole
	gap   *node
	ends  []*stanza
}

type hole struct {
	kind string
	to   *node
}

// lexicon is all phrases as trees of words, one for each first word.
type lexicon struct {
	heads   map[string]*head
	alerts  *node
	stanzas []*stanza
	bags    []bag
}

// head is the tree of the phrases that begin with a word. It is built when a
// text has that word: most texts need few of them.
type head struct {
	pending []phrase
	once    sync.Once
	tree    node
}

type phrase struct {
	words string
	s     *stanza
}

// at is the tree behind a first word, nil when no phrase begins with it.
func (l *lexicon) at(word string) *node {
	h := l.heads[word]
	if h == nil {
		return nil
	}
	h.once.Do(func() {
		for _, p := range h.pending {
			n := h.tree.add(p.words)
			n.ends = append(n.ends, p.s)
		}
		h.pending = nil
	})
	return h.tree.next[word]
}

func (l *lexicon) put(words string, s *stanza) {
	first := firstWord(words)
	h := l.heads[first]
	if h == nil {
		h = &head{}
		l.heads[first] = h
	}
	h.pending = append(h.pending, phrase{words, s})
}

// gapWords is how many words a * may stand for.
const gapWords = 12

var load = sync.OnceValue(func() *lexicon {
	lex := &lexicon{heads: make(map[string]*head, 2048), alerts: &node{}}
	files, err := fs.Glob(patternFiles, "patterns/*.txt")
	for _, f := range files {
		var text []byte
		if text, err = patternFiles.ReadFile(f); err != nil {
			break
		}
		var list []*stanza
		if list, err = parsePatterns(path.Base(f), string(text)); err != nil {
			break
		}
		lex.stanzas = append(lex.stanzas, list...)
	}
	if err != nil {
		panic("errtext: " + err.Error()) // embedded data, which a test reads
	}
	for _, s := range lex.stanzas {
		for _, m := range s.match {
			lex.put(m, s)
		}
		for _, w := range s.words {
			lex.bags = append(lex.bags, parseBag(s, w))
		}
	}
	codeNames(lex.put)
	for _, a := range alertNames() {
		n := lex.alerts.add(a.words)
		n.ends = append(n.ends, &stanza{rank: int(a.description)})
	}
	return lex
})

// add walks the phrase into the tree and returns its last node.
func (n *node) add(phrase string) *node {
	for _, field := range strings.Fields(phrase) {
		switch {
		case field == "*":
			if n.gap == nil {
				n.gap = &node{}
			}
			n = n.gap
		case strings.HasPrefix(field, "{") && strings.HasSuffix(field, "}"):
			kind := field[1 : len(field)-1]
			i := slices.IndexFunc(n.holes, func(h hole) bool { return h.kind == kind })
			if i < 0 {
				i = len(n.holes)
				n.holes = append(n.holes, hole{kind, &node{}})
			}
			n = n.holes[i].to
		default:
			for _, w := range split(field) {
				if n.next == nil {
					n.next = map[string]*node{}
				}
				if n.next[w.text] == nil {
					n.next[w.text] = &node{}
				}
				n = n.next[w.text]
			}
		}
	}
	return n
}
