package main

import (
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/relay"
)

// unseen says why no connection of a command came through, as far as its words
// tell, and what to do instead.
func (w *witness) unseen() string {
	if w.relay != "" {
		return "no connection came to " + w.relay + ": point " + w.client + " there"
	}
	s := "no connection of " + w.client + " came through tlswhy, so there is nothing to explain\n"
	if why := relay.Bypass(w.command, w.p.env); why != "" {
		s += why
	} else {
		s += w.client + " takes no proxy from its environment, has one of its own, or never got as far as a connection"
	}
	at := "HOST:PORT"
	if target := targetIn(w.command); target != "" {
		at = target
		s += "\nask the server without " + w.client + ": tlswhy " + target
	}
	return s + "\nlead it through a port of ours: tlswhy run --listen 127.0.0.1:8443 " + at +
		"\nor watch the network: tcpdump -i any -U -w - tcp | tlswhy capture -"
}

// targetIn finds the server in the words of a command, "" when there is none.
func targetIn(words []string) string {
	all := strings.Join(words, " ")
	if host := hostWord.FindStringSubmatch(all); host != nil {
		if port := portWord.FindStringSubmatch(all); port != nil {
			return net.JoinHostPort(host[1], port[1])
		}
	}
	for i, word := range words {
		if i == 0 || strings.HasPrefix(word, "-") {
			continue
		}
		u, err := url.Parse(word)
		isURL := err == nil && u.Host != "" && u.Scheme != ""
		if !isURL && !hostPort.MatchString(word) {
			continue
		}
		if isURL {
			u.User, u.Path, u.RawQuery, u.Fragment = nil, "", "", ""
			word = u.String()
		}
		if t, err := diagnose.ParseTarget(word); err == nil {
			if isURL {
				return net.JoinHostPort(t.Name, strconv.Itoa(t.Port))
			}
			return word
		}
	}
	return ""
}

// How clients of databases name their server: host=a port=1, -h a -P 1.
var (
	hostWord = regexp.MustCompile(`(?:host=|-h |--host[ =])([A-Za-z0-9_.-]+)`)
	portWord = regexp.MustCompile(`(?:port=|-[pP] ?|--port[ =])([0-9]{1,5})\b`)
)

var hostPort = regexp.MustCompile(`^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}$`)

// commandLine writes a command as a shell takes it, without what logs somebody in.
func commandLine(lead string, words []string) string {
	out := []string{lead}
	hide := false
	for i, word := range words {
		shown := withoutSecrets(word)
		if hide {
			shown = "..."
		}
		hide = secretOptions[word] && (i == 0 || filepath.Base(words[0]) != "openssl")
		out = append(out, shellQuote(shown))
	}
	return strings.Join(out, " ")
}

// secretOptions are followed by a word that nobody else should see.
var secretOptions = map[string]bool{"-u": true, "--user": true, "-U": true, "--proxy-user": true, "--password": true, "--http-password": true,
	"--proxy-password": true, "--token": true, "--api-key": true, "--pass": true, "--oauth2-bearer": true, "--key-pass": true}

var (
	userInfo     = regexp.MustCompile(`(://[^/@\s:]*):[^/@\s]*@`)
	secretHeader = regexp.MustCompile(`(?i)^((?:proxy-)?authorization|cookie|x-[a-z-]*(?:key|token)[a-z-]*|private-token)\s*:.*`)
	secretValue  = regexp.MustCompile(`(?i)^(--?[a-z0-9-]*(?:password|passwd|token|secret|api-key)[a-z0-9-]*)=.+`)
)

// withoutSecrets masks what logs somebody in.
func withoutSecrets(word string) string {
	word = userInfo.ReplaceAllString(word, "$1:...@")
	word = secretHeader.ReplaceAllString(word, "$1: ...")
	return secretValue.ReplaceAllString(word, "$1=...")
}
