package service

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
)

// newService is a service over an empty store, and a context of its admin.
func newService(t *testing.T) (*Service, context.Context) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "m.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	k := access.New(store)
	const password = "a long enough passphrase"
	if err := k.SetUp(t.Context(), "ann", password, "", true, ""); err != nil {
		t.Fatal(err)
	}
	_, p, err := k.Login(t.Context(), "ann", password, "", "")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Store: store, Keeper: k, Vantage: "here", StartTLS: func(p string) bool { return p == "smtp" },
		Parse: func(target string) (string, int, error) {
			if strings.Contains(target, "!") {
				return "", 0, fmt.Errorf("%q is no name of a host", target)
			}
			return target, 443, nil
		}})
	return s, access.With(t.Context(), p)
}

func TestPaste(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t)
	lines, err := s.Paste(ctx, "# ours\nshop.example.com owner=web env=prod\r\n\n  mail.example.com:25, starttls=smtp # the mail\nbad!name\nwww.example.com starttls=pigeon\n"+
		"two.example.com three.example.com\nshop.example.com interval=1h\nwww.example.com interval=soon\nwww.example.com interval=1s\nwww.example.com connect=10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range lines {
		what := "added"
		if l.Known {
			what = "known"
		}
		if l.Err != nil {
			what = l.Err.Error()
		}
		got = append(got, fmt.Sprintf("%d %s", l.Number, what))
	}
	want := []string{"2 added", "4 added", `5 target: "bad!name" is no name of a host`, "6 starttls: a protocol such as smtp, imap or postgres",
		`7 list: "three.example.com" is no word such as owner=web: one target a line`, "8 known", `9 interval: "soon" is no time such as 5m or 1h`,
		"10 interval: 10s to 31 days", `11 connect: "10.0.0.1" is not HOST:PORT`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	d, err := s.Endpoint(ctx, lines[0].ID)
	if err != nil || d.Endpoint.Owner != "web" || d.Endpoint.Tags["env"] != "prod" || d.Endpoint.Interval != 0 {
		t.Errorf("got %+v, %v", d.Endpoint, err)
	}
	if d, err = s.Endpoint(ctx, lines[1].ID); err != nil || d.Endpoint.StartTLS != "smtp" {
		t.Errorf("got %+v, %v", d.Endpoint, err)
	}
	if _, err := s.Paste(ctx, strings.Repeat("\n", MaxPaste)); err == nil {
		t.Error("a list without an end is taken")
	}
	if _, err := s.Paste(t.Context(), "x.example.com"); err == nil {
		t.Error("nobody may add endpoints")
	}
	page, err := s.Keeper.Audit(ctx, monitor.AuditQuery{Action: "endpoints-added"})
	if err != nil || len(page.Items) != 1 || page.Items[0].Text != "2 of a list" {
		t.Errorf("the audit: got %+v, %v", page.Items, err)
	}
}
