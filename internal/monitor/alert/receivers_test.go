package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// kinds are the channels that speak HTTP, each as its users set it up.
func kinds(url string) map[string]Options {
	return map[string]Options{
		"webhook":      {URL: monitor.Secret(url + "/token-in-path"), Secret: "token-in-secret"},
		"slack":        {URL: monitor.Secret(url + "/token-in-path"), Secret: "token-in-secret"},
		"teams":        {URL: monitor.Secret(url + "/workflows/x?sig=token-in-path"), Secret: "token-in-secret"},
		"telegram":     {URL: monitor.Secret(url + "/token-in-path"), Secret: "token-in-secret", To: []string{"-100"}},
		"pagerduty":    {URL: monitor.Secret(url + "/token-in-path"), Secret: "token-in-secret"},
		"alertmanager": {URL: monitor.Secret(url + "/token-in-path"), Username: "u", Password: "token-in-secret"},
	}
}

func open(t *testing.T, kind string, o Options) monitor.Channel {
	t.Helper()
	o.Type = kind
	ch, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// TestAnswers gives every HTTP channel the answers that receivers give.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for kind := range kinds("http://x") {
		for _, c := range []struct {
			name      string
			answer    func(http.ResponseWriter)
			retry, ok bool
			after     time.Duration
			ambiguous bool
		}{
			{name: "accepted", answer: ok, ok: true},
			{name: "accepted with 202", answer: func(w http.ResponseWriter) { w.WriteHeader(202) }, ok: true},
			{name: "429 with seconds", answer: func(w http.ResponseWriter) { w.Header().Set("Retry-After", "17"); w.WriteHeader(429) }, retry: true, after: 17 * time.Second},
			{name: "429 without", answer: func(w http.ResponseWriter) { w.WriteHeader(429) }, retry: true},
			{name: "500", answer: func(w http.ResponseWriter) { w.WriteHeader(500) }, retry: true},
			{name: "503", answer: func(w http.ResponseWriter) { w.Header().Set("Retry-After", "3"); w.WriteHeader(503) }, retry: true, after: 3 * time.Second},
			{name: "404 is final", answer: func(w http.ResponseWriter) { w.WriteHeader(404) }},
			{name: "an answer that repeats secrets", answer: func(w http.ResponseWriter) {
				w.WriteHeader(400)
				fmt.Fprint(w, "cannot POST /token-in-path?sig=token-in-path, token-in-secret", strings.Repeat(" x", 1<<20))
			}},
			{name: "a redirect is not followed", answer: func(w http.ResponseWriter) { w.Header().Set("Location", "http://192.0.2.1/"); w.WriteHeader(302) }},
			{name: "no answer", retry: true, ambiguous: true},
			{name: "cut", answer: func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, retry: true, ambiguous: true},
		} {
			t.Run(kind+" "+c.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.answer == nil {
					c.answer = func(http.ResponseWriter) { cancel(); <-t.Context().Done() }
				}
				r := receive(t, c.answer)
				retry, err := open(t, kind, kinds(r.URL)[kind]).Notify(ctx, message(monitor.KindOpened))
				if retry != c.retry || (err == nil) != c.ok {
					t.Fatalf("got retry %v, %v", retry, err)
				}
				var more *monitor.DeliveryError
				errors.As(err, &more)
				if more == nil {
					more = &monitor.DeliveryError{}
				}
				if more.After != c.after || more.Ambiguous != c.ambiguous {
					t.Errorf("got after %v, ambiguous %v: %v", more.After, more.Ambiguous, err)
				}
				if err != nil && (strings.Contains(err.Error(), "token-in") || len(err.Error()) > 500) {
					t.Errorf("the error shows a secret, or all of the answer: %v", err)
				}
			})
		}
	}
}

// TestTeams holds cards to what Teams takes.
func TestTeams(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	ch := open(t, "teams", kinds(r.URL)["teams"])
	for _, m := range []monitor.Message{message(monitor.KindOpened), message(monitor.KindResolved), long(), {Kind: monitor.KindTest}} {
		if _, err := ch.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for n, raw := range r.got {
		var body struct {
			Type        string
			Attachments []struct {
				ContentType string
				Content     struct {
					Type, Version string
					Body          []struct {
						Type    string
						Inlines []struct{ Type, Text, Color string }
					}
				}
			}
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		card := body.Attachments[0].Content
		title, text := card.Body[0].Inlines[0], card.Body[1].Inlines[0]
		if len(raw) > 28<<10 || body.Type != "message" || body.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || card.Type != "AdaptiveCard" || title.Text == "" || text.Text == "" {
			t.Errorf("message %d: %d bytes, %.300s", n, len(raw), raw)
		}
		if want := []string{"Attention", "Good", "Attention", "Good"}[n]; title.Color != want {
			t.Errorf("message %d: color %q, want %q", n, title.Color, want)
		}
	}
	busy := receive(t, func(w http.ResponseWriter) {
		fmt.Fprint(w, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x")
	})
	if retry, err := open(t, "teams", kinds(busy.URL)["teams"]).Notify(t.Context(), message(monitor.KindOpened)); !retry || err == nil {
		t.Errorf("a 200 that says 429: got retry %v, %v", retry, err)
	}
}

func TestTelegram(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	ch := open(t, "telegram", kinds(r.URL)["telegram"])
	for _, m := range []monitor.Message{message(monitor.KindOpened), message(monitor.KindResolved), long(), {Kind: monitor.KindTest}} {
		if _, err := ch.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if r.path != "/token-in-path/bottoken-in-secret/sendMessage" {
		t.Errorf("posted to %s", r.path)
	}
	for n, raw := range r.got {
		var body struct {
			ChatID    string `json:"chat_id"`
			Text      string
			ParseMode string `json:"parse_mode"`
		}
		if err := json.Unmarshal(raw, &body); err != nil || body.ChatID != "-100" || body.ParseMode != "" {
			t.Errorf("message %d: %s, %v", n, raw, err)
		}
		if size := len(utf16.Encode([]rune(body.Text))); size > 4096 || size < 20 || !utf8.ValidString(body.Text) {
			t.Errorf("message %d has %d code units", n, size)
		}
	}
	flood := receive(t, func(w http.ResponseWriter) {
		w.WriteHeader(429)
		fmt.Fprint(w, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`)
	})
	retry, err := open(t, "telegram", kinds(flood.URL)["telegram"]).Notify(t.Context(), message(monitor.KindOpened))
	var more *monitor.DeliveryError
	if !retry || !errors.As(err, &more) || more.After != 35*time.Second {
		t.Errorf("got retry %v, %v; want 35 s", retry, err)
	}
	moved := receive(t, func(w http.ResponseWriter) {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-100777}}`)
	})
	if retry, err := open(t, "telegram", kinds(moved.URL)["telegram"]).Notify(t.Context(), message(monitor.KindOpened)); retry || !strings.Contains(fmt.Sprint(err), "-100777") {
		t.Errorf("got retry %v, %v; want the new id", retry, err)
	}
}

func TestPagerduty(t *testing.T) {
	t.Parallel()
	r := receive(t, func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) })
	ch := open(t, "pagerduty", kinds(r.URL)["pagerduty"])
	for _, m := range []monitor.Message{message(monitor.KindOpened), message(monitor.KindEscalated), message(monitor.KindResolved), {Kind: monitor.KindTest}} {
		if _, err := ch.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, raw := range r.got {
		var e struct {
			RoutingKey  string `json:"routing_key"`
			EventAction string `json:"event_action"`
			DedupKey    string `json:"dedup_key"`
			Payload     struct{ Summary, Source, Severity string }
		}
		if err := json.Unmarshal(raw, &e); err != nil || e.RoutingKey != "token-in-secret" || e.Payload.Summary == "" || e.Payload.Source == "" {
			t.Errorf("got %s, %v", raw, err)
		}
		got = append(got, e.EventAction+" "+e.DedupKey+" "+e.Payload.Severity)
	}
	if want := "trigger abc123 critical, trigger abc123 critical, resolve abc123 critical, trigger tlswhy-test info, resolve tlswhy-test info"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	m := long()
	if _, err := ch.Notify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if events := r.got[5:]; len(events) != len(m.Items) {
		t.Errorf("%d events for %d incidents", len(events), len(m.Items))
	}
	for _, raw := range r.got[5:] {
		var e struct{ Payload struct{ Summary string } }
		if err := json.Unmarshal(raw, &e); err != nil || len(raw) > 512<<10 || len(e.Payload.Summary) > 1024 {
			t.Fatalf("an event of %d bytes, a summary of %d, %v", len(raw), len(e.Payload.Summary), err)
		}
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	ch := open(t, "webhook", Options{URL: monitor.Secret(r.URL), Secret: "s", Header: map[string]monitor.Secret{"X-Api-Key": "k"},
		Template: `{"content": {{json (cut 1900 .Text)}}, "who": {{json (index .Items 0).Incident.Owner}}, "kind": "{{.Kind}}"}`})
	if _, err := ch.Notify(t.Context(), message(monitor.KindOpened)); err != nil {
		t.Fatal(err)
	}
	var body struct{ Content, Who, Kind string }
	if err := json.Unmarshal(r.got[0], &body); err != nil || body.Who != "web" || body.Kind != "opened" || !strings.Contains(body.Content, "cert-expired") {
		t.Errorf("got %s, %v", r.got[0], err)
	}
	if h := r.header[0]; h.Get("X-Api-Key") != "k" || h.Get("X-Tlswhy-Signature") != "sha256="+Sign("s", h.Get("X-Tlswhy-Timestamp"), r.got[0]) {
		t.Errorf("got header %v", h)
	}
	plain := open(t, "webhook", Options{URL: monitor.Secret(r.URL), ContentType: "text/plain", Template: "{{.Subject}}"})
	if _, err := plain.Notify(t.Context(), message(monitor.KindResolved)); err != nil || !strings.HasPrefix(string(r.got[1]), "[tlswhy] RESOLVED") || r.header[1].Get("Content-Type") != "text/plain" {
		t.Errorf("got %q, %v", r.got[1], err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"syntax", "{{.Text", "unclosed"},
		{"unknown field", "{{json .Nope}}", "Nope"},
		{"no JSON", `{"text": "{{.Text}}"}`, "no valid JSON"},
	} {
		if _, err := New(Options{Type: "webhook", URL: "http://x", Template: c.text}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestHook runs programs.
func TestHook(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are shell scripts")
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		name, script  string
		ok, ambiguous bool
		want          string // of the error
	}{
		{name: "accepted", script: `printf '%s|' "$TLSWHY_KIND" "$TLSWHY_CAUSE" "$TLSWHY_SEVERITY" "$TLSWHY_KEY" > "$1"; cat >> "$1"`, ok: true},
		{name: "fails", script: "echo no such pager; exit 3", want: "exit status 3: no such pager"},
		{name: "reads nothing", script: "exit 0", ok: true},
		{name: "prints without end", script: "head -c 300000 /dev/zero | tr '\\0' x; exit 1", want: "exit status 1"},
		{name: "hangs", script: "touch \"$1.began\"; exec sleep 1000", ambiguous: true, want: "context"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-")+".sh")
			if err := os.WriteFile(file, []byte(c.script), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.ambiguous {
				go func() {
					for {
						if _, err := os.Stat(out + ".began"); err == nil || ctx.Err() != nil {
							cancel()
							return
						}
						time.Sleep(time.Millisecond)
					}
				}()
			}
			retry, err := open(t, "exec", Options{Command: []string{"/bin/sh", file, out}}).Notify(ctx, message(monitor.KindOpened))
			if (err == nil) != c.ok || retry == c.ok || !c.ok && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got retry %v, %v", retry, err)
			}
			var more *monitor.DeliveryError
			if errors.As(err, &more) && (more.Ambiguous != c.ambiguous || len(err.Error()) > 3000) {
				t.Errorf("got ambiguous %v, %d bytes", more.Ambiguous, len(err.Error()))
			}
			if c.name == "accepted" {
				raw, err := os.ReadFile(out)
				head, body, _ := strings.Cut(string(raw), "{")
				if err != nil || head != "opened|cert-expired|critical|abc123-1-x|" || !json.Valid([]byte("{"+body)) {
					t.Errorf("got %.200q, %v", raw, err)
				}
			}
		})
	}
}

// TestShoutrrr sends by the library, to a server of the kind that it calls
// generic.
func TestShoutrrr(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	to := func(r *receiver) monitor.Channel {
		return open(t, "shoutrrr", Options{URL: monitor.Secret("generic://" + strings.TrimPrefix(r.URL, "http://") + "/token-in-path?disabletls=yes&template=json")})
	}
	for _, m := range []monitor.Message{message(monitor.KindOpened), message(monitor.KindResolved), long(), {Kind: monitor.KindTest}} {
		if retry, err := to(r).Notify(t.Context(), m); err != nil {
			t.Fatal(retry, err)
		}
	}
	if len(r.got) != 4 || !strings.Contains(string(r.got[0]), "cert-expired") || len(r.got[2]) > 8000 {
		t.Errorf("got %d messages, %.300s", len(r.got), r.got)
	}
	for host, told := range map[string]int{"127.0.0.1": 0, "localhost": 0} {
		guarded := open(t, "shoutrrr", Options{URL: monitor.Secret("generic://" + strings.Replace(strings.TrimPrefix(r.URL, "http://"), "127.0.0.1", host, 1) + "/x?disabletls=yes"),
			Control: func(_, address string, _ syscall.RawConn) error {
				told++
				return fmt.Errorf("%s may not be reached", address)
			}})
		if retry, err := guarded.Notify(t.Context(), message(monitor.KindOpened)); !retry || err == nil || len(r.got) != 4 || told == 0 {
			t.Errorf("%s: got retry %v, %v; asked %d times, %d messages", host, retry, err, told, len(r.got))
		}
	}
	down := receive(t, func(w http.ResponseWriter) { w.WriteHeader(500) })
	if retry, err := to(down).Notify(t.Context(), message(monitor.KindOpened)); !retry || err == nil || strings.Contains(err.Error(), "token-in-path") {
		t.Errorf("got retry %v, %v", retry, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	silent := receive(t, func(http.ResponseWriter) { cancel(); <-t.Context().Done() })
	retry, err := to(silent).Notify(ctx, message(monitor.KindOpened))
	var more *monitor.DeliveryError
	if !retry || !errors.As(err, &more) || !more.Ambiguous {
		t.Errorf("got retry %v, %v", retry, err)
	}
	for _, bad := range []string{"pigeon://coop-token/x", "generic", ""} {
		if _, err := New(Options{Type: "shoutrrr", URL: monitor.Secret(bad)}); err == nil || strings.Contains(err.Error(), "coop-token") {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}
