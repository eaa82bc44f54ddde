package client

import (
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Describe says in words how an experiment's hello differs from base, the
// user's own, for a table of attempts: "without SNI", "TLS 1.0–1.3 offered",
// "plus TLS_RSA_WITH_AES_128_CBC_SHA". A change that changes nothing about base
// is left out; base may be nil.
func Describe(ch facts.Changes, base *tlswire.ClientHello) string {
	ch, shape := expand(ch)
	if ch.Suites == "all" && ch.Groups == "all" && ch.Schemes == "all" {
		ch.Suites, ch.Groups, ch.Schemes = "", "", ""
		shape = append(shape, "everything")
	}
	var out []string
	say := func(words string) {
		if words != "" {
			out = append(out, words)
		}
	}
	for _, kind := range []string{"rsa", "ecdsa"} {
		if strings.HasPrefix(ch.Schemes, "="+kind) && strings.HasPrefix(ch.Suites, "-") {
			ch.Suites, ch.Schemes = "", ""
			say("for " + strings.ToUpper(kind) + " certificates only")
		}
	}
	for _, word := range shape {
		say(shapeWords(word))
	}
	if ch.Version != "" {
		say(versionWord(ch.Version))
	}
	say(listWords(ch.Suites, "cipher suite"))
	say(listWords(ch.Groups, "group"))
	say(listWords(ch.Schemes, "signature scheme"))
	switch {
	case ch.ALPN == "":
	case ch.ALPN == "none":
		if base == nil || base.ALPN() != nil {
			say("without ALPN")
		}
	default:
		say("with ALPN " + strings.Join(fields(ch.ALPN), ", "))
	}
	switch {
	case ch.SNI == "":
	case ch.SNI == "none":
		if base == nil || base.ServerName() != "" {
			say("without SNI")
		}
	case base == nil || base.ServerName() != ch.SNI:
		say("with SNI " + ch.SNI)
	}
	if ch.Identity == "none" {
		say("without the client certificate")
	}
	if ch.Proxy != "" {
		say("behind a PROXY " + ch.Proxy + " header")
	}
	say(listWords(ch.Extensions, "extension"))
	if ch.Shares != "" {
		say("with a key share of " + ch.Shares)
	}
	switch ch.Size {
	case "":
	case "none":
		say("without padding")
	default:
		say("padded to " + ch.Size + " bytes")
	}
	say(pieces(ch.Records, "TLS record"))
	say(pieces(ch.Segments, "TCP segment"))
	if ch.MSS != "" {
		say("with TCP segments of at most " + ch.MSS + " bytes both ways")
	}
	switch ch.Path {
	case facts.PathDirect:
		say("directly, without the proxy")
	case facts.PathProxy:
		say("through the proxy")
	}
	if len(out) == 0 {
		return "the client's own hello"
	}
	return strings.Join(out, ", ")
}

func shapeWords(word string) string {
	switch word {
	case "everything":
		return "every suite, group and scheme"
	case "browser":
		return "a browser's hello"
	case "compact":
		return "a small TLS 1.2 hello"
	case "no-extensions":
		return "without extensions"
	case "ssl2":
		return "in SSLv2 format"
	case "classic":
		return "without post-quantum key exchange"
	case "no-grease":
		return "without GREASE"
	case "staple":
		return "asking for an OCSP response"
	case "record-1.0":
		return "in records of version 1.0"
	}
	return word
}

func versionWord(change string) string {
	lo, hi, err := ParseVersionRange(change)
	if err != nil {
		return change
	}
	if lo == hi {
		return rangeWords(lo, hi)
	}
	return rangeWords(lo, hi) + " offered"
}

// mostNamed is how many values are named before they are counted.
const mostNamed = 2

func listWords(change, kind string) string {
	switch change {
	case "":
		return ""
	case "all":
		return "every " + kind
	case "any":
		return "every " + kind + ", anonymous, NULL and export too"
	}
	names := fields(change[1:])
	list := strings.Join(names, ", ")
	if len(names) > mostNamed {
		list = strconv.Itoa(len(names)) + " " + kind + "s (" + strings.Join(names[:mostNamed], ", ") + " ...)"
	}
	switch change[0] {
	case '+':
		return "plus " + list
	case '-':
		return "without " + list
	case '=':
		return "only " + list
	}
	return change
}

func pieces(change, kind string) string {
	switch change {
	case "":
		return ""
	case "whole":
		return "in one " + kind
	}
	return "in " + kind + "s of " + change + " bytes"
}
