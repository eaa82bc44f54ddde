package starttls

import (
	"html"
	"slices"
	"strings"
)

// Bounds of what is read of an XMPP stream before TLS.
const (
	maxXML   = 4 * maxLine // bytes in all
	maxDepth = 8           // elements within one another
)

// element is an element of a stream; names are without their prefix.
type element struct {
	name     string
	text     string
	children []element
}

// words is an element in one line: its name, and the texts of its children or
// their names.
func (e element) words() string {
	words := []string{e.name}
	for _, c := range e.children {
		if c.text != "" {
			words = append(words, c.text)
			continue
		}
		words = append(words, c.name)
	}
	return strings.Join(words, " ")
}

// tag is one tag and the text before it.
type tag struct {
	text  string
	name  string // as written, with the prefix
	attrs string // all that follows the name
	end   bool   // </name>
	empty bool   // <name/>
}

func (t tag) local() string { return t.name[strings.LastIndexByte(t.name, ':')+1:] }

// xmlReader reads tags byte by byte, so that it stops behind the ">" of the last
// one. It knows as much of XML as XMPP allows: no comments, no document types,
// no processing instructions but the declaration (RFC 6120, Section 11.1).
type xmlReader struct {
	d    *dialogue
	raw  []byte // since the last flush
	size int
}

// flush notes what was read as one line of the dialogue.
func (x *xmlReader) flush() {
	if said := strings.TrimSpace(string(x.raw)); said != "" {
		x.d.heard("%s", said[:min(len(said), maxLine)])
	}
	x.raw = nil
}

// bad is the error for what was read since the last flush.
func (x *xmlReader) bad() error {
	e := x.d.unreadable(x.d.unreadableKind(), x.raw)
	x.raw = nil
	return e
}

func (x *xmlReader) next() (byte, error) {
	if x.size++; x.size > maxXML {
		return 0, x.bad()
	}
	b, err := x.d.read(nil, 1)
	if err != nil {
		x.flush()
		return 0, err
	}
	if x.size == 1 && b[0] != '<' && b[0] > ' ' || b[0] == 0 || b[0] >= 20 && b[0] <= 24 {
		return 0, x.d.foreign(append(x.raw, b[0]))
	}
	x.raw = append(x.raw, b[0])
	return b[0], nil
}

// tag reads up to the ">" of the next tag.
func (x *xmlReader) tag() (tag, error) {
	for {
		var text, inside []byte
		for {
			b, err := x.next()
			if err != nil {
				return tag{}, err
			}
			if b == '<' {
				break
			}
			text = append(text, b)
		}
		quote := byte(0)
		for {
			b, err := x.next()
			if err != nil {
				return tag{}, err
			}
			if quote == 0 && b == '>' {
				break
			}
			switch {
			case quote == 0 && (b == '"' || b == '\''):
				quote = b
			case quote == b:
				quote = 0
			case b == '<':
				return tag{}, x.bad() // not allowed in a tag, even quoted
			}
			inside = append(inside, b)
		}
		t := tag{text: html.UnescapeString(strings.TrimSpace(string(text)))}
		s := string(inside)
		if strings.HasPrefix(s, "?xml") {
			continue
		}
		if s, t.end = strings.CutPrefix(s, "/"); !t.end {
			s, t.empty = strings.CutSuffix(s, "/")
		}
		name := s
		if i := strings.IndexAny(s, " \t\r\n"); i >= 0 {
			name, t.attrs = s[:i], s[i:]
		}
		if name == "" || strings.ContainsAny(name, "!?/\"'=") {
			return tag{}, x.bad()
		}
		t.name = name
		return t, nil
	}
}

// element reads one whole element, or the end of the stream, which has no name.
func (x *xmlReader) element() (element, error) {
	t, err := x.tag()
	if err != nil {
		return element{}, err
	}
	var e element
	if !t.end {
		e, err = x.rest(t, 1)
	}
	if err == nil {
		x.flush()
	}
	return e, err
}

// rest reads the rest of the element that begins with t.
func (x *xmlReader) rest(t tag, depth int) (element, error) {
	e := element{name: t.local()}
	if t.empty {
		return e, nil
	}
	if depth > maxDepth {
		return e, x.bad()
	}
	for {
		inner, err := x.tag()
		if err != nil {
			return e, err
		}
		e.text += inner.text
		if inner.end {
			if inner.name != t.name {
				return e, x.bad()
			}
			return e, nil
		}
		child, err := x.rest(inner, depth+1)
		if err != nil {
			return e, err
		}
		e.children = append(e.children, child)
	}
}

// child finds a child by its name.
func (e element) child(name string) (element, bool) {
	i := slices.IndexFunc(e.children, func(c element) bool { return c.name == name })
	if i < 0 {
		return element{}, false
	}
	return e.children[i], true
}
