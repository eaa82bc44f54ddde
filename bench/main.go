//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func main() {
	what := "all"
	if len(os.Args) > 1 {
		what = os.Args[1]
	}
	if err := run(what); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	*farm
	tlswhy string
	out    strings.Builder
}

func run(what string) error {
	dir, err := os.MkdirTemp("", "tlswhy-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{tlswhy: filepath.Join(dir, "tlswhy")}
	if out, err := exec.Command("go", "build", "-trimpath", "-o", b.tlswhy, "./cmd/tlswhy").CombinedOutput(); err != nil {
		return fmt.Errorf("building tlswhy: %w: %s", err, out)
	}
	if b.farm, err = start(dir); err != nil {
		return err
	}
	defer b.stop()
	all := map[string]func(){"light": b.light, "inventory": b.inventory, "memory": b.memory}
	if f := all[what]; f != nil {
		f()
		fmt.Print(b.out.String())
		return nil
	}
	if what != "all" {
		return errors.New("light, inventory, memory or all")
	}
	b.say("# Performance\n\nWritten by `make performance` on %s: %s, %d processors, %s, load before the run %s.\nBeside tlswhy stand the programs that do the same, in the same run; numbers of different machines, or of a busy one, do not\ncompare. CPU is user and system time of the program alone.\n\n",
		time.Now().UTC().Format(time.DateOnly), processor(), runtime.NumCPU(), runtime.Version(), load())
	b.light()
	b.memory()
	b.inventory()
	b.say("Load after the run: %s.\n", load())
	return os.WriteFile("docs/performance.md", []byte(b.out.String()), 0o644)
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(&b.out, format, args...) }

// cost is what a program took.
type cost struct {
	cpu, wall time.Duration
	kb        int64
	err       error
	late      bool
}

const limit = 10 * time.Minute

func measure(command ...string) cost { return measureTo(nil, command...) }

// measureTo hands over what the program prints; nil drops it.
func measureTo(stdout io.Writer, command ...string) cost {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout = strings.NewReader(""), stdout
	cmd.WaitDelay = time.Second
	began := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(began), err: err, late: ctx.Err() != nil}
	if s := cmd.ProcessState; s != nil {
		c.cpu = s.UserTime() + s.SystemTime()
		if u, ok := s.SysUsage().(*syscall.Rusage); ok {
			c.kb = u.Maxrss
		}
	}
	return c
}

// light is the CPU of one check, verified.
func (b *bench) light() {
	b.say("## A light check\n\nAn nginx on loopback with an ECDSA certificate and X25519. CPU per target.\n\n| program | how | targets | CPU each |\n|---|---|---|---|\n")
	host, port, _ := net.SplitHostPort(b.farm.light)
	const many = 5000
	list := b.list(many)
	b.row("tlswhy --light", "TLS 1.3, verified, JSON written", many, measure(b.tlswhy, "--light", "--parallel", "16", "-o", "json", "--ca", b.ca, "--connect", b.farm.light, "--targets", list))
	const few = 20
	times := func(command ...string) cost {
		var sum cost
		for range few {
			c := measure(command...)
			sum.cpu, sum.err = sum.cpu+c.cpu, c.err
		}
		return sum
	}
	for _, peer := range []struct {
		how     string
		command []string
	}{
		{"one process per target", []string{"openssl", "s_client", "-connect", b.farm.light, "-servername", name, "-CAfile", b.ca}},
		{"certificate and suites, one process per target", []string{"sslscan", "--no-colour", "--sni-name=" + name, b.farm.light}},
		{"ssl-cert, one process per target", []string{"nmap", "-Pn", "-n", "-p", port, "--script", "ssl-cert", host}},
	} {
		if _, err := exec.LookPath(peer.command[0]); err != nil {
			b.say("| %s | not installed | | |\n", peer.command[0])
			continue
		}
		b.row(peer.command[0], peer.how, few, times(peer.command...))
	}
	b.beside()
	b.say("\nWithin one process, without output (`go test -run '^$' -bench Light ./cmd/tlswhy`):\n\n```\n")
	out, err := exec.Command("go", "test", "-run", "^$", "-bench", "Light", "-benchtime", "500x", "./cmd/tlswhy").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Benchmark") {
			b.say("%s", line)
		}
	}
	if err != nil {
		b.say("%v\n", err)
	}
	b.say("```\n\n")
}

func (b *bench) row(program, how string, n int, c cost) {
	b.say("| %s | %s | %d | %.2f ms%s |\n", program, how, n, c.cpu.Seconds()*1000/float64(n), note(c))
}

func note(c cost) string {
	switch {
	case c.late:
		return fmt.Sprintf(" (stopped after %v)", limit)
	case c.err != nil:
		return " (" + c.err.Error() + ")"
	}
	return ""
}

// list writes so many names of the light server.
func (b *bench) list(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "tls://h%d.%s:443\n", i, name)
	}
	file := filepath.Join(b.dir, fmt.Sprintf("list-%d.txt", n))
	if err := os.WriteFile(file, []byte(s.String()), 0o600); err != nil {
		return os.DevNull
	}
	return file
}

// memory is that of a long list.
func (b *bench) memory() {
	const n = 100_000
	c := measure(b.tlswhy, "--light", "--parallel", "16", "-o", "json", "--ca", b.ca, "--connect", b.farm.light, "--targets", b.list(n))
	b.say("## Memory\n\n%d targets in one run of `tlswhy --light`: at most %d MB", n, c.kb/1024)
	if !c.late {
		b.say(", %.0f s, %.2f ms of CPU each", c.wall.Seconds(), c.cpu.Seconds()*1000/n)
	}
	b.say("%s.\n\n", note(c))
}

// inventory is what a server offers, near and far.
func (b *bench) inventory() {
	b.say("## An inventory\n\nAn nginx with all suites of OpenSSL 3 on TLS 1.0 to 1.3, on loopback and through a relay with 25 ms each way.\n\n| program | where | time | CPU | connections |\n|---|---|---|---|---|\n")
	for _, at := range []struct{ where, addr string }{{"loopback", b.wide}, {"50 ms away", b.away}} {
		host, port, _ := net.SplitHostPort(at.addr)
		for _, p := range []contender{
			{"tlswhy scan", []string{b.tlswhy, "scan", "-o", "json", "--connect", at.addr, "tls://" + name + ":443"}},
			{"tlswhy scan --quick", []string{b.tlswhy, "scan", "--quick", "-o", "json", "--connect", at.addr, "tls://" + name + ":443"}},
			{"tlswhy clients", []string{b.tlswhy, "clients", "-o", "json", "--ca", b.ca, "--connect", at.addr, "tls://" + name + ":443"}},
			{"sslscan", []string{"sslscan", "--no-colour", "--sni-name=" + name, at.addr}},
			{"nmap ssl-enum-ciphers", []string{"nmap", "-Pn", "-n", "-p", port, "--script", "ssl-enum-ciphers", host}},
			{"testssl.sh (suites), at most 90 s", []string{"timeout", "90", "testssl", "--quiet", "--color", "0", "-p", "-E", at.addr}},
		} {
			if _, err := exec.LookPath(p.program()); err != nil {
				b.say("| %s | %s | not installed | | |\n", p.title, at.where)
				continue
			}
			before := b.relayed.Load()
			c := measure(p.command...)
			if code := new(exec.ExitError); errors.As(c.err, &code) && !c.late && (code.ExitCode() == 1 || p.program() == "testssl") {
				c.err = nil // what they find decides their exit codes
			}
			conns := ""
			if at.addr == b.away {
				conns = fmt.Sprint(b.relayed.Load() - before)
			}
			b.say("| %s | %s | %.2f s%s | %.2f s | %s |\n", p.title, at.where, c.wall.Seconds(), note(c), c.cpu.Seconds(), conns)
		}
	}
	b.say("\n")
}

// contender is a program that takes an inventory.
type contender struct {
	title   string
	command []string
}

// program is the one that has to be installed.
func (c contender) program() string {
	if c.command[0] == "timeout" {
		return c.command[2]
	}
	return c.command[0]
}

func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
