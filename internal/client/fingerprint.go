package client

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// JA3 is the fingerprint of a hello by its version, suites, extensions, groups
// and point formats in their order, without GREASE: an MD5 in hex.
// https://github.com/salesforce/ja3
func JA3(h *tlswire.ClientHello) string {
	var fields []string
	list := func(values []uint16) {
		var s []string
		for _, v := range values {
			if !tlswire.ExtensionType(v).IsGREASE() {
				s = append(s, fmt.Sprint(v))
			}
		}
		fields = append(fields, strings.Join(s, "-"))
	}
	fields = append(fields, fmt.Sprint(uint16(h.Version)))
	list(numbers(h.CipherSuites))
	list(extensionTypes(h))
	list(numbers(h.Groups()))
	var formats []uint16
	for _, f := range h.PointFormats() {
		formats = append(formats, uint16(f))
	}
	list(formats)
	sum := md5.Sum([]byte(strings.Join(fields, ",")))
	return hex.EncodeToString(sum[:])
}

// JA4 is the fingerprint of a hello that survives a changed order of extensions:
// transport, version, SNI, counts, first ALPN; then suites and extensions sorted
// and hashed. https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md
func JA4(h *tlswire.ClientHello) string {
	var suites, extensions []string
	for _, s := range h.CipherSuites {
		if !s.IsGREASE() {
			suites = append(suites, fmt.Sprintf("%04x", uint16(s)))
		}
	}
	count := 0
	for _, t := range extensionTypes(h) {
		if tlswire.ExtensionType(t).IsGREASE() {
			continue
		}
		count++
		if t != uint16(tlswire.ExtServerName) && t != uint16(tlswire.ExtALPN) {
			extensions = append(extensions, fmt.Sprintf("%04x", t))
		}
	}
	sni := "i"
	if h.HasExtension(tlswire.ExtServerName) {
		sni = "d"
	}
	slices.Sort(suites)
	slices.Sort(extensions)
	schemes := ""
	for i, s := range h.SignatureSchemes() {
		if s.IsGREASE() {
			continue
		}
		if i > 0 && schemes != "" {
			schemes += ","
		}
		schemes += fmt.Sprintf("%04x", uint16(s))
	}
	tail := strings.Join(extensions, ",")
	if schemes != "" {
		tail += "_" + schemes
	}
	if len(extensions) == 0 && schemes == "" {
		tail = ""
	}
	return fmt.Sprintf("t%s%s%02d%02d%s_%s_%s", ja4Version(h), sni, min(len(suites), 99), min(count, 99), ja4ALPN(h),
		short256(strings.Join(suites, ",")), short256(tail))
}

func ja4Version(h *tlswire.ClientHello) string {
	switch v := h.MaxVersion(); v {
	case tlswire.TLS13:
		return "13"
	case tlswire.TLS12:
		return "12"
	case tlswire.TLS11:
		return "11"
	case tlswire.TLS10:
		return "10"
	case tlswire.SSL3:
		return "s3"
	case tlswire.SSL2:
		return "s2"
	}
	return "00"
}

// ja4ALPN is the first and last character of the first protocol.
func ja4ALPN(h *tlswire.ClientHello) string {
	names := h.ALPN()
	if len(names) == 0 || names[0] == "" {
		return "00"
	}
	first, last := names[0][0], names[0][len(names[0])-1]
	if !alphanumeric(first) || !alphanumeric(last) {
		return hex.EncodeToString([]byte{first})[:1] + hex.EncodeToString([]byte{last})[1:]
	}
	return string([]byte{first, last})
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func short256(s string) string {
	if s == "" {
		return "000000000000"
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:12]
}

func extensionTypes(h *tlswire.ClientHello) []uint16 {
	var out []uint16
	for _, e := range h.Extensions {
		out = append(out, uint16(e.Type))
	}
	return out
}

func numbers[T ~uint16](in []T) []uint16 {
	var out []uint16
	for _, v := range in {
		out = append(out, uint16(v))
	}
	return out
}
