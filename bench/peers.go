//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// peer is a program whose checkout the user names.
type peer struct {
	variable, program string
	source            string // of the program, within the checkout
	how               string
	run               func(b *bench, program string) (int, cost)
}

var peers = []peer{
	{"TLSX", "tlsx", "./cmd/tlsx", "a list, verified", (*bench).tlsx},
	{"ZGRAB2", "zgrab2", "./cmd/zgrab2", "a list, not verified", (*bench).zgrab2},
	{"BLACKBOX", "blackbox_exporter", ".", "one request each, verified", (*bench).blackbox},
}

const some = 2000 // targets of a peer

// beside measures the peers whose checkouts are named.
func (b *bench) beside() {
	for _, p := range peers {
		dir := os.Getenv(p.variable)
		if dir == "" {
			b.say("| %s | no checkout: set %s | | |\n", p.program, p.variable)
			continue
		}
		program := filepath.Join(b.dir, p.program)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		build := exec.CommandContext(ctx, "go", "build", "-o", program, p.source)
		build.Dir = dir
		out, err := build.CombinedOutput()
		cancel()
		if err != nil {
			first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			b.say("| %s | does not build: %.60s | | |\n", p.program, first)
			continue
		}
		n, c := p.run(b, program)
		how := p.how
		if n < some {
			how += fmt.Sprintf("; %d of %d answered", n, some)
		}
		b.row(p.program, how, max(n, 1), c)
	}
}

func (b *bench) tlsx(program string) (int, cost) {
	return b.listed(program, b.farm.light, "-l", "LIST", "-silent", "-json", "-c", "16", "-sni", name, "-verify-cert", "-cacert", b.ca)
}

func (b *bench) zgrab2(program string) (int, cost) {
	host, port, _ := net.SplitHostPort(b.farm.light)
	return b.listed(program, host, "tls", "--port", port, "--server-name", name, "--senders", "16", "--blocklist-file", os.DevNull, "-f", "LIST")
}

// listed runs a program on a list and counts its lines.
func (b *bench) listed(program, line string, args ...string) (int, cost) {
	list := program + ".txt"
	if err := os.WriteFile(list, []byte(strings.Repeat(line+"\n", some)), 0o600); err != nil {
		return 0, cost{err: err}
	}
	for i, arg := range args {
		if arg == "LIST" {
			args[i] = list
		}
	}
	var lines counter
	c := measureTo(&lines, append([]string{program}, args...)...)
	return int(lines), c
}

// counter counts the lines that are written to it.
type counter int

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(strings.Count(string(p), "\n"))
	return len(p), nil
}

// blackbox asks a running exporter for one probe after the other.
func (b *bench) blackbox(program string) (int, cost) {
	config := program + ".yml"
	text := fmt.Sprintf("modules:\n  tls:\n    prober: tcp\n    tcp:\n      tls: true\n      tls_config: {ca_file: %q, server_name: %q}\n", b.ca, name)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return 0, cost{err: err}
	}
	address, err := unused()
	if err != nil {
		return 0, cost{err: err}
	}
	cmd := exec.Command(program, "--config.file="+config, "--web.listen-address="+address, "--log.level=error")
	if err := cmd.Start(); err != nil {
		return 0, cost{err: err}
	}
	defer func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }()
	if err := await(address); err != nil {
		return 0, cost{err: err}
	}
	n, before, began := 0, ticks(cmd.Process.Pid), time.Now()
	for range some {
		r, err := http.Get("http://" + address + "/probe?module=tls&target=" + url.QueryEscape(b.farm.light))
		if err != nil {
			return n, cost{err: err}
		}
		text, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if strings.Contains(string(text), "\nprobe_success 1") {
			n++
		}
	}
	return n, cost{cpu: ticks(cmd.Process.Pid) - before, wall: time.Since(began)}
}

// ticks is the processor time of a running process: proc(5), stat.
func ticks(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100 // USER_HZ
}
