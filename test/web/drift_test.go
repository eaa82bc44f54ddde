package web

import (
	"fmt"
	"testing"

	"github.com/tlswhy/tlswhy/test/pki"
)

// TestDrift exchanges a certificate for one that lacks a name while somebody looks
// at the list and has ticked a row: the row changes, the tick stays. The page of
// the endpoint has both beside each other, and takes the new one for good.
func TestDrift(t *testing.T) {
	chromium(t)
	w := newWorld(t)
	usual := w.Leaf(pki.Spec{DNS: []string{local, "shop.example"}, KeyID: "site"})
	other := w.Leaf(pki.Spec{DNS: []string{local}, KeyID: "site"})
	site := newSite(t, local, usual, w.Intermediate)
	b := w.admin()
	b.fill("Endpoints", fmt.Sprintf("https://%s:%d/ connect=%s interval=10s\nhttps://%s:1/", local, site.Port, site.Target(), local))
	b.press("Watch them")
	b.waitAt("/setup/channel")
	b.open("/endpoints")
	row := fmt.Sprintf("[...document.querySelectorAll('tbody tr')].find(e => e.innerText.includes(':%d'))", site.Port)
	b.wait("the first check", row+".innerText.includes('ok')")
	b.on("the box of the row", row+".querySelector('input')", "e.click()")
	site.serve(other, w.Intermediate)
	b.wait("the drift", row+".innerText.includes('warning')")
	if ticked := get[int](b, "document.querySelectorAll('tbody input:checked').length"); ticked != 1 || !get[bool](b, row+".querySelector('input').checked") {
		t.Errorf("%d rows are ticked, or another one", ticked)
	}
	b.on("the endpoint", row+".querySelector('th a')", b.click())
	b.waitText("Not as usual")
	for _, is := range []struct{ selector, want string }{{"del", local + ", shop.example"}, {"ins", local}} {
		if got := get[string](b, fmt.Sprintf("document.querySelector(%q).innerText", is.selector)); got != is.want {
			t.Errorf("%s is %q, want %q", is.selector, got, is.want)
		}
	}
	endpoint := b.where()

	// What somebody has opened stays open while others change the page.
	b.follow("section[aria-labelledby=wrong]", "no longer has")
	b.waitText("What happened")
	b.press("Where incidents of this endpoint go")
	b.wait("the reasons", "document.querySelector('#incident details[open]')")
	c := w.logIn("ann", password)
	c.open(b.where())
	c.fill("Note", "on purpose")
	c.press("Add comment")
	b.waitText("on purpose")
	if !get[bool](b, "!!document.querySelector('#incident details[open]')") {
		t.Error("what was open was closed by news")
	}
	b.open(endpoint)
	b.press("This is how it should be")
	b.wait("the end", "document.readyState === 'complete' && !document.body.innerText.includes('Not as usual') && document.querySelector('#top .state').innerText.includes('ok')")
}
