package errtext

import (
	"slices"
	"strings"
)

// hide blanks what a text holds but does not report: addresses that somebody
// asked for, lines of configuration, source code, changelogs and test runs,
// findings that are good, and prose about TLS. The result is as long as the
// text, so that words keep their places. It is a heuristic: an author who
// writes failures down as settings or as prose is not heard.
func hide(text string) string {
	switch {
	case isReport(text), isProse(text), isSource(text), isConfiguration(text):
		return ""
	}
	b := []byte(text)
	for start := 0; start < len(text); {
		end := start + lineEnd(text[start:])
		if quiet(strings.TrimSpace(text[start:end])) {
			blank(b[start:end])
		} else {
			hidePaths(b[start:end], text[start:end])
			hideNulls(b[start:end], text[start:end])
			hideGuess(b[start:end], text[start:end])
			hideLevel(b[start:end], text[start:end])
		}
		start = end + 1
	}
	return string(b)
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

func blank(b []byte) {
	for i := range b {
		b[i] = ' '
	}
}

// hideLevel blanks the level in what Apache puts before the lines of mod_proxy,
// "[proxy:error]": that is no ProxyError.
func hideLevel(b []byte, line string) {
	const module = "[proxy:"
	if i := strings.Index(line, module); i >= 0 {
		if n := strings.IndexByte(line[i:], ']'); n > 0 {
			blank(b[i+len(module) : i+n])
		}
	}
}

// hidePaths blanks the paths of URLs and of logged HTTP requests: what a page
// is called says nothing about the connection.
func hidePaths(b []byte, line string) {
	for _, method := range []string{`"GET /`, `"POST /`, `"PUT /`, `"HEAD /`, `"DELETE /`, `"PATCH /`, `"OPTIONS /`} {
		for i := strings.Index(line, method); i >= 0; {
			end := i + len(method)
			for end < len(line) && line[end] != '"' && line[end] != ' ' {
				end++
			}
			blank(b[i+len(method) : end])
			next := strings.Index(line[end:], method)
			if next < 0 {
				break
			}
			i = end + next
		}
	}
	for from := 0; ; {
		i := strings.Index(line[from:], "://")
		if i < 0 {
			return
		}
		i += from + 3
		for i < len(line) && strings.IndexByte("/ \t\"'<>`)|,;\\", line[i]) < 0 {
			i++
		}
		from = i
		if i == len(line) || line[i] != '/' {
			continue
		}
		for from < len(line) && strings.IndexByte(" \t\"'<>`)|,;:\\", line[from]) < 0 {
			from++
		}
		blank(b[i:from])
	}
}

// hideNulls blanks the names of JSON's members that say nothing: "reason":null.
func hideNulls(b []byte, line string) {
	for from := 0; ; {
		i := strings.Index(line[from:], `":null`)
		if i < 0 {
			return
		}
		i += from
		from = i + len(`":null`)
		blank(b[max(0, strings.LastIndexByte(line[:i], '"')):from])
	}
}

// hideGuess blanks what Go adds as a guess of its own, and time limits that
// are printed as settings.
func hideGuess(b []byte, line string) {
	if i := strings.Index(line, "(possibly because of"); i >= 0 {
		blank(b[i:])
	}
	for _, s := range []string{"timeout=", "timeout: ", "Timeout   :", "timeout\":", "Timeout\":"} {
		if i := strings.Index(line, s); i >= 0 && i+len(s) < len(line) && isDigit(line[i+len(s)]) {
			blank(b[i : i+len(s)])
		}
	}
}

// quiet tells lines that report nothing bad.
func quiet(line string) bool {
	for _, p := range []string{"--- PASS", "=== RUN", "ok  \t", "PASS: ", "✓ ", "✔ "} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	for _, p := range []string{"(OK)", "not vulnerable", "completed successfully", "not yet due for renewal", "rotation deadline is"} {
		if strings.Contains(line, p) {
			return true
		}
	}
	item := strings.TrimLeft(line, "-*•+) ")
	if item == line {
		return false
	}
	word := strings.ToLower(item[:min(len(item), 12)])
	for _, p := range []string{"fix", "bugfix", "feature", "added", "add ", "change:", "changed", "change ", "removed", "improve", "security:", "deprecat", "workaround"} {
		if strings.HasPrefix(word, p) {
			return true
		}
	}
	return false
}

// isReport tells the findings of scanners, in which failed handshakes are
// experiments, and events of the level information.
func isReport(text string) bool {
	return strings.Contains(text, "Overall Rating") || strings.Contains(text, "Handshake Simulation") ||
		strings.Contains(text, "Level: Information") || strings.Contains(text, "Testing protocols via sockets")
}

// isSource tells program text from messages: several kinds of statements and no
// trace of a failure, in which programs print their own source.
func isSource(text string) bool {
	for _, trace := range []string{"Traceback", "File \"", "    at ", "\tat ", "panicked at", "goroutine ", " | ", "rror:"} {
		if strings.Contains(text, trace) {
			return false
		}
	}
	kinds := 0
	for _, s := range []string{":= ", "return ", "if err ", "func ", "if (", " == ", " != nil", "import ", "def ", "const ", "} else", "();", "new ", "&&"} {
		if strings.Contains(text, s) {
			kinds++
		}
	}
	return kinds >= 3
}

// isConfiguration tells settings: nearly all lines are of the form "key value;",
// "key = value" or begin or end a section, and none reports anything.
func isConfiguration(text string) bool {
	if complains(text) || strings.Contains(text, "<html") || strings.Contains(text, "<title") {
		return false
	}
	lines, settings := 0, 0
	for rest := text; rest != ""; {
		end := lineEnd(rest)
		line := strings.TrimSpace(rest[:end])
		rest = rest[min(end+1, len(rest)):]
		if line == "" || line[0] == '#' {
			continue
		}
		lines++
		if setting(line) {
			settings++
		}
	}
	return lines >= 2 && settings*10 >= lines*8
}

func setting(line string) bool {
	last := line[len(line)-1]
	if last == ';' || last == '{' || line == "}" || line[0] == '<' && last == '>' || line[0] == '[' && last == ']' {
		return true
	}
	key, _, ok := strings.Cut(line, "=")
	if !ok {
		key, _, ok = strings.Cut(line, " ")
		return ok && directive(key)
	}
	return strings.Trim(strings.TrimSpace(key), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// directive tells the first word of a line of Apache's and HAProxy's settings.
func directive(word string) bool {
	for _, p := range []string{"SSL", "ssl_", "ssl-", "bind", "server", "option", "timeout", "default_", "frontend", "backend", "mode", "listen"} {
		if strings.HasPrefix(word, p) {
			return true
		}
	}
	return false
}

// complains tells whether words of a text say that something failed.
func complains(text string) bool {
	for _, w := range split(text) {
		switch w.text {
		case "error", "err", "errno", "failed", "failure", "fails", "fail", "fatal", "exception", "emerg", "crit", "cannot", "unable", "denied", "refused", "rejected",
			"invalid", "warn", "warning", "alert", "panic", "couldn", "could", "problem", "severe", "reset", "timeout":
			if w.end < len(text) && text[w.end] == '_' && isLower(text[w.start]) {
				continue // the name of a setting: fail_if_no_peer_cert
			}
			return true
		}
	}
	return false
}

// isProse tells explanations from messages: sentences with words that teach or
// suppose, and neither a colon nor a code as messages have them.
func isProse(text string) bool {
	if strings.Contains(text, ": ") && !strings.Contains(text, ". ") || !strings.Contains(strings.TrimSpace(text), " ") {
		return false
	}
	words := split(text)
	seen := []string{}
	for _, w := range words {
		switch w.text {
		case "i", "my", "we", "our", "get", "got", "error", "errors", "exception", "failed", "unable", "cannot", "could", "couldn", "curl", "fatal", "reason", "reasons",
			"occurred", "warning", "problem", "denied", "connecting", "event":
			return false
		case "if", "when", "how", "why", "explains", "should", "every", "unless", "whether", "usually", "often", "some", "see", "also", "you", "chapter", "section", "guide",
			"tutorial", "deprecated", "designed", "called", "widely", "such", "must", "were", "longer", "means", "example", "because":
			if !slices.Contains(seen, w.text) {
				seen = append(seen, w.text)
			}
		}
	}
	return len(seen) >= 3 && len(words) >= 20
}
