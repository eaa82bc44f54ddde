package srvconf

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// opensslCiphers is OpenSSL's own table, as data.
//
//go:embed ciphers.txt
var opensslCiphers string

// opensslCipher is one row of it.
type opensslCipher struct {
	suite            tlswire.CipherSuite
	name             string
	version          string // the oldest: SSLv3, TLSv1, TLSv1.2
	kex, auth        string
	cipher, mac      string
	bits             int // of strength
	optional, active bool
}

var cipherTable = sync.OnceValue(func() []opensslCipher {
	var out []opensslCipher
	for line := range strings.Lines(opensslCiphers) {
		f := strings.Fields(line)
		if len(f) != 8 || f[0] == "#" {
			continue
		}
		id, err := strconv.ParseUint(f[0], 16, 16)
		if err != nil {
			continue
		}
		c := opensslCipher{suite: tlswire.CipherSuite(id), name: f[1], version: f[2], kex: f[3], auth: f[4], mac: f[6], optional: f[7] == "*"}
		var size string
		c.cipher, size, _ = strings.Cut(f[5], "(")
		c.bits, _ = strconv.Atoi(strings.TrimSuffix(size, ")"))
		out = append(out, c)
	}
	return out
})

// CipherString is an expanded cipher list of OpenSSL.
type CipherString struct {
	Suites []tlswire.CipherSuite // in the order of preference, up to TLS 1.2
	// Level is the security level, -1 where the string sets none.
	Level int
	// Unknown holds the words that mean nothing to OpenSSL, which passes over
	// them.
	Unknown []string
}

// ExpandCiphers expands a cipher list as OpenSSL 3 does (openssl-ciphers(1),
// CIPHER LIST FORMAT). The suites of TLS 1.3 are set elsewhere and are not part
// of it. What the security level forbids is still in Suites: see Permitted.
func ExpandCiphers(list string) CipherString {
	out := CipherString{Level: -1}
	c := &cipherList{}
	for _, row := range slices.Backward(cipherTable()) { // as ssl3_get_cipher counts
		c.rows = append(c.rows, &row)
	}
	c.arrange()
	list = strings.TrimSpace(list)
	switch first, _, _ := strings.Cut(list, ":"); first {
	case "SUITEB128":
		list = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
	case "SUITEB128ONLY":
		list = "ECDHE-ECDSA-AES128-GCM-SHA256"
	case "SUITEB192":
		list = "ECDHE-ECDSA-AES256-GCM-SHA384"
	}
	if rest, ok := strings.CutPrefix(list, "PROFILE=SYSTEM"); ok { // Red Hat's word
		list = "DEFAULT" + rest
	}
	if rest, ok := strings.CutPrefix(list, "DEFAULT"); ok {
		for _, rule := range []string{"ALL", "!COMPLEMENTOFDEFAULT", "!eNULL"} {
			c.rule(rule, &out)
		}
		list = rest
	}
	list = strings.ReplaceAll(list, "@", ":@")
	for _, rule := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(": ;,", r) }) {
		c.rule(rule, &out)
	}
	for _, row := range c.rows {
		if row.active {
			out.Suites = append(out.Suites, row.suite)
		}
	}
	return out
}

// Permitted drops what the security level of OpenSSL 3 forbids
// (SSL_CTX_set_security_level(3)).
func Permitted(suites []tlswire.CipherSuite, level int) []tlswire.CipherSuite {
	if level <= 0 {
		return suites
	}
	least := []int{0, 80, 112, 128, 192, 256}[min(level, 5)]
	var out []tlswire.CipherSuite
	for _, s := range suites {
		i := slices.IndexFunc(cipherTable(), func(c opensslCipher) bool { return c.suite == s })
		if i < 0 {
			out = append(out, s) // of TLS 1.3
			continue
		}
		c := cipherTable()[i]
		ephemeral := c.kex == "ECDH" || c.kex == "DH" || c.kex == "DHEPSK" || c.kex == "ECDHEPSK"
		if c.bits < least || c.auth == "None" || c.mac == "MD5" || least > 160 && c.mac == "SHA1" || level > 2 && !ephemeral {
			continue
		}
		out = append(out, s)
	}
	return out
}

// cipherList is OpenSSL's list while the rules work on it.
type cipherList struct{ rows []*opensslCipher }

// The ways in which a rule treats what it selects.
const (
	addToEnd    = iota // unless it is active already
	moveToEnd          // of the active ones
	moveToFront        // of the active ones
	remove             // may come back
	kill               // never comes back
)

// apply is ssl_cipher_apply_rule of OpenSSL: what is removed goes to the front
// of the inactive, in reverse, so that it comes back in its old order.
func (c *cipherList) apply(action int, selects func(*opensslCipher) bool) {
	var chosen, rest []*opensslCipher
	for _, row := range c.rows {
		hit := selects(row)
		switch action {
		case addToEnd:
			hit = hit && !row.active
		case moveToEnd, moveToFront, remove:
			hit = hit && row.active
		}
		if hit {
			chosen = append(chosen, row)
			continue
		}
		rest = append(rest, row)
	}
	switch action {
	case addToEnd, moveToEnd:
		for _, row := range chosen {
			row.active = true
		}
		c.rows = append(rest, chosen...)
	case moveToFront:
		c.rows = append(chosen, rest...)
	case remove:
		for _, row := range chosen {
			row.active = false
		}
		c.rows = append(chosen, rest...)
	case kill:
		c.rows = rest
	}
}

// arrange puts the table into the order in which ALL adds it.
func (c *cipherList) arrange() {
	every := func(*opensslCipher) bool { return true }
	kex := func(names ...string) func(*opensslCipher) bool {
		return func(r *opensslCipher) bool { return slices.Contains(names, r.kex) }
	}
	ephemeral := kex("ECDH", "DH")
	c.apply(addToEnd, func(r *opensslCipher) bool { return r.kex == "ECDH" && r.auth == "ECDSA" })
	c.apply(addToEnd, kex("ECDH"))
	c.apply(remove, kex("ECDH"))
	c.apply(addToEnd, func(r *opensslCipher) bool { return r.cipher == "AESGCM" })
	c.apply(addToEnd, func(r *opensslCipher) bool { return strings.HasPrefix(r.cipher, "CHACHA20") })
	c.apply(addToEnd, func(r *opensslCipher) bool { return strings.HasPrefix(r.cipher, "AES") && r.cipher != "AESGCM" })
	c.apply(addToEnd, every)
	c.apply(moveToEnd, func(r *opensslCipher) bool { return r.mac == "MD5" })
	c.apply(moveToEnd, func(r *opensslCipher) bool { return r.auth == "None" })
	c.apply(moveToEnd, kex("RSA"))
	c.apply(moveToEnd, kex("PSK"))
	c.apply(moveToEnd, func(r *opensslCipher) bool { return r.cipher == "RC4" })
	c.byStrength()
	c.apply(moveToFront, func(r *opensslCipher) bool { return r.version == "TLSv1.2" })
	c.apply(moveToFront, func(r *opensslCipher) bool { return r.mac == "AEAD" })
	c.apply(moveToFront, ephemeral)
	c.apply(moveToFront, func(r *opensslCipher) bool { return ephemeral(r) && r.mac == "AEAD" })
	c.apply(remove, every)
}

func (c *cipherList) byStrength() {
	var sizes []int
	for _, r := range c.rows {
		if r.active && !slices.Contains(sizes, r.bits) {
			sizes = append(sizes, r.bits)
		}
	}
	slices.Sort(sizes)
	for _, n := range slices.Backward(sizes) {
		c.apply(moveToEnd, func(r *opensslCipher) bool { return r.bits == n })
	}
}

// rule carries out one word of the list.
func (c *cipherList) rule(word string, out *CipherString) {
	action := addToEnd
	if strings.Trim(word, "-+!@") == "" {
		return
	}
	switch word[0] {
	case '-':
		action, word = remove, word[1:]
	case '+':
		action, word = moveToEnd, word[1:]
	case '!':
		action, word = kill, word[1:]
	case '@':
		level, isLevel := strings.CutPrefix(word, "@SECLEVEL=")
		n, err := strconv.Atoi(level)
		switch {
		case word == "@STRENGTH":
			c.byStrength()
		case isLevel && err == nil && n >= 0 && n <= 5:
			out.Level = n
		default:
			out.Unknown = append(out.Unknown, word)
		}
		return
	}
	var selectors []func(*opensslCipher) bool
	for part := range strings.SplitSeq(word, "+") {
		s := cipherSelector(part)
		if s == nil {
			out.Unknown = append(out.Unknown, part)
			return
		}
		selectors = append(selectors, s)
	}
	c.apply(action, func(r *opensslCipher) bool {
		return !slices.ContainsFunc(selectors, func(s func(*opensslCipher) bool) bool { return !s(r) })
	})
}
