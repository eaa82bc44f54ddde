package client

import (
	"strings"
	"time"
)

// Roots names the list of roots, as truststore knows them, by which this client
// judges; "" is the store of the system, which OpenSSL and those above it use.
// Chrome has its own list since version 105, which is nearest to Mozilla's; up
// to then it asked the system. The lists are today's; Lacks tells what an old
// client has not of them.
func (p *Profile) Roots() string {
	switch p.Family {
	case "Firefox", "Thunderbird", "Tor":
		return "mozilla"
	case "Safari", "Apple ATS", "Apple Mail":
		return "apple"
	case "IE", "Edge":
		return "microsoft"
	case "Android":
		return "android"
	case "Java":
		return "java"
	case "Chrome", "Opera":
		switch {
		case p.Family == "Chrome" && majorVersion(p.Version) >= 105:
			return "mozilla"
		case strings.Contains(p.Name, "OS X"):
			return "apple"
		case strings.Contains(p.Name, "Win") || strings.Contains(p.Name, "XP"):
			return "microsoft"
		}
	}
	return ""
}

// taken are the months since which releases hold roots that came into the lists
// later than they were made. From Let's Encrypt's table of compatibility
// (letsencrypt.org/docs/cert-compat): Android 7.1.1 and 14, Java 8u141 and
// 21.0.2, iOS 10 and 16, Firefox 50 and 97.
var taken = map[string]map[string]string{
	"ISRG Root X1": {"android": "2016-12", "java": "2017-07", "apple": "2016-09", "mozilla": "2016-11"},
	"ISRG Root X2": {"android": "2023-10", "java": "2024-01", "apple": "2022-09", "mozilla": "2022-02"},
}

// Lacks says that a root of today's list, by its common name and notBefore, was
// not in that of the client, which came with it: the root was made or taken in
// after the release. Windows fetches
// roots when it meets them, however old it is; a store of the system is that of
// this machine; Android has fetched new lists since version 14. Where a profile
// stands for several releases, the newest of them counts, as far as it is known.
func (p *Profile) Lacks(root string, made time.Time) bool {
	released, err := time.Parse("2006-01", p.Released)
	program := p.Roots()
	if err != nil || program == "" || program == "microsoft" || program == "android" && majorVersion(p.Version) >= 13 {
		return false
	}
	if since, err := time.Parse("2006-01", taken[root][program]); err == nil && !strings.Contains(p.Name, "/") {
		return released.Before(since)
	}
	maintained := 1 // a month, for the day is not known
	switch {
	case program == "apple":
		maintained = 36 // roots came with updates of the system, too
	case strings.Contains(p.Name, "/"):
		maintained = 18
	}
	return made.After(released.AddDate(0, maintained, 0))
}
