package web

import (
	"fmt"
	"testing"

	"github.com/tlswhy/tlswhy/test/server"
)

// TestPrefix uses the monitor through a real nginx that has it under a path, as
// from another machine: the set-up wants the token of the log, and login, pages,
// files and news work.
func TestPrefix(t *testing.T) {
	chromium(t)
	front := &server.Endpoint{Name: "front", Hosts: []string{local}, Port: server.FreePort(t)}
	base := fmt.Sprintf("http://%s/tls", front.Target())
	w := newWorld(t, "external_url: "+base+"/", "server: {trusted_proxies: [127.0.0.1]}", "endpoints: [{target: '127.0.0.1:1', owner: file}]")
	server.StartConfig(t, server.Nginx, fmt.Sprintf(`
	server {
		listen 127.0.0.1:%d;
		location /tls/ {
			proxy_pass http://%s;
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Forwarded-Proto $scheme;
		}
	}`, front.Port, w.at), front)
	b := newTab(t, base)
	b.open("/incidents")
	b.waitAt("/setup")
	b.fill("Token", "tlswhy_setup_guess")
	b.setUp()
	b.waitText("It is not the token of the log")
	b.fill("Token", w.token())
	b.setUp()
	b.waitAt("/setup/endpoints")
	b.press("Later")
	b.waitAt("/setup/channel")
	b.press("Later")
	b.waitAt("/")
	for _, page := range []string{"Incidents", "Settings"} {
		b.press(page)
		b.wait("the page "+page, "document.readyState === 'complete' && document.querySelector('h1').innerText === "+quoted(page))
	}
	if styled := get[bool](b, "getComputedStyle(document.querySelector('.top')).display === 'flex'"); !styled {
		t.Error("the style sheet did not come through")
	}
	// The news come through at once: an incident that opens changes the page.
	b.open("/incidents")
	b.waitText("tcp-refused")
	b.press("ann")
	b.press("Log out")
	b.waitAt("/login")
	b.open("/settings/audit")
	b.waitAt("/login")
	b.fill("Name", "ann")
	b.fill("Password", password)
	b.press("Log in")
	b.waitAt("/settings/audit")
	b.waitText("set-up")
}
