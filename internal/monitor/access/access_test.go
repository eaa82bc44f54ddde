package access

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
)

const password = "a long enough passphrase"

func newKeeper(t *testing.T) (*Keeper, *sqlite.Store) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "m.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	k := New(store)
	k.hasher.p = params{memory: 64, time: 1, threads: 1} // what is tested is not how slow it is
	k.hasher.nobody = encode(k.hasher.p, make([]byte, saltSize), make([]byte, hashSize))
	return k, store
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	k, store := newKeeper(t)
	ctx := t.Context()
	if err := k.SetUp(ctx, "ann", password, "", true, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	for _, c := range []struct {
		name          string
		created, seen time.Time
		good          bool
	}{
		{"fresh", now, now, true},
		{"used lately", now.Add(-lastFor + time.Hour), now.Add(-time.Hour), true},
		{"not used for long", now.Add(-2 * idleFor), now.Add(-idleFor - time.Second), false},
		{"old, however used", now.Add(-lastFor - time.Second), now, false},
	} {
		value := secret("session")
		if err := store.AddSession(ctx, monitor.Session{ID: digest(value), User: "ann", Created: c.created, Seen: c.seen}); err != nil {
			t.Fatal(err)
		}
		p, err := k.BySession(ctx, value, "192.0.2.1")
		if c.good != (err == nil) || !c.good && !errors.Is(err, ErrNobody) {
			t.Errorf("%s: got %+v, %v", c.name, p, err)
		}
	}
	if _, err := k.BySession(ctx, "guess", "192.0.2.1"); !errors.Is(err, ErrNobody) {
		t.Errorf("got %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limits{}
		spend := func(address, account string, n int) (ok int) {
			for range n {
				if l.take(address, account) == nil {
					ok++
				}
			}
			return ok
		}
		if got := spend("192.0.2.1", "ann", 20); got != burst {
			t.Errorf("got %d attempts at once, want %d", got, burst)
		}
		if got := spend("192.0.2.2", "ann", 20); got != 0 {
			t.Errorf("another address may go on guessing: %d", got)
		}
		if got := spend("192.0.2.3", "bob", 20); got != burst {
			t.Errorf("another account is limited too: %d", got)
		}
		if got := spend("2001:db8::1", "c", 5) + spend("2001:db8::2", "d", 20); got != burst {
			t.Errorf("addresses of one network have %d attempts, want %d", got, burst)
		}
		time.Sleep(10 * perAccount)
		if got := spend("192.0.2.1", "ann", 20); got != 10 {
			t.Errorf("got %d attempts after a while", got)
		}
		// Who has been here before is not locked out by strangers.
		l.forgive("192.0.2.9", "ann")
		if got := spend("192.0.2.9", "ann", 3); got != 3 {
			t.Errorf("the account's owner has %d attempts", got)
		}
		var limited *LimitedError
		if err := l.take("192.0.2.1", "ann"); !errors.As(err, &limited) || limited.After <= 0 {
			t.Errorf("got %v", err)
		}
	})
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, password string
		good           bool
	}{
		{"ann", "correct horse battery staple", true},
		{"ann", "short", false},
		{"ann", "aaaaaaaaaaaaaaaaaaaa", false},
		{"administrator", "Administrator1", false},
		{"ann", strings.Repeat("abcdefghij", 101), false},
		{"ann", "пароль из слов", true},
	} {
		if err := goodPassword(c.name, c.password); (err == nil) != c.good {
			t.Errorf("%q: got %v", c.password, err)
		}
	}
}

func TestHashes(t *testing.T) {
	t.Parallel()
	h := newHasher()
	ctx := t.Context()
	a, err := h.hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := h.hash(ctx, password); a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("got %q and %q", a, b)
	}
	if ok, stale, err := h.check(ctx, a, password); !ok || stale || err != nil {
		t.Errorf("got %v, %v, %v", ok, stale, err)
	}
	if ok, _, err := h.check(ctx, a, password+"x"); ok || err != nil {
		t.Errorf("a wrong password is right: %v", err)
	}
	if ok, _, err := h.check(ctx, "", ""); ok || err != nil {
		t.Errorf("nobody has a password: %v", err)
	}
	weak := hasher{room: h.room, p: params{memory: 64, time: 1, threads: 1}}
	old, err := weak.hash(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	if ok, stale, err := h.check(ctx, old, password); !ok || !stale || err != nil {
		t.Errorf("got %v, %v, %v", ok, stale, err)
	}
	for _, bad := range []string{"x", "$argon2id$v=19$m=1,t=0,p=1$AAAA$AAAA", "$argon2i$v=19$m=64,t=1,p=1$AAAA$" + strings.Repeat("A", 43), "$argon2id$v=19$m=99999999,t=1,p=1$AAAA$" + strings.Repeat("A", 43)} {
		if _, _, err := h.check(ctx, bad, password); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	full := hasher{room: make(chan struct{}), p: h.p}
	if _, err := full.hash(ended, password); err == nil {
		t.Error("it did not wait for room")
	}
}

// TestStaleHash makes a new hash at a login whose old one is weaker.
func TestStaleHash(t *testing.T) {
	t.Parallel()
	k, store := newKeeper(t)
	ctx := t.Context()
	if err := k.SetUp(ctx, "ann", password, "", true, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	k.hasher.p.time = 2
	value, _, err := k.Login(ctx, "ann", password, "127.0.0.1", "")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := store.User(ctx, "ann"); err != nil || !strings.Contains(u.Hash, "t=2") || u.Login.IsZero() {
		t.Errorf("got %+v, %v", u, err)
	}
	if _, err := k.BySession(ctx, value, "127.0.0.1"); err != nil {
		t.Error(err)
	}
}
