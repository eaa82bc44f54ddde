package chain

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
)

const maxPEMCerts = 10000

func parsePEM(data []byte) (certs []*Certificate, rest []string) {
	data = Text(data)
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		return parseDERFile(data)
	}
	line, before := 1, byte('\n')
	for len(certs) < maxPEMCerts {
		begin := bytes.Index(data, []byte("-----BEGIN"))
		if begin < 0 {
			return certs, rest
		}
		line += bytes.Count(data[:begin], []byte("\n"))
		if begin > 0 {
			before = data[begin-1]
		}
		if before != '\n' && before != '\r' {
			// Typical of files put together with cat; OpenSSL stumbles, Go does not.
			rest = append(rest, fmt.Sprintf("line %d: a BEGIN line that does not start its line", line))
		}
		data = data[begin:]
		block, after, why := nextBlock(data)
		if why != "" {
			rest = append(rest, fmt.Sprintf("line %d: %s", line, why))
		} else if isCertBlock(block.Type) {
			certs = append(certs, Parse(trimTrusted(block)))
		} else if block.Type == "PKCS7" || block.Type == "CMS" {
			bag, err := ParsePKCS7(block.Bytes)
			certs = append(certs, bag...)
			if err != nil {
				rest = append(rest, fmt.Sprintf("line %d: a PKCS#7 bundle: %v", line, err))
			}
		} else {
			rest = append(rest, fmt.Sprintf("line %d: %s", line, blockName(block)))
		}
		line += bytes.Count(data[:len(data)-len(after)], []byte("\n"))
		if len(after) < len(data) {
			before = data[len(data)-len(after)-1]
		}
		data = after
	}
	return certs, append(rest, fmt.Sprintf("line %d: more certificates than %d", line, maxPEMCerts))
}

func isCertBlock(kind string) bool {
	return kind == "CERTIFICATE" || kind == "X509 CERTIFICATE" || kind == "TRUSTED CERTIFICATE"
}

// trimTrusted cuts the settings that OpenSSL appends in TRUSTED CERTIFICATE.
func trimTrusted(block *pem.Block) []byte {
	if block.Type != "TRUSTED CERTIFICATE" {
		return block.Bytes
	}
	s := cryptobyte.String(block.Bytes)
	if e, ok := readTag(&s, tagSequence); ok {
		return e.raw
	}
	return block.Bytes
}

// nextBlock decodes the block at the start of data; why says what is wrong with
// it, and after then begins behind its BEGIN line.
func nextBlock(data []byte) (block *pem.Block, after []byte, why string) {
	lineEnd := bytes.IndexByte(data, '\n')
	if lineEnd < 0 {
		return nil, nil, "a BEGIN line and nothing behind it"
	}
	skip := data[lineEnd:]
	// pem.Decode skips broken blocks silently, so it is shown only this one.
	next := bytes.Index(skip, []byte("-----BEGIN"))
	one := data
	if next >= 0 {
		one = data[:lineEnd+next]
	}
	if block, tail := pem.Decode(one); block != nil {
		return block, data[len(one)-len(tail):], ""
	}
	first := strings.TrimSpace(string(data[:lineEnd]))
	switch {
	case !strings.HasSuffix(first, "-----"):
		why = "a broken BEGIN line"
	case !bytes.Contains(one, []byte("-----END")):
		why = "a PEM block without its END line"
	default:
		why = "a PEM block that is no base64"
	}
	return nil, skip, why
}

// blockName says in words what a PEM block holds.
func blockName(block *pem.Block) string {
	kind := Printable(block.Type)
	switch {
	case kind == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return "an encrypted private key"
	case strings.HasSuffix(kind, "PRIVATE KEY"):
		return "a private key (" + kind + ")"
	case strings.HasSuffix(kind, "CERTIFICATE REQUEST"):
		return "a certificate signing request"
	case kind == "X509 CRL":
		return "a revocation list (CRL)"
	case strings.HasSuffix(kind, "PUBLIC KEY"):
		return "a public key"
	case strings.HasSuffix(kind, "PARAMETERS"):
		return "parameters (" + kind + ")"
	}
	return "a PEM block of type " + kind
}

// parseDERFile reads certificates in DER, one behind the other, or PKCS#7.
func parseDERFile(data []byte) (certs []*Certificate, rest []string) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, []string{"nothing: it is empty"}
	}
	if bag, err := ParsePKCS7(data); err == nil {
		return bag, nil
	}
	s := cryptobyte.String(data)
	for !s.Empty() && len(certs) < maxPEMCerts {
		start := len(data) - len(s)
		e, ok := readTag(&s, tagSequence)
		if !ok {
			if start == 0 || len(bytes.TrimSpace(s)) > 0 {
				rest = append(rest, unknownData(s, start))
			}
			return certs, rest
		}
		if c := Parse(e.raw); c.Readable() && !c.Subject.isAbsent() {
			certs = append(certs, c)
			continue
		}
		rest = append(rest, fmt.Sprintf("byte %d: %s", start, derName(e)))
	}
	return certs, rest
}

func (d DN) isAbsent() bool { return d.Raw == nil }

func unknownData(s []byte, start int) string {
	what := "data in no format that certificates come in"
	if start == 0 && utf8.Valid(s) {
		what = "text without a PEM block"
		if bytes.HasPrefix(bytes.TrimSpace(s), []byte("MII")) {
			what = "base64 without the BEGIN and END lines of PEM"
		}
	}
	if bytes.HasPrefix(s, []byte{0xfe, 0xed, 0xfe, 0xed}) {
		what = "a Java keystore (JKS)"
	}
	return fmt.Sprintf("byte %d: %s", start, what)
}

// derName guesses what a DER structure is that is no certificate.
func derName(e element) string {
	s := e.body
	first, ok := readElement(&s)
	if !ok {
		return "an unreadable DER structure"
	}
	second, _ := readElement(&s)
	switch {
	case first.tag == tagInteger && len(first.body) == 1 && first.body[0] == 3 && second.tag == tagSequence:
		return "a PKCS#12 file (.p12, .pfx)"
	case first.tag == tagInteger && second.tag == tagSequence:
		return "a private key (PKCS#8)"
	case first.tag == tagInteger && (second.tag == tagInteger || second.tag == tagOctetString):
		return "a private key"
	case first.tag == tagSequence && second.tag == tagBitString:
		return "a public key"
	case first.tag == tagSequence && second.tag == tagOctetString:
		return "an encrypted private key"
	case first.tag == 0x0a: // ENUMERATED
		return "an OCSP response"
	case first.tag == tagSequence && second.tag == tagSequence:
		inner := first.body
		v, _ := readElement(&inner)
		if v.tag == tagInteger && len(v.body) == 1 && v.body[0] == 0 {
			return "a certificate signing request"
		}
		if v.tag == tagInteger { // RFC 5280, Section 5.1: the version is optional
			_, _ = readElement(&inner)
		}
		_, _ = readElement(&inner) // the issuer
		if this, _ := readElement(&inner); this.tag == tagUTCTime || this.tag == tagGeneralized {
			return "a revocation list (CRL)"
		}
		return "something signed that is no certificate"
	}
	return "a DER structure that is no certificate"
}

// Text gives a file's text without a byte order mark. UTF-16, as Windows editors
// and PowerShell save it, becomes ASCII; without a mark it is known by the zeros
// beside its hyphens.
func Text(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		data = data[2:]
	case !bytes.Contains(data, []byte("-\x00-\x00-\x00-\x00-")):
		return data
	}
	out := make([]byte, 0, len(data)/2)
	for _, b := range data {
		if b != 0 {
			out = append(out, b)
		}
	}
	return out
}
