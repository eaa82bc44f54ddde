package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestSessionEnds loses nothing of what is typed when the session ends meanwhile.
func TestSessionEnds(t *testing.T) {
	chromium(t)
	w := newWorld(t)
	b := w.admin()
	b.fill("Endpoints", "kept.example.com owner=\"><script>alert(1)</script>")
	if _, err := chromedp.Call(b.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	b.press("Watch them")
	b.waitText("What you had entered is kept")
	b.fill("Name", "ann")
	b.fill("Password", password)
	b.press("Log in")
	b.waitText("was not sent yet")
	b.press("Send it now")
	b.waitAt("/setup/channel")
	b.open("/settings/audit")
	b.waitText("1 of a list")
}

// TestWithoutScript uses the pages with JavaScript turned off.
func TestWithoutScript(t *testing.T) {
	chromium(t)
	w := newWorld(t)
	b := newTab(t, w.proc.URL)
	b.withoutScript()
	b.open("/")
	b.waitAt("/setup")
	b.setUp()
	b.fill("Endpoints", "one.example.com")
	b.press("Watch them")
	b.waitText("1 endpoint added")
	b.open("/settings/silences/new")
	b.fill("Covers", "owner=web")
	b.press("Silence")
	b.waitText("The silence holds for owner=web")
	if asked := strings.Join(b.asked, "\n"); strings.Contains(asked, "/events") {
		t.Errorf("scripts ran:\n%s", asked)
	}
}

// TestOwnTime types a moment in the browser's zone, which is Berlin's: UTC is
// sent, and the same moment comes back.
func TestOwnTime(t *testing.T) {
	chromium(t)
	day := fmt.Sprintf("%d-01-15", time.Now().Year()+1) // a silence ends within two years
	w := newWorld(t)
	b := newTab(t, w.proc.URL)
	b.open("/")
	b.waitAt("/setup")
	b.setUp()
	b.waitText("Watch them")
	b.open("/settings/silences/new")
	b.fill("Covers", "owner=web")
	b.fill("Until, in your time", day+"T12:00")
	b.waitText(day + " 11:00 UTC")
	b.press("Silence")
	b.waitText("The silence holds for owner=web")
	b.open("/settings/silences")
	b.wait("the end", `document.querySelector('time[datetime^="`+day+`T11:00:00"]') !== null`)
	b.on("the silence", `document.querySelector('a[href*="/settings/silences/"]:not([href$="/new"])')`, b.click())
	b.waitText("Change the silence")
	if got := b.value("Until, in your time"); got != day+"T12:00" {
		t.Errorf("got %q back", got)
	}
}
