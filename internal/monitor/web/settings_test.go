package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

func TestSetup(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	if to := w.get("/", 303).to(); to != "/setup" {
		t.Errorf("a new monitor leads to %q", to)
	}
	w.see(w.get("/setup", 200), "Who are you?")
	form := url.Values{"name": {"Ann"}, "password": {"short"}, "again-password": {"short"}}
	w.see(w.post("/setup", 422, form), `value="Ann"`, "small letters")
	form.Set("name", "ann")
	w.see(w.post("/setup", 422, form), "at least 12 characters")
	form.Set("password", password)
	w.see(w.post("/setup", 422, form), "not the same")
	form.Set("again-password", password)
	// From elsewhere, the token of the log is needed.
	w.see(w.get("/setup", 200, "X-Forwarded-For", "192.0.2.1"), "wrote a token to its log")
	w.see(w.post("/setup", 422, form, "X-Forwarded-For", "192.0.2.1"), "not the token of the log")
	if to := w.post("/setup", 303, form).to(); to != "/setup/endpoints" {
		t.Errorf("the set-up leads to %q", to)
	}
	if to := w.get("/setup", 303).to(); to != "/" {
		t.Errorf("it can be done twice: %q", to)
	}
	if to := w.post("/setup", 303, url.Values{"name": {"eve"}, "password": {password}, "again-password": {password}}).to(); to != "/login" {
		t.Errorf("a second set-up leads to %q", to)
	}
	// What is good of a list is kept, the rest is there to be mended.
	a := w.post("/setup/endpoints", 422, url.Values{"list": {"a.example owner=web\nb<script>.example\nc.example starttls=pigeon\n\n"}})
	w.see(a, "1 endpoint added", "2 lines could not be taken", "line 2", "b&lt;script&gt;.example", "c.example starttls=pigeon\n</textarea>"[:len("c.example starttls=pigeon")])
	w.notSee(a, "a.example owner=web")
	if to := w.post("/setup/endpoints", 303, url.Values{"list": {"c.example starttls=smtp\na.example"}}).to(); to != "/setup/channel" {
		t.Errorf("a good list leads to %q", to)
	}
	w.see(w.get("/setup/channel", 200), "1 endpoint added, 1 were watched already", "Send a test", "hooks.example.com", "E-mail")
	w.post("/endpoints/paste", 422, url.Values{"list": {" \n"}})
}

func TestAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Admin)
	second := w.as(monitor.Admin)
	a := w.get("/settings/account", 200)
	w.see(a, "this one", "Make a token", "see everything")
	w.see(w.post("/settings/tokens", 422, url.Values{"name": {"prom"}, "life": {"90"}}), "at least one", `value="prom"`, `<option value="90" selected>`)
	made := w.post("/settings/tokens", 200, url.Values{"name": {"prom<b>"}, "scope": {"metrics"}, "life": {"30"}})
	secret := regexp.MustCompile(`tlswhy_api_[a-z0-9]+`).FindString(made.body)
	if secret == "" || made.header.Get("Cache-Control") != "no-store" {
		t.Errorf("no token was shown, or it is kept: %v", made.header)
	}
	w.see(made, "prom&lt;b&gt;", "not shown again")
	w.notSee(w.get("/settings/account", 200), secret)
	id := regexp.MustCompile(`/settings/tokens/([0-9a-f]+)/remove`).FindStringSubmatch(made.body)[1]
	w.see(w.get("/settings/tokens/"+id+"/remove", 200), "Remove the token prom&lt;b&gt;?")
	w.post("/settings/tokens/"+id+"/remove", 303, nil)
	w.notSee(w.get("/settings/account", 200), "prom&lt;b&gt;")

	pass := url.Values{"old-password": {"wrong"}, "new-password": {"another long passphrase"}, "again-password": {"another long passphrase"}}
	w.see(w.post("/settings/password", 422, pass), "not your password")
	pass.Set("old-password", password)
	w.post("/settings/password", 303, pass)
	w.get("/settings/account", 200)
	second.get("/settings/account", 303) // its session has ended
}

func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Admin)
	w.see(w.post("/settings/users", 422, url.Values{"name": {"Bob"}, "role": {"viewer"}, "password": {password}}), "small letters", `value="Bob"`)
	w.post("/settings/users", 303, url.Values{"name": {"bob"}, "role": {"viewer"}, "password": {password}})
	w.see(w.post("/settings/users", 422, url.Values{"name": {"bob"}, "role": {"operator"}, "password": {password}}), "There is a user of that name", `<option value="operator" selected>`)
	bob := w.stranger()
	bob.post("/login", 303, url.Values{"name": {"bob"}, "password": {password}})
	bob.get("/settings/users", 403)
	w.see(w.get("/settings/users/bob", 200), "Locked out")
	w.post("/settings/users/bob", 303, url.Values{"role": {"operator"}})
	bob.get("/settings/account", 303)
	w.see(w.post("/settings/users/root", 422, url.Values{"role": {"viewer"}}), "this is the last")
	w.see(w.get("/settings/users/bob/remove", 200), "Remove bob?")
	w.post("/settings/users/bob/remove", 303, nil)
	w.get("/settings/users/bob", 404)
	w.see(w.get("/settings/audit?action=user-removed", 200), "user-removed", "bob")
}

func TestSilences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *service.Options) {
		rules := *testRules
		rules.Maintenance = []monitor.Silence{{ID: "patch-day", Match: map[string]string{"env": "prod"}, Until: time.Now().AddDate(9, 0, 0), Weekly: &monitor.Weekly{Days: []time.Weekday{time.Tuesday}, From: 120, To: 240, Zone: "Europe/Berlin"}}}
		o.Rules = func() *monitor.Rules { return &rules }
	}).as(monitor.Operator)
	w.see(w.get("/settings/silences", 200), "env=prod", "Tuesday 02:00 to 04:00, Europe/Berlin", "can only be changed there")
	w.see(w.get("/settings/silences/new?match=owner%3Dweb%0Acause%3Dcert-expired&back=/incidents/x", 200), "owner=web\ncause=cert-expired</textarea>", `value="/incidents/x"`)
	a := w.post("/settings/silences", 422, url.Values{"match": {"web"}, "for": {"4h"}, "note": {"kept <i>"}})
	w.see(a, "no line such as owner=web", "kept &lt;i&gt;", `<option value="4h" selected>`)
	w.see(w.post("/settings/silences", 422, url.Values{"match": {"owner=web"}, "until": {"yesterday"}}), "Write a moment such as")
	w.see(w.post("/settings/silences", 422, url.Values{"match": {"owner=web"}, "until": {"2020-01-01T00:00"}}), "a moment ahead")
	if to := w.post("/settings/silences", 303, url.Values{"match": {"owner=web\n"}, "for": {"1h"}, "back": {"/incidents/x"}}).to(); to != "/incidents/x" {
		t.Errorf("it leads to %q", to)
	}
	if to := w.post("/settings/silences", 303, url.Values{"match": {"owner=db"}, "from": {time.Now().UTC().AddDate(0, 0, 2).Format(stampForm)}, "for": {"1h"}, "back": {"//evil.example"}}).to(); to != "/settings/silences" {
		t.Errorf("it leads to %q", to)
	}
	a = w.get("/settings/silences", 200)
	w.see(a, "owner=web", "<h2>Now</h2>", "<h2>Later</h2>")
	id := regexp.MustCompile(`/settings/silences/([a-z0-9]+)/end`).FindStringSubmatch(a.body)[1]
	form := w.get("/settings/silences/"+id, 200)
	w.see(form, "Change the silence", "owner=web</textarea>")
	until := time.Now().UTC().AddDate(0, 0, 3).Format(stampForm)
	w.post("/settings/silences", 303, url.Values{"id": {id}, "match": {"owner=web"}, "until": {until}})
	w.see(w.get("/settings/silences", 200), strings.Replace(until, "T", " ", 1))
	w.see(w.get("/settings/silences/"+id+"/end", 200), "End this silence?")
	w.post("/settings/silences/"+id+"/end", 303, nil)
	w.notSee(w.get("/settings/silences", 200), "owner=web")
}

func TestIncidents(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Operator)
	w.see(w.get("/incidents", 200), "Nothing is wrong")
	hostile := `"><script>alert(1)</script>`
	w.watch("shop.example", monitor.Finding{Cause: "cert-expired", Severity: monitor.Critical, Summary: "expired " + hostile, Verify: "tlswhy shop.example"})
	w.watch("b.example", monitor.Finding{Cause: "weak-key", Severity: monitor.Warning, Summary: "the key is weak"})
	a := w.get("/incidents", 200)
	w.see(a, "shop.example", "b.example", "2 incidents", "&lt;script&gt;alert(1)")
	w.notSee(a, hostile)
	w.notSee(w.get("/incidents?severity=critical", 200), "b.example")
	w.see(w.get("/incidents?q=weak", 200), "b.example")
	w.see(w.get("/incidents?q=nothing", 200), "Nothing matches")
	w.get("/incidents?sort=nonsense", 400)
	w.get("/incidents?cursor=x", 400)
	w.get("/incidents/nothing", 404)
	id := regexp.MustCompile(`href="/incidents/([0-9a-f]+)"`).FindStringSubmatch(w.get("/incidents?severity=critical", 200).body)[1]
	a = w.get("/incidents/"+id, 200)
	w.see(a, "shop.example", "tlswhy shop.example", "Acknowledge", "opened", "Digest to all waits", "match=endpoint")
	w.notSee(a, hostile)
	w.see(w.post("/incidents/"+id+"/comment", 422, url.Values{"note": {" "}}), "Write something first")
	w.post("/incidents/"+id+"/comment", 303, url.Values{"note": {"the CA was down"}})
	w.post("/incidents/"+id+"/acknowledge", 303, url.Values{"note": {"on it " + hostile}})
	a = w.get("/incidents/"+id, 200)
	w.see(a, "the CA was down", "acknowledged by some-operator", "on it &#34;&gt;&lt;script&gt;")
	w.notSee(a, hostile)
	w.see(w.get("/incidents?state=acknowledged", 200), "shop.example")
	w.post("/incidents/"+id+"/check", 303, nil)
	w.see(w.as(monitor.Viewer).get("/incidents/"+id, 200), "cert-expired")
	w.notSee(w.as(monitor.Viewer).get("/incidents/"+id, 200), "Do something")
}

// TestDigest shows a message to an incident that joined it while it waited.
func TestDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Viewer)
	for _, target := range []string{"a.example", "b.example"} {
		id := w.watch(target, expired).ID
		is, err := w.store.Incidents(t.Context(), monitor.Filter{Endpoint: id})
		if err != nil || len(is) != 1 {
			t.Fatal(is, err)
		}
		a := w.get("/incidents/"+is[0].ID, 200)
		w.see(a, "digest: told all", "<td>digest<br>")
	}
}
