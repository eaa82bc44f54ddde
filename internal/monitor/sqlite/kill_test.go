package sqlite

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

// stormFile names the file of the process that TestKill kills.
const stormFile = "TLSWHY_TEST_STORM"

const stormEndpoints = 40

// killsVar says how often TestKill kills; make kill says 500.
const killsVar = "TLSWHY_TEST_KILLS"

func kills(t *testing.T) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(killsVar), "6"))
	if err != nil {
		t.Fatalf("%s: %v", killsVar, err)
	}
	return n
}

func TestMain(m *testing.M) {
	if path := os.Getenv(stormFile); path != "" {
		if err := storm(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// storm changes the state of every endpoint at every round, and delivers what
// follows: each accepted key is a line of standard output. It goes on until it
// is killed, by a clock that follows from what is due.
func storm(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, path)
	if err != nil {
		return err
	}
	for {
		if err := round(ctx, s, "", func(key string) { fmt.Println(key) }); err != nil {
			return err
		}
	}
}

// round checks everything once, half an hour after what was due: twice bad,
// twice good, or good for all when want says so.
func round(ctx context.Context, s *Store, want string, accepted func(string)) error {
	due, err := s.NextDue(ctx, "here")
	if err != nil {
		return err
	}
	due = due.Add(30 * time.Minute)
	b, err := s.Claim(ctx, due, "here", stormEndpoints)
	if err != nil {
		return err
	}
	cause := ""
	if want == "" && due.Unix()/1800%4 < 2 {
		cause = "bad"
	}
	var reps []monitor.Report
	for _, w := range b.Works {
		reps = append(reps, storetest.Report(w.Endpoint.ID, due, cause))
	}
	if err := s.Ingest(ctx, due, storetest.Rules, b, reps); err != nil {
		return err
	}
	ms, err := s.Outbox(ctx, due.Add(time.Hour), "mail", 1000)
	if err != nil {
		return err
	}
	for _, m := range ms {
		if _, err := s.Begin(ctx, due, m.Key); err != nil {
			return err
		}
		for _, it := range m.Items {
			accepted(fmt.Sprintf("%s %s %s", m.Key, m.Kind, it.Incident.ID))
		}
		if err := s.Delivered(ctx, due, m.Key, monitor.Delivery{OK: true}); err != nil {
			return err
		}
	}
	return nil
}

// outboxKeys are the keys of all messages that there ever were.
func outboxKeys(t *testing.T, s *Store) map[string]bool {
	t.Helper()
	keys, err := texts(t.Context(), s.read, `SELECT key FROM outbox`)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, k := range keys {
		out[k] = true
	}
	return out
}

// TestKill kills a process in the middle of a storm of changes, again and
// again. Then every incident must have been told, with its beginning and, if it
// is over, its end; and nothing may be stuck.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	s := mustOpen(t, path)
	if err := s.SetEndpoints(t.Context(), storetest.Start, "file", "here", 0, storetest.Endpoints(stormEndpoints)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	keep := func(line string) { told[line] = true }
	for i := range kills(t) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), stormFile+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Some die early, the others once the first message is out, however long
		// a busy machine takes to get there.
		delay, late := time.Duration(rand.IntN(300))*time.Millisecond, i%3 > 0
		first := delay
		if late {
			first = time.Minute
		}
		kill := time.AfterFunc(first, func() { _ = cmd.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			keep(lines.Text())
			if late {
				late = false
				kill.Reset(delay)
			}
		}
		kill.Stop()
		if err := cmd.Wait(); err == nil {
			t.Fatal("the storm ended by itself")
		}
	}
	s = mustOpen(t, path)
	defer s.Close()
	for range 6 { // all get well
		if err := round(t.Context(), s, "good", keep); err != nil {
			t.Fatal(err)
		}
	}
	h, err := s.Health(t.Context(), time.Now())
	if err != nil || h.Open != 0 || h.Outbox != 0 {
		t.Errorf("got health %+v, %v; want nothing open and nothing waiting", h, err)
	}
	all, err := s.Incidents(t.Context(), monitor.Filter{Limit: 1_000_000})
	if err != nil || len(all) < stormEndpoints {
		t.Fatalf("got %d incidents, %v", len(all), err)
	}
	stored := outboxKeys(t, s)
	heard := map[string]map[string]bool{"begin": {}, "end": {}}
	for line := range told {
		var key, kind, id string
		if _, err := fmt.Sscan(line, &key, &kind, &id); err != nil {
			continue // the last line of a process that was killed
		}
		if !stored[key] {
			t.Errorf("somebody was told %s, of which the store knows nothing", line)
		}
		what := "begin"
		if kind == "resolved" {
			what = "end"
		}
		heard[what][id] = true
	}
	for _, i := range all {
		if !heard["begin"][i.ID] || !heard["end"][i.ID] {
			t.Errorf("incident %s: told the beginning %v, the end %v", i.ID, heard["begin"][i.ID], heard["end"][i.ID])
		}
	}
	t.Logf("%d incidents, %d messages", len(all), len(told))
}
