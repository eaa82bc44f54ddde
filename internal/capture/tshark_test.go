package capture

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// needs skips a test whose program is missing; in CI it fails.
func needs(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed: scripts/deps.sh installs it", program)
		}
		t.Skipf("SKIPPED: %s is not installed (scripts/deps.sh)", program)
	}
	return path
}

// hellos lists the ClientHellos and the plaintext alerts that tshark finds, as
// "client port, server name" and "alert, client port".
func hellos(t *testing.T, tshark, file string) (hello, alert []string) {
	t.Helper()
	run := func(filter string, fields ...string) []string {
		args := []string{"-r", file, "-Y", filter, "-T", "fields"}
		for _, f := range fields {
			args = append(args, "-e", f)
		}
		out, err := exec.Command(tshark, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		slices.Sort(lines)
		return slices.DeleteFunc(slices.Compact(lines), func(s string) bool { return s == "" })
	}
	return run("tls.handshake.type==1", "tcp.srcport", "tls.handshake.extensions_server_name"),
		run("tls.alert_message.desc && tls.alert_message.level==2", "tls.alert_message.desc", "tcp.stream")
}

// TestAgainstTshark compares what is found with what tshark finds, on the real
// capture and on one with losses and disorder.
func TestAgainstTshark(t *testing.T) {
	t.Parallel()
	tshark := needs(t, "tshark")
	files := map[string][]byte{}
	real, err := os.ReadFile("testdata/real.pcap.gz")
	if err != nil {
		t.Fatal(err)
	}
	files["real.pcap.gz"] = real
	r := rand.New(rand.NewPCG(3, 4))
	w := &wire{mss: 500}
	all := shakes(t)
	for i, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range all {
			if !yield(n) {
				return
			}
		}
	}) {
		x := w.dial(fmt.Sprintf("192.0.2.10:%d", 40000+i), testServer)
		x.play(all[name])
		x.fin(closer(name))
	}
	for i := range w.packets {
		if j := i + 1; j < len(w.packets) && r.IntN(10) == 0 && len(w.packets[i].data) > 60 && len(w.packets[j].data) > 60 {
			w.packets[i], w.packets[j] = w.packets[j], w.packets[i]
		}
	}
	files["synthetic.pcap"] = w.pcap()
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			hello, alert := hellos(t, tshark, path)
			got, _, err := read(t, data, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var ours []string
			alerts := 0
			for _, c := range got {
				if c.Attempt.Sent != nil {
					ours = append(ours, strings.TrimSpace(fmt.Sprintf("%d\t%s", c.Client.Port(), c.Attempt.Sent.ServerName())))
				}
				for _, m := range c.Attempt.Messages {
					if m.Name == "Alert" && len(m.Raw) == 2 && m.Raw[0] == 2 {
						alerts++
					}
				}
			}
			slices.Sort(ours)
			for i := range hello {
				hello[i] = strings.TrimSpace(hello[i])
			}
			if !slices.Equal(ours, slices.Compact(hello)) {
				t.Errorf("ClientHellos: got %d, tshark %d\n%v\n%v", len(ours), len(hello), ours, hello)
			}
			if alerts != len(alert) {
				t.Errorf("fatal alerts in clear: got %d, tshark %d: %v", alerts, len(alert), alert)
			}
		})
	}
}

// TestTcpdump watches a handshake on loopback as it happens.
func TestTcpdump(t *testing.T) {
	tcpdump := needs(t, "tcpdump")
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root may capture")
	}
	lines := make(chan []line, 1)
	port := freePort(t)
	cmd := exec.Command(tcpdump, "-i", "lo", "-U", "-w", "-", fmt.Sprintf("tcp port %d", port))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ready := &waitFor{word: []byte("listening on"), found: make(chan struct{})}
	cmd.Stderr = ready
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan *Connection, 4)
	over := make(chan error, 1)
	go func() {
		_, err := Read(t.Context(), out, Options{}, func(c *Connection) { found <- c })
		over <- err
	}()
	<-ready.found
	go func() { lines <- shakesAt(t, port) }()
	<-lines
	c := <-found // told while tcpdump still runs
	if c.Outcome != Failed || c.Server.Port() != port {
		t.Errorf("got %v to %v", c.Outcome, c.Server)
	}
	_ = cmd.Process.Signal(os.Interrupt)
	if err := <-over; err != nil {
		t.Errorf("reading: %v", err)
	}
	_ = cmd.Wait()
}

// waitFor is a writer that tells when a word has passed.
type waitFor struct {
	word  []byte
	seen  []byte
	found chan struct{}
	done  bool
}

// Write implements io.Writer.
func (w *waitFor) Write(b []byte) (int, error) {
	w.seen = append(w.seen, b...)
	if !w.done && bytes.Contains(w.seen, w.word) {
		w.done = true
		close(w.found)
	}
	return len(b), nil
}
