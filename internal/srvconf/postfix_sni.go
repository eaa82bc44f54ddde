package srvconf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// named are the sites of tls_server_sni_maps beside the one that answers every
// other name. Of a table in a database its source is read, which postmap makes
// the database of.
func (p *postfixReader) named(s *facts.Site, mandatory bool) []*facts.Site {
	l, ok := p.get("tls_server_sni_maps", "")
	if !ok || l.Value == "" {
		return nil
	}
	kind, source, _ := strings.Cut(l.Value, ":")
	var rows []textLine
	switch {
	case kind == "inline":
		for _, row := range strings.Split(strings.Trim(strings.TrimSpace(source), "{}"), "}") {
			row = strings.Replace(strings.Trim(row, "{, "), "=", " ", 1)
			rows = append(rows, textLine{row, l.Line})
		}
	case slices.Contains([]string{"hash", "btree", "lmdb", "cdb", "dbm", "texthash", "regexp", "pcre"}, kind):
		data, err := p.fileOf(source, maxFile)
		if err != nil {
			f := unreadable(l.Place, source, err, "the table of names")
			f.Stops = false
			addFault(s, f)
			return nil
		}
		if kind == "regexp" || kind == "pcre" {
			return nil
		}
		rows = folded(string(data))
	default:
		return nil
	}
	var out []*facts.Site
	for _, row := range rows {
		words := strings.FieldsFunc(row.text, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
		if len(words) < 2 || len(out) >= maxSites {
			continue
		}
		at := facts.Line{Place: facts.Place{File: source, Line: row.line}, Name: words[0]}
		if kind == "inline" {
			at.Place = l.Place
		}
		if strings.HasPrefix(words[0], ".") {
			words[0] = "*" + words[0]
		}
		named := &facts.Site{Software: s.Software, At: at.Place, Title: s.Title + " for " + words[0], Names: words[:1], Listen: s.Listen, Port: s.Port, Protocol: s.Protocol, StartTLS: s.StartTLS,
			Optional: s.Optional, Lines: map[facts.Setting]facts.Line{facts.SetName: at, facts.SetCertificate: at}, Reload: "postmap -F " + l.Value + " && " + s.Reload}
		p.chains(named, at, words[1:])
		p.settings(named, mandatory)
		p.clientAuth(named)
		out = append(out, named)
	}
	return out
}

// chains reads files of keys, each followed by its certificates, be it in the
// same file or in the next one (smtpd_tls_chain_files).
func (p *postfixReader) chains(s *facts.Site, l facts.Line, files []string) {
	for i := 0; i < len(files); i++ {
		cert, key := l, l
		cert.Value, key.Value = files[i], files[i]
		h := p.hold(files[i])
		switch {
		case (h.key != nil || h.locks) && len(h.chain) == 0 && i+1 < len(files):
			i++
			cert.Value = files[i]
		case h.key == nil && !h.locks && len(h.chain) > 0 && i+1 < len(files) && p.hold(files[i+1]).key != nil:
			addFault(s, facts.Fault{At: l.Place, File: files[i+1], Stops: true, Text: fmt.Sprintf("the key %s stands behind its certificate %s: Postfix wants each key first, and offers no TLS", files[i+1], files[i])})
			i++
			key.Value = files[i]
		case h.last:
			addFault(s, facts.Fault{At: l.Place, File: files[i], Stops: true, Text: fmt.Sprintf("the key stands behind the certificates in %s: Postfix wants it first, and offers no TLS", files[i])})
		}
		p.load(s, cert, key)
	}
}
