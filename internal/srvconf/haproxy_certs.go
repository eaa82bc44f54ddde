package srvconf

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// haproxyCert is one certificate of a bind line.
type haproxyCert struct {
	file  string
	line  facts.Line
	names []string          // filters of a crt-list
	local map[string]string // settings of a crt-list
	key   string            // of a crt-store, "" = in the file or beside it
	fault *facts.Fault
}

func (h *haproxyReader) certificates(values map[string][]string, line facts.Line) []haproxyCert {
	var out []haproxyCert
	for _, path := range slices.Concat(values["default-crt"], values["crt"]) {
		out = append(out, h.files(path, line, nil, nil)...)
	}
	for _, list := range values["crt-list"] {
		data, err := h.fileOf(list, maxFile)
		if err != nil {
			f := unreadable(line.Place, list, err, "the list of certificates")
			out = append(out, haproxyCert{file: list, fault: &f})
			continue
		}
		for _, l := range joined(string(data), false) {
			out = append(out, h.listed(list, l)...)
		}
	}
	return out
}

// listed reads one line of a crt-list: FILE [settings] names...
func (h *haproxyReader) listed(list string, l textLine) []haproxyCert {
	text := strings.TrimSpace(l.text)
	if text == "" || text[0] == '#' {
		return nil
	}
	local := map[string]string{}
	if open, end := strings.IndexByte(text, '['), strings.IndexByte(text, ']'); open >= 0 && end > open {
		words := strings.Fields(text[open+1 : end])
		for i := 0; i < len(words); i++ {
			w := words[i]
			local[w] = ""
			if !slices.Contains(haproxyListed, w) {
				f := mistyped(facts.Place{File: list, Line: l.line}, "a list of certificates of HAProxy knows no", w, haproxyListed, ": it does not start")
				return []haproxyCert{{file: list, fault: &f}}
			}
			if i+1 < len(words) && slices.Contains(haproxyValues, w) {
				i++
				local[w] = words[i]
			}
		}
		text = text[:open] + text[end+1:]
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil
	}
	line := facts.Line{Place: facts.Place{File: list, Line: l.line}, Name: "crt", Value: words[0]}
	return h.files(words[0], line, words[1:], local)
}

// files are the certificates of a path: itself, or all of a folder.
func (h *haproxyReader) files(path string, line facts.Line, names []string, local map[string]string) []haproxyCert {
	if strings.HasPrefix(path, "@") {
		c, ok := h.store[path]
		if !ok {
			return []haproxyCert{{file: path, fault: &facts.Fault{At: line.Place, Stops: true, Text: fmt.Sprintf("no crt-store has %s: HAProxy does not start", path)}}}
		}
		c.names, c.local = names, local
		return []haproxyCert{c}
	}
	path = absolute(h.crtBase, path)
	line.Name, line.Value = "crt", path
	info, err := os.Stat(h.real(path))
	if err != nil || !info.IsDir() {
		var bundle []haproxyCert
		for _, kind := range []string{".rsa", ".ecdsa", ".dsa"} {
			if other, e := os.Stat(h.real(path + kind)); err != nil && e == nil && !other.IsDir() && h.loads("bundle") {
				bundle = append(bundle, haproxyCert{file: path + kind, line: line, names: names, local: local})
			}
		}
		if len(bundle) > 0 {
			return bundle
		}
		return []haproxyCert{{file: path, line: line, names: names, local: local}}
	}
	entries, err := os.ReadDir(h.real(path))
	if err != nil {
		return []haproxyCert{{file: path, fault: &facts.Fault{At: line.Place, File: path, Stops: true, Text: "the folder of certificates " + path + " cannot be read: " + reason(err)}}}
	}
	var out []haproxyCert
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if strings.HasPrefix(e.Name(), ".") || slices.Contains([]string{".issuer", ".ocsp", ".sctl", ".key"}, ext) || e.Type()&fs.ModeDir != 0 || len(out) >= maxFiles {
			continue
		}
		out = append(out, haproxyCert{file: filepath.Join(path, e.Name()), line: line})
	}
	if len(out) == 0 {
		return []haproxyCert{{file: path, fault: &facts.Fault{At: line.Place, File: path, Stops: true, Text: "the folder of certificates " + path + " is empty"}}}
	}
	return out
}

// loads tells whether HAProxy looks for files of a kind beside a certificate
// (ssl-load-extra-files: all of them).
func (h *haproxyReader) loads(kind string) bool {
	l, ok := h.global["ssl-load-extra-files"]
	return !ok || slices.ContainsFunc(strings.Fields(l.Value), func(w string) bool { return w == kind || w == "all" })
}

// haproxyListed are the settings that a line of a crt-list takes.
var haproxyListed = strings.Fields(`allow-0rtt alpn ca-file ca-sign-file ca-verify-file ciphers ciphersuites client-sigalgs crl-file curves ecdhe no-alpn no-ca-names npn ocsp-update
	sigalgs ssl-min-ver ssl-max-ver verify crt key ocsp issuer sctl alias domains acme jwt generate-dummy`)

func (h *haproxyReader) load(s *facts.Site, c haproxyCert) {
	cert := c.line
	cert.Value = c.file
	key := cert
	if c.key != "" {
		key.Value = c.key
	} else if held := h.hold(c.file); held.err == nil && held.key == nil && !held.locks && h.loads("key") {
		beside := c.file + ".key"
		if _, del := h.global["ssl-load-extra-del-ext"]; del {
			beside = strings.TrimSuffix(c.file, ".crt") + ".key"
		}
		if _, err := os.Stat(h.real(beside)); err == nil {
			key.Value = beside
		}
	}
	s.Lines[facts.SetCertificate], s.Lines[facts.SetKey] = cert, key
	if strings.Contains(c.file, "${") {
		addFault(s, facts.Fault{At: cert.Place, Remark: true, Text: fmt.Sprintf("%s is named by a variable of the environment, so it is known only while HAProxy runs", c.file)})
		return
	}
	h.pair(s, cert, key)
	h.unlock(s, key, nil, "HAProxy asks for its password when it starts, and does not start as a service")
	s.Pairs[0].Chain = autoChain(s.Pairs[0].Chain, h.issuers)
	if info, err := os.Stat(h.real(c.file + ".ocsp")); err == nil && info.Mode().IsRegular() && h.loads("ocsp") {
		s.Staples = true
	}
	if mode, ok := c.local["ocsp-update"]; ok && mode == "on" || h.global["tune.ssl.ocsp-update.mode"].Value == "on" || h.global["ocsp-update.mode"].Value == "on" {
		s.Staples = true
		at := c.line
		at.Name = "ocsp-update"
		stapleable(s, at, "", c.file+".issuer", h.hold(c.file+".issuer").chain)
	}
	s.Names = slices.DeleteFunc(slices.Clone(c.names), func(n string) bool { return strings.HasPrefix(n, "!") })
	if len(s.Names) == 0 && len(s.Pairs) > 0 && len(s.Pairs[0].Chain) > 0 {
		leaf := s.Pairs[0].Chain[0]
		s.Names = slices.Clone(leaf.DNSNames)
		if cn := leaf.Subject.CN(); cn != "" && !slices.Contains(s.Names, cn) {
			s.Names = append(s.Names, cn)
		}
	}
}
