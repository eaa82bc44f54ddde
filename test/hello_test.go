package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/tlswire"
	"github.com/tlswhy/tlswhy/test/server"
)

// refuser answers every ClientHello with handshake_failure and keeps them all.
type refuser struct {
	ln     net.Listener
	mu     sync.Mutex
	hellos []*tlswire.ClientHello
}

func newRefuser(t *testing.T) *refuser {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &refuser{ln: ln}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	return r
}

func (r *refuser) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	var split tlswire.RecordSplitter
	var join tlswire.Reassembler
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		split.Push(buf[:n])
		for record, ok, err := split.Next(); ok && err == nil; record, ok, err = split.Next() {
			_ = join.Push(record.Fragment)
		}
		m, ok, err := join.Next()
		if err != nil {
			return
		}
		if !ok {
			continue
		}
		if h, err := tlswire.ParseClientHello(m.Raw); err == nil {
			r.mu.Lock()
			r.hellos = append(r.hellos, h)
			r.mu.Unlock()
		}
		_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, 40})
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, conn)
		return
	}
}

// shapeOf is all of a hello but what is new each time.
func shapeOf(h *tlswire.ClientHello) string {
	var kinds []string
	for _, e := range h.Extensions {
		kinds = append(kinds, fmt.Sprintf("%04x", uint16(e.Type)))
	}
	var shares []string
	for _, s := range h.KeyShares() {
		shares = append(shares, fmt.Sprintf("%04x/%d", uint16(s.Group), len(s.Data)))
	}
	return fmt.Sprintf("%v %x %v %x %v %x %v %v %v", h.Version, h.CipherSuites, kinds, h.Groups(), shares, h.SignatureSchemes(), h.SupportedVersions(), h.ALPN(), h.ServerName())
}

// wireClients are clients for tests of their hellos, beyond those of commands.
func wireClients(t *testing.T) map[string]func(url, ca string) []string {
	t.Helper()
	all := commands(t)
	for name, args := range map[string][]string{
		"openssl":    {"--listen", "127.0.0.1:0", "TARGET", "sh", "-c", "openssl s_client -connect localhost:$TLSWHY_PORT -servername localhost </dev/null"},
		"gnutls-cli": {"--listen", "127.0.0.1:0", "TARGET", "sh", "-c", "gnutls-cli --insecure -p $TLSWHY_PORT localhost </dev/null"},
	} {
		server.Need(t, name)
		all[name] = func(url, _ string) []string {
			out := slices.Clone(args)
			out[slices.Index(out, "TARGET")] = url
			return out
		}
	}
	return all
}

// TestReplay sends the hellos of real clients again and compares them, value
// by value, with what the clients sent.
func TestReplay(t *testing.T) {
	if testing.Short() {
		t.Skip("real clients take a while")
	}
	bin, w := program(t), newWorld(t)
	for name, args := range wireClients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRefuser(t)
			words := args("https://"+net.JoinHostPort(local, strconv.Itoa(r.ln.Addr().(*net.TCPAddr).Port))+"/", w.RootFile)
			if words[0] != "--listen" {
				words = append([]string{"--"}, words...)
			}
			_, own, d := runProgram(t, bin, w.RootFile, words)
			r.mu.Lock()
			defer r.mu.Unlock()
			if d == nil || d.FirstFailure() == nil || len(r.hellos) < 3 {
				t.Fatalf("no diagnosis after %d hellos\n%s", len(r.hellos), own)
			}
			first, same := shapeOf(r.hellos[0]), 0
			for _, h := range r.hellos[1:] {
				if shapeOf(h) == first {
					same++
				}
			}
			if same == 0 {
				t.Errorf("none of %d hellos is like the client's:\n%s\n%s", len(r.hellos), first, shapeOf(r.hellos[1]))
			}
		})
	}
}

// TestListenFingerprints compares JA3 and JA4 with what tshark makes of the same
// hellos: its own JA3, and a JA4 made of its fields.
func TestListenFingerprints(t *testing.T) {
	tshark, tcpdump := server.Need(t, "tshark"), server.Need(t, "tcpdump")
	if os.Geteuid() != 0 {
		server.Missing(t, "root, to capture packets")
	}
	bin, w := program(t), newWorld(t)
	host := startListen(t, bin, "-o", "json")
	dump := filepath.Join(server.Folder(t), "listen.pcap")
	capture := exec.Command(tcpdump, "-i", "lo", "--immediate-mode", "-U", "-s", "0", "-Z", "root", "-w", dump, "tcp", "port", strconv.Itoa(host.port))
	if err := capture.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = capture.Process.Kill(); _ = capture.Wait() }()
	waitFor(t, "tcpdump", func() bool { info, err := os.Stat(dump); return err == nil && info.Size() > 0 })
	came := map[string]*diag.Client{}
	for name, args := range wireClients(t) {
		words := args(fmt.Sprintf("https://localhost:%d/", host.port), w.RootFile)
		if words[0] == "--listen" { // reaches us without a relay
			words = []string{"sh", "-c", strings.ReplaceAll(words[len(words)-1], "$TLSWHY_PORT", strconv.Itoa(host.port))}
		}
		cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
		cmd.Env = append(os.Environ(), "HTTPS_PROXY=", "https_proxy=", "GIT_TERMINAL_PROMPT=0")
		out, _ := cmd.CombinedOutput()
		t.Logf("%s: %.200s", name, out)
		came[name] = host.next(t)
	}
	var last []byte
	waitFor(t, "all packets", func() bool {
		out, err := exec.Command(tshark, "-r", dump, "-d", fmt.Sprintf("tcp.port==%d,tls", host.port), "-Y", "tls.handshake.type==1", "-T", "fields", "-e", "tcp.srcport", "-e", "tls.handshake.ja3",
			"-e", "tls.handshake.ciphersuite", "-e", "tls.handshake.extension.type", "-e", "tls.handshake.sig_hash_alg", "-e", "tls.handshake.sig_hash_alg_len", "-e", "tls.handshake.extensions.supported_version",
			"-e", "tls.handshake.extensions_alpn_str", "-e", "tls.handshake.extensions_server_name", "-e", "tls.handshake.version").Output()
		last = out
		return err == nil && bytes.Count(out, []byte("\n")) >= len(came)
	})
	seen := map[string][]string{}
	for line := range strings.Lines(string(last)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		seen[f[0]] = f
	}
	for name, c := range came {
		_, port, _ := net.SplitHostPort(c.From)
		f := seen[port]
		if len(f) < 10 {
			t.Errorf("%s: tshark saw no hello from port %s", name, port)
			continue
		}
		if c.Offer.JA3 != f[1] {
			t.Errorf("%s: got JA3 %s, want %s", name, c.Offer.JA3, f[1])
		}
		if want := ja4Of(f[2:]); c.Offer.JA4 != want {
			t.Errorf("%s: got JA4 %s, want %s", name, c.Offer.JA4, want)
		}
	}
}

// ja4Of follows https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md
// from tshark's fields: suites, extensions, schemes, lengths of their lists,
// versions, ALPN, name, version.
func ja4Of(f []string) string {
	list := func(s string) (out []string) {
		for _, v := range strings.Split(s, ",") {
			n, err := strconv.ParseUint(strings.TrimSpace(v), 0, 16)
			if err != nil || n&0x0f0f == 0x0a0a && n>>8 == n&0xff {
				continue
			}
			out = append(out, fmt.Sprintf("%04x", n))
		}
		return out
	}
	suites, extensions, schemes := list(f[0]), list(f[1]), list(f[2])
	// signature_algorithms_cert, which comes second, has the same field.
	if length, _, two := strings.Cut(f[3], ","); two {
		n, _ := strconv.Atoi(length)
		schemes = schemes[:n/2]
	}
	f = f[1:]
	versions := list(f[3])
	version := strings.TrimPrefix(f[6], "0x")
	if len(versions) > 0 {
		version = slices.Max(versions)
	}
	name, alpn := "i", "00"
	if f[5] != "" {
		name = "d"
	}
	if first, _, _ := strings.Cut(f[4], ","); first != "" {
		alpn = first[:1] + first[len(first)-1:]
	}
	hash := func(s string) string {
		if s == "" {
			return strings.Repeat("0", 12)
		}
		return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:12]
	}
	a := fmt.Sprintf("t%s%s%02d%02d%s", map[string]string{"0304": "13", "0303": "12", "0302": "11", "0301": "10"}[version], name, min(len(suites), 99), min(len(extensions), 99), alpn)
	slices.Sort(suites)
	extensions = slices.DeleteFunc(extensions, func(e string) bool { return e == "0000" || e == "0010" })
	slices.Sort(extensions)
	c := strings.Join(extensions, ",")
	if len(schemes) > 0 {
		c += "_" + strings.Join(schemes, ",")
	}
	return a + "_" + hash(strings.Join(suites, ",")) + "_" + hash(c)
}

// listening is a running tlswhy listen.
type listening struct {
	port  int
	lines chan []byte
}

// startListen starts one at a port of its own.
func startListen(t *testing.T, bin string, args ...string) *listening {
	t.Helper()
	port := server.FreePort(t)
	cmd := exec.Command(bin, append(append([]string{"listen"}, args...), fmt.Sprintf("127.0.0.1:%d", port))...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l := &listening{port: port, lines: make(chan []byte, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		dec := json.NewDecoder(out)
		for {
			var line json.RawMessage
			if dec.Decode(&line) != nil {
				return
			}
			l.lines <- line
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-done
		_ = cmd.Wait()
	})
	waitFor(t, "tlswhy listen", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return l
}

// next is the next client that came.
func (l *listening) next(t *testing.T) *diag.Client {
	t.Helper()
	select {
	case line := <-l.lines:
		c := new(diag.Client)
		if err := json.Unmarshal(line, c); err != nil {
			t.Fatal(err)
		}
		if c.Offer == nil {
			t.Fatalf("no hello: %s", line)
		}
		return c
	case <-time.After(time.Minute):
		t.Fatal("no client came")
		return nil
	}
}

// waitFor waits until something holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 600 {
		if holds() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s did not come about within a minute", what)
}
