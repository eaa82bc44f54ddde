// Package guard says which addresses may be dialled on behalf of others, so that
// nobody reaches through us what they could not reach themselves (server-side
// request forgery). It judges the address that is dialled, after the name was
// resolved and at every redirect: a name cannot resolve differently between the
// question and the use.
//
//	d := net.Dialer{Control: policy.Control}
package guard

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrForbidden is an address that may not be dialled.
var ErrForbidden = errors.New("address may not be reached")

// Policy says which networks may be reached. The zero value allows the public
// Internet only. Addresses that no host has, such as 0.0.0.0, are never allowed.
type Policy struct {
	// Loopback and Private also allow this machine, and private and reserved
	// networks; not link-local ones, and not where clouds hand out credentials.
	Loopback, Private bool
	// Allow is allowed whatever else holds, but not what Deny names.
	Allow, Deny []netip.Prefix
}

// Inside allows everything but link-local and metadata addresses.
var Inside = Policy{Loopback: true, Private: true}

// LinkLocal are the networks of that name, for Allow.
var LinkLocal = []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10")}

// reserved are the ranges that no public server has, beyond those that netip
// knows: IANA's special-purpose registries (RFC 6890).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared by carriers, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("fec0::/10"),      // site-local of old
	netip.MustParsePrefix("64:ff9b:1::/48"), // NAT64 of one's own, RFC 8215: where it leads is not known here
	netip.MustParsePrefix("2001::/32"),      // Teredo, likewise
}

// metadata are addresses where clouds hand out credentials. They stay refused
// when private addresses are allowed.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // AWS, Azure, Google and others
	netip.MustParseAddr("169.254.170.2"),   // AWS ECS
	netip.MustParseAddr("169.254.170.23"),  // AWS EKS
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("168.63.129.16"),   // Azure's wire server
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd00:ec2::23"),    // AWS EKS
	netip.MustParseAddr("fd20:ce::254"),    // Google
}

// Check judges an address as dialled, with its port.
func (p *Policy) Check(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dialling %q: %w", address, ErrForbidden)
	}
	outer := ap.Addr().WithZone("").Unmap()
	ip := embedded(outer)
	named := func(of []netip.Prefix) bool {
		return slices.ContainsFunc(of, func(n netip.Prefix) bool { return n.Contains(ip) || n.Contains(outer) })
	}
	what := ""
	switch {
	case ip.IsUnspecified(), ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		what = "no host's address"
	case named(p.Deny):
		what = "denied by the configuration"
	case named(p.Allow):
	case slices.Contains(metadata, ip):
		what = "a cloud's metadata service"
	case ip.IsLinkLocalUnicast():
		what = "link-local"
	case ip.IsLoopback():
		if !p.Loopback {
			what = "this machine"
		}
	case ip.IsPrivate():
		if !p.Private {
			what = "a private network"
		}
	case !p.Private && slices.ContainsFunc(reserved, func(n netip.Prefix) bool { return n.Contains(ip) }):
		what = "reserved"
	}
	if what == "" {
		return nil
	}
	return fmt.Errorf("%w: %s is %s", ErrForbidden, ip, what)
}

// Control is for net.Dialer. It sees each address just before it is dialled.
func (p *Policy) Control(_, address string, _ syscall.RawConn) error { return p.Check(address) }

// Transport is an HTTP transport that is held to the policy. It uses no proxy,
// which would hide the dialled address.
func (p *Policy) Transport() *http.Transport {
	d := &net.Dialer{Timeout: 10 * time.Second, Control: p.Control}
	return &http.Transport{Proxy: nil, DialContext: d.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10}
}

// embedded gives the IPv4 address that a translated IPv6 address reaches: NAT64
// (RFC 6052), 6to4 (RFC 3056) and the compatible form of old.
func embedded(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case netip.MustParsePrefix("::ffff:0:0:0/96").Contains(ip): // RFC 2765, Section 2.1
		return netip.AddrFrom4([4]byte(b[12:16]))
	case netip.MustParsePrefix("::/96").Contains(ip) && !ip.IsLoopback() && !ip.IsUnspecified():
		return netip.AddrFrom4([4]byte(b[12:16]))
	}
	return ip
}
