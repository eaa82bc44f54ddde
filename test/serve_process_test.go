package test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tlswhy/tlswhy/test/monitor"
	"github.com/tlswhy/tlswhy/test/server"
)

// monitorProcess is a running tlswhy serve.
type monitorProcess struct {
	*testing.T
	*monitor.Process
}

// startMonitor runs it until the test ends, and waits until it listens.
func startMonitor(t *testing.T, bin string, args ...string) *monitorProcess {
	t.Helper()
	return &monitorProcess{t, monitor.Start(t, bin, args...)}
}

// refused runs it where it must end by itself, and returns the exit code and
// what it said.
func refused(t *testing.T, bin string, args ...string) (int, string) {
	t.Helper()
	out, err := exec.Command(bin, append([]string{"serve"}, args...)...).CombinedOutput()
	if err == nil {
		return 0, string(out)
	}
	return err.(*exec.ExitError).ExitCode(), string(out)
}

func (m *monitorProcess) ask(c *http.Client, method, path, body string, status int) map[string]any {
	m.Helper()
	req, err := http.NewRequestWithContext(m.Context(), method, m.URL+path, strings.NewReader(body))
	if err != nil {
		m.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(req)
	if err != nil {
		m.Fatal(err)
	}
	defer resp.Body.Close()
	out := map[string]any{}
	err = json.NewDecoder(resp.Body).Decode(&out)
	if resp.StatusCode != status || status == 200 && err != nil {
		m.Fatalf("%s %s: got %s, %v: %v", method, path, resp.Status, err, out)
	}
	return out
}

// TestServeProcess runs the binary as an operator does: what it refuses, what it
// reads again, how it ends, and what it still knows afterwards.
func TestServeProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs the program")
	}
	bin := program(t)
	dir := server.Folder(t)
	data, config := filepath.Join(dir, "data"), filepath.Join(dir, "tlswhy.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Nothing listens at port 1 of loopback.
	write("endpoints: [{target: \"127.0.0.1:1\", owner: file}]\n")
	if code, said := refused(t, bin, "--check-config", "--config", config); code != 0 || !strings.Contains(said, "is good: 1 endpoint") {
		t.Errorf("got %d: %s", code, said)
	}
	write("endpoints: [{targt: x}]\n")
	if code, said := refused(t, bin, "--check-config", "--config", config); code != 2 || !strings.Contains(said, "tlswhy.yaml:1:14: unknown key \"targt\"") {
		t.Errorf("got %d: %s", code, said)
	}
	write("endpoints: [{target: \"127.0.0.1:1\", owner: file}]\n")
	if code, said := refused(t, bin, "--config", config, "--data", config); code != 2 || !strings.Contains(said, "--data DIR") {
		t.Errorf("a file for a folder: got %d: %s", code, said)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if code, said := refused(t, bin, "--config", config, "--data", data, "--listen", taken.Addr().String()); code != 2 || !strings.Contains(said, "--listen") {
		t.Errorf("a port in use: got %d: %s", code, said)
	}

	m := startMonitor(t, bin, "--config", config, "--data", data)
	if code, said := refused(t, bin, "--config", config, "--data", data, "--listen", "127.0.0.1:0"); code != 2 || !strings.Contains(said, "another monitor") {
		t.Errorf("a second one: got %d: %s", code, said)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	m.ask(c, "POST", "/api/v1/setup", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	m.ask(c, "POST", "/api/v1/endpoints", `{"target": "127.0.0.1:2", "owner": "api"}`, 201)
	owners := func() string {
		var out []string
		items, _ := m.ask(c, "GET", "/api/v1/endpoints?sort=target", "", 200)["items"].([]any)
		for _, i := range items {
			out = append(out, fmt.Sprint(i.(map[string]any)["owner"]))
		}
		return strings.Join(out, " ")
	}
	if got := owners(); got != "file api" {
		t.Errorf("got %q", got)
	}
	// Read again at a hang-up; what is broken is told and changes nothing.
	write("endpoints: [\n")
	if err := m.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "the complaint", func() bool { return m.Says("the last good one stays") })
	if got := owners(); got != "file api" {
		t.Errorf("after a broken reload: got %q", got)
	}
	write("endpoints: [{target: \"127.0.0.1:1\", owner: renamed}]\n")
	if err := m.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "the reload", func() bool { return owners() == "renamed api" })

	if err := m.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := m.Cmd.Wait(); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
	// Sessions and endpoints outlive it.
	m = startMonitor(t, bin, "--config", config, "--data", data)
	if err := m.Cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatal(err)
	}
	if got := m.ask(c, "GET", "/api/v1/me", "", 200)["user"]; got != "root" || owners() != "renamed api" {
		t.Errorf("after a restart: got %v, %q", got, owners())
	}
}
