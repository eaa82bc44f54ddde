package relay

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestInstalled catches a program that is there, misses one that is not, and
// one that says no hello.
func TestInstalled(t *testing.T) {
	t.Parallel()
	programs := []Program{
		{"none", []string{"tlswhy-no-such-program"}, []string{"tlswhy-no-such-program"}},
		{"mute", []string{os.Args[0], "-test.run=^$"}, []string{os.Args[0], "-test.run=^$"}},
	}
	if _, err := exec.LookPath("openssl"); err == nil {
		programs = append(programs, Programs[0])
	}
	var got []Caught
	if err := Installed(context.Background(), os.Environ(), programs, func(c Caught) { got = append(got, c) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(programs) || !got[0].Missing || got[1].Raw != nil || got[1].Problem == "" {
		t.Fatalf("got %+v", got)
	}
	if len(got) < 3 {
		t.Skip("openssl is not installed")
	}
	h, err := tlswire.ParseClientHelloRecord(got[2].Raw)
	if err != nil || h.ServerName() != "localhost" || got[2].Version == "" {
		t.Errorf("got %v, %+v", err, got[2])
	}
}
