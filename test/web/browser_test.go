package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/tlswhy/tlswhy/test/server"
)

// patience is how long a test waits for what must come.
const patience = 2 * time.Minute

// shared is what all tests of the package have in common: one browser.
var shared struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	if binary.dir != "" {
		os.RemoveAll(binary.dir)
	}
	os.Exit(code)
}

// chromium starts the browser, which every test shares.
func chromium(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a browser and real servers")
	}
	path := server.Need(t, "chromium")
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "tlswhy-chromium-")
		if err != nil {
			shared.err = err
			return
		}
		o := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Env("LANG=en_US.UTF-8", "TZ=Europe/Berlin", "HOME="+dir), chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(patience))
		for _, f := range []string{"disable-quic", "disable-component-update", "no-pings", "mute-audio"} {
			o = append(o, chromedp.Flag(f, true))
		}
		machine, end := chromedp.NewExecAllocator(context.Background(), o...)
		ctx, cancel := chromedp.NewContext(machine)
		shared.ctx, shared.stop = ctx, func() { cancel(); end(); os.RemoveAll(dir) }
		shared.err = chromedp.Do(ctx) // starts it
	})
	if shared.err != nil {
		t.Fatalf("starting Chromium: %v", shared.err)
	}
	return shared.ctx
}

// tab is a page in a browser that remembers nothing of other tests.
type tab struct {
	*testing.T
	ctx   context.Context
	base  string
	still bool // no script of the page runs

	mu      sync.Mutex
	asked   []string // URLs
	console []string
	wrong   []string // what no page may do
}

// newTab opens a tab on what is served at base.
func newTab(t *testing.T, base string) *tab {
	t.Helper()
	b := &tab{T: t, base: strings.TrimSuffix(base, "/")}
	ctx, cancel := chromedp.NewContext(chromium(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(b.hear))
	b.ctx = ctx
	// The tab lives as long as the context of its first step.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			b.confess()
		}
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, w := range b.wrong {
			t.Error(w)
		}
	})
	return b
}

// hear keeps what the page does and says.
func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	bad := func(format string, args ...any) {
		b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
	}
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		u := e.Request.URL
		b.asked = append(b.asked, e.Request.Method+" "+u)
		if !strings.HasPrefix(u, b.base+"/") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "about:") && !strings.HasPrefix(u, "blob:"+b.base) {
			bad("the page %s asked for %s, which is elsewhere", e.DocumentURL, u)
		}
	case *runtime.EventExceptionThrown:
		what := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			what += " " + x.Description
		}
		bad("an exception in %s:%d: %s", e.ExceptionDetails.URL, e.ExceptionDetails.LineNumber, what)
	case *page.EventJavascriptDialogOpening:
		bad("the page opened a dialog: %s", e.Message)
	case *log.EventEntryAdded:
		b.console = append(b.console, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		if strings.Contains(e.Entry.Text, "Content Security Policy") || e.Entry.Source == "security" {
			bad("%s (%s)", e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			b.console = append(b.console, fmt.Sprintf("%s: %s", e.Type, a.Value))
		}
	}
}

// confess shows where a test that failed was.
func (b *tab) confess() {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	where, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.title + "\n" + (document.body ? document.body.innerText : "")`))
	if err != nil {
		where = err.Error()
	}
	b.mu.Lock()
	b.Logf("the page at the end:\n%.3000s\nit said:\n%s\nlast asked for:\n%s", where, strings.Join(b.console, "\n"), strings.Join(b.asked[max(0, len(b.asked)-12):], "\n"))
	b.mu.Unlock()
	if dir := os.Getenv("TLSWHY_SCREENSHOTS"); dir != "" {
		b.picture(filepath.Join(dir, "failed-"+strings.ReplaceAll(b.Name(), "/", "-")+".png"))
	}
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

// open goes to a page by its path.
func (b *tab) open(path string) {
	b.Helper()
	b.do("opening "+path, chromedp.Navigate(b.base+path))
}

// js evaluates an expression; a page that is being left may never answer, which
// is an error after a while.
func js[T any](b *tab, limit time.Duration, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// get evaluates an expression on a page that stays.
func get[T any](b *tab, expression string) T {
	b.Helper()
	v, err := js[T](b, time.Minute, expression)
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true.
func (b *tab) wait(what, expression string) {
	b.Helper()
	var last error
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		ok, err := js[bool](b, 5*time.Second, "!!("+expression+")")
		if ok && err == nil {
			return
		}
		if last = err; time.Now().After(end) {
			b.Fatalf("still waiting for %s (%v)", what, last)
		}
	}
}

func quoted(s string) string {
	raw, _ := json.Marshal(s) // of a string there is no error
	return string(raw)
}

// waitText waits until the page shows words.
func (b *tab) waitText(words string) {
	b.Helper()
	b.wait(fmt.Sprintf("the page to show %q", words), "document.readyState === 'complete' && document.body.innerText.includes("+quoted(words)+")")
}

// waitAt waits until the page at that path is there.
func (b *tab) waitAt(path string) {
	b.Helper()
	b.wait("the page "+path, "document.readyState === 'complete' && location.href.startsWith("+quoted(b.base+path)+")")
}

func (b *tab) text() string { b.Helper(); return get[string](b, "document.body.innerText") }

func (b *tab) shows(words string) bool { b.Helper(); return strings.Contains(b.text(), words) }

func (b *tab) where() string {
	b.Helper()
	u, err := url.Parse(get[string](b, "location.href"))
	if err != nil {
		b.Fatal(err)
	}
	return u.Path
}

// finders find what people see: a control by its label, a button or link by what
// stands on it.
const finders = `
const seen = e => e.checkVisibility({checkOpacity: true, visibilityProperty: true});
const words = e => (e.getAttribute('aria-label') || e.value && e.matches('input[type=submit]') && e.value || e.innerText || '').trim().replace(/\s+/g, ' ');
const called = (name, within) => {
  const all = [...(within || document).querySelectorAll('button, a[href], summary, input[type=submit]')].filter(seen);
  return all.find(e => words(e) === name) || all.find(e => words(e).startsWith(name) && !/\w/.test(words(e)[name.length]));
};
const labelled = name => {
  const all = [...document.querySelectorAll('input, select, textarea')].filter(e => e.type !== 'hidden' && seen(e));
  const names = e => [...e.labels || []].map(l => l.innerText.trim().replace(/\s+/g, ' ')).concat(e.getAttribute('aria-label') || []);
  return all.find(e => names(e).includes(name)) || all.find(e => names(e).some(n => n.startsWith(name)));
};
`

// on waits for an element and does something with it, all in one evaluation.
func (b *tab) on(what, find, act string) {
	b.Helper()
	b.wait(what, "document.readyState === 'complete' && (() => {"+finders+"const e = "+find+"; if (!e || e.disabled) return false; "+act+"; return true; })()")
}

// click is how an element is clicked: after the answer, which would be lost with
// the page; where the page's timers do not run, at once.
func (b *tab) click() string {
	if b.still {
		return "e.click()"
	}
	return "setTimeout(() => e.click())"
}

// press presses what is called so.
func (b *tab) press(name string) {
	b.Helper()
	b.on(fmt.Sprintf("something called %q to press", name), "called("+quoted(name)+")", "e.scrollIntoView({block: 'center'}); "+b.click())
}

// follow follows the first link within the first element of a selector that
// shows the words.
func (b *tab) follow(selector, with string) {
	b.Helper()
	b.on(fmt.Sprintf("a link in the %s of %q", selector, with),
		fmt.Sprintf("([...document.querySelectorAll(%s)].find(e => e.innerText.includes(%s)) || document.createElement('p')).querySelector('a[href]')", quoted(selector), quoted(with)), b.click())
}

// fill types into the control of a label, or chooses in it.
func (b *tab) fill(label, value string) {
	b.Helper()
	b.on(fmt.Sprintf("a field %q", label), "labelled("+quoted(label)+")", `e.focus();
if (e.type === 'checkbox' || e.type === 'radio') e.checked = `+quoted(value)+` !== '';
else e.value = `+quoted(value)+`;
e.dispatchEvent(new Event('input', {bubbles: true}));
e.dispatchEvent(new Event('change', {bubbles: true}))`)
}

// value is what stands in the control of a label.
func (b *tab) value(label string) string {
	b.Helper()
	return get[string](b, "(() => {"+finders+"const e = labelled("+quoted(label)+"); return e ? e.value : 'no such field'})()")
}

// picture writes a screenshot of the whole page.
func (b *tab) picture(file string) {
	b.Helper()
	raw, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, raw, 0o644)
	}
	if err != nil {
		b.Errorf("the picture %s: %v", file, err)
	}
}
