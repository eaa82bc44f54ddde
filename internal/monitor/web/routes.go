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

	{"GET /endpoints", monitor.ScopeRead, (*Web).endpoints},
	{"POST /endpoints/bulk", monitor.ScopeRead, (*Web).bulkEndpoints}, // each action asks for its own
	{"GET /endpoints/new", monitor.ScopeEndpoints, (*Web).newEndpoint},
	{"POST /endpoints/new", monitor.ScopeEndpoints, (*Web).addEndpoint},
	{"POST /endpoints/judge", monitor.ScopeEndpoints, (*Web).judgeEndpoint},
	{"POST /endpoints/test", monitor.ScopeEndpoints, (*Web).testEndpoint},
	{"GET /endpoints/{id}", monitor.ScopeRead, (*Web).endpoint},
	{"GET /endpoints/{id}/latency", monitor.ScopeRead, (*Web).latency},
	{"GET /endpoints/{id}/edit", monitor.ScopeEndpoints, (*Web).editEndpoint},
	{"POST /endpoints/{id}/edit", monitor.ScopeEndpoints, (*Web).changeEndpoint},
	{"GET /endpoints/{id}/remove", monitor.ScopeEndpoints, (*Web).removeEndpoint},
	{"POST /endpoints/{id}/check", monitor.ScopeDiagnose, (*Web).checkEndpoint},
	{"POST /endpoints/{id}/diagnose", monitor.ScopeDiagnose, (*Web).diagnoseEndpoint},
	{"POST /endpoints/{id}/accept", monitor.ScopeIncidents, (*Web).acceptEndpoint},

	{"GET /incidents", monitor.ScopeRead, (*Web).incidents},
	{"GET /incidents/{id}", monitor.ScopeRead, (*Web).incident},
	{"POST /incidents/{id}/acknowledge", monitor.ScopeIncidents, (*Web).acknowledge},
	{"POST /incidents/{id}/comment", monitor.ScopeIncidents, (*Web).comment},
	{"POST /incidents/{id}/check", monitor.ScopeDiagnose, (*Web).checkIncident},

	{"GET /settings", anybody, (*Web).settings},
	{"GET /settings/account", anybody, (*Web).account},
	{"POST /settings/password", anybody, (*Web).changePassword},
	{"POST /settings/sessions/{id}/end", anybody, (*Web).endSession},
	{"POST /settings/tokens", anybody, (*Web).addToken},
	{"GET /settings/tokens/{id}/remove", anybody, (*Web).askRemoveToken},
	{"POST /settings/tokens/{id}/remove", anybody, (*Web).removeToken},
	{"GET /settings/silences", monitor.ScopeRead, (*Web).silences},
	{"GET /settings/silences/new", monitor.ScopeSilences, (*Web).newSilence},
	{"POST /settings/silences", monitor.ScopeSilences, (*Web).setSilence},
	{"GET /settings/silences/{id}", monitor.ScopeSilences, (*Web).silence},
	{"GET /settings/silences/{id}/end", monitor.ScopeSilences, (*Web).askEndSilence},
	{"POST /settings/silences/{id}/end", monitor.ScopeSilences, (*Web).endSilence},
	{"GET /settings/channels", monitor.ScopeRead, (*Web).channels},
	{"GET /settings/channels/new", monitor.ScopeChannels, (*Web).newChannel},
	{"POST /settings/channels", monitor.ScopeChannels, (*Web).setChannel},
	{"GET /settings/channels/{name}", monitor.ScopeRead, (*Web).channel},
	{"POST /settings/channels/{name}", monitor.ScopeChannels, (*Web).setChannel},
	{"POST /settings/channels/{name}/test", monitor.ScopeChannels, (*Web).testChannel},
	{"GET /settings/channels/{name}/remove", monitor.ScopeChannels, (*Web).askRemoveChannel},
	{"POST /settings/channels/{name}/remove", monitor.ScopeChannels, (*Web).removeChannel},
	{"GET /settings/users", monitor.ScopeAdmin, (*Web).users},
	{"POST /settings/users", monitor.ScopeAdmin, (*Web).addUser},
	{"GET /settings/users/{name}", monitor.ScopeAdmin, (*Web).user},
	{"POST /settings/users/{name}", monitor.ScopeAdmin, (*Web).changeUser},
	{"GET /settings/users/{name}/remove", monitor.ScopeAdmin, (*Web).askRemoveUser},
	{"POST /settings/users/{name}/remove", monitor.ScopeAdmin, (*Web).removeUser},
	{"GET /settings/audit", monitor.ScopeAdmin, (*Web).audit},

	{"GET /setup", "", (*Web).setupPage},
	{"POST /setup", "", (*Web).setup},
	{"GET /setup/endpoints", monitor.ScopeEndpoints, (*Web).pastePage},
	{"POST /setup/endpoints", monitor.ScopeEndpoints, (*Web).paste},
	{"GET /setup/channel", monitor.ScopeChannels, (*Web).setupChannel},
	{"GET /endpoints/paste", monitor.ScopeEndpoints, (*Web).pastePage},
	{"POST /endpoints/paste", monitor.ScopeEndpoints, (*Web).paste},

	{"GET /certificates", monitor.ScopeRead, (*Web).certificates},
	{"GET /certificates/timeline", monitor.ScopeRead, (*Web).timelinePage},
	{"GET /certificates/export.csv", monitor.ScopeRead, (*Web).exportCertificates},
	{"GET /certificates/{fingerprint}", monitor.ScopeRead, (*Web).certificate},

	{"GET /diagnose", monitor.ScopeDiagnose, (*Web).diagnosePage},
	{"POST /diagnose", monitor.ScopeDiagnose, (*Web).diagnose},
	{"GET /diagnose/{id}", monitor.ScopeRead, (*Web).diagnosis},
	{"GET /diagnose/{id}/remove", monitor.ScopeDiagnose, (*Web).forgetAsk},
	{"POST /diagnose/{id}/remove", monitor.ScopeDiagnose, (*Web).forget},
	{"POST /diagnose/{id}/share", monitor.ScopeDiagnose, (*Web).share},
	{"GET /diagnose/{id}/{file}", monitor.ScopeRead, (*Web).download},
	{"GET /shared/{key}", "", (*Web).shared},
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
