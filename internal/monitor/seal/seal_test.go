package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestVault(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "k")
	v, err := Open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v", fi.Mode())
	}
	sealed, err := v.Seal("channel a", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := v.Seal("channel a", []byte("hunter2"))
	if err != nil || bytes.Equal(sealed, again) || bytes.Contains(sealed, []byte("hunter2")) {
		t.Errorf("sealed twice alike, or readable: %x, %x, %v", sealed, again, err)
	}
	// The same file, read again.
	same, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := same.Open("channel a", sealed); err != nil || string(plain) != "hunter2" {
		t.Errorf("got %q, %v", plain, err)
	}
	if _, err := same.Open("channel b", sealed); !errors.Is(err, ErrSpoiled) {
		t.Errorf("moved to another place: got %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := v.Open("channel a", bad); !errors.Is(err, ErrSpoiled) && !errors.Is(err, ErrOther) {
			t.Errorf("byte %d changed: got %v", i, err)
		}
		if _, err := v.Open("channel a", sealed[:i]); !errors.Is(err, ErrSpoiled) && !errors.Is(err, ErrOther) {
			t.Errorf("cut at %d: got %v", i, err)
		}
	}
	other, err := Open(filepath.Join(t.TempDir(), "k"), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open("channel a", sealed); !errors.Is(err, ErrOther) {
		t.Errorf("another key: got %v", err)
	}
}

func TestLostKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "k")
	v, err := Open(path, true)
	if err != nil || !v.Lost() {
		t.Fatalf("got %v, lost %v", err, v.Lost())
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a new key was made while something was sealed with the old one")
	}
	if _, err := v.Seal("x", nil); !errors.Is(err, ErrLost) {
		t.Errorf("got %v", err)
	}
	if err := v.Renew(); err != nil || v.Lost() {
		t.Errorf("got %v, lost %v", err, v.Lost())
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Renew(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a key that is there was replaced: %v", err)
	}
}

func TestSpoiledKeyFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"empty": "", "short": keyPrefix + "AAAA\n", "words": "# only this\n", "binary": "\x00\x01"} {
		path := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, false); err == nil {
			t.Errorf("%s: no error", name)
		}
		if raw, err := os.ReadFile(path); err != nil || string(raw) != text {
			t.Errorf("%s: the file was changed to %q, %v", name, raw, err)
		}
	}
}
