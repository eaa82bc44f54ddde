package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/report"
)

// conclude prints what was found, or why nothing was.
func (w *witness) conclude() error {
	w.count.Schema, w.count.ExitCode, w.count.Command = diag.RunSchema, w.code, []string{}
	for _, word := range w.command {
		w.count.Command = append(w.count.Command, withoutSecrets(word))
	}
	w.count.Outcome = w.outcome()
	if err := w.write(true); err != nil || w.format == report.JSON || w.ro.Quiet && w.code == 0 {
		return err
	}
	if n := w.count; n.Connections == 1 && len(w.found) == 1 && n.Open == 0 {
		return nil // the report has said it
	}
	for i, line := range strings.Split(w.count.Outcome, "\n") {
		lead := "tlswhy: "
		if i > 0 {
			lead = "        "
		}
		fmt.Fprintln(w.p.stderr, lead+clean(line))
	}
	return nil
}

// outcome sums up in words.
func (w *witness) outcome() string {
	n := &w.count
	var s string
	switch failures := n.Failed + n.Unreached; {
	case n.Connections == 0:
		return w.unseen()
	case failures > 0 && len(w.found) > 0:
		s = fmt.Sprintf("of %s %d failed", many(n.Connections, "connection", w.client), failures)
		if n.Unexplained > 0 {
			s += fmt.Sprintf("; %d of these are not explained here: run fewer at a time", n.Unexplained)
		}
	case failures > 0:
		s = fmt.Sprintf("of %s %d failed", many(n.Connections, "connection", w.client), failures)
	case len(w.found) > 0:
		s = fmt.Sprintf("%s, and what failed is in what was encrypted", many(n.Handshakes, "handshake", w.client)+" completed")
	case w.deserted > 0:
		s = fmt.Sprintf("%s finished the handshake and left without a word, as programs do that refuse a certificate last (GnuTLS, for one);\ntlswhy finds nothing wrong with it: compare whom they trust (--ca FILE, --trust STORE)", w.client)
	case n.Handshakes > 0 && w.code != 0:
		s = fmt.Sprintf("%s; each was accepted by both sides, so the failure is not in TLS", many(n.Handshakes, "handshake", w.client)+" completed")
	case n.Handshakes > 0:
		s = many(n.Handshakes, "handshake", w.client) + " completed, none failed"
	case n.Plain == 0:
		s = fmt.Sprintf("no handshake of %s had failed or completed when it ended", w.client)
	default:
		s = fmt.Sprintf("%s asked for pages in clear (http://) only: there was no TLS", w.client)
	}
	if n.Open > 0 {
		s += fmt.Sprintf("\n%s still open when %s ended, and cut: what goes on in the background has lost its proxy; run that itself", many(n.Open, "connection", "")+map[bool]string{true: " was", false: " were"}[n.Open == 1], w.client)
	}
	return s
}

// many is "1 handshake of curl".
func many(n int, what, of string) string {
	s := fmt.Sprintf("%d %s", n, what)
	if n != 1 {
		s += "s"
	}
	if of != "" {
		s += " of " + of
	}
	return s
}

// flush prints the diagnoses that are new, to standard error or the file.
func (w *witness) flush() error { return w.write(false) }

// write prints the report. A file holds all of it each time; end says that
// nothing follows.
func (w *witness) write(end bool) error {
	from := w.printed
	if w.file != "" {
		from = 0
	}
	if len(w.found) == w.printed && !end {
		return nil
	}
	var b bytes.Buffer
	s := report.NewStream(&b, w.format, w.ro)
	for _, d := range w.found[from:] {
		w.exit = worse(w.exit, codeOf(d.Verdict, w.ro.Strict))
		if err := s.Add(d); err != nil {
			return badUsage("", "writing the report: %v", err)
		}
	}
	if from < len(w.found) || w.file != "" {
		if err := s.Close(); err != nil {
			return badUsage("", "writing the report: %v", err)
		}
	}
	w.printed = len(w.found)
	if end && w.format == report.JSON {
		line, err := json.Marshal(w.count)
		if err != nil {
			return badUsage("", "writing the report: %v", err)
		}
		b.Write(append(line, '\n'))
	}
	if w.file == "" {
		_, err := io.Copy(w.p.stderr, &b)
		return err
	}
	if err := os.WriteFile(w.file, b.Bytes(), 0o644); err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	return nil
}

// pointThere says how clients are led to the relay.
func (w *witness) pointThere(port string) {
	fmt.Fprintf(w.p.stderr, "tlswhy: %s leads to %s; point the client there. Ctrl-C ends.\n", w.relay, net.JoinHostPort(w.target, port))
	if hint := w.keepName(); hint != "" {
		fmt.Fprintf(w.p.stderr, "        let it keep the name %s: %s\n", w.target, hint)
	}
	if _, err := net.LookupHost(w.target); err != nil {
		fmt.Fprintf(w.p.stderr, "        %s does not resolve at present, so that connections to it will fail: %v\n", w.target, err)
	}
}

// keepName says how a client is pointed at the relay and still asks for the
// name of the target; "" where there is nothing to say.
func (w *witness) keepName() string {
	ip, port, err := net.SplitHostPort(w.relay)
	if err != nil || w.target == "localhost" || net.ParseIP(w.target) != nil {
		return ""
	}
	if a := net.ParseIP(ip); a == nil || a.IsUnspecified() {
		ip = "127.0.0.1"
	}
	hosts := fmt.Sprintf("a line %q in /etc/hosts and port %s", ip+" "+w.target, port)
	switch w.protocol {
	case "https":
		at := ip
		if strings.Contains(ip, ":") {
			at = "[" + ip + "]"
		}
		return fmt.Sprintf("curl --resolve %[1]s:%[2]s:%[3]s https://%[1]s:%[2]s/, or for others %[4]s", w.target, port, at, hosts)
	case "postgres":
		return fmt.Sprintf("psql \"host=%s hostaddr=%s port=%s\"", w.target, ip, port)
	}
	return fmt.Sprintf("openssl s_client -connect %s -servername %s, or for others %s", net.JoinHostPort(ip, port), w.target, hosts)
}
