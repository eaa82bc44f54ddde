package errtext

import (
	"unicode"
	"unicode/utf8"
)

// word is one word of a text: lower case, with its place in the text.
type word struct {
	text       string
	start, end int
}

// longWord is the length beyond which a run of letters is no word of any
// phrase: base64, hex dumps.
const longWord = 64

// split cuts a text into words: runs of letters and digits, CamelCase taken
// apart, every Han or Kana character a word of its own.
func split(s string) []word {
	out := make([]word, 0, len(s)/6+1)
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case ideograph(r):
			out = append(out, word{s[i : i+n], i, i + n})
			i += n
		case !wordRune(r):
			i += n
		default:
			end := runEnd(s, i)
			if end-i <= longWord {
				out = camel(out, s, i, end)
			}
			i = end
		}
	}
	return out
}

func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}

func ideograph(r rune) bool {
	return r >= 0x2E80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// runEnd is the end of the run of word characters that starts at i.
func runEnd(s string, i int) int {
	for i < len(s) {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		if !wordRune(r) || ideograph(r) {
			return i
		}
		i += n
	}
	return i
}

// camel appends the words of s[i:end]: HandshakeFailure is two, and so is
// SSLError; TLSv1 and ERR stay whole.
func camel(out []word, s string, i, end int) []word {
	from := i
	for k := i + 1; k < end; k++ {
		up := isUpper(s[k])
		switch {
		case up && isLower(s[k-1]) && k-from > 1:
		case up && isUpper(s[k-1]) && k+2 < end && isLower(s[k+1]) && isLower(s[k+2]):
		default:
			continue
		}
		out = append(out, word{lower(s[from:k]), from, k})
		from = k
	}
	return append(out, word{lower(s[from:end]), from, end})
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// lower is strings.ToLower without an allocation for what is lower already.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if isUpper(s[i]) || s[i] >= utf8.RuneSelf {
			return lowerSlow(s)
		}
	}
	return s
}

func lowerSlow(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = utf8.AppendRune(b, unicode.ToLower(r))
	}
	return string(b)
}

// firstWord is the first word of a phrase.
func firstWord(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] != '{' && s[i] != '*' && (s[i] >= utf8.RuneSelf || wordRune(rune(s[i]))) {
			end := i
			for end < len(s) && s[end] != ' ' && s[end] != '_' && s[end] != '.' {
				end++
			}
			if words := split(s[i:end]); len(words) > 0 {
				return words[0].text
			}
		}
	}
	return ""
}
