package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// reader collects what is wrong while it reads. yaml's own decoder knows lines
// only, hence the walk over the nodes.
type reader struct {
	o        Options
	dir      string
	c        *Config
	problems []Problem
	nodes    int
	literal  bool // ${NAME} is no variable
}

func (r *reader) problem(n *yaml.Node, format string, args ...any) bool {
	p := Problem{Line: 1, Column: 1, Msg: fmt.Sprintf(format, args...)}
	if n != nil && n.Line > 0 {
		p.Line, p.Column = n.Line, n.Column
	}
	r.problems = append(r.problems, p)
	return false
}

var lineOf = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// syntax tells an error of the YAML itself.
func (r *reader) syntax(err error) {
	p := Problem{Line: 1, Column: 1, Msg: err.Error()}
	if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
		p.Msg = "no valid YAML: " + m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			p.Line = n
		}
	}
	r.problems = append(r.problems, p)
}

// decode fills v from a node; in says where, in words.
func (r *reader) decode(n *yaml.Node, v reflect.Value, in string) bool {
	if r.nodes++; r.nodes > maxNodes {
		return r.problem(n, "the file is too large, or its aliases are")
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return true // a key without a value keeps the default
	}
	if v.Type() == reflect.TypeFor[duration]() {
		return r.duration(n, v)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return r.decode(n, v.Elem(), in)
	case reflect.Struct:
		return r.mapping(n, v, in)
	case reflect.Map:
		return r.dictionary(n, v, in)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return r.problem(n, "%s must be a list (lines that begin with -)", or(in, "this"))
		}
		ok := true
		for _, c := range n.Content {
			x := reflect.New(v.Type().Elem()).Elem()
			ok = r.decode(c, x, in) && ok
			v.Set(reflect.Append(v, x))
		}
		return ok
	}
	if n.Kind != yaml.ScalarNode {
		return r.problem(n, "%s must be a single value", or(in, "this"))
	}
	text, ok := r.expand(n)
	if !ok {
		return false
	}
	switch v.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return r.problem(n, "%s must be true or false, not %q", in, text)
		}
		v.SetBool(b)
	case reflect.Int:
		i, err := strconv.Atoi(text)
		if err != nil || i < 0 {
			return r.problem(n, "%s must be a number, not %q", in, text)
		}
		v.SetInt(int64(i))
	default:
		v.SetString(text)
	}
	return true
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (r *reader) mapping(n *yaml.Node, v reflect.Value, in string) bool {
	if n.Kind != yaml.MappingNode {
		return r.problem(n, "%s must be a mapping (key: value)", or(in, "the file"))
	}
	fields := map[string]reflect.Value{}
	var names []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		if name == "-" {
			v.Field(i).Set(reflect.ValueOf(place{n}))
			continue
		}
		fields[name] = v.Field(i)
		names = append(names, name)
	}
	ok, seen := true, map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		f, known := fields[key.Value]
		switch {
		case !known:
			slices.Sort(names)
			ok = r.problem(key, "unknown key %q; known here are %s", key.Value, strings.Join(names, ", "))
		case seen[key.Value]:
			ok = r.problem(key, "%q is there twice", key.Value)
		default:
			ok = r.decode(n.Content[i+1], f, key.Value) && ok
		}
		seen[key.Value] = true
	}
	return ok
}

func (r *reader) dictionary(n *yaml.Node, v reflect.Value, in string) bool {
	if n.Kind != yaml.MappingNode {
		return r.problem(n, "%s must be a mapping (key: value)", in)
	}
	v.Set(reflect.MakeMap(v.Type()))
	ok := true
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.ValueOf(n.Content[i].Value)
		if v.MapIndex(key).IsValid() {
			ok = r.problem(n.Content[i], "%q is there twice", n.Content[i].Value)
			continue
		}
		x := reflect.New(v.Type().Elem()).Elem()
		ok = r.decode(n.Content[i+1], x, n.Content[i].Value) && ok
		v.SetMapIndex(key, x)
	}
	return ok
}

// duration reads 90s, 5m, 12h, 20d, and sums such as 1d12h.
func (r *reader) duration(n *yaml.Node, v reflect.Value) bool {
	if n.Kind != yaml.ScalarNode {
		return r.problem(n, "a duration such as 5m or 20d is wanted")
	}
	text, ok := r.expand(n)
	if !ok {
		return false
	}
	days, rest := 0, text
	if d, after, found := strings.Cut(text, "d"); found {
		var err error
		if days, err = strconv.Atoi(d); err != nil || days < 0 || days > 36500 {
			return r.problem(n, "%q is no duration such as 5m or 20d", text)
		}
		rest = after
	}
	var d time.Duration
	if rest != "" {
		var err error
		if d, err = time.ParseDuration(rest); err != nil || d < 0 {
			return r.problem(n, "%q is no duration such as 5m or 20d", text)
		}
	}
	v.SetInt(int64(d) + int64(days)*int64(24*time.Hour))
	return true
}

var variable = regexp.MustCompile(`\$\$|\$\{([^}]*)\}`)

// expand replaces ${NAME} by the variable of the environment; $$ is a dollar.
func (r *reader) expand(n *yaml.Node) (string, bool) {
	if r.literal {
		return n.Value, true
	}
	ok := true
	text := variable.ReplaceAllStringFunc(n.Value, func(m string) string {
		if m == "$$" {
			return "$"
		}
		name := m[2 : len(m)-1]
		if r.o.Env != nil {
			if v, found := r.o.Env(name); found {
				return v
			}
		}
		ok = r.problem(n, "the variable ${%s} is not set", name)
		return ""
	})
	return text, ok
}
