package srvconf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register("haproxy", parseHAProxy)

// haproxyReader turns the sections of HAProxy into sites: one for each
// certificate of a bind line, since HAProxy chooses by the names in them.
type haproxyReader struct {
	*reader
	global          map[string]facts.Line
	options         []string // ssl-default-bind-options
	caBase, crtBase string
	defaultDH       int
	dh              []byte
	env             map[string]string // setenv and presetenv
	issuers         []*chain.Certificate
	store           map[string]haproxyCert // of crt-store, by @name/alias
	storeBase       [2]string              // crt-base and key-base of the store being read
}

var haproxySections = strings.Fields("global defaults frontend listen backend peers resolvers userlist mailers cache program ring http-errors fcgi-app crt-store traces log-forward log-profile acme")

func parseHAProxy(r *reader, file string, data []byte) {
	h := &haproxyReader{reader: r, global: map[string]facts.Line{}, env: map[string]string{}, store: map[string]haproxyCert{}}
	section, defaults := &node{}, &node{}
	var servers []*node
	syntax := wordSyntax{shell: true, variable: h.variable}
	var conditions []haproxyCondition
	for _, l := range joined(string(data), false) {
		words := syntax.words(l.text)
		if len(words) == 0 {
			continue
		}
		at := facts.Place{File: file, Line: l.line}
		if strings.HasPrefix(words[0], ".") {
			conditions = h.condition(conditions, words)
			continue
		}
		if slices.ContainsFunc(conditions, func(c haproxyCondition) bool { return !c.on }) {
			continue
		}
		if slices.Contains(haproxySections, words[0]) {
			section = &node{words: words, at: at}
			switch words[0] {
			case "defaults":
				defaults = section
			case "listen", "backend":
				section.block = slices.Clone(defaults.block)
			case "crt-store":
				h.storeBase = [2]string{}
			}
			continue
		}
		line := facts.Line{Place: at, Name: words[0], Value: strings.Join(words[1:], " ")}
		n := &node{words: words, at: at}
		switch {
		case section.arg(0) == "global":
			h.setting(words, line)
		case section.arg(0) == "crt-store":
			h.stored(section.arg(1), words, line)
		case words[0] == "bind" && (section.arg(0) == "frontend" || section.arg(0) == "listen"):
			h.bind(section, words, line)
		case words[0] == "bind" && section.arg(0) == "":
			r.fault(facts.Fault{At: at, Stops: true, Text: "bind stands outside of a frontend"})
		case words[0] == "default-server":
			section.block = append(section.block, n)
		case words[0] == "server" && (section.arg(0) == "backend" || section.arg(0) == "listen"):
			n.block = section.block
			servers = append(servers, n)
		}
	}
	for _, n := range servers {
		h.server(n)
	}
}

func (h *haproxyReader) setting(words []string, line facts.Line) {
	h.global[words[0]] = line
	if len(words) < 2 {
		return
	}
	switch words[0] {
	case "setenv", "presetenv":
		if _, set := h.env[words[1]]; len(words) > 2 && (!set || words[0] == "setenv") {
			h.env[words[1]] = words[2]
		}
	case "ca-base":
		h.caBase = words[1]
	case "crt-base":
		h.crtBase = words[1]
	case "issuers-chain-path":
		entries, _ := os.ReadDir(h.real(words[1]))
		for _, e := range entries[:min(len(entries), maxFiles)] {
			h.issuers = append(h.issuers, h.hold(filepath.Join(words[1], e.Name())).chain...)
		}
	case "ssl-default-bind-options":
		h.options = words[1:]
	case "tune.ssl.default-dh-param":
		h.defaultDH, _ = strconv.Atoi(words[1])
	case "ssl-dh-param-file":
		h.dh = h.hold(words[1]).dh
	}
}

// variable is the value of an environment variable: as the configuration sets
// it, or as it stands where only the running HAProxy knows it.
func (h *haproxyReader) variable(name string) string {
	word, otherwise, _ := strings.Cut(name, "-")
	word = strings.TrimSuffix(word, "[*]")
	if v, ok := h.env[word]; ok {
		return v
	}
	if otherwise != "" {
		return otherwise
	}
	if word == "" {
		return "$"
	}
	return "${" + word + "}"
}

// haproxyCondition is one .if under way.
type haproxyCondition struct{ on, met bool }

// condition follows .if, .elif, .else and .endif.
func (h *haproxyReader) condition(open []haproxyCondition, words []string) []haproxyCondition {
	top := len(open) - 1
	switch word := words[0]; {
	case word == ".if":
		yes := h.holds(strings.Join(words[1:], " "))
		return append(open, haproxyCondition{yes, yes})
	case top < 0:
	case word == ".elif":
		yes := !open[top].met && h.holds(strings.Join(words[1:], " "))
		open[top] = haproxyCondition{yes, yes || open[top].met}
	case word == ".else":
		open[top] = haproxyCondition{!open[top].met, true}
	case word == ".endif":
		return open[:top]
	}
	return open
}

// holds decides a condition; one that only the running HAProxy can decide is
// taken to hold.
func (h *haproxyReader) holds(text string) bool {
	text = strings.TrimSpace(text)
	if rest, not := strings.CutPrefix(text, "!"); not {
		return !h.holds(rest)
	}
	if name, ok := strings.CutPrefix(text, "defined("); ok {
		_, set := h.env[strings.TrimSuffix(name, ")")]
		return set
	}
	return text != "" && text != "0" && !strings.HasPrefix(text, "version_before(")
}

// stored reads a line of a crt-store (HAProxy 3.0).
func (h *haproxyReader) stored(store string, words []string, line facts.Line) {
	value := func(name string) string {
		if i := slices.Index(words, name); i >= 0 && i+1 < len(words) {
			return words[i+1]
		}
		return ""
	}
	switch words[0] {
	case "crt-base":
		h.storeBase[0] = value("crt-base")
	case "key-base":
		h.storeBase[1] = value("key-base")
	case "load":
		crt := value("crt")
		if crt == "" {
			return
		}
		base := h.storeBase[0]
		if base == "" {
			base = h.crtBase
		}
		c := haproxyCert{file: absolute(base, crt), line: line}
		c.line.Name, c.line.Value = "crt", c.file
		if key := value("key"); key != "" {
			c.key = absolute(h.storeBase[1], key)
		}
		for _, name := range []string{crt, value("alias")} {
			h.store["@"+store+"/"+name] = c
		}
	}
}

// server reads a server line: how HAProxy itself checks the certificate of a
// backend. It does not start without the files.
func (h *haproxyReader) server(n *node) {
	values, set := map[string]string{}, map[string]bool{}
	for _, x := range append(slices.Clone(n.block), n) {
		from := 3
		if x.arg(0) == "default-server" {
			from = 1
		}
		for i := from; i < len(x.words); i++ {
			w := x.words[i]
			set[w] = true
			if plain, no := strings.CutPrefix(w, "no-"); no {
				delete(set, plain)
			}
			if i+1 < len(x.words) && slices.Contains([]string{"verify", "ca-file", "crl-file", "crt"}, w) {
				values[w] = x.words[i+1]
				i++
			}
		}
	}
	if !set["ssl"] && !set["check-ssl"] {
		return
	}
	verify := values["verify"]
	if g := h.global["ssl-server-verify"]; verify == "" {
		verify = g.Value
	}
	if options := h.global["ssl-default-server-options"]; verify == "" && strings.Contains(options.Value, "verify none") {
		verify = "none"
	}
	if verify != "none" && values["ca-file"] == "" {
		h.fault(facts.Fault{At: n.at, Stops: true, Text: fmt.Sprintf("HAProxy verifies the certificate of server %s, but no ca-file says by which CA: it does not start; name one (ca-file @system-ca, from 2.6 on)", n.arg(1))})
	}
	for name, base := range map[string]string{"ca-file": h.caBase, "crl-file": h.caBase, "crt": h.crtBase} {
		path := values[name]
		if path == "" || strings.HasPrefix(path, "@") || strings.Contains(path, "$") {
			continue
		}
		path = absolute(base, path)
		held := h.hold(path)
		switch {
		case held.err != nil && isFolder(h.real(path)):
		case held.err != nil:
			f := unreadable(n.at, path, held.err, "the "+name)
			h.fault(f)
		case name == "crt" && held.key == nil && !held.locks && h.hold(path+".key").key == nil:
			h.fault(facts.Fault{At: n.at, File: path, Stops: true, Text: fmt.Sprintf("%s holds no private key, which HAProxy needs to present the certificate", path)})
		case name == "ca-file" && len(held.chain) == 0:
			h.fault(facts.Fault{At: n.at, File: path, Stops: true, Text: fmt.Sprintf("%s holds no CA certificate%s", path, instead(held))})
		}
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
