package test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/server"
)

// asked are the scenarios of which other programs are asked too: one of each
// way to fail that people meet.
var asked = []string{
	"nginx/cert-expired-intermediate", "nginx/incomplete-chain", "nginx/unknown-ca-rebuilt", "nginx/wrong-vhost-default",
	"nginx/version-tls10-only", "nginx/cipher-ecdsa-suites-rsa-cert", "nginx/dh-1024", "nginx/sni-unrecognized",
	"nginx/client-cert-required", "gnutls/renegotiation-rfc5746", "own/key-mismatch-tls13", "own/eof-after-hello",
}

// peer is another program that people use to find out what is wrong.
type peer struct {
	name, program string
	version       []string
	args          func(s *scenario) []string
	// telling are the lines that say something, the best first.
	telling []string
}

var thePeers = []peer{
	{name: "openssl s_client", program: "openssl", version: []string{"version"},
		args: func(s *scenario) []string {
			return []string{"s_client", "-connect", s.ep.Target(), "-servername", s.asks(), "-CAfile", s.opts.CAFile, "-verify_hostname", s.asks()}
		},
		telling: []string{`error:[0-9A-F]+:`, `^verify error:`, `errno=`, `^Verify return code: [1-9]`, `Verify return code: 0`}},
	{name: "curl", program: "curl", version: []string{"--version"},
		args: func(s *scenario) []string {
			port := strconv.Itoa(s.ep.Port)
			return []string{"-sS", "-m", "10", "--cacert", s.opts.CAFile, "--resolve", s.asks() + ":" + port + ":127.0.0.1", "-w", "\nHTTP %{http_code}\n",
				"-o", os.DevNull, "https://" + s.asks() + ":" + port}
		},
		telling: []string{`^curl: `, `^HTTP [1-9]`}},
	{name: "sslscan", program: "sslscan", version: []string{"--version"},
		args: func(s *scenario) []string {
			return []string{"--no-colour", "--sni-name=" + s.asks(), "--timeout=3", "--connect-timeout=3", s.ep.Target()}
		},
		telling: []string{`(?i)^ *error`, `(?i)failed|could not|unable`, `^Not valid after`, `^Subject:`, `^Preferred|^Accepted`}},
	{name: "testssl.sh", program: "testssl", version: []string{"--version"},
		args: func(s *scenario) []string {
			return []string{"--quiet", "--color", "0", "--warnings", "batch", "-n", "none", "--ip", "127.0.0.1", "--connect-timeout", "3", "--openssl-timeout", "3",
				"--add-ca", s.opts.CAFile, "-S", s.asks() + ":" + strconv.Itoa(s.ep.Port)}
		},
		telling: []string{`(?i)fatal`, `(?i)doesn't seem|not a tls`, `NOT ok`, `(?i)failed|error`, `(?i)overall|Trust \(hostname\)`}},
}

// peerRow is what all said of one server.
type peerRow struct {
	scenario, ours string
	theirs         map[string]string // by the peer's name
}

// askPeers starts the servers once more and notes what each program says. One
// that is missing is named.
func askPeers(t *testing.T, w *world) []peerRow {
	rows := make([]peerRow, len(asked))
	t.Run("peers", func(t *testing.T) {
		all := allScenarios(w)
		for i, name := range asked {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := find(all, name)
				switch {
				case s == nil:
					t.Fatalf("no scenario is called %s", name)
				case s.serve != nil:
					s.serve(t, &s.ep)
				default:
					server.Start(t, s.kind, &s.ep)
				}
				d, _ := s.diagnose(t)
				rows[i] = peerRow{scenario: name, ours: firstLine(d), theirs: map[string]string{}}
				for _, p := range thePeers {
					rows[i].theirs[p.name] = p.ask(s)
				}
			})
		}
	})
	return rows
}

// asks is the name that the scenario asks for.
func (s *scenario) asks() string {
	if _, name, ok := strings.Cut(s.target, "://"); ok {
		return name
	}
	return s.ep.Hosts[0]
}

func find(all []scenario, name string) *scenario {
	for i := range all {
		if all[i].ep.Name == name {
			return &all[i]
		}
	}
	return nil
}

// ask runs the program and returns the line of its output that says most.
func (p *peer) ask(s *scenario) string {
	path, err := exec.LookPath(p.program)
	if err != nil {
		return "not installed"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, p.args(s)...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TERM=dumb")
	out, _ := cmd.CombinedOutput() // a failure is what we want to read
	return telling(string(out), p.telling)
}

// What changes from run to run, or says where in a source file.
var (
	ports  = regexp.MustCompile(`:?\b(1[89]|2\d)\d{3}\b`)
	source = regexp.MustCompile(`^[0-9A-F]{12,}:|:\.\./\S+:\d+:.*`)
	spaces = regexp.MustCompile(`\s+`)
)

// telling finds the first line that matches the first of the patterns that any
// line matches.
func telling(out string, patterns []string) string {
	lines := strings.Split(out, "\n")
	for _, p := range patterns {
		re := regexp.MustCompile(p)
		for _, l := range lines {
			if re.MatchString(strings.TrimSpace(l)) {
				l = source.ReplaceAllString(strings.TrimSpace(l), "")
				return shorten(spaces.ReplaceAllString(ports.ReplaceAllString(l, ""), " "), 90)
			}
		}
	}
	return "nothing that tells"
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// versionOf is the first line in which a peer says its version.
func (p *peer) versionOf() string {
	path, err := exec.LookPath(p.program)
	if err != nil {
		return p.name + ": not installed"
	}
	out, _ := exec.Command(path, p.version...).CombinedOutput()
	v := regexp.MustCompile(`\d+\.\d+(\.\d+)?`).FindString(regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(string(out), ""))
	return p.name + " " + v
}
