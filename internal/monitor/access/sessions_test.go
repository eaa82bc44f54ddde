package access

import (
	"errors"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestSessions lists and ends one's own sessions, and nobody else's.
func TestSessions(t *testing.T) {
	t.Parallel()
	k, store := newKeeper(t)
	ctx := t.Context()
	if err := k.SetUp(ctx, "ann", password, "", true, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	admin := With(ctx, &Somebody{User: "ann", Role: monitor.Admin, scopes: monitor.Admin.Scopes()})
	if _, err := k.AddUser(admin, "bob", password, monitor.Viewer); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	for _, s := range []monitor.Session{
		{ID: "old", User: "ann", Created: now.Add(-lastFor - time.Hour), Seen: now},
		{ID: "first", User: "ann", Created: now.Add(-2 * time.Hour), Seen: now.Add(-time.Hour), Agent: "a"},
		{ID: "last", User: "ann", Created: now, Seen: now, Agent: "b"},
		{ID: "bobs", User: "bob", Created: now, Seen: now},
	} {
		if err := store.AddSession(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := k.Sessions(admin)
	if err != nil || len(got) != 2 || got[0].ID != "last" || got[1].ID != "first" || got[1].Agent != "a" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if err := k.EndSession(admin, "bobs"); !errors.Is(err, monitor.ErrNotFound) {
		t.Errorf("ending another's session: got %v", err)
	}
	if err := k.EndSession(admin, "first"); err != nil {
		t.Fatal(err)
	}
	if got, err = k.Sessions(admin); err != nil || len(got) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := k.Sessions(ctx); !errors.Is(err, ErrNobody) {
		t.Errorf("nobody: got %v", err)
	}
}
