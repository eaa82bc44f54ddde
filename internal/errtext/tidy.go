package errtext

import (
	"regexp"
	"strings"
	"sync"
)

// tidy undoes what terminals, JSON and HTML did to a text, and keeps its lines:
// escape sequences go, \" becomes ", a written \n becomes a space.
func tidy(s string) string {
	if strings.IndexByte(s, '\x1b') >= 0 {
		s = ansi().ReplaceAllString(s, "")
	}
	if strings.IndexByte(s, '&') >= 0 {
		s = entities.Replace(s)
	}
	if strings.IndexByte(s, '\\') >= 0 && !strings.Contains(s, `:\`) { // no path of Windows
		s = escapes.Replace(s)
	}
	return s
}

var (
	ansi     = lazy(`\x1b\[[0-9;?]*[A-Za-z]`)
	entities = strings.NewReplacer("&quot;", `"`, "&#34;", `"`, "&#39;", "'", "&apos;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&", "&nbsp;", " ")
	escapes  = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, "'", `\n`, "  ", `\r`, "  ", `\t`, "  ")
)

// mask hides credentials in what is repeated of a log: user and password of a
// URL, values behind words such as password, token and key, bearer tokens,
// cookies, long random strings in queries.
func mask(s string) string {
	s = userinfo().ReplaceAllString(s, "${1}***@")
	s = bearer().ReplaceAllString(s, "${1} ***")
	s = cookies().ReplaceAllString(s, "${1}***")
	s = secrets().ReplaceAllString(s, "${1}***")
	s = headers().ReplaceAllString(s, "${1}***")
	return tokens().ReplaceAllString(s, "***")
}

var (
	userinfo = lazy(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@"'<>]+@`)
	bearer   = lazy(`(?i)\b(bearer|basic|digest|negotiate|ntlm)\s+[A-Za-z0-9+/._~=-]{8,}`)
	cookies  = lazy(`(?i)\b((?:set-)?cookie["']?\s*[:=]\s*)[^"'\r\n]+`)
	secrets  = lazy(`(?i)((?:[?&;,\s"'{(]|^)[a-z0-9_.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|session(?:_?id)?|signature|credentials?|auth|jwt|otp)["']?\s*=\s*["']?)[^\s"'&,;)}\]]+`)
	headers  = lazy(`((?:[\s"'{(]|^)(?:(?i:password|passwd|passphrase|secret|authorization|proxy-authorization|x-api-key|api[_-]?key|x-auth-token)|[a-z]+[_-]token|[a-z]+[_-]secret)["']?:\s*["']?)[^\s"',;)}\]]+`)
	tokens   = lazy(`\b(?:eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+|gh[pousr]_[A-Za-z0-9]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abpr]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|sk-[A-Za-z0-9_-]{20,})`)
)

// lineID finds what ties the lines of one connection or process together.
var lineID = lazy(`\[C\d+\]|\*\d+ |LOG\d\[\d+\]|\b[\w/-]+\[\d+\]|\[pid \d+(?::tid \d+)?\]|<0\.\d+\.\d+>`)

// identity is the connection or process that a log line names, and whether it
// is a connection: of those every failure is told once.
func identity(text string) (id string, connection bool) {
	id = lineID().FindString(text[:min(len(text), 200)])
	if strings.HasPrefix(id, "LOG") {
		return id[4:], true
	}
	return id, strings.HasPrefix(id, "[C") || strings.HasPrefix(id, "*")
}

// lazy compiles an expression when it is first used.
func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
