package config

import (
	"net/netip"
)

// Server is how the monitor itself is reached.
type Server struct {
	// Proxies may say who asks: X-Forwarded-For and -Proto.
	Proxies []netip.Prefix
	// Cert and Key are files of its own certificate; "" is plain HTTP.
	Cert, Key string
}

// serverFile is its shape.
type serverFile struct {
	At             place    `yaml:"-"`
	TrustedProxies []string `yaml:"trusted_proxies"`
	CertFile       string   `yaml:"cert_file"`
	KeyFile        string   `yaml:"key_file"`
}

// Networks say which networks may be reached: Allow for what is added through
// the API, Deny for everything.
type Networks struct {
	Said              bool // Allow was given
	Loopback, Private bool
	LinkLocal         bool
	Allow, Deny       []netip.Prefix
}

// networksFile is its shape.
type networksFile struct {
	At    place    `yaml:"-"`
	Allow []string `yaml:"allow"`
	Deny  []string `yaml:"deny"`
}

// reach reads which networks may be reached.
func (r *reader) reach(x *networksFile) {
	n := &r.c.Networks
	n.Said = x.Allow != nil
	var rest []string
	for _, w := range x.Allow {
		switch w {
		case "loopback":
			n.Loopback = true
		case "private":
			n.Private = true
		case "link-local":
			n.LinkLocal = true
		case "public": // always
		default:
			rest = append(rest, w)
		}
	}
	n.Allow = r.networks(x.At, "allow (or one of loopback, private, link-local)", rest)
	n.Deny = r.networks(x.At, "deny", x.Deny)
}

func (r *reader) server(x *serverFile) {
	r.c.Server.Cert, r.c.Server.Key = r.path(x.CertFile), r.path(x.KeyFile)
	if (x.CertFile == "") != (x.KeyFile == "") {
		r.problem(x.At.node, "cert_file and key_file belong together")
	}
	r.c.Server.Proxies = r.networks(x.At, "trusted_proxies", x.TrustedProxies)
}

// networks reads addresses and networks.
func (r *reader) networks(at place, what string, words []string) (out []netip.Prefix) {
	for _, w := range words {
		p, err := netip.ParsePrefix(w)
		if a, bad := netip.ParseAddr(w); bad == nil {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil {
			r.problem(at.node, "%s: %q is neither an address nor a network such as 10.0.0.0/8", what, w)
			continue
		}
		out = append(out, p.Masked())
	}
	return out
}
