package client

import "strings"

// Roots names the list of roots, as truststore knows them, by which this client
// judges; "" is the store of the system, which OpenSSL and those above it use.
// Chrome has its own list since version 105, which is nearest to Mozilla's; up
// to then it asked the system. The lists are today's: an old client may lack
// roots that are in them.
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
