package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/facts"
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

// tsharkSees lists the ClientHellos ("client port, server name") and the client
// ports of fatal alerts in clear that tshark finds.
func tsharkSees(t *testing.T, tshark, file string) (hellos, alerts []string) {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(tshark, "-n", "-r", file, "-o", "tcp.reassemble_out_of_order:TRUE", "-d", "udp.port==8472,vxlan",
		"-Y", "tls.handshake.type==1 || tls.alert_message.level==2", "-T", "fields",
		"-e", "tls.alert_message.level", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "tls.handshake.extensions_server_name")
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	for l := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(l, "\n"), "\t")
		if f[0] == "" {
			hellos = append(hellos, strings.TrimSpace(f[1]+" "+f[3]))
		} else if strings.HasPrefix(f[1], "443") { // 443, and 44301 and on in the real capture
			alerts = append(alerts, f[2])
		} else {
			alerts = append(alerts, f[1])
		}
	}
	slices.Sort(hellos)
	slices.Sort(alerts)
	return slices.Compact(hellos), slices.Compact(alerts)
}

// tsharkCases are the links and tunnels, disorder and fragments, each on an
// interface of its own of one pcapng, with client ports of its own.
func tsharkCases(t *testing.T) (data []byte, cases map[int]string) {
	t.Helper()
	all := shakes(t)
	names := slices.Sorted(maps.Keys(all))
	n := &ng{order: binary.LittleEndian}
	n.section()
	cases = map[int]string{}
	at := began
	add := func(name string, link layers.LinkType, play func(port int) *wire) {
		port := 10000 + 100*len(cases)
		cases[port/100] = name
		n.iface(link, 0)
		for _, f := range play(port).packets {
			at = at.Add(time.Millisecond)
			n.packet(uint32(len(cases)-1), uint64(at.UnixMicro()), f)
		}
	}
	for seed := range uint64(8) {
		add(fmt.Sprint("disorder ", seed), layers.LinkTypeEthernet, func(port int) *wire {
			r := rand.New(rand.NewPCG(seed, 4))
			w := &wire{mss: 100 + 200*int(seed)}
			for i, name := range names {
				x := w.dial(fmt.Sprintf("192.0.2.10:%d", port+i), testServer)
				x.play(all[name])
				x.fin(closer(name))
			}
			for i := range w.packets {
				if j := i + 1; j < len(w.packets) && r.IntN(10) == 0 && len(w.packets[i].data) > 60 && len(w.packets[j].data) > 60 {
					w.packets[i], w.packets[j] = w.packets[j], w.packets[i]
				}
				if r.IntN(10) == 0 {
					w.packets = append(w.packets, w.packets[i]) // again, much later
				}
			}
			return w
		})
	}
	for size, six := range map[int]bool{64: false, 88: true} {
		add(fmt.Sprint("fragments of ", size), layers.LinkTypeEthernet, func(port int) *wire {
			w := carried(wrapping{six: six}, port, all["version"])
			var out []frame
			for n, f := range w.packets {
				out = append(out, fragmentsOf(f, size, uint32(n), six)...)
			}
			w.packets = out
			return w
		})
	}
	for name, x := range wrappings() {
		add(name, x.link, func(port int) *wire { return carried(x, port, all["version"]) })
	}
	return n.b, cases
}

// TestAgainstTshark compares what is found with what tshark finds: on a real
// capture, and on many made ones.
func TestAgainstTshark(t *testing.T) {
	t.Parallel()
	tshark := needs(t, "tshark")
	made, cases := tsharkCases(t)
	if len(cases) < 40 {
		t.Errorf("only %d cases", len(cases))
	}
	real, err := os.ReadFile("testdata/real.pcap.gz")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"real": real, "made": made} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "capture")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			hellos, alerts := tsharkSees(t, tshark, path)
			got, _, err := read(t, data, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var ours, said []string
			for _, c := range got {
				if c.Attempt.Sent != nil {
					ours = append(ours, strings.TrimSpace(fmt.Sprintf("%d %s", c.Client.Port(), c.Attempt.Sent.ServerName())))
				}
				if slices.ContainsFunc(c.Attempt.Messages, func(m facts.Message) bool { return m.Name == "Alert" && len(m.Raw) == 2 && m.Raw[0] == 2 }) {
					said = append(said, fmt.Sprint(c.Client.Port()))
				}
			}
			if name == "made" {
				for port, name := range cases {
					of := func(list []string) []string {
						return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.HasPrefix(s, fmt.Sprint(port)) })
					}
					compareLists(t, name+", ClientHellos", of(ours), of(hellos))
					compareLists(t, name+", alerts", of(said), of(alerts))
				}
				return
			}
			compareLists(t, "ClientHellos", ours, hellos)
			compareLists(t, "alerts", said, alerts)
		})
	}
}

func compareLists(t *testing.T, what string, ours, theirs []string) {
	t.Helper()
	slices.Sort(ours)
	if ours = slices.Compact(ours); !slices.Equal(ours, theirs) {
		t.Errorf("%s: got %v, tshark %v", what, ours, theirs)
	}
}

// TestTcpdump watches a handshake on loopback as it happens.
func TestTcpdump(t *testing.T) {
	tcpdump := needs(t, "tcpdump")
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root may capture")
	}
	l := listen(t)
	port := netip.MustParseAddrPort(l.Addr().String()).Port()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, tcpdump, "-i", "lo", "-U", "-w", "-", fmt.Sprintf("tcp port %d", port))
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
		_, err := Read(ctx, out, Options{}, func(c *Connection) { found <- c })
		over <- err
	}()
	select {
	case <-ready.found:
	case err := <-over:
		t.Fatalf("tcpdump ends at once: %v: %s", err, ready.seen)
	}
	shakesAt(t, l)
	select {
	case c := <-found: // told while tcpdump still runs
		if c.Outcome != Failed || c.Server.Port() != port {
			t.Errorf("got %v to %v", c.Outcome, c.Server)
		}
	case <-ctx.Done():
		t.Error("nothing was told")
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
