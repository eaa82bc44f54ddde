package report

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// label is how a report calls the target: name:port, or the input where there
// is no name.
func label(t diag.Target) string {
	if t.Name == "" || t.Port == 0 {
		if t.Name != "" && t.Protocol == "file" {
			return t.Input
		}
		if t.Name != "" {
			return t.Name
		}
		return t.Input
	}
	return net.JoinHostPort(t.Name, strconv.Itoa(t.Port))
}

// headline is the answer in plain words, without target and id.
func headline(d *diag.Diagnosis) string {
	if d.Text != nil && d.Verdict == diag.OK && len(d.Attempts) == 0 {
		if len(d.Causes) == 0 {
			return "no TLS failure in " + plural(d.Text.LastLine, "line")
		}
		return d.Causes[0].Summary
	}
	switch d.Verdict {
	case diag.Failure:
		if c := d.FirstFailure(); c != nil {
			return c.Summary
		}
		return "the handshake fails"
	case diag.Untested:
		if len(d.Causes) > 0 {
			return "could not be tested: " + d.Causes[0].Summary
		}
		return "could not be tested"
	}
	who := d.Target.Client
	if who == "" {
		return "works"
	}
	if strings.HasPrefix(strings.TrimPrefix(who, "the "), "reference client") {
		who = "the reference client"
	}
	if d.Target.Protocol == "file" {
		return "in order for " + who
	}
	return "works for " + who
}

// leading is the cause that the first line is about, or nil.
func leading(d *diag.Diagnosis) *diag.Cause {
	if explained(d) && len(d.Causes) > 0 {
		return &d.Causes[0]
	}
	switch d.Verdict {
	case diag.Failure:
		return d.FirstFailure()
	case diag.Untested:
		if len(d.Causes) > 0 {
			return &d.Causes[0]
		}
	}
	return nil
}

// others are the causes that the first line is not about, failures first, in
// their order; info only where wanted.
func others(d *diag.Diagnosis, info bool) []*diag.Cause {
	lead := leading(d)
	var failures, warnings, infos []*diag.Cause
	for i := range d.Causes {
		switch c := &d.Causes[i]; {
		case c == lead:
		case c.Severity == diag.SeverityFailure:
			failures = append(failures, c)
		case c.Severity == diag.SeverityWarning:
			warnings = append(warnings, c)
		case info:
			infos = append(infos, c)
		}
	}
	return append(append(failures, warnings...), infos...)
}

// count says how many causes have the severity.
func count(d *diag.Diagnosis, s diag.Severity) int {
	n := 0
	for _, c := range d.Causes {
		if c.Severity == s {
			n++
		}
	}
	return n
}

// plural is "1 warning", "2 warnings".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// milliseconds prints a duration in the fewest figures that say something.
func milliseconds(ms float64) string {
	switch {
	case math.IsNaN(ms) || math.IsInf(ms, 0) || ms < 0:
		return "?"
	case ms >= 1e8:
		return "over a day"
	case ms < 0.005:
		return "0 ms"
	case ms < 0.095:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 0.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 9999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// thousands prints 1512 as 1,512.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// softwareNames are the spellings of Fix.For.
var softwareNames = map[string]string{
	"nginx": "nginx", "apache": "Apache", "httpd": "Apache", "haproxy": "HAProxy", "caddy": "Caddy", "iis": "IIS",
	"tomcat": "Tomcat", "java": "Java", "node": "Node.js", "go": "Go", "postfix": "Postfix", "dovecot": "Dovecot",
	"lighttpd": "lighttpd", "vsftpd": "vsftpd", "proftpd": "ProFTPD", "slapd": "OpenLDAP", "postgresql": "PostgreSQL", "mariadb": "MariaDB", "prosody": "Prosody",
	"curl": "curl", "openssl": "OpenSSL", "python": "Python", "dotnet": ".NET", ".net": ".NET", "browser": "browsers",
	"browsers": "browsers", "windows": "Windows", "macos": "macOS", "traefik": "Traefik", "envoy": "Envoy",
}

func softwareName(s string) string {
	if n, ok := softwareNames[strings.ToLower(s)]; ok {
		return n
	}
	return s
}

// sideOf says where a fix belongs: "on the server (nginx)".
func sideOf(f diag.Fix) string {
	where := ""
	switch f.Side {
	case "server":
		where = "on the server"
	case "client":
		where = "on the client"
	case "network":
		where = "on the network"
	default:
		where = f.Side
	}
	switch {
	case f.For == "":
		return where
	case where == "":
		return softwareName(f.For)
	}
	return where + " (" + softwareName(f.For) + ")"
}

// date prints a moment of a certificate to the minute.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// leaf returns the server's own certificate, or nil.
func leaf(d *diag.Diagnosis) *diag.Certificate {
	for i := range d.Certificates {
		if c := &d.Certificates[i]; c.Role == "leaf" {
			return c
		}
	}
	return nil
}

// daysLeft is how many whole days the leaf is valid after the judged moment;
// negative once it has expired.
func daysLeft(d *diag.Diagnosis) (int, bool) {
	c := leaf(d)
	at := d.JudgedAt
	if at.IsZero() {
		at = d.StartedAt
	}
	if c == nil || c.NotAfter.IsZero() || at.IsZero() {
		return 0, false
	}
	return int(math.Floor(c.NotAfter.Sub(at).Hours() / 24)), true
}

// base is the attempt that the verdict is about, or nil.
func base(d *diag.Diagnosis) *diag.Attempt {
	for i := range d.Attempts {
		if d.Attempts[i].N == d.Handshake.Attempt {
			return &d.Attempts[i]
		}
	}
	return nil
}

// agreed says in one line what the parties agreed on.
func agreed(d *diag.Diagnosis) string {
	var parts []string
	if a := base(d); a != nil {
		for _, s := range []string{a.Version, a.Suite, a.Group, a.ALPN} {
			if s != "" {
				parts = append(parts, s)
			}
		}
	}
	line := strings.Join(parts, ", ")
	if c := leaf(d); c != nil && !c.NotAfter.IsZero() {
		until := "certificate valid until " + day(c.NotAfter)
		if n, ok := daysLeft(d); ok && n >= 0 {
			until += " (" + plural(n, "day") + ")"
		}
		if line != "" {
			line += "; "
		}
		line += until
	}
	return line
}

// addressesDiffer says whether the target's addresses fare differently.
func addressesDiffer(d *diag.Diagnosis) bool {
	for _, a := range d.Addresses {
		if a.Outcome != d.Addresses[0].Outcome {
			return true
		}
	}
	return false
}
