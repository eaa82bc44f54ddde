package client

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Caught is the profile of a client whose hello was caught on the wire, with
// its records, on a day (2026-11-22). Its judgement of certificates was not
// watched: that of the newest known client of its family is taken, or of the
// reference client. Nor does a hello without server_name prove that no name is
// ever sent: some clients (Java, aria2) send none without a dot, and it was
// asked for localhost.
func Caught(family, version, day, source string, raw []byte) (*Profile, error) {
	h, err := tlswire.ParseClientHelloRecord(raw)
	if err != nil {
		return nil, err
	}
	like := Reference()
	if known, err := Lookup(family); err == nil && known.Family == family {
		like = known
	}
	seen := Seen(strings.TrimSpace(family+" "+version), h)
	p := &Profile{Name: seen.Name, Family: family, Version: version, Released: "unknown", Current: true, Captured: day, Source: source,
		Note: "its judgement of certificates is that of " + like.Name, hex: hex.EncodeToString(raw), parse: seen.parse}
	if p.Version == "" {
		p.Version = "unknown"
	}
	own := seen.Client
	p.Client = like.Client
	p.Client.Name, p.Client.Reference, p.Client.MinVersion, p.Client.MaxVersion, p.Client.SendsSNI = own.Name, false, own.MinVersion, own.MaxVersion, own.SendsSNI || like.Client.SendsSNI
	if p.Client.SignedFrom < p.Client.MinVersion {
		p.Client.SignedFrom = 0
	}
	p.Client.Rules, p.Client.Stack = rulesOf(p), stackOf(p)
	return p, nil
}

// Format writes a profile as ReadProfile reads it.
func (p *Profile) Format() string {
	var b strings.Builder
	line := func(key, value string) {
		if value = strings.Join(strings.Fields(value), " "); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	answer := map[bool]string{true: "yes", false: "no"}
	line("name", p.Name)
	for _, also := range p.Also {
		line("also", also)
	}
	line("family", p.Family)
	line("platform", p.Platform)
	line("version", p.Version)
	line("released", p.Released)
	line("captured", p.Captured)
	line("lowest", FormatVersion(p.Client.MinVersion))
	if p.Client.SignedFrom != 0 {
		line("signed_from", FormatVersion(p.Client.SignedFrom))
	}
	line("highest", FormatVersion(p.Client.MaxVersion))
	for _, n := range []struct {
		key  string
		bits int
	}{{"min_dh_bits", p.Client.MinDHBits}, {"min_rsa_bits", p.Client.MinRSABits}} {
		if n.bits > 0 {
			line(n.key, fmt.Sprint(n.bits))
		}
	}
	for _, f := range []struct {
		key string
		is  bool
	}{{"current", p.Current}, {"sends_sni", p.Client.SendsSNI}, {"sha1_leaf", p.Client.AllowSHA1}, {"name_in_cn", p.Client.CNFallback}, {"without_rfc5746", p.Client.NoRFC5746}} {
		line(f.key, answer[f.is])
	}
	line("note", p.Note)
	line("source", p.Source)
	const width = 100
	for rest := p.hex; rest != ""; {
		n := min(width, len(rest))
		b.WriteString("\n" + rest[:n])
		rest = rest[n:]
	}
	return b.String() + "\n"
}

// FileName is how a profile's file is called: "curl-7.88.1.hello".
func (p *Profile) FileName() string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, p.Name)
	return strings.Trim(clean, "-.") + ".hello"
}
