package starttls

import "strings"

// deniedWords are what servers say to a client that they do not want.
var deniedWords = []string{"denied", "not allowed", "not permitted", "not authorized", "not authorised", "blocked", "block list", "blocklist",
	"blacklist", "banned", "k-lined", "g-lined", "reputation", "prohibited", "forbidden", "pg_hba", "insufficientaccessrights"}

// temporaryWords are what servers say that have no code for "later".
var temporaryWords = []string{"too many", "try again", "later", "temporar", "busy", "overload", "rate limit", "limit exceeded", "shutting down",
	"starting up", "maintenance", "unavailable", "resource-constraint", "system-shutdown", "[sys/temp]", "[login-delay]", "[in-use]"}

// Nature reads what the server said of a refusal. Codes are believed first;
// words are a heuristic, and a server may phrase its own otherwise.
func (e *Error) Nature() Nature {
	if e.Problem != Unavailable && e.Problem != Refused {
		return Lasting
	}
	text := strings.ToLower(e.Text)
	says := func(words []string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	later := false
	switch e.Protocol {
	case "smtp", "lmtp", "ftp", "nntp": // RFC 5321, Section 4.2.1; RFC 3977, Section 3.2
		later = strings.HasPrefix(e.Code, "4")
		if !later && says(deniedWords) {
			return Denied
		}
		return map[bool]Nature{true: Temporary}[later]
	case "ldap": // RFC 4511, Section 4.1.9: busy, unavailable
		later = e.Code == "51" || e.Code == "52"
	case "postgres": // insufficient resources, operator intervention
		later = strings.HasPrefix(e.Code, "53") || strings.HasPrefix(e.Code, "57")
	case "mysql": // ER_CON_COUNT_ERROR, ER_HOST_IS_BLOCKED, ER_HOST_NOT_PRIVILEGED
		later = e.Code == "1040"
		if e.Code == "1129" || e.Code == "1130" {
			return Denied
		}
	}
	switch {
	case later:
		return Temporary
	case says(deniedWords):
		return Denied
	case says(temporaryWords):
		return Temporary
	}
	return Lasting
}
