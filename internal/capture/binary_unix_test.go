//go:build unix

package capture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// measured is one run of a program.
type measured struct {
	took       time.Duration
	memory     int64 // the most that it had, in bytes
	handshakes int
}

func measure(b *testing.B, cmd *exec.Cmd) (measured, []byte) {
	b.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	start := time.Now()
	err := cmd.Run()
	m := measured{took: time.Since(start)}
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 { // 1: a handshake failed
		b.Fatalf("%v: %v", cmd.Args, err)
	}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.memory = u.Maxrss
		if runtime.GOOS != "darwin" {
			m.memory <<= 10 // it counts in KB elsewhere
		}
	}
	return m, out.Bytes()
}

// BenchmarkBinary lets the built program read a large capture with losses (2 GB;
// TLSWHY_BENCH_BYTES says otherwise) and tshark the same: time, memory and
// handshakes of both. make bench-capture runs it.
func BenchmarkBinary(b *testing.B) {
	size := int64(2 << 30)
	if n, err := strconv.ParseInt(os.Getenv("TLSWHY_BENCH_BYTES"), 10, 64); err == nil {
		size = n
	}
	dir := b.TempDir()
	program, path := filepath.Join(dir, "tlswhy"), filepath.Join(dir, "large.pcap")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", program, "../../cmd/tlswhy").CombinedOutput(); err != nil {
		b.Fatalf("building: %v: %s", err, out)
	}
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	begun, _ := large(b, f, size)
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	var ours measured
	for b.Loop() {
		var out []byte
		ours, out = measure(b, exec.Command(program, "capture", "-o", "json", path))
		var sum struct{ Complete, Failed, Left, Partial int }
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		if err := json.Unmarshal(lines[len(lines)-1], &sum); err != nil {
			b.Fatal(err)
		}
		ours.handshakes = sum.Complete + sum.Failed + sum.Left + sum.Partial
	}
	b.SetBytes(size)
	b.ReportMetric(float64(ours.memory>>20), "MB-memory")
	say := func(name string, m measured) {
		fmt.Fprintf(os.Stderr, "%-16s %6.1f s  %5d MB  %d handshakes\n", name, m.took.Seconds(), m.memory>>20, m.handshakes)
	}
	fmt.Fprintf(os.Stderr, "\n%d MB, 1 %% of the packets lost, %d handshakes\n", size>>20, begun)
	say("tlswhy capture", ours)
	if ours.handshakes != begun || ours.memory > 200<<20 {
		b.Errorf("want %d handshakes in less than 200 MB", begun)
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		b.Log("tshark is not installed: nothing to compare with")
		return
	}
	theirs, out := measure(b, exec.Command(tshark, "-n", "-r", path, "-Y", "tls"))
	theirs.handshakes = bytes.Count(out, []byte("Client Hello"))
	say("tshark -Y tls", theirs)
	b.ReportMetric(theirs.took.Seconds()/ours.took.Seconds(), "times-tshark")
	if theirs.handshakes != ours.handshakes {
		b.Errorf("tshark sees %d handshakes", theirs.handshakes)
	}
}
