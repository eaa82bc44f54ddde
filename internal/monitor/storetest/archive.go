package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Archive examines a store that keeps diagnoses.
func Archive(t *testing.T, open func(t *testing.T) interface {
	monitor.Archive
	monitor.Store
}) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keep := func(id string, at time.Time) {
		t.Helper()
		ok(s.Keep(ctx, monitor.Kept{ID: id, At: at, By: "alice", Kind: "target", Title: id, Verdict: diag.Failure, Found: []*diag.Diagnosis{{Verdict: diag.Failure, Target: diag.Target{Input: id}}}}))
	}
	for i := range 5 {
		keep(fmt.Sprint("k", i), Start.Add(time.Duration(i)*time.Minute))
	}
	k, err := s.Kept(ctx, "k3")
	ok(err)
	if k.By != "alice" || !k.At.Equal(Start.Add(3*time.Minute)) || len(k.Found) != 1 || k.Found[0].Target.Input != "k3" || k.Share != "" {
		t.Errorf("got %+v", k)
	}
	p, err := s.BrowseKept(ctx, monitor.List{Limit: 2})
	ok(err)
	if len(p.Items) != 2 || p.Items[0].ID != "k4" || p.Items[0].Found != nil || p.Next == "" {
		t.Errorf("got %+v", p)
	}
	ok(s.ShareKept(ctx, "k3", "secret"))
	if k, err = s.Shared(ctx, "secret"); err != nil || k.ID != "k3" || k.Share != "secret" {
		t.Errorf("got %+v, %v", k, err)
	}
	ok(s.ShareKept(ctx, "k3", ""))
	ok(s.ShareKept(ctx, "k2", ""))
	ok(s.RemoveKept(ctx, "k0"))
	for what, err := range map[string]error{"revoked": second(s.Shared(ctx, "secret")), "no share": second(s.Shared(ctx, "")), "removed": second(s.Kept(ctx, "k0")), "share of none": s.ShareKept(ctx, "k0", "x"), "removed twice": s.RemoveKept(ctx, "k0")} {
		if !errors.Is(err, monitor.ErrNotFound) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	noise := make([]byte, 2<<20)
	r := rand.NewChaCha8([32]byte{})
	_, err = r.Read(noise)
	ok(err)
	if err := s.Keep(ctx, monitor.Kept{ID: "large", At: Start, Found: []*diag.Diagnosis{{Notes: []string{fmt.Sprintf("%x", noise)}}}}); !errors.Is(err, monitor.ErrTooLarge) {
		t.Errorf("something large: got %v", err)
	}
	for i := range monitor.MaxKept {
		keep(fmt.Sprint("n", i), Start.Add(time.Hour))
	}
	if _, err := s.Kept(ctx, "k4"); !errors.Is(err, monitor.ErrNotFound) {
		t.Errorf("the oldest stays: %v", err)
	}
	_, err = s.Prune(ctx, Start.Add(monitor.KeepFor+2*time.Hour), monitor.Retention{})
	ok(err)
	if p, err := s.BrowseKept(ctx, monitor.List{}); err != nil || len(p.Items) != 0 {
		t.Errorf("%d are left, %v", len(p.Items), err)
	}
}

func second[T any](_ T, err error) error { return err }
