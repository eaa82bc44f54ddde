package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/test/monitor"
	"github.com/tlswhy/tlswhy/test/pki"
)

// TestWalk is what people do, from the first run to the end of an incident: all
// on the pages, with a real server that breaks and is repaired, and a receiver
// that is told.
func TestWalk(t *testing.T) {
	chromium(t)
	w := newWorld(t)
	good := w.Leaf(pki.Spec{DNS: []string{local}})
	shop := newSite(t, local, good, w.Intermediate)

	// First run: a login, a list with a mistake, a channel, a test.
	b := w.admin()
	line := fmt.Sprintf("https://%s:%d/ connect=%s interval=10s owner=web", local, shop.Port, shop.Target())
	b.fill("Endpoints", line+"\nnot a host!")
	b.press("Watch them")
	b.waitText("1 endpoint added. 1 line could not be taken")
	if got := b.value("Endpoints"); got != "not a host!" {
		t.Errorf("what is to be mended is %q", got)
	}
	b.fill("Endpoints", line)
	b.press("Watch them")
	b.waitAt("/setup/channel")
	b.press("Webhook")
	b.fill("Name", "hook")
	b.fill("Address", w.inbox.URL)
	b.press("Add the channel")
	b.waitAt("/setup/channel")
	b.press("Send a test")
	b.waitText("The test was accepted by hook")
	if len(w.inbox.Alerts("test")) != 1 {
		t.Error("the test did not arrive")
	}
	b.press("Done")
	b.waitAt("/")

	// What is broken from the first on is told in a digest, so it is fine first.
	monitor.Until(t, "the first check", func() bool {
		b.open("/endpoints?state=ok")
		return b.shows(fmt.Sprintf("%s:%d", local, shop.Port))
	})

	// The page is open while the monitor is restarted and the server breaks: it
	// shows the incident by itself.
	b.open("/incidents")
	b.waitText("Nothing is wrong")
	w.restart()
	shop.serve(good) // without its intermediate
	b.waitText("incomplete-chain")

	// The message leads to the incident, with the handshake in it.
	monitor.Until(t, "the alert", func() bool { return len(w.inbox.Alerts("opened")) > 0 })
	item := w.inbox.Alerts("opened")[0].Items[0]
	if item.Incident.Finding.Cause != "incomplete-chain" || !strings.HasPrefix(item.Page, b.base+"/incidents/") {
		t.Fatalf("the message is about %s and leads to %q", item.Incident.Finding.Cause, item.Page)
	}
	b.open(strings.TrimPrefix(item.Page, b.base))
	b.waitText("Evidence")
	for _, x := range []string{"ClientHello", "intermediate", "Opened to hook was accepted", "nginx"} {
		if !b.shows(x) {
			t.Errorf("the page of the incident does not show %q:\n%s", x, b.text())
		}
	}
	b.sound("the incident")
	// Whoever asks for themselves hears the same.
	c := w.logIn("ann", password)
	c.open("/diagnose")
	c.fill("A host", fmt.Sprintf("https://%s:%d/", local, shop.Port))
	c.press("Find out why")
	c.waitText("incomplete-chain")
	c.waitText("ClientHello")

	b.fill("Note", "renewing by hand <b>")
	b.press("Acknowledge")
	b.waitText("acknowledged by ann")
	b.press("Silence")
	b.waitText("New silence")
	b.fill("Why", "until it is renewed")
	b.press("Silence")
	b.waitText("The silence holds for cause=incomplete-chain")

	// It is repaired: page and receiver see the end.
	shop.serve(good, w.Intermediate)
	b.waitText("resolved")
	monitor.Until(t, "the end", func() bool { return len(w.inbox.Alerts("resolved")) > 0 })
	b.open("/settings/silences")
	b.press("End")
	b.press("End the silence")
	b.waitText("Everything is told")

	// Others see what their role allows.
	b.open("/settings/users")
	b.fill("Name", "vera")
	b.fill("First password", "another long passphrase")
	b.press("Add the user")
	b.waitText("vera was added")
	v := w.logIn("vera", "another long passphrase")
	v.open(strings.TrimPrefix(item.Page, b.base))
	v.waitText("renewing by hand <b>")
	if v.shows("Do something") || v.shows("Users") {
		t.Error("a viewer is offered what viewers may not do")
	}
	v.open("/settings/users")
	v.waitText("You may not do that")
}
