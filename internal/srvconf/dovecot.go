package srvconf

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register("dovecot", parseDovecot)

// dovecotReader turns the settings of Dovecot 2.3 and 2.4 into sites.
type dovecotReader struct{ *reader }

func parseDovecot(r *reader, file string, data []byte) {
	d := &dovecotReader{r}
	r.open = []string{filepath.Clean(file)}
	root := &node{isBlock: true}
	d.lines(file, data, []*node{root})
	d.unknown(root.block)
	if _, new := (dovecotScope{root}).get("dovecot_config_version"); new {
		d.renamed(root.block)
	}
	d.sites(root, facts.Place{File: file, Line: 1})
}

// dovecotSettings are those of TLS that Dovecot knows, 2.2 to 2.4.
var dovecotSettings = strings.Fields(`ssl ssl_alt_cert ssl_alt_key ssl_ca ssl_cert ssl_cert_username_field ssl_cipher_list ssl_cipher_suites ssl_client_ca_dir ssl_client_ca_file ssl_client_cert
	ssl_client_key ssl_client_require_valid_cert ssl_crypto_device ssl_curve_list ssl_dh ssl_dh_parameters_length ssl_key ssl_key_password ssl_min_protocol ssl_options ssl_parameters_regenerate
	ssl_prefer_server_ciphers ssl_protocols ssl_require_crl ssl_verify_client_cert ssl_server_cert_file ssl_server_key_file ssl_server_key_password ssl_server_alt_cert_file
	ssl_server_alt_key_file ssl_server_ca_file ssl_server_dh_file ssl_server_min_protocol ssl_server_prefer_ciphers ssl_server_cert_username_field ssl_server_request_client_cert
	ssl_server_require_crl ssl_client_cert_file ssl_client_key_file ssl_client_key_password ssl_server ssl_client ssl_peer_certificate_fingerprint_hash`)

// unknown finds mistyped settings of TLS: Dovecot does not start with them.
func (d *dovecotReader) unknown(nodes []*node) {
	for _, n := range nodes {
		if name := n.arg(0); strings.HasPrefix(name, "ssl") && !slices.Contains(dovecotSettings, name) {
			d.fault(mistyped(n.at, "Dovecot knows no setting", name, dovecotSettings, ": it does not start"))
		}
		if n.arg(0) == "local_name" || n.arg(0) == "local" || n.arg(0) == "protocol" {
			d.unknown(n.block)
		}
	}
}

// dovecotRenamed are settings of 2.3 by the names that 2.4 gave them.
var dovecotRenamed = map[string]string{"ssl_cert": "ssl_server_cert_file", "ssl_key": "ssl_server_key_file", "ssl_key_password": "ssl_server_key_password",
	"ssl_alt_cert": "ssl_server_alt_cert_file", "ssl_alt_key": "ssl_server_alt_key_file", "ssl_ca": "ssl_server_ca_file", "ssl_dh": "ssl_server_dh_file"}

// renamed finds what 2.4, which alone knows dovecot_config_version, calls
// otherwise: it starts with none of the old names. In a section, such as
// ssl_server, a short name may stand for the new one.
func (d *dovecotReader) renamed(nodes []*node) {
	for _, n := range nodes {
		if now := dovecotRenamed[n.arg(0)]; now != "" && !n.isBlock {
			d.fault(facts.Fault{At: n.at, Stops: true, Text: fmt.Sprintf("dovecot_config_version says that this is Dovecot 2.4, which knows no %s and does not start: write %s = %s",
				n.arg(0), now, strings.TrimPrefix(n.value(), "<"))})
		}
		if n.arg(0) == "local_name" || n.arg(0) == "local" || n.arg(0) == "protocol" {
			d.renamed(n.block)
		}
	}
}

// lines reads a file into the tree; a setting is a node of its name and value.
func (d *dovecotReader) lines(file string, data []byte, stack []*node) {
	depth := len(stack)
	for _, l := range joined(string(data), true) {
		at := facts.Place{File: file, Line: l.line}
		text := strings.TrimSpace(l.text)
		if text == "" || text[0] == '#' {
			continue
		}
		top := stack[len(stack)-1]
		switch words := strings.Fields(text); {
		case words[0] == "!include" || words[0] == "!include_try":
			pattern := absolute(filepath.Dir(file), strings.Join(words[1:], " "))
			if strings.ContainsAny(pattern, "*?[") {
				pattern = absolute(filepath.Dir(file), pattern)
			}
			d.include(pattern, at, words[0] == "!include_try" || strings.ContainsAny(pattern, "*?["), func(name string, data []byte) {
				d.lines(name, data, slices.Clone(stack))
			})
		case text == "}":
			if len(stack) <= depth {
				d.fault(facts.Fault{At: at, Stops: true, Text: "a closing brace } without a section"})
				continue
			}
			stack = stack[:len(stack)-1]
		case strings.HasSuffix(withoutComment(text), "{") && !strings.Contains(strings.SplitN(text, "{", 2)[0], "="):
			n := &node{words: strings.Fields(strings.TrimSuffix(withoutComment(text), "{")), at: at, isBlock: true}
			if len(n.words) == 0 || len(stack) > maxNesting {
				d.fault(facts.Fault{At: at, Stops: true, Text: "a section without a name"})
				n.words = []string{"?"}
			}
			for i, w := range n.words {
				n.words[i] = strings.Trim(w, `"`)
			}
			top.block = append(top.block, n)
			stack = append(stack, n)
		default:
			name, value, ok := strings.Cut(text, "=")
			if !ok {
				d.fault(facts.Fault{At: at, Text: fmt.Sprintf("%q is no setting of the form name = value", firstWords(text))})
				continue
			}
			value = strings.TrimSpace(value)
			quoted := strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'")
			if !quoted {
				value = dovecotVariables(withoutComment(value), stack)
			}
			top.block = append(top.block, &node{words: []string{strings.TrimSpace(name), strings.Trim(value, `"'`)}, at: at, quoted: quoted})
		}
	}
	if len(stack) > depth {
		d.fault(facts.Fault{At: stack[len(stack)-1].at, Stops: true, Text: "the section that is opened here is never closed: a brace } is missing"})
	}
}

// dovecotVariables puts the values of settings into $name.
func dovecotVariables(value string, stack []*node) string {
	return dovecotVariable.ReplaceAllStringFunc(value, func(v string) string {
		for _, n := range slices.Backward(stack) {
			if l, ok := (dovecotScope{n}).get(v[1:]); ok && len(l.Value) < 1<<12 {
				return l.Value
			}
		}
		return ""
	})
}

var dovecotVariable = regexp.MustCompile(`\$[a-z]\w*`)

// withoutComment drops what follows a # behind a blank.
func withoutComment(s string) string {
	if i := strings.Index(s, " #"); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}
