package keyfile

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// flaw is a form of PEM that OpenSSL does not read, however good the
// certificates are: it stops there or skips the block.
type flaw struct {
	line int // 0 = the whole file
	what string
	hint string
}

func (f *flaw) String() string {
	if f.line == 0 {
		return f.what
	}
	return fmt.Sprintf("line %d: %s", f.line, f.what)
}

// The ways to mend a file. FILE and NEW stand for names.
const (
	mendUTF16  = "convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW"
	mendPlain  = "convert it: iconv -f UTF-16LE -t UTF-8 FILE > NEW"
	mendReturn = `convert it: tr '\r' '\n' < FILE > NEW`
	mendEscape = `convert it: sed 's/"//g; s/\\n/\n/g' FILE > NEW`
	mendBreaks = `convert it: sed -E 's/-----(BEGIN|END) [A-Z0-9 ]+-----/\n&\n/g' FILE | sed '/^-----/!s/ /\n/g' | grep . > NEW`
	mendPrefix = `take it away: sed 's/^[> \t]*//' FILE > NEW`
	mendBlank  = "take it out: grep . FILE > NEW"
	mendDashes = "write five plain hyphens before and behind, as in -----BEGIN CERTIFICATE-----"
	mendCopy   = "copy the file again, whole and as plain text"
	mendMarks  = "add them: (echo -----BEGIN CERTIFICATE-----; cat FILE; echo -----END CERTIFICATE-----) > NEW"
)

var (
	marker   = regexp.MustCompile(`^-----BEGIN [A-Z0-9. ]+-----`)
	oddDash  = regexp.MustCompile(`^\s*\p{Pd}+ *BEGIN [A-Z0-9 ]+\p{Pd}+\s*$`)
	notBase6 = regexp.MustCompile(`[^A-Za-z0-9+/=]`)
)

// flawOf finds the first flaw of a text with PEM blocks; nil = none. What
// OpenSSL 3 does with each was measured with it and with nginx -t. A byte order
// mark of UTF-8, text between blocks, CRLF and lines of any length do no harm.
func flawOf(data []byte) *flaw {
	plain := chain.Text(data)
	switch {
	case !bytes.Contains(plain, []byte("BEGIN ")):
		if bytes.HasPrefix(bytes.TrimSpace(plain), []byte("MII")) {
			return &flaw{what: "it is base64 without the BEGIN and END lines of PEM", hint: mendMarks}
		}
		return nil
	case len(plain) < len(data)/2+2 && data[0] > 0x7f:
		return &flaw{what: "it is saved as UTF-16", hint: mendUTF16}
	case len(plain) < len(data)/2+2:
		return &flaw{what: "it is saved as UTF-16", hint: mendPlain}
	case bytes.Contains(plain, []byte("\r")) && !bytes.Contains(plain, []byte("\n")):
		return &flaw{what: "its lines end with a carriage return alone, as on a Mac of old", hint: mendReturn}
	}
	label := ""
	headers := false
	for i, line := range strings.Split(strings.TrimRight(string(plain), "\r\n"), "\n") {
		found := func(what, hint string) *flaw { return &flaw{i + 1, what, hint} }
		line = strings.TrimRight(line, " \t\r")
		begin := strings.Index(line, "-----BEGIN ")
		switch {
		case strings.HasPrefix(line, "#") && label == "":
		case begin > 0 && strings.Contains(line[:begin], "-----END "):
			return found("a block begins on the line on which another ends", mendBreaks)
		case begin > 0 && strings.Contains(line, `\n`):
			return found(`\n stands where a line should end`, mendEscape)
		case begin > 0 && label == "" && strings.TrimLeftFunc(line[:begin], func(r rune) bool { return r == '>' || unicode.IsSpace(r) }) == "":
			return found(fmt.Sprintf("%q stands before the BEGIN line", chain.Printable(line[:begin])), mendPrefix)
		case begin == 0 && label != "":
			return found("a block begins before the END line of the one above", mendCopy)
		case begin == 0:
			m := marker.FindString(line)
			switch {
			case m == "":
				return found("the BEGIN line is broken", mendDashes)
			case m != line && strings.Contains(line, `\n`):
				return found(`\n stands where a line should end`, mendEscape)
			case m != line:
				return found("the line breaks are lost", mendBreaks)
			}
			label, headers = strings.TrimSuffix(strings.TrimPrefix(m, "-----BEGIN "), "-----"), false
		case label == "":
			if oddDash.MatchString(line) {
				return found("the BEGIN line has other dashes than PEM wants", mendDashes)
			}
		case line == "-----END "+label+"-----":
			label = ""
		case strings.Contains(line, "END "+label):
			return found("the END line is broken", mendDashes)
		case strings.Contains(line, ": "):
			headers = true // of an encrypted key; a blank line ends them
		case line == "" && !headers:
			return found("a blank line in the middle of a block", mendBlank)
		case line == "":
			headers = false
		default:
			if bad := notBase6.FindString(strings.TrimLeft(line, " \t")); bad != "" {
				return found(fmt.Sprintf("%q is no character of base64", chain.Printable(bad)), mendCopy)
			}
		}
	}
	if label != "" {
		return &flaw{what: "the END line is missing: the file was cut short", hint: mendCopy}
	}
	return nil
}
