package causes

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// FixParams is what the texts of fix/*.md insert. Every field may be empty: the
// texts then speak in general or print a placeholder in capitals.
//
// Values may come from the peer (a subject, a URL). They are cleaned before
// they are inserted, so that a hostile certificate cannot plant a line into a
// command that somebody pastes.
type FixParams struct {
	Name    string // the name that clients ask for: DNS name or IP literal
	Host    string // what is dialled, when it differs from Name
	Port    int
	Address string // ip:port
	SNI     string
	Names   []string // the names that the certificate must cover
	Covered []string // the names that it covers

	// ClientCAs is how many CAs stand above the client's certificate, as far as
	// they are known, the root among them; 0 when it was not looked at.
	ClientCAs int

	// The client's own files: its certificate chain, its key, its anchors.
	CertFile, KeyFile, CAFile string
	// The server's files, known only where its configuration was read.
	ServerCertFile, ServerKeyFile, ChainFile string

	MissingPEM, MissingSubject, MissingURL string // the intermediate that was not sent
	FullChainPEM                           string // leaf and intermediates, in order

	Subject, Issuer, IssuerOrg string // of the certificate at fault
	NotBefore, NotAfter        time.Time
	DueSince                   time.Time // when renewal should have begun
	ACME                       bool      // the issuer is one that is used through ACME

	// What the server takes and the client lacks, as proven: to be enabled on
	// the client.
	Suites, SuitesIANA, Groups, Schemes []string // Suites has OpenSSL's names, the others IANA's
	ClientALPN                          []string // to be offered by the client
	// What the client offers, in its order; the texts for servers pick what
	// fits KeyType.
	OfferedSuites, OfferedSuitesIANA, OfferedGroups, OfferedSchemes, ALPN []string

	// Version is the highest version that the server speaks, MinVersion and
	// MaxVersion are the client's range: "1.2".
	Version, MinVersion, MaxVersion string
	KeyType                         string   // of the server's certificate: RSA, ECDSA, Ed25519
	Client                          string   // who the verdict is about, in words
	CAs                             []string // issuers that the server accepts for clients
	Protocol                        string   // https, smtp, imap ...
	StartTLS                        string
	Words                           string // what the peer said, one line
	Mend, MendCommand               string // what makes a file of use, and the command that does it
	Proxy                           string // host:port of the proxy that was asked
	ProxyScheme                     string // http, https, socks5 ...; "" = http
	DHBits                          int    // of the prime that the client wants
	Pin                             string // of the key that is served: sha256//BASE64
	Reason, Serial                  string // of a revocation: keyCompromise ...
	ListURL, OCSPURL                string // where the issuer publishes revocations
	MustStaple                      bool
	Now                             time.Time
}

// guide is one file of fix/: how one software does each action.
type guide struct {
	file, title, side, name string
	aliases                 []string
	recognise               []string // marks anywhere in header, banner or body
	header                  []string // how its Server header begins
	sections                map[string]*template.Template
}

// The files that know every action in general.
const (
	anyServer = "any-server"
	anyClient = "any-client"
)

// What is shown beside the general text when the software is not known.
var (
	usualServers = []string{"nginx", "apache", "haproxy"}
	usualClients = []string{"curl", "java", "python", "go"}
)

// Software returns the canonical name of a server software ("httpd" is apache),
// and false when there are no fixes for it.
func Software(name string) (string, bool) { return canonical("server", name) }

// ClientSoftware does the same for a client; a version behind the name is
// ignored ("Java 8u161" is java).
func ClientSoftware(name string) (string, bool) {
	if s, ok := canonical("client", name); ok {
		return s, true
	}
	word := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" /-_(", r) })
	if len(word) == 0 {
		return "", false
	}
	return canonical("client", word[0])
}

func canonical(side, name string) (string, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, g := range catalogue().guides {
		if g.side == side && g.name != "" && (g.name == name || slices.Contains(g.aliases, name)) {
			return g.name, true
		}
	}
	return "", false
}

// SoftwareNames lists the canonical names of one side ("server", "client").
func SoftwareNames(side string) []string {
	var names []string
	for _, g := range catalogue().guides {
		if g.side == side && g.name != "" {
			names = append(names, g.name)
		}
	}
	slices.Sort(names)
	return names
}

// RecogniseServer names the software that shows itself in an HTTP Server
// header, in a banner (SMTP, IMAP) or in the body of an error page; "" when
// none does. The header is believed first: it may be a reverse proxy's, which
// is then the one that ends TLS. Of several marks the longest wins.
func RecogniseServer(serverHeader, banner, body string) string {
	for i, words := range []string{serverHeader, banner, body} {
		words = strings.ToLower(words)
		best, name := 0, ""
		for _, g := range catalogue().guides {
			for _, mark := range g.recognise {
				if len(mark) > best && strings.Contains(words, mark) {
					best, name = len(mark), g.name
				}
			}
			for _, mark := range g.header {
				if i == 0 && len(mark) > best && strings.HasPrefix(words, mark) {
					best, name = len(mark), g.name
				}
			}
		}
		if name != "" {
			return name
		}
	}
	return ""
}

// RenderFixes writes out the named actions. software is the server software
// that was recognised or named, clients are the programs that the user wants
// fixed. Where they are empty, the general text of each action comes first and
// the most usual programs follow. An action that no text knows is left out, as
// is one that cannot help here.
func RenderFixes(refs []FixRef, software, clients []string, p FixParams) []diag.Fix {
	p = p.clean()
	var fixes []diag.Fix
	for _, ref := range useful(refs, &p) {
		var guides []*guide
		switch ref.Side {
		case "server":
			usual := usualServers
			if p.StartTLS != "" && p.StartTLS != "smtp" && p.StartTLS != "imap" {
				usual = nil // none of them is a database or a directory
			}
			guides = choose("server", anyServer, ref.Action, software, usual)
		case "client":
			usual := usualClients
			if p.Protocol != "" && p.Protocol != "https" && p.Protocol != "http" {
				usual = []string{"openssl", "java", "python", "go"} // curl's commands would ask for a web page
			}
			guides = choose("client", anyClient, ref.Action, clients, usual)
		default:
			guides = choose(ref.Side, ref.Side, ref.Action, nil, nil)
		}
		for _, g := range guides {
			f, err := g.render(ref, &p)
			if err == nil && f.Text+f.Config+f.Command != "" {
				fixes = append(fixes, f)
			}
		}
	}
	return fixes
}

// useful leaves out what cannot help: where nothing that the client offers fits
// the certificate's key, only a certificate of another type does; and no client
// is told to take up a broken suite.
func useful(refs []FixRef, p *FixParams) []FixRef {
	var out []FixRef
	for _, ref := range refs {
		if ref == (FixRef{"server", "common-suites"}) && p.noSuiteFits() || ref == (FixRef{"server", "common-schemes"}) && p.noSchemeFits() {
			ref.Action = "ecdsa-or-rsa-certificate"
		}
		if ref == (FixRef{"client", "common-suites"}) && len(p.Suites) > 0 && !slices.ContainsFunc(p.Suites, func(s string) bool { return !brokenSuite(s) }) {
			continue
		}
		if !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

// choose picks the guides that explain an action: the wanted software's, or
// the general one when it has nothing to say; without a wish the general one
// and the usual ones.
func choose(side, general, action string, wanted, usual []string) []*guide {
	var picked []*guide
	add := func(match func(*guide) bool) bool {
		for _, g := range catalogue().guides {
			if g.side == side && g.sections[action] != nil && match(g) {
				if !slices.Contains(picked, g) {
					picked = append(picked, g)
				}
				return true
			}
		}
		return false
	}
	isGeneral := func(g *guide) bool { return g.file == general }
	names := usual
	if len(wanted) > 0 {
		names = nil
		for _, w := range wanted {
			name, ok := Software(w)
			if side == "client" {
				name, ok = ClientSoftware(w)
			}
			if !ok || !add(func(g *guide) bool { return g.name == name }) {
				add(isGeneral)
			}
		}
	} else {
		add(isGeneral)
	}
	for _, name := range names {
		add(func(g *guide) bool { return g.name == name })
	}
	return picked
}

func (g *guide) render(ref FixRef, p *FixParams) (diag.Fix, error) {
	var b strings.Builder
	if err := g.sections[ref.Action].Execute(&b, p); err != nil {
		return diag.Fix{}, fmt.Errorf("rendering %s of %s: %w", ref.Action, g.file, err)
	}
	f := diag.Fix{Side: ref.Side, For: g.name, Action: ref.Action}
	text, config, command, err := unfence(b.String())
	f.Text, f.Config, f.Command = text, config, command
	return f, err
}

// unfence separates the free text from the fenced blocks.
func unfence(s string) (text, config, command string, err error) {
	var free []string
	blocks := map[string][]string{}
	kind := ""
	var block []string
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case kind == "" && (line == "```config" || line == "```command"):
			kind, block = line[3:], nil
		case strings.HasPrefix(line, "```"):
			if line != "```" || kind == "" {
				return "", "", "", fmt.Errorf("unexpected fence %q", line)
			}
			if b := squeeze(block); b != "" {
				blocks[kind] = append(blocks[kind], b)
			}
			kind = ""
		case kind != "":
			block = append(block, line)
		default:
			free = append(free, line)
		}
	}
	if kind != "" {
		return "", "", "", fmt.Errorf("fence %q is not closed", kind)
	}
	return flow(free), strings.Join(blocks["config"], "\n\n"), strings.Join(blocks["command"], "\n"), nil
}

// squeeze joins lines, dropping blank ones at both ends and doubled ones.
func squeeze(lines []string) string {
	lines = slices.CompactFunc(lines, func(a, b string) bool { return a == "" && b == "" })
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// flow joins the lines of a paragraph; list items stay on lines of their own.
func flow(lines []string) string {
	var out []string
	open := false
	for _, line := range lines {
		switch {
		case line == "":
			open = false
		case open && !strings.HasPrefix(line, "- "):
			out[len(out)-1] += " " + strings.TrimSpace(line)
		default:
			out = append(out, line)
			open = true
		}
	}
	return strings.Join(out, "\n")
}

func parseGuide(file, text string) (*guide, error) {
	title, keys, body, err := header(text)
	if err != nil {
		return nil, err
	}
	g := &guide{file: file, title: title, sections: map[string]*template.Template{}}
	if len(keys["side"]) != 1 || !slices.Contains([]string{"server", "client", "network"}, keys["side"][0]) {
		return nil, fmt.Errorf("want one side: server, client or network")
	}
	g.side = keys["side"][0]
	if len(keys["name"]) == 1 {
		g.name = keys["name"][0]
	}
	for _, list := range keys["aliases"] {
		for _, a := range strings.Split(list, ",") {
			g.aliases = append(g.aliases, strings.ToLower(strings.TrimSpace(a)))
		}
	}
	for _, mark := range keys["recognise"] {
		g.recognise = append(g.recognise, strings.ToLower(mark))
	}
	for _, mark := range keys["header"] {
		g.header = append(g.header, strings.ToLower(mark))
	}
	for _, part := range strings.Split("\n"+body, "\n## ")[1:] {
		action, section, _ := strings.Cut(part, "\n")
		if g.sections[action] != nil {
			return nil, fmt.Errorf("section %q comes twice", action)
		}
		t, err := template.New(file + "#" + action).Funcs(fixFuncs).Parse(section)
		if err != nil {
			return nil, err
		}
		g.sections[action] = t
	}
	return g, nil
}

// fixFuncs are the functions of the templates beside the built-in ones.
var fixFuncs = template.FuncMap{
	"join": func(sep string, list []string) string { return strings.Join(list, sep) },
	"sh":   shellWord,
	"date": func(t time.Time) string { return t.UTC().Format("2006-01-02") },
	"isIP": func(s string) bool { _, err := netip.ParseAddr(s); return err == nil },
	"days": func(from, to time.Time) int { return int(to.Sub(from) / (24 * time.Hour)) },
}

const shellSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,"

// shellWord quotes a word for a POSIX shell where it needs quotes.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, shellSafe) == "" && s[0] != '-' {
		return s
	}
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// ProxyURL is the URL of the proxy that was asked, without credentials.
func (p *FixParams) ProxyURL() string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"
	if p.Proxy == "" || strings.Trim(p.Proxy+p.ProxyScheme, safe) != "" {
		return "http://PROXY.EXAMPLE:3128"
	}
	return orElse(p.ProxyScheme, "http") + "://" + p.Proxy
}

// ProxyHost is the host:port of ProxyURL.
func (p *FixParams) ProxyHost() string {
	_, host, _ := strings.Cut(p.ProxyURL(), "://")
	return host
}
