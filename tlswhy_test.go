package tlswhy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// closedPort is an address of this machine on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestDiagnoseWithoutOptions(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	d, err := tlswhy.Diagnose(context.Background(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := d.FirstFailure()
	if d.Verdict != diag.Failure || first == nil || first.ID != "tcp-refused" {
		t.Fatalf("got %s, %+v", d.Verdict, first)
	}
	if first.Verify != "tlswhy "+address {
		t.Errorf("verify is %q", first.Verify)
	}
	if d.Schema != diag.Schema || d.Target.Name != "127.0.0.1" || len(d.Addresses) != 1 || len(d.Attempts) == 0 {
		t.Errorf("got %+v", d)
	}
	if data, err := json.Marshal(d); err != nil || strings.Contains(string(data), ":null") {
		t.Errorf("JSON: %v\n%s", err, data)
	}
}

func TestDiagnoseErrors(t *testing.T) {
	t.Parallel()
	d, err := tlswhy.Diagnose(context.Background(), "no host", nil)
	var badUse *tlswhy.UsageError
	if !errors.As(err, &badUse) || d != nil {
		t.Errorf("got %v, %v, want a *UsageError", d, err)
	}
	d, err = tlswhy.Diagnose(context.Background(), "shop.example.com", &tlswhy.Options{CAFile: "no/such/file.pem"})
	var badFile *tlswhy.FileError
	if !errors.As(err, &badFile) || !errors.Is(err, fs.ErrNotExist) || d != nil {
		t.Errorf("got %v, %v, want a *FileError", d, err)
	}
	if badFile != nil && (badFile.File != "no/such/file.pem" || badFile.Role != "CA file") {
		t.Errorf("got %+v", badFile)
	}
}

// TestDiagnoseKeepsTheOptions demands that options can be shared by callers.
func TestDiagnoseKeepsTheOptions(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	said := map[string]bool{}
	o := &tlswhy.Options{Connect: []string{closedPort(t), closedPort(t)}, Timeout: 2 * time.Second,
		Progress: func(s string) { mu.Lock(); said[s] = true; mu.Unlock() }}
	before := *o
	before.Connect = append([]string(nil), o.Connect...)
	var tasks sync.WaitGroup
	for range 8 {
		tasks.Go(func() {
			if d, err := tlswhy.Diagnose(context.Background(), "shop.example.com", o); err != nil || d.Verdict != diag.Failure {
				t.Errorf("got %+v, %v", d, err)
			}
		})
	}
	tasks.Wait()
	before.Progress, o.Progress = nil, nil
	if !reflect.DeepEqual(*o, before) {
		t.Errorf("the options were changed: %+v", *o)
	}
	if len(said) == 0 {
		t.Error("no progress was told")
	}
}

// TestOptionsAreMirrored explains a compile error in Diagnose: the options of
// the front door are those of package diagnose, in the same order.
func TestOptionsAreMirrored(t *testing.T) {
	t.Parallel()
	front, inner := reflect.TypeFor[tlswhy.Options](), reflect.TypeFor[diagnose.Options]()
	if !front.ConvertibleTo(inner) {
		t.Errorf("tlswhy.Options and diagnose.Options differ")
	}
}
