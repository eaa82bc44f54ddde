package chain

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestKeyOf holds the short way to the long one, also for what is cut short.
func TestKeyOf(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.pem")
	if err != nil || len(files) == 0 {
		t.Fatal("no certificates", err)
	}
	n := 0
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		found, _ := ParsePEM(data)
		for _, c := range found {
			n++
			if got := KeyOf(c.Raw); !reflect.DeepEqual(got, c.Key) {
				t.Errorf("%s: got %v, want %v", f, got, c.Key)
			}
			for i := range c.Raw {
				KeyOf(c.Raw[:i])
			}
		}
	}
	if n < 5 {
		t.Errorf("only %d certificates", n)
	}
	if k := KeyOf(nil); k.Problem == "" {
		t.Error("nothing has a key")
	}
}
