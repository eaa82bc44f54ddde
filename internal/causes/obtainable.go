package causes

import (
	"net/netip"
	"slices"
	"strings"
)

// notPublic are endings of names for which no public CA issues: reserved or used
// in private only (RFC 6761, RFC 6762, RFC 8375, and ICANN's .internal).
var notPublic = []string{".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp"}

// obtainable drops the advice to get a certificate of a public CA where none
// would issue it, as long as there is another way out.
func obtainable(refs []FixRef, name string) []FixRef {
	private := !strings.Contains(name, ".") && !strings.Contains(name, ":") && name != "" ||
		slices.ContainsFunc(notPublic, func(end string) bool { return strings.HasSuffix(name, end) })
	if a, err := netip.ParseAddr(name); err == nil {
		private = a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
	}
	public := func(r FixRef) bool { return r.Action == "trusted-certificate" }
	if !private || !slices.ContainsFunc(refs, func(r FixRef) bool { return !public(r) }) {
		return refs
	}
	return slices.DeleteFunc(slices.Clone(refs), public)
}
