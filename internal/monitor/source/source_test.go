package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// lines makes an endpoint of each line; a line "bad" is an error.
func lines(source string) func(string, []byte) ([]monitor.Endpoint, error) {
	return func(name string, raw []byte) (out []monitor.Endpoint, err error) {
		for l := range strings.Lines(string(raw)) {
			if l = strings.TrimSpace(l); l == "bad" {
				return nil, fmt.Errorf("%s:1:1: bad", filepath.Base(name))
			}
			if l != "" {
				out = append(out, monitor.Endpoint{ID: l, Target: l, Source: source})
			}
		}
		return out, nil
	}
}

// store keeps what it was handed last.
type store struct {
	mu  sync.Mutex
	es  []monitor.Endpoint
	n   int
	err error
}

func (s *store) set(_ context.Context, es []monitor.Endpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.es = es
		s.n++
	}
	return s.err
}

func (s *store) ids() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range s.es {
		if e.Kind != monitor.KindSource {
			out = append(out, e.ID)
		}
	}
	return strings.Join(out, " ")
}

// wait waits until the store has these endpoints.
func (s *store) wait(t *testing.T, want string) {
	t.Helper()
	until(t, func() bool { return s.ids() == want }, func() string { return fmt.Sprintf("got %q, want %q", s.ids(), want) })
}

func until(t *testing.T, ok func() bool, say func() string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(say())
		}
	}
}

func manage(t *testing.T, st *store, kept ...monitor.Endpoint) (*Manager, context.Context) {
	t.Helper()
	m := &Manager{Store: st.set, Every: 2 * time.Millisecond, Kept: func(context.Context) ([]monitor.Endpoint, error) { return kept, nil }}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); m.Wait() })
	return m, ctx
}

func write(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".next"
	if err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Rename(next, path)); err != nil {
		t.Fatal(err)
	}
}

func (m *Manager) state(t *testing.T, name string, ok func(Status) bool) {
	t.Helper()
	find := func() Status {
		for _, s := range m.Sources() {
			if s.Name == name {
				return s
			}
		}
		return Status{}
	}
	until(t, func() bool { return ok(find()) }, func() string { return fmt.Sprintf("the source is %+v", find()) })
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "1.txt"), "a\nb\nc\nd\ne\n")
	write(t, filepath.Join(dir, "2.txt"), "e\nf\n")
	st := &store{}
	m, ctx := manage(t, st)
	spec := Spec{Name: "s", Paths: []string{filepath.Join(dir, "*.txt")}, MaxShrink: 20, Read: lines("s")}
	if err := m.Set(ctx, []monitor.Endpoint{{ID: "own"}, {ID: "c"}}, []Spec{spec}); err != nil {
		t.Fatal(err)
	}
	st.wait(t, "own c a b d e f")

	write(t, filepath.Join(dir, "2.txt"), "bad\n") // a source that fails keeps its endpoints
	m.state(t, "s", func(s Status) bool { return strings.Contains(s.Error, "2.txt:1:1: bad") && s.Endpoints == 6 })
	if d := m.Check("s"); d.Verdict != diag.Warning || d.Causes[0].ID != "source-failing" || !strings.Contains(d.Causes[0].Summary, "2.txt:1:1") {
		t.Errorf("got %+v", d)
	}
	write(t, filepath.Join(dir, "2.txt"), "f\ng\n")
	st.wait(t, "own c a b d e f g")
	if d := m.Check("s"); d.Verdict != diag.OK {
		t.Errorf("got %+v", d)
	}

	write(t, filepath.Join(dir, "1.txt"), "a\nb\nc\nd\n") // one of seven is no great loss
	st.wait(t, "own c a b d f g")

	write(t, filepath.Join(dir, "1.txt"), "a\n") // half of them is
	m.state(t, "s", func(s Status) bool { return s.Held != nil && *s.Held == 3 && s.Endpoints == 6 })
	if d := m.Check("s"); d.Causes[0].ID != "source-shrunk" {
		t.Errorf("got %+v", d)
	}
	if got := st.ids(); got != "own c a b d f g" {
		t.Errorf("got %q: the loss was not held", got)
	}
	if err := m.Confirm(ctx, "s"); err != nil {
		t.Fatal(err)
	}
	st.wait(t, "own c a f g")
	if err := m.Confirm(ctx, "s"); !errors.Is(err, monitor.ErrNotFound) {
		t.Errorf("confirming nothing: %v", err)
	}
	if err := m.Set(ctx, nil, nil); err != nil { // the source was removed from the file
		t.Fatal(err)
	}
	st.wait(t, "")
}

// TestSwap swaps the link of a ConfigMap.
func TestSwap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, text string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "targets.txt"), text)
		next := filepath.Join(dir, "..next")
		if err := errors.Join(os.Symlink(name, next), os.Rename(next, filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	version("..v1", "a\n")
	if err := os.Symlink(filepath.Join("..data", "targets.txt"), filepath.Join(dir, "targets.txt")); err != nil {
		t.Fatal(err)
	}
	st := &store{}
	m, ctx := manage(t, st)
	if err := m.Set(ctx, nil, []Spec{{Name: "s", Paths: []string{dir}, MaxShrink: 20, Read: lines("s")}}); err != nil {
		t.Fatal(err)
	}
	st.wait(t, "a")
	version("..v2", "a\nb\n")
	st.wait(t, "a b")
}

// TestStart keeps what a source had named before the start until it answers,
// and what could not be stored.
func TestStart(t *testing.T) {
	t.Parallel()
	st := &store{}
	m, ctx := manage(t, st, monitor.Endpoint{ID: "old", Source: "s"}, monitor.Endpoint{ID: "gone", Source: "other"}, monitor.Endpoint{ID: "file"})
	path := filepath.Join(t.TempDir(), "x")
	if err := m.Set(ctx, nil, []Spec{{Name: "s", Paths: []string{path}, MaxShrink: 20, Read: lines("s")}}); err != nil {
		t.Fatal(err)
	}
	m.state(t, "s", func(s Status) bool { return strings.Contains(s.Error, "no file matches") })
	st.wait(t, "old")
	st.mu.Lock()
	st.err = errors.New("locked")
	st.mu.Unlock()
	write(t, path, "old\nnew\n")
	m.state(t, "s", func(s Status) bool { return s.Endpoints == 2 })
	st.mu.Lock()
	st.err = nil
	st.mu.Unlock()
	st.wait(t, "old new")
}

// TestAcknowledged believes a loss when its incident was acknowledged.
func TestAcknowledged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x")
	write(t, path, "a\nb\nc\n")
	st := &store{}
	m, ctx := manage(t, st)
	var acknowledged atomic.Bool
	m.Confirmed = func(context.Context, string) bool { return acknowledged.Load() }
	if err := m.Set(ctx, nil, []Spec{{Name: "s", Paths: []string{path}, MaxShrink: 20, Read: lines("s")}}); err != nil {
		t.Fatal(err)
	}
	st.wait(t, "a b c")
	write(t, path, "a\n")
	m.state(t, "s", func(s Status) bool { return s.Held != nil })
	acknowledged.Store(true)
	m.Reload()
	st.wait(t, "a")
}

// TestTwoSources gives an endpoint to the source that comes first, whichever
// answers first.
func TestTwoSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := &store{}
	m, ctx := manage(t, st)
	one, two := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	write(t, two, "x\ny\n")
	if err := m.Set(ctx, nil, []Spec{{Name: "one", Paths: []string{one}, Read: lines("one")}, {Name: "two", Paths: []string{two}, Read: lines("two")}}); err != nil {
		t.Fatal(err)
	}
	st.wait(t, "x y")
	write(t, one, "x\n")
	until(t, func() bool {
		st.mu.Lock()
		defer st.mu.Unlock()
		return slices.ContainsFunc(st.es, func(e monitor.Endpoint) bool { return e.ID == "x" && e.Source == "one" }) && len(st.es) == 4
	}, func() string { return st.ids() })
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		want   string // endpoints, or words of the error after "error: "
	}{
		{"good", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer geheim" || r.Header.Get("X-Prometheus-Refresh-Interval-Seconds") != "60" {
				w.WriteHeader(403)
				return
			}
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = io.WriteString(w, "a\nb\na\n")
		}, "a b"},
		{"status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "error: answered 503"},
		{"login page", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }, "error: a login page?"},
		{"bad list", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "bad")
		}, "error: s:1:1: bad"},
		{"elsewhere", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://192.0.2.1/")
			w.WriteHeader(http.StatusFound)
		}, "error: redirects to another server"},
		{"in circles", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/token-in-path", http.StatusFound) }, "error: more than 3 redirects"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for block := bytes.Repeat([]byte{'\n'}, 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, "error: more than 64 MB"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "error: asking 127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(c.answer))
			t.Cleanup(srv.Close)
			s := Spec{Name: "s", URL: monitor.Secret(srv.URL + "/token-in-path"), Header: map[string]monitor.Secret{"Authorization": "Bearer geheim"}, Client: srv.Client(), Refresh: time.Minute, Read: lines("s")}
			es, err := s.Load(t.Context())
			var got []string
			for _, e := range es {
				got = append(got, e.ID)
			}
			said := strings.Join(got, " ")
			if err != nil {
				said = "error: " + err.Error()
			}
			if words, isError := strings.CutPrefix(c.want, "error: "); isError != (err != nil) || !strings.Contains(said, words) || strings.Contains(said, "token-in-path") || strings.Contains(said, "geheim") {
				t.Errorf("got %q, want %q", said, c.want)
			}
		})
	}
}

// TestShelf joins files with servers by what the files held before.
func TestShelf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	leaf := func(n int, names ...string) diag.Certificate {
		return diag.Certificate{Fingerprint: fmt.Sprint(n), NotBefore: now.Add(time.Duration(n) * time.Hour), NotAfter: now.Add(2000 * time.Hour), Names: names, Issuer: "CN=R10", Key: "ECDSA P-256"}
	}
	e := &monitor.Endpoint{Target: "/etc/a.pem", Reload: "systemctl reload nginx"}
	for _, c := range []struct {
		name    string
		held    []int // what the file held, in this order
		changed time.Duration
		served  diag.Certificate
		address string
		want    bool
	}{
		{"renewed and not served", []int{1, 5}, time.Hour, leaf(1), "192.0.2.1:443", true},
		{"renewed a moment ago", []int{1, 5}, time.Minute, leaf(1), "192.0.2.1:443", false},
		{"served", []int{1, 5}, time.Hour, leaf(5), "192.0.2.1:443", false},
		{"served from elsewhere", []int{5}, time.Hour, leaf(1, "a.example"), "192.0.2.1:443", false},
		{"at first sight, on this machine", []int{5}, time.Hour, leaf(1, "a.example"), "127.0.0.1:443", true},
		{"at first sight, an own address", []int{5}, time.Hour, leaf(1, "a.example"), "198.51.100.7:443", true},
		{"on this machine, another name", []int{5}, time.Hour, leaf(1, "b.example"), "127.0.0.1:443", false},
		{"rolled back in the file", []int{5, 1}, time.Hour, leaf(5), "192.0.2.1:443", false},
		{"nothing known", nil, time.Hour, leaf(1), "127.0.0.1:443", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &Shelf{Local: []netip.Addr{netip.MustParseAddr("198.51.100.7")}}
			for _, n := range c.held {
				s.Put(e, leaf(n, "a.example"), now.Add(-c.changed))
			}
			path, reload := s.Newer(now, c.served, c.address)
			if (path != "") != c.want || path != "" && reload != e.Reload {
				t.Errorf("got %q, %q", path, reload)
			}
		})
	}
	s := &Shelf{}
	s.Recall(e, &monitor.State{Known: []string{"1"}})
	s.Put(e, leaf(5), now.Add(-time.Hour))
	if path, _ := s.Newer(now, leaf(1), "192.0.2.1:443"); path == "" {
		t.Error("the history of before the start is forgotten")
	}
}
