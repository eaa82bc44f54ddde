package config

import (
	"net/netip"
	"net/url"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
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

// ProbeModule is a module of /probe; see exporter.Module.
type ProbeModule struct {
	At          place    `yaml:"-"`
	Prober      string   `yaml:"prober"`
	Scheme      string   `yaml:"scheme"`
	TLS         bool     `yaml:"tls"`
	StartTLS    string   `yaml:"starttls"`
	ServerName  string   `yaml:"server_name"`
	CAFile      string   `yaml:"ca_file"`
	AnyStatus   bool     `yaml:"any_status"`
	NoRedirects bool     `yaml:"no_redirects"`
	Timeout     duration `yaml:"timeout"`
}

// Limit is how long a probe may take; 0 is what Prometheus says.
func (m *ProbeModule) Limit() time.Duration { return time.Duration(m.Timeout) }

func (r *reader) modules(ms map[string]ProbeModule) {
	r.c.ProbeModules = map[string]ProbeModule{}
	for name, m := range ms {
		if m.Prober != "http" && m.Prober != "tcp" {
			r.problem(m.At.node, "module %q: prober %q is neither http nor tcp", name, m.Prober)
		}
		if m.Scheme != "" && m.Scheme != "http" && m.Scheme != "https" {
			r.problem(m.At.node, "module %q: scheme %q is neither http nor https", name, m.Scheme)
		}
		m.CAFile = r.path(m.CAFile)
		r.c.ProbeModules[name] = m
	}
}

// Heartbeat is a URL that is called while the monitor is well, so that another
// program notices when it is not.
type Heartbeat struct {
	URL   monitor.Secret
	Every time.Duration
}

// heartbeatFile is its shape.
type heartbeatFile struct {
	At      place          `yaml:"-"`
	URL     monitor.Secret `yaml:"url"`
	URLFile string         `yaml:"url_file"`
	Every   duration       `yaml:"every"`
}

func (r *reader) heartbeat(x *heartbeatFile) {
	r.secret(&x.URL, x.URLFile, "url", x.At)
	h := Heartbeat{URL: x.URL, Every: time.Duration(x.Every)}
	if h.Every == 0 {
		h.Every = time.Minute
	}
	u, err := url.Parse(string(h.URL))
	switch {
	case h.URL == "":
		return
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		r.problem(x.At.node, "heartbeat: url is no whole http or https address")
	case h.Every < 10*time.Second:
		r.problem(x.At.node, "heartbeat: every is shorter than 10s")
	}
	r.c.Heartbeat = h
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
