package srvconf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// node is a directive with its words, and its block where it has one.
type node struct {
	words   []string
	at      facts.Place
	block   []*node
	isBlock bool
	quoted  bool // its value stands in quotes
}

func (n *node) arg(i int) string {
	if i < len(n.words) {
		return n.words[i]
	}
	return ""
}

func (n *node) value() string { return strings.Join(n.words[min(1, len(n.words)):], " ") }

func (n *node) line() facts.Line { return facts.Line{Place: n.at, Name: n.arg(0), Value: n.value()} }

// nginxLexer reads the syntax of nginx. It never fails: what is wrong is told
// to fault, and reading goes on.
type nginxLexer struct {
	text  string
	pos   int
	line  int
	file  string
	fault func(facts.Fault)
	depth int
}

// maxNesting bounds the blocks in blocks.
const maxNesting = 100

func (l *nginxLexer) say(line int, text string) {
	l.fault(facts.Fault{At: facts.Place{File: l.file, Line: line}, Stops: true, Text: text})
}

// block reads directives up to the closing brace, or to the end of the file at
// the top.
func (l *nginxLexer) block(opened int) []*node {
	var out []*node
	var words []string
	start := 0
	for {
		word, quoted, ok := l.token()
		switch {
		case !ok:
			if len(words) > 0 {
				l.say(start, "the directive "+words[0]+" is not ended by a semicolon")
				out = append(out, &node{words: words, at: facts.Place{File: l.file, Line: start}})
			}
			if opened > 0 {
				l.say(opened, "the block that is opened here is never closed: a brace } is missing")
			}
			return out
		case word == ";" && !quoted:
			if len(words) > 0 {
				out = append(out, &node{words: words, at: facts.Place{File: l.file, Line: start}})
			}
			words = nil
		case word == "{" && !quoted:
			n := &node{words: words, at: facts.Place{File: l.file, Line: start}, isBlock: true}
			if len(words) == 0 {
				n.at.Line = l.line
				l.say(l.line, "a block without a name")
			}
			switch {
			case len(words) > 0 && strings.HasSuffix(words[0], "_by_lua_block"):
				l.skipLua()
			case l.depth >= maxNesting:
				l.say(l.line, "the blocks are nested too deeply")
				return out
			default:
				l.depth++
				n.block = l.block(n.at.Line)
				l.depth--
			}
			out = append(out, n)
			words = nil
		case word == "}" && !quoted:
			if len(words) > 0 {
				l.say(start, "the directive "+words[0]+" is not ended by a semicolon")
				out = append(out, &node{words: words, at: facts.Place{File: l.file, Line: start}})
				words = nil
			}
			if opened > 0 {
				return out
			}
			l.say(l.line, "a closing brace } without a block")
		default:
			if len(words) > 0 && !quoted && l.line > start && slices.Contains(beginners, word) {
				l.say(start, fmt.Sprintf("the directive %s is not ended by a semicolon: nginx takes the line with %s for a part of it", words[0], word))
				out = append(out, &node{words: words, at: facts.Place{File: l.file, Line: start}})
				words = nil
			}
			if len(words) == 0 {
				start = l.line
			}
			words = append(words, word)
		}
	}
}

// beginners are words with which a directive begins and that are hardly ever a
// value: one that stands first in a later line of a directive means that its
// semicolon was forgotten.
var beginners = slices.Concat(onceOnly[1:], nginxOthers, strings.Fields("listen server_name include location proxy_pass add_header"))

// token returns the next word, or one of ; { }.
func (l *nginxLexer) token() (word string, quoted, ok bool) {
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		switch {
		case c == '\n':
			l.line++
			l.pos++
		case c == ' ' || c == '\t' || c == '\r':
			l.pos++
		case c == '#':
			l.skipLine()
		case c == ';' || c == '{' || c == '}':
			l.pos++
			return string(c), false, true
		case c == '"' || c == '\'':
			return l.quoted(c), true, true
		default:
			return l.bare(), false, true
		}
	}
	return "", false, false
}

func (l *nginxLexer) skipLine() {
	if i := strings.IndexByte(l.text[l.pos:], '\n'); i >= 0 {
		l.pos += i
		return
	}
	l.pos = len(l.text)
}

// bare reads a word without quotes. A brace is part of it in ${name} alone; a
// count such as {2,4} of a regular expression is passed over with a word.
func (l *nginxLexer) bare() string {
	start := l.pos
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == '\\' && l.pos+1 < len(l.text) && l.text[l.pos+1] != '\n':
			l.pos += 2
			continue
		case c == '{':
			end := strings.IndexByte(l.text[l.pos:], '}')
			variable := l.pos > start && l.text[l.pos-1] == '$'
			count := l.pos > start && end > 0 && isCount(l.text[l.pos+1:l.pos+end])
			if count && !variable {
				l.say(l.line, fmt.Sprintf("the brace in %s ends the word for nginx: a regular expression with a count must stand in quotes", l.text[start:l.pos+end+1]))
			}
			if end > 0 && end < 64 && (variable || count) {
				l.pos += end + 1
				continue
			}
			return l.text[start:l.pos]
		case strings.IndexByte(" \t\r\n;", c) >= 0:
			return l.text[start:l.pos]
		}
		l.pos++
	}
	return l.text[start:]
}

func isCount(s string) bool {
	return s != "" && len(s) < 16 && strings.Trim(s, "0123456789,") == "" && s[0] != ','
}

// quoted reads a word in quotes; backslashes keep the quote.
func (l *nginxLexer) quoted(quote byte) string {
	start := l.line
	var b strings.Builder
	for l.pos++; l.pos < len(l.text); l.pos++ {
		switch c := l.text[l.pos]; {
		case c == '\\' && l.pos+1 < len(l.text):
			l.pos++
			if next := l.text[l.pos]; next != quote && next != '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(l.text[l.pos])
			if l.text[l.pos] == '\n' {
				l.line++
			}
		case c == quote:
			l.pos++
			return b.String()
		default:
			if c == '\n' {
				l.line++
			}
			b.WriteByte(c)
		}
	}
	l.say(start, "a quote that is opened here is never closed")
	return b.String()
}

// skipLua passes over a block of Lua, in which braces may stand in strings and
// comments.
func (l *nginxLexer) skipLua() {
	opened, depth := l.line, 1
	for l.pos < len(l.text) {
		rest := l.text[l.pos:]
		c := rest[0]
		l.pos++
		switch {
		case c == '\n':
			l.line++
		case strings.HasPrefix(rest, "--[["):
			l.skipTo("]]")
		case strings.HasPrefix(rest, "--"):
			l.skipLine()
		case strings.HasPrefix(rest, "[["):
			l.skipTo("]]")
		case c == '"' || c == '\'':
			for l.pos < len(l.text) && l.text[l.pos] != c && l.text[l.pos] != '\n' {
				if l.text[l.pos] == '\\' {
					l.pos++
				}
				l.pos++
			}
			if l.pos < len(l.text) && l.text[l.pos] == c {
				l.pos++
			}
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return
			}
		}
		l.pos = min(l.pos, len(l.text))
	}
	l.say(opened, "the block that is opened here is never closed: a brace } is missing")
}

func (l *nginxLexer) skipTo(end string) {
	i := strings.Index(l.text[l.pos:], end)
	if i < 0 {
		i = len(l.text) - l.pos - len(end)
	}
	stop := min(max(l.pos, l.pos+i+len(end)), len(l.text))
	l.line += strings.Count(l.text[l.pos:stop], "\n")
	l.pos = stop
}
