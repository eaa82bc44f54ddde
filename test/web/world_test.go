package web

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tlswhy/tlswhy/test/monitor"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

const (
	local    = "localhost"
	password = "a long enough passphrase"
)

// binary is built once for all tests; TestMain removes it.
var binary struct {
	once sync.Once
	dir  string
	path string
}

// program is the path of the binary.
func program(t *testing.T) string {
	t.Helper()
	binary.once.Do(func() {
		dir, err := os.MkdirTemp("", "tlswhy-bin-")
		if err != nil {
			t.Fatal(err)
		}
		binary.dir, binary.path = dir, monitor.Build(t, dir)
	})
	if binary.path == "" {
		t.Fatal("there is no binary: another test could not build it")
	}
	return binary.path
}

// world is a monitor that trusts a CA of its own and may dial this machine, and
// an inbox for what it tells.
type world struct {
	*testing.T
	*pki.PKI
	proc  *monitor.Process
	inbox *monitor.Inbox
	at    string // HOST:PORT where it listens
	args  []string
	env   []string
}

// newWorld starts a monitor without users; more are further lines of its
// configuration.
func newWorld(t *testing.T, more ...string) *world {
	t.Helper()
	w := &world{T: t, PKI: pki.New(t, "Test"), inbox: monitor.NewInbox(t), at: fmt.Sprintf("127.0.0.1:%d", server.FreePort(t))}
	config := append([]string{"confirm: {tries: 2, within: 1s}", "networks: {allow: [loopback]}"}, more...)
	if !slices.ContainsFunc(more, func(l string) bool { return strings.HasPrefix(l, "external_url:") }) {
		config = append(config, fmt.Sprintf("external_url: http://%s/", w.at))
	}
	w.env = []string{"SSL_CERT_FILE=" + w.RootFile, "SSL_CERT_DIR="}
	w.args = append(monitor.Config(t, strings.Join(config, "\n")), "--listen", w.at)
	w.start()
	return w
}

func (w *world) start() {
	w.Helper()
	w.proc = monitor.StartWith(w.T, w.env, program(w.T), w.args...)
}

// restart ends the monitor and starts it again at the same place.
func (w *world) restart() {
	w.Helper()
	if err := w.proc.Stop(); err != nil {
		w.Fatalf("the monitor did not end well: %v", err)
	}
	w.start()
}

var setUpToken = regexp.MustCompile(`token=(tlswhy_setup_\w+)`)

// token is what a set-up from elsewhere needs.
func (w *world) token() string {
	w.Helper()
	m := setUpToken.FindStringSubmatch(w.proc.Said())
	if m == nil {
		w.Fatalf("the log has no token:\n%s", w.proc.Said())
	}
	return m[1]
}

// admin opens a tab as the first user, who is made on the way.
func (w *world) admin() *tab {
	w.Helper()
	b := newTab(w.T, w.proc.URL)
	b.open("/")
	b.waitAt("/setup")
	b.setUp()
	b.waitAt("/setup/endpoints")
	return b
}

// setUp fills in the first page of the first run.
func (b *tab) setUp() {
	b.Helper()
	b.fill("Name", "ann")
	b.fill("Password", password)
	b.fill("Password again", password)
	b.press("Go on")
}

// logIn opens another tab as somebody who has a login.
func (w *world) logIn(name, password string) *tab {
	w.Helper()
	b := newTab(w.T, w.proc.URL)
	b.open("/login")
	b.fill("Name", name)
	b.fill("Password", password)
	b.press("Log in")
	b.wait("the login", "location.pathname !== '/login' && document.readyState === 'complete'")
	return b
}
