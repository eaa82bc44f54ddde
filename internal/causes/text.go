package causes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// judgeTexts reads what texts say of one failure: candidate causes, best
// first. The words of a text are evidence, never proof.
func judgeTexts(c *facts.Case) []diag.Cause {
	out := []diag.Cause{}
	for i := range c.Texts {
		m := &c.Texts[i]
		r, why := read(m)
		if m.Has(facts.SignLoose) {
			r.sure = diag.Possible
		}
		if Noise(m) {
			r.ids = r.ids[:1]
		}
		for k, id := range r.ids {
			if slices.ContainsFunc(out, func(x diag.Cause) bool { return x.ID == id }) {
				continue
			}
			out = append(out, textCause(c, m, id, k, r.sure, why))
		}
	}
	return out
}

// read finds the candidates of a text.
func read(m *facts.TextMatch) (reading, string) {
	r, ok := readings[m.Problem]
	if m.Whose == tlswire.SideClient {
		if cr, has := clientReadings[m.Problem]; has {
			r, ok = cr, true
		}
	}
	switch {
	case m.Whose == tlswire.SideNone && m.Way == facts.WayReceived:
		// At which end it came in is not said. A heuristic: exceptions of languages
		// are mostly pasted by people who write clients, OpenSSL's bare lines and
		// Go's come from servers' logs.
		if cr, has := clientReadings[m.Problem]; has && mostlyClients(m.Stack) {
			r = reading{front(cr.ids, []string{cr.ids[0], r.ids[0]}), diag.Possible}
		} else if has {
			r = reading{append(slices.Clone(r.ids), cr.ids[0]), diag.Possible}
		}
	case m.Whose == tlswire.SideServer && m.Side == tlswire.SideServer && m.Way == facts.WayReceived && ok && trustProblem(m):
		r.sure = diag.Likely
	}
	for _, t := range twists {
		if t.when(m) {
			return reading{front(r.ids, strings.Fields(t.ids)), t.sure}, t.why
		}
	}
	if !ok {
		return means(diag.Possible, "unexplained"), ""
	}
	return r, ""
}

func mostlyClients(stack string) bool {
	switch stack {
	case "java", "python", "ruby", "php", "dotnet", "rust", "android", "apple", "gnutls":
		return true
	}
	return false
}

// front moves ids to the front of a list.
func front(list, ids []string) []string {
	out := slices.Clone(ids)
	for _, id := range list {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// textCause is candidate number k of a text.
func textCause(c *facts.Case, m *facts.TextMatch, id string, k int, sure diag.Confidence, why string) diag.Cause {
	f := finding{r: rule{id: id}, v: newView(c, nil), m: &match{confidence: diag.Possible, stage: m.Stage, affects: []string{}}}
	if page, ok := PageOf(id); ok {
		f.m.summary = lowerFirst(page.Title)
	}
	if k == 0 {
		f.m.confidence = sure
		if s := textSummary(m, id); s != "" {
			f.m.summary = s
		}
		where := place(m)
		f.m.see(where, "%s", m.Quote)
		for _, code := range m.Codes {
			f.m.see(where, "%s means %s", code.Text, code.Means)
		}
		if s := alertWords(m); s != "" {
			f.m.see(where, "%s", s)
		}
		if why == "" {
			why = textWords[m.Problem]
		}
		if why != "" {
			f.m.see("", "%s", why)
		}
		if id == "file-or-config-error" && m.Side == tlswire.SideServer {
			f.m.fixes = []FixRef{{"server", "fix-config"}}
		}
		if Noise(m) {
			f.m.severity = diag.SeverityInfo
			f.m.confidence = diag.Likely
			f.m.fixes = []FixRef{}
			f.m.summary = fmt.Sprintf("scanner noise: %s", f.m.summary)
			f.m.see(where, "%s, none of which insists: scanners and probes look like this; no client of yours needs to be broken", addresses(m.Peers))
		}
	}
	if m.CertName != "" && f.m.params == nil {
		f.m.params = func(p *FixParams) { p.Covered = []string{m.CertName} }
	}
	out := f.cause()
	out.Evidence = bounded(out.Evidence)
	out.Affects = []string{} // who else breaks, words do not tell
	if m.Host == "" {
		out.Verify = ""
	}
	return out
}

func addresses(n int) string {
	if n == 1 {
		return "1 address"
	}
	return fmt.Sprintf("%d addresses", n)
}

// Noise tells failures in a server's log that come from many addresses of the
// internet, seldom from the same one, and that scanners cause: no client that
// somebody needs is broken. A heuristic: a fleet of old clients, each of which
// gives up at once, looks the same.
func Noise(m *facts.TextMatch) bool {
	if !m.Log || m.Side != tlswire.SideServer || m.Peers == 0 || m.Public*2 < m.Peers || m.Most > 5 && m.Count < 10*m.Most {
		return false
	}
	switch m.Problem {
	case facts.ProblemNoCipher, facts.ProblemVersion, facts.ProblemVersionOrCipher, facts.ProblemFallback, facts.ProblemNotTLS, facts.ProblemPlainClient,
		facts.ProblemClosed, facts.ProblemReset, facts.ProblemTimeout, facts.ProblemNoGroup, facts.ProblemProtocol, facts.ProblemALPN, facts.ProblemPlainServer,
		facts.ProblemUnrecognizedName, facts.ProblemHandshakeFailure, facts.ProblemUnknown, facts.ProblemNoScheme:
		return true
	}
	return false
}

// textSummary is the first line where the text tells more than the page's
// title.
func textSummary(m *facts.TextMatch, id string) string {
	switch {
	case id == "unexplained":
		return "it failed, and the text does not say why"
	case (id == "hostname-mismatch" || id == "wrong-vhost-cert") && m.CertName != "" && m.Host != "":
		return fmt.Sprintf("the certificate is for %s, not for %s", m.CertName, m.Host)
	case id == "hostname-mismatch" && m.Host != "":
		return fmt.Sprintf("the certificate does not cover %s", m.Host)
	case id == "tcp-refused" && m.Port != 0:
		return fmt.Sprintf("nothing listens on port %d", m.Port)
	case id == "dns-failure" && m.Host != "":
		return fmt.Sprintf("the name %s does not resolve", m.Host)
	case id == "unknown-ca" && m.Side == tlswire.SideServer && m.Way == facts.WayReceived:
		return "the client does not accept this server's certificate"
	}
	return ""
}

// alertWords says who sent the alert and hence whose side it is about.
func alertWords(m *facts.TextMatch) string {
	if m.Way == facts.WayNone || m.Alert.Name() == "" {
		return ""
	}
	by := m.AlertBy()
	about := map[tlswire.Side]string{tlswire.SideClient: "client", tlswire.SideServer: "server"}
	certificate := m.Alert >= 41 && m.Alert <= 48 && m.Alert != 47 || m.Alert == 116
	switch {
	case by == tlswire.SideNone && certificate && m.Way == facts.WayReceived:
		return fmt.Sprintf("alert %s came in: the other side refuses the certificate of whoever wrote this", m.Alert)
	case by == tlswire.SideNone:
		return fmt.Sprintf("alert %s", m.Alert)
	case certificate && m.Alert != 116 && m.Alert != 41:
		return fmt.Sprintf("alert %s, sent by the %s: it refuses the %s's certificate", m.Alert, about[by], about[facts.Other(by)])
	}
	return fmt.Sprintf("alert %s, sent by the %s", m.Alert, about[by])
}

// place says where in the text it stands, and how often.
func place(m *facts.TextMatch) string {
	s := "line " + strconv.Itoa(m.Line)
	if m.Last > m.Line {
		s = fmt.Sprintf("lines %d to %d", m.Line, m.Last)
	}
	if m.Count > 1 {
		s += fmt.Sprintf(", %d times", m.Count)
	}
	return s
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s // an abbreviation
	}
	return strings.ToLower(s[:min(1, len(s))]) + s[min(1, len(s)):]
}

func hostPort(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}

// NextCheck is the one thing to do that separates the candidates of a text: in
// words, and as a command where there is one.
func NextCheck(m *facts.TextMatch, found []diag.Cause) (why, command string) {
	if len(found) == 0 {
		return "", ""
	}
	host := "HOST"
	if m.Host != "" {
		host = m.Host
		if m.Port != 0 && m.Port != 443 {
			host = hostPort(m.Host, m.Port)
		}
	}
	live := "tlswhy " + host
	id := found[0].ID
	switch {
	case id == "dns-failure":
		return "ask the resolver of the machine that failed", "getent hosts " + strings.TrimSuffix(host, ":"+strconv.Itoa(m.Port))
	case id == "file-or-config-error":
		return "look at the file that the program names, as the user that the program runs as", "ls -l FILE.pem && openssl x509 -in FILE.pem -noout -subject -dates"
	case strings.HasSuffix(id, "key-mismatch") || id == "private-key-mismatch-server":
		return "look at the files that the program names, on its machine: both lines must be equal",
			"openssl x509 -in CERT.pem -noout -pubkey | openssl sha256; openssl pkey -in KEY.pem -pubout | openssl sha256"
	case id == "proxy-refused":
		return "ask the proxy alone", `curl -v -x "$HTTPS_PROXY" https://` + host + "/"
	case strings.HasPrefix(id, "client-cert"), id == "server-crl-expired":
		return "present the same certificate to the server", "tlswhy --cert CLIENT.pem --key CLIENT.key " + host
	case m.Side == tlswire.SideServer && m.Host == "":
		return "ask this server as its clients do, from their network", "tlswhy " + host
	case id == "clock-skew" || id == "cert-not-yet-valid":
		return "compare the clock of the machine that failed with the certificate's dates", "date -u; " + live
	}
	if len(found) == 1 {
		return "the live diagnosis confirms it or shows what it is, from the machine that failed", live
	}
	return "the live diagnosis tells these apart, from the machine that failed", live
}
