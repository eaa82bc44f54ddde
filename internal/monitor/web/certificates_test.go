package web

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// served has endpoints serve a certificate of 90 days that ends after so many.
func (w *world) served(target, owner, name, fingerprint string, days int) {
	w.Helper()
	end := time.Now().UTC().Add(time.Duration(days)*24*time.Hour + time.Hour)
	leaf := monitor.Element{Role: "leaf", Subject: "CN=" + name, Issuer: "CN=R11,O=Good CA", Serial: "01", Names: []string{name}, Key: "RSA 2048", NotBefore: end.Add(-90 * 24 * time.Hour), NotAfter: end, Fingerprint: fingerprint}
	above := monitor.Element{Role: "intermediate", Subject: "CN=R11,O=Good CA", Issuer: "CN=X1,O=Good CA", Serial: "02", Key: "RSA 2048", NotBefore: end.AddDate(-3, 0, 0), NotAfter: end.AddDate(3, 0, 0), Fingerprint: "aa"}
	w.met(monitor.Endpoint{Target: target, Host: target, Port: 443, Owner: owner, Source: monitor.SourceAPI}, monitor.Outcome{Seen: monitor.Snapshot{Version: "TLS 1.3", Path: []monitor.Element{leaf, above}}})
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Admin)
	w.see(w.get("/certificates", 200), "No certificate was seen yet")
	w.see(w.get("/certificates/timeline", 200), "No certificate ends in this time")
	w.served("a.example", "web", "a.example", "01", 60)
	w.served("b.example", "web", "a.example", "02", 20)
	w.served("c.example", "mail", "=cmd|'/c calc'!A1 "+evil, "03", -3)
	a := w.get("/certificates", 200)
	w.see(a, "4 certificates", `href="/certificates/01"`, "Good CA", "2 days ago", "/certificates/export.csv?")
	w.inert(a)
	for query, want := range map[string]string{"q=a.example": "2 certificates", "owner=mail": "2 certificates", "owner=mail&role=leaf": "1 certificate ", "role=intermediate": "1 certificate ", "ends=30d": "2 certificates",
		"life=" + url.QueryEscape("up to 100 days"): "3 certificates", "life=longer": "1 certificate ", "issuer=nobody": "Nothing matches", "q=" + url.QueryEscape(evil): "1 certificate matches",
		"from=" + time.Now().AddDate(0, 0, 30).Format(time.DateOnly): "2 certificates", "role=x&ends=x&life=x&from=x&before=x": "4 certificates"} {
		a := w.get("/certificates?"+query, 200)
		w.see(a, strings.TrimSpace(want))
		w.inert(a)
	}
	w.get("/certificates?sort=x", 400)
	w.get("/certificates?cursor=x", 400)
	a = w.get("/certificates/02", 200)
	w.see(a, "the renewal was due", "Served at 1 endpoint", "b.example", "its successor", `href="/certificates/01"`, `href="/certificates/aa"`, "Its chain")
	w.see(w.get("/certificates/01", 200), "its predecessor")
	a = w.get("/certificates/03", 200)
	w.see(a, "ended")
	w.inert(a)
	w.get("/certificates/none", 404)
	w.get("/certificates/..%2f..%2fetc", 404)

	rows, err := csv.NewReader(strings.NewReader(w.send("GET", "/certificates/export.csv?role=leaf", 200, nil).body)).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][0] != "03" || !strings.HasPrefix(rows[1][3], "'=cmd") || strings.Contains(rows[1][3], "\u202e") {
		t.Errorf("got %q, %v", rows, err)
	}
	w.get("/certificates/export.csv?sort=x", 400)

	a = w.get("/certificates/timeline", 200)
	w.see(a, "3 certificates end from", `class="due"`, `class="over"`, `class="window"`, `href="/certificates/02"`, ">now<", `aria-current="true">90 days`)
	w.inert(a)
	w.see(w.get("/certificates/timeline?days=30&from=2001-01-01", 200), "No certificate ends in this time", "3 certificates end later")
	for _, odd := range []string{"days=0", "days=-5", "days=99999999999", "from=0001-01-01", "from=9999-12-31&days=36500", "from=%3Cb%3E&days=%3Cb%3E"} {
		w.inert(w.get("/certificates/timeline?"+odd, 200))
	}
	w.see(w.get("/", 200), "When certificates end", `class="axis"`)
}

// TestTimelineOfMany draws how many instead of each.
func TestTimelineOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Admin)
	for i := range fewEnough + 10 {
		w.served(fmt.Sprintf("h%d.example", i), "", fmt.Sprintf("h%d.example", i), fmt.Sprintf("%04x", 4096+i), i)
	}
	a := w.get("/certificates/timeline", 200)
	w.see(a, "60 certificates end from", "a bar leads to what is in it", "In numbers", "the renewal is due")
	w.notSee(a, `href="/certificates/1000"`)
	svg := a.body[strings.Index(a.body, `<svg class="axis"`):]
	at := svg[strings.Index(svg, `<a href="`)+len(`<a href="`):]
	at = strings.ReplaceAll(at[:strings.Index(at, `"`)], "&amp;", "&")
	w.see(w.get(at, 200), "end")
	// Nearer than a day leads to the list.
	a = w.get("/certificates/timeline?days=60", 200)
	w.see(a, `href="/certificates?before=`)
}

func TestMiddle(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"short": "short", "abcdefghijkl": "abcd…jkl", "\xff": "?"} {
		if got := middle(in, 8); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
