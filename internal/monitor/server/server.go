// Package server is the way in: it finds out where a request comes from, what of
// its headers can be believed, and turns away what no page of ours can have
// sent, before any handler sees it. It knows nothing of what is served.
//
//	h, err := server.Wrap(handler, server.Options{ExternalURL: "https://mon.example.com/tls"})
package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// Options say how the server is reached.
type Options struct {
	// ExternalURL is how people reach it, "" where that is how it listens. Its path
	// is a prefix that a proxy may leave on requests or take off.
	ExternalURL string
	// Proxies are believed when they say who asks (X-Forwarded-For and -Proto).
	Proxies []netip.Prefix
}

// Wrap puts the gate before a handler. The error is about ExternalURL.
func Wrap(next http.Handler, o Options) (http.Handler, error) {
	cross := http.NewCrossOriginProtection()
	prefix, secure := "", false
	if o.ExternalURL != "" {
		u, err := url.Parse(o.ExternalURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("external_url %q is no whole http or https address", o.ExternalURL)
		}
		prefix, secure = strings.TrimRight(u.Path, "/"), u.Scheme == "https"
		if err := cross.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("external_url %q: %w", o.ExternalURL, err)
		}
	}
	inner := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		from := origin(r, o.Proxies, secure)
		r = r.WithContext(access.WithOrigin(r.Context(), from))
		if rest, ok := strings.CutPrefix(r.URL.Path, prefix); ok && prefix != "" && (rest == "" || rest[0] == '/') {
			r.URL.Path, r.URL.RawPath = "/"+strings.TrimPrefix(rest, "/"), ""
		}
		inner.ServeHTTP(w, r)
	}), nil
}

// forwarding are headers that proxies add; with one of them, a request was not
// sent where its connection begins.
var forwarding = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip"}

// origin is where a request comes from. secure is what is assumed of a trusted
// proxy that does not say.
func origin(r *http.Request, proxies []netip.Prefix, secure bool) access.Origin {
	peer := addressOf(r.RemoteAddr)
	o := access.Origin{Address: peer.String(), Secure: r.TLS != nil}
	if trusted(proxies, peer) {
		client := forwardedFor(r.Header.Values("X-Forwarded-For"), proxies)
		if client.IsValid() {
			o.Address = client.String()
		}
		switch protos := lists(r.Header.Values("X-Forwarded-Proto")); {
		case len(protos) > 0:
			o.Secure = strings.EqualFold(protos[len(protos)-1], "https")
		default:
			o.Secure = o.Secure || secure
		}
		return o
	}
	o.Here = peer.IsLoopback() && local(r).IsLoopback() && ownName(r.Host) &&
		!slices.ContainsFunc(forwarding, func(h string) bool { return r.Header.Get(h) != "" })
	return o
}

// forwardedFor is the last address that no trusted proxy has: what stands before
// it was written by the client.
func forwardedFor(values []string, proxies []netip.Prefix) netip.Addr {
	var client netip.Addr
	for _, v := range slices.Backward(lists(values)) {
		a, err := netip.ParseAddr(strings.Trim(v, "[]"))
		if err != nil {
			if ap, bad := netip.ParseAddrPort(v); bad == nil {
				a, err = ap.Addr(), nil
			}
		}
		if err != nil {
			return client
		}
		client = a.Unmap()
		if !trusted(proxies, client) {
			return client
		}
	}
	return client
}

// lists splits the values of a header that may be there several times.
func lists(values []string) (out []string) {
	for _, v := range values {
		for _, x := range strings.Split(v, ",") {
			if x = strings.TrimSpace(x); x != "" {
				out = append(out, x)
			}
		}
	}
	return out
}

func trusted(proxies []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

func addressOf(hostPort string) netip.Addr {
	ap, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// local is the address of this machine that was called.
func local(r *http.Request) netip.Addr {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.Addr{}
	}
	return addressOf(a.String())
}

// ownName tells whether a Host header names this machine to itself.
func ownName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
