package srvconf

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// variable is how nginx names a variable inside of a value.
var variable = regexp.MustCompile(`\$(\w+|\{\w+\})`)

// value is a directive's value for a client that asks for a name, where it
// hangs on nothing but that: $ssl_server_name and maps of it. The line is that
// of the map's row. It is false where only nginx can know.
func (sc *scope) value(l facts.Line, name string) (facts.Line, bool) {
	known := true
	l.Value = variable.ReplaceAllStringFunc(l.Value, func(v string) string {
		v = strings.Trim(v, "${}")
		if v == "ssl_server_name" {
			known = known && name != ""
			return name
		}
		row := sc.mapped(v, name)
		if row == nil || strings.Contains(row.arg(1), "$") {
			known = false
			return ""
		}
		l.Place = row.at
		return row.arg(1)
	})
	return l, known && !strings.HasPrefix(l.Value, "data:")
}

// mapped is the row of the map of $ssl_server_name to a variable that a name
// meets; nil where there is none, or where a regular expression may decide.
func (sc *scope) mapped(to, name string) *node {
	for ; sc != nil; sc = sc.outer {
		for _, m := range sc.nodes {
			if !m.isBlock || m.arg(0) != "map" || strings.Trim(m.arg(1), "${}") != "ssl_server_name" || strings.Trim(m.arg(2), "${}") != to {
				continue
			}
			hosts := slices.ContainsFunc(m.block, func(x *node) bool { return x.arg(0) == "hostnames" && len(x.words) == 1 })
			var otherwise, best *node
			for _, row := range m.block {
				switch key := strings.ToLower(row.arg(0)); {
				case strings.HasPrefix(key, "~"):
					return nil
				case key == "default":
					otherwise = row
				case key == name:
					return row
				case hosts && name != "" && wildcard(key, name) && (best == nil || len(row.arg(0)) > len(best.arg(0))):
					best = row
				}
			}
			if best != nil {
				return best
			}
			return otherwise
		}
	}
	return nil
}

// wildcard tells whether a key of a map of hostnames covers a name.
func wildcard(key, name string) bool {
	if strings.HasPrefix(key, ".") {
		return name == key[1:] || strings.HasSuffix(name, key)
	}
	ok, err := path.Match(key, name)
	return ok && err == nil && (strings.HasPrefix(key, "*.") || strings.HasSuffix(key, ".*"))
}

// apart makes of a server whose certificate hangs on the name one for each
// name. What clients without a name get goes first.
func (n *nginxReader) apart(x *node, sc *scope) []*node {
	own := &scope{nodes: x.block}
	names := own.all("server_name")
	certs := sc.all("ssl_certificate")
	if len(certs) != 1 || !strings.Contains(certs[0].arg(1), "$") || len(names) != 1 || len(names[0].words) < 3 || len(names[0].words) > 50 {
		return []*node{x}
	}
	first, known := sc.value(certs[0].line(), "")
	var out []*node
	for _, name := range names[0].words[1:] {
		l, ok := sc.value(certs[0].line(), strings.ToLower(name))
		if !ok || strings.ContainsAny(name, "*~$_") {
			return []*node{x}
		}
		one := *x
		one.block = slices.Clone(x.block)
		one.block[slices.Index(one.block, names[0])] = &node{words: []string{"server_name", name}, at: names[0].at}
		if known && l.Value == first.Value {
			out = slices.Insert(out, 0, &one)
			known = false
			continue
		}
		out = append(out, &one)
	}
	return out
}

// hanging reads a pair that is named by variables.
func (n *nginxReader) hanging(s *facts.Site, sc *scope, cert, key facts.Line) bool {
	if len(s.Names) == 0 || strings.ContainsAny(s.Names[0], "*~$_") {
		return false
	}
	name := strings.ToLower(s.Names[0])
	c, ok := sc.value(cert, name)
	k, both := sc.value(key, name)
	if !ok || !both || strings.Contains(k.Value, ":") {
		return false
	}
	c.Value, k.Value = absolute(n.prefix, c.Value), absolute(n.prefix, k.Value)
	n.pair(s, c, k)
	return true
}
