package web

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

var expired = monitor.Finding{Cause: "cert-expired", Severity: monitor.Critical, Summary: "the certificate expired 12 days ago"}

func TestDashboard(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Viewer)
	a := w.get("/", 200)
	w.see(a, "Nothing is watched yet")
	w.notSee(a, "/endpoints/new") // a viewer adds none
	e := w.watch("a.example", expired)
	w.watch("b.example")
	a = w.get("/", 200)
	w.see(a, "1 endpoint is broken", "the certificate expired 12 days ago", "a.example", `href="/endpoints?state=critical"`, "nobody")
	if is, err := w.store.Incidents(t.Context(), monitor.Filter{}); err != nil || len(is) != 1 || is[0].Endpoint != e.ID {
		t.Errorf("%v, %v", is, err)
	}
}

func TestHeadline(t *testing.T) {
	t.Parallel()
	for want, states := range map[string]map[monitor.Standing]int{
		"Nothing is watched yet":                          {},
		"1 endpoint is broken":                            {monitor.StandCritical: 1, monitor.StandOK: 5},
		"1,200 endpoints are broken, 1 more needs a look": {monitor.StandCritical: 1200, monitor.StandWarning: 1},
		"Nothing is broken, 2 endpoints need a look":      {monitor.StandWarning: 2},
		"The first checks are under way":                  {monitor.StandUnchecked: 3},
		"Nothing is broken as far as could be tested":     {monitor.StandUntested: 1, monitor.StandOK: 3},
		"All 3 endpoints are well":                        {monitor.StandOK: 3},
		"The one endpoint is well":                        {monitor.StandOK: 1},
	} {
		d := dashboard{Overview: monitor.Overview{States: states}}
		for _, n := range states {
			d.Overview.Endpoints += n
		}
		if got := d.Headline(); got != want {
			t.Errorf("%v: got %q, want %q", states, got, want)
		}
	}
}

func TestEndpointList(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Operator)
	w.see(w.get("/endpoints", 200), "Nothing is watched yet", "Add an endpoint")
	w.watch("broken.example", expired)
	for i := range listSize + 3 {
		w.met(monitor.Endpoint{Target: fmt.Sprintf("host-%02d.example", i), Host: "h", Port: 443, Owner: "team-a", Tags: map[string]string{"env": "prod"}}, monitor.Outcome{})
	}
	a := w.get("/endpoints?owner=team-a", 200)
	w.see(a, "53 endpoints match", "host-00.example", "env=prod", "Next page", `aria-sort="ascending"`)
	w.notSee(a, "broken.example", "host-52.example")
	next := a.body[strings.Index(a.body, `rel="next"`)-2000:]
	next = next[strings.LastIndex(next[:strings.Index(next, `rel="next"`)], `href="`)+6:]
	b := w.get(strings.ReplaceAll(next[:strings.Index(next, `"`)], "&amp;", "&"), 200)
	w.see(b, "host-52.example", "First page")
	w.notSee(b, "host-00.example")
	w.see(w.get("/endpoints?state=critical", 200), "1 endpoint matches", "broken.example")
	w.see(w.get("/endpoints?q=nowhere", 200), "Nothing matches")
	w.see(w.get("/endpoints?state=bogus&sort=-state", 200), `aria-sort="descending"`)
	w.see(w.get("/endpoints?sort=body", 400), "beginning of the list")
	w.see(w.get("/endpoints?cursor=x", 400), "beginning of the list")
}

func TestBulk(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Operator)
	a, b := w.watch("a.example"), w.watch("b.example")
	if err := w.store.SetEndpoints(t.Context(), time.Now(), "file", "here", 0, []monitor.Endpoint{{ID: "f1", Target: "file.example", Host: "file.example", Port: 443}}); err != nil {
		t.Fatal(err)
	}
	all := []string{a.ID, b.ID, "f1"}
	said := func(form url.Values) string {
		t.Helper()
		r := w.post("/endpoints/bulk", 303, form)
		if r.to() != "/endpoints?q=x" {
			t.Errorf("leads to %q", r.to())
		}
		page := w.get("/endpoints", 200).body
		i := strings.Index(page, `<p class="flash`)
		return page[i : i+strings.Index(page[i:], "</p>")]
	}
	for _, c := range []struct{ do, value, want string }{
		{"check", "", "3 endpoints: will be checked in a moment."},
		{"owner", "team <b>", "2 endpoints: now of team &lt;b&gt;. Of the file or another source, where alone it can be changed: 1."},
		{"tag", "env=prod", "2 endpoints: tagged env=prod"},
		{"tag", "env", "A tag is written key=value"},
		{"tag", "9=x", "tags: names of letters"},
		{"untag", "env", "2 endpoints: without the tag env"},
		{"", "", "Choose what is to be done"},
	} {
		if got := said(url.Values{"id": all, "do": {c.do}, "value": {c.value}, "back": {"/endpoints?q=x"}}); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: got %q, want %q", c.do, c.value, got, c.want)
		}
	}
	d, err := w.store.Endpoint(t.Context(), a.ID)
	if err != nil || d.Endpoint.Owner != "team <b>" || len(d.Endpoint.Tags) != 0 {
		t.Errorf("%+v, %v", d.Endpoint, err)
	}
	ask := w.post("/endpoints/bulk", 200, url.Values{"id": all, "do": {"remove"}, "back": {"//evil.example"}})
	w.see(ask, "Stop watching these 3?", "a.example", "file.example", "stays")
	w.notSee(ask, "evil.example")
	w.post("/endpoints/bulk", 303, url.Values{"id": all, "do": {"remove"}, "sure": {"yes"}})
	if left := w.get("/endpoints", 200); strings.Contains(left.body, "a.example") || !strings.Contains(left.body, "file.example") {
		t.Errorf("left is %s", left.body)
	}
	v := newWorldLike(w).as(monitor.Viewer)
	v.post("/endpoints/bulk", 403, url.Values{"id": {"f1"}, "do": {"check"}})
	v.get("/endpoints/new", 403)
}

// TestBulkOfAll does something with all that match, on whatever page they are, but
// only with as many as somebody has seen.
func TestBulkOfAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Operator)
	for i := range listSize + 3 {
		w.watch(fmt.Sprintf("h%02d.example", i))
	}
	w.watch("other.test")
	w.see(w.get("/endpoints?q=example", 200), `name="all" value="53"`, "with all 53 that match")
	w.notSee(w.get("/endpoints?q=other", 200), `name="all"`)
	form := url.Values{"all": {"53"}, "do": {"tag"}, "value": {"env=prod"}, "back": {"/endpoints?q=example&sort=-target"}}
	w.post("/endpoints/bulk", 303, form)
	w.see(w.get("/endpoints?tag=env%3Dprod", 200), "53 endpoints: tagged env=prod.", "53 endpoints match")
	form.Set("all", "52")
	form.Set("do", "remove")
	w.post("/endpoints/bulk", 303, form)
	w.see(w.get("/endpoints", 200), "Nothing was done: 53 endpoints match now, not 52", "54 endpoints")
	form.Set("all", "53")
	a := w.post("/endpoints/bulk", 200, form)
	w.see(a, "Stop watching these 53?", "and 33 more", `name="all" value="53"`)
	w.notSee(a, `name="id"`)
	form.Set("sure", "yes")
	w.post("/endpoints/bulk", 303, form)
	w.see(w.get("/endpoints", 200), "other.test", "1 endpoint<")
}

// newWorldLike is the same world without whoever is logged in.
func newWorldLike(w *world) *world { return w.stranger() }

func TestAddEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Operator)
	w.see(w.get("/endpoints/new?target=a.example", 200), `value="a.example"`, "Test now")
	bad := url.Values{"target": {"a b"}, "interval": {"1s"}, "tags": {"env"}, "runbook": {"keep <me>"}, "expect.warn": {"soon"}}
	a := w.post("/endpoints/new", 422, bad)
	w.see(a, `&#34;env&#34; is not key=value`, "is no time", "keep &lt;me&gt;", `aria-invalid="true"`)
	live := w.post("/endpoints/judge", 200, url.Values{"target": {"a.example"}, "interval": {"1s"}}, "HX-Request", "true")
	w.see(live, `id="wrong-interval"`, "10s to 31 days", `hx-swap-oob="true"`)
	w.notSee(live, "<html")
	test := w.post("/endpoints/test", 200, url.Values{"target": {"a.example"}})
	w.see(test, `id="test"`, `class="report"`, `value="a.example"`)
	good := url.Values{"target": {"a.example"}, "interval": {"1h30m"}, "tags": {"env=prod\r\ntier=1"}, "expect.client_cert": {"no"}, "expect.names": {"a.example\r\nb.example"}, "expect.warn": {"14d"}}
	to := w.post("/endpoints/new", 303, good).to()
	w.see(w.get(to, 200), "is watched now", "Checked every", "1h30m", "env=prod, tier=1", "It was not checked yet")
	d, err := w.store.Endpoint(t.Context(), strings.TrimPrefix(to, "/endpoints/"))
	if e := d.Endpoint; err != nil || e.Interval != 90*time.Minute || e.Tags["tier"] != "1" || e.Expect.ClientCert == nil || *e.Expect.ClientCert || len(e.Expect.Names) != 2 || e.Expect.Warn != 14*24*time.Hour {
		t.Errorf("%+v, %v", e, err)
	}
	w.see(w.post("/endpoints/new", 422, good), "it is watched already")
}

// TestTwoEdit has two people change one endpoint: nothing of either is lost.
func TestTwoEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Operator)
	e := w.met(monitor.Endpoint{Target: "a.example", Host: "a.example", Port: 443, Owner: "old", Runbook: "old text"}, monitor.Outcome{})
	form := func() url.Values {
		d, err := w.store.Endpoint(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		v := url.Values{"revision": {d.Revision}}
		for name, x := range values(&d.Endpoint) {
			v[name], v["was."+name] = x, x
		}
		return v
	}
	w.see(w.get("/endpoints/"+e.ID+"/edit", 200), `value="old"`, `name="was.owner" value="old"`)
	ann, bob := form(), form()
	ann.Set("owner", "ann")
	ann.Set("runbook", "ann's text")
	w.post("/endpoints/"+e.ID+"/edit", 303, ann)
	bob.Set("owner", "bob")
	bob.Set("tags", "env=prod")
	a := w.post("/endpoints/"+e.ID+"/edit", 409, bob)
	w.see(a, "Somebody else changed it", "Notes or runbook", `<td class="lines">ann</td><td class="lines">bob</td>`, `name="owner" value="bob"`, "ann&#39;s text</textarea>", "env=prod</textarea>")
	d, _ := w.store.Endpoint(t.Context(), e.ID)
	if d.Endpoint.Owner != "ann" {
		t.Errorf("the owner is %q before bob saves again", d.Endpoint.Owner)
	}
	bob.Set("revision", d.Revision)
	bob.Set("runbook", "ann's text")
	w.post("/endpoints/"+e.ID+"/edit", 303, bob)
	if d, _ = w.store.Endpoint(t.Context(), e.ID); d.Endpoint.Owner != "bob" || d.Endpoint.Runbook != "ann's text" || d.Endpoint.Tags["env"] != "prod" {
		t.Errorf("got %+v", d.Endpoint)
	}
	if err := w.store.RemoveEndpoint(t.Context(), time.Now(), e.ID, ""); err != nil {
		t.Fatal(err)
	}
	w.see(w.post("/endpoints/"+e.ID+"/edit", 409, bob), "removed while you edited", `value="a.example"`, `value="bob"`, `action="/endpoints/new"`)
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Admin)
	if err := w.store.SetEndpoints(t.Context(), time.Now(), "file", "here", 0, []monitor.Endpoint{{ID: "f1", Target: "file.example", Host: "file.example", Port: 443}}); err != nil {
		t.Fatal(err)
	}
	a := w.get("/endpoints/f1", 200)
	w.see(a, "read-only here", "tlswhy.yaml")
	w.notSee(a, "/edit", "/remove")
	w.get("/endpoints/f1/edit", 403)
	w.get("/endpoints/f1/remove", 403)
	w.post("/endpoints/f1/edit", 403, url.Values{"target": {"x"}})
	w.get("/endpoints/none", 404)
}

func TestDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Operator)
	seen := func(issuer, print string) monitor.Outcome {
		return monitor.Outcome{Seen: monitor.Snapshot{Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Path: []monitor.Element{
			{Role: "leaf", Subject: "CN=d.example", Issuer: "CN=X,O=" + issuer, Serial: print, Fingerprint: print, Names: []string{"d.example"}, Key: "ECDSA P-256", NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: time.Now().AddDate(0, 2, 0)}}}}
	}
	e := monitor.Endpoint{Target: "d.example", Host: "d.example", Port: 443, Inventory: 24 * time.Hour}
	w.met(e, seen("Good CA", "01"))
	id := w.met(e, seen("Other <CA>", "02")).ID
	a := w.get("/endpoints/"+id, 200)
	w.see(a, "Not as usual", "<del>Good CA</del>", "<ins>Other &lt;CA&gt;</ins>", "This is how it should be")
	w.post("/endpoints/"+id+"/accept", 303, nil)
	offers := func(versions ...monitor.Offering) monitor.Outcome {
		o := seen("Other <CA>", "02")
		o.Offer = &monitor.Offer{At: time.Now(), Versions: versions, Groups: []monitor.Offering{{Name: "x25519"}}, Suites: []monitor.Offering{{Name: "TLS_<A>"}}}
		return o
	}
	w.met(e, offers(monitor.Offering{Name: "TLS 1.3"}))
	a = w.get("/endpoints/"+id, 200)
	w.notSee(a, "Not as usual")
	w.see(a, "What it offers", "TLS 1.3", "x25519", "1 suite", "TLS_&lt;A&gt;")
	w.met(e, offers(monitor.Offering{Name: "TLS 1.3"}, monitor.Offering{Name: "TLS 1.0", Weak: "deprecated"}))
	w.see(w.get("/endpoints/"+id, 200), "Not as usual", "<ins>TLS 1.0</ins>", "weak: TLS 1.0, deprecated")
}

func TestLatency(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Viewer)
	a := w.send("GET", "/endpoints/"+w.watch("a.example").ID+"/latency?days=7", 200, nil)
	var l latencies
	if err := json.Unmarshal([]byte(a.body), &l); err != nil || l.To-l.From != int64(7*24*time.Hour/time.Second) || l.At == nil || l.Series == nil {
		t.Errorf("got %s, %v", a.body, err)
	}
}

func TestStrips(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	ss := strips([]monitor.Rollup{
		{Address: "a", From: from.Add(-24 * time.Hour), For: 24 * time.Hour, Checks: 10, Answered: 10, MinMS: 5, AvgMS: 6, P95MS: 9},
		{Address: "a", From: from.Add(time.Hour), For: time.Hour, Checks: 10, Answered: 5, MinMS: 2, AvgMS: 3, P95MS: 4},
		{Address: "a", From: from.Add(2 * time.Hour), For: time.Hour, Checks: 10},
		{Address: "b", From: from, For: 24 * time.Hour, Checks: 1, Answered: 1, MinMS: 1, AvgMS: 1, P95MS: 1},
	}, from)
	if len(ss) != 2 || len(ss[0].Cells) != 2 || ss[0].Cells[0].Kind != "some" || ss[0].Cells[1].Kind != "none" || len(ss[1].Cells) != 24 {
		t.Fatalf("%+v", ss)
	}
	if s := ss[0]; s.Share() != "50 %" || s.Least != 2 || s.Mean != 5 || s.P95 != 9 {
		t.Errorf("%+v %s", s, s.Share())
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"": 0, "90s": 90 * time.Second, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "30d": 720 * time.Hour} {
		if got, err := readSpan(s); got != want || err != nil {
			t.Errorf("%q: got %v, %v", s, got, err)
		}
		if s != "90s" && span(want) != s {
			t.Errorf("%v is written %q", want, span(want))
		}
	}
	for _, s := range []string{"5", "m", "5x", "-5m", "5m3", "99999999999h", "1.5h"} {
		if _, err := readSpan(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
