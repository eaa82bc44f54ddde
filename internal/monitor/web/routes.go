package web

import (
	"net/http"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// route is one page or action.
type route struct {
	pattern string        // as of http.ServeMux
	scope   monitor.Scope // what one must be allowed to do; anybody; "" is open to strangers
	handler func(s *Web, w http.ResponseWriter, r *http.Request) error
}

// anybody is the scope of what everybody who has logged in may do.
const anybody = monitor.Scope("any")

// routes are all that the pages answer to.
var routes = []route{
	{"GET /static/{name}", "", (*Web).static},
	{"GET /login", "", (*Web).loginPage},
	{"POST /login", "", (*Web).login},
	{"POST /logout", anybody, (*Web).logout},
	{"GET /events", monitor.ScopeRead, (*Web).events},

	{"GET /{$}", monitor.ScopeRead, (*Web).dashboard},
}

// section is an entry of the navigation.
type section struct{ Path, Name string }

// sections are shown where there is a route for them.
var sections = []section{
	{"/", "Dashboard"},
	{"/diagnose", "Diagnose"},
	{"/endpoints", "Endpoints"},
	{"/certificates", "Certificates"},
	{"/incidents", "Incidents"},
	{"/settings", "Settings"},
}
