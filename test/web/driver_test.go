package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestDriver holds the tests to what they promise: they use a form as people do,
// and see what a page must not do.
func TestDriver(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; img-src *; form-action 'self'")
		switch {
		case r.URL.Path == "/throws.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, "throw new Error('on purpose')")
		case r.Method == http.MethodPost:
			fmt.Fprintf(w, "<!doctype html><title>x</title><p>got %d</p>", len(r.FormValue("n")))
		default:
			fmt.Fprint(w, `<!doctype html><form method=post><label>Name <input name=n></label><button>Go on</button></form>
<script>1</script><script src=throws.js></script><img src="http://127.0.0.1:1/x.png" alt="">`)
		}
	}))
	t.Cleanup(s.Close)
	b := newTab(t, s.URL)
	b.open("/")
	b.fill("Name", "Ann <b>")
	b.press("Go")
	b.waitText("got 7")
	b.mu.Lock()
	defer b.mu.Unlock()
	said := strings.Join(b.wrong, "\n")
	for _, want := range []string{"on purpose", "Content Security Policy", "http://127.0.0.1:1/x.png, which is elsewhere"} {
		if !strings.Contains(said, want) {
			t.Errorf("the driver did not see %q in:\n%s", want, said)
		}
	}
	b.wrong = nil
}
