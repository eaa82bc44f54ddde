package client

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// maxProfileHex bounds the hex of one record: 64 kB.
const maxProfileHex = 2 << 16

// parseProfile reads a .hello file: lines "key: value", an empty line, then the
// record in hex, wrapped at will. The hex is only collected.
func parseProfile(text string) (*Profile, error) {
	head, body, ok := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n")
	if !ok {
		return nil, fmt.Errorf("reading profile: no empty line before the hello")
	}
	p := &Profile{}
	seen := map[string]bool{}
	for line := range strings.Lines(head) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		if !ok || value == "" {
			return nil, fmt.Errorf("reading profile: %q is not \"key: value\"", strings.TrimSpace(line))
		}
		if seen[key] && key != "also" {
			return nil, fmt.Errorf("reading profile: %q occurs twice", key)
		}
		seen[key] = true
		if err := p.set(key, value); err != nil {
			return nil, err
		}
	}
	for _, key := range []string{"name", "family", "version", "lowest", "highest", "sends_sni", "source"} {
		if !seen[key] {
			return nil, fmt.Errorf("reading profile: %q is missing", key)
		}
	}
	p.hex = strings.Join(strings.Fields(body), "")
	if len(p.hex) > maxProfileHex {
		return nil, fmt.Errorf("reading profile: hello of %d digits is too long", len(p.hex))
	}
	p.parse = sync.OnceValues(func() (*tlswire.ClientHello, error) {
		record, err := hex.DecodeString(p.hex)
		if err != nil {
			return nil, fmt.Errorf("reading profile %q: hello: %w", p.Name, err)
		}
		return tlswire.ParseClientHelloRecord(record)
	})
	return p, nil
}

func (p *Profile) set(key, value string) error {
	var err error
	switch key {
	case "name":
		p.Name, p.Client.Name = value, value
	case "also":
		p.Also = append(p.Also, value)
	case "family":
		p.Family = value
	case "platform":
		p.Platform = value
	case "version":
		p.Version = value
	case "released":
		p.Released = value
	case "captured":
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			return fmt.Errorf("reading profile: captured: %q is no day such as 2026-11-22", value)
		}
		p.Captured = value
	case "note":
		p.Note = value
	case "source":
		p.Source = value
	case "lowest":
		p.Client.MinVersion, err = tlswire.ParseVersion(value)
	case "signed_from":
		p.Client.SignedFrom, err = tlswire.ParseVersion(value)
	case "highest":
		p.Client.MaxVersion, err = tlswire.ParseVersion(value)
	case "min_dh_bits":
		p.Client.MinDHBits, err = bits(value)
	case "min_rsa_bits":
		p.Client.MinRSABits, err = bits(value)
	case "current":
		p.Current, err = yesNo(value)
	case "sends_sni":
		p.Client.SendsSNI, err = yesNo(value)
	case "sha1_leaf":
		p.Client.AllowSHA1, err = yesNo(value)
	case "name_in_cn":
		p.Client.CNFallback, err = yesNo(value)
	case "without_rfc5746":
		p.Client.NoRFC5746, err = yesNo(value)
	default:
		return fmt.Errorf("reading profile: unknown key %q", key)
	}
	if err != nil {
		return fmt.Errorf("reading profile: %s: %w", key, err)
	}
	return nil
}

func yesNo(s string) (bool, error) {
	if s != "yes" && s != "no" {
		return false, fmt.Errorf("%q is neither yes nor no", s)
	}
	return s == "yes", nil
}

func bits(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of bits", s)
	}
	return int(n), nil
}

var versionWords = []struct {
	word    string
	version tlswire.Version
}{
	{"ssl2", tlswire.SSL2}, {"ssl3", tlswire.SSL3}, {"1.0", tlswire.TLS10},
	{"1.1", tlswire.TLS11}, {"1.2", tlswire.TLS12}, {"1.3", tlswire.TLS13},
}

// FormatVersion writes a version as the flags and facts.Changes do.
func FormatVersion(v tlswire.Version) string {
	for _, w := range versionWords {
		if w.version == v {
			return w.word
		}
	}
	return fmt.Sprintf("0x%04x", uint16(v))
}
