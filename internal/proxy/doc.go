// Package proxy knows the ways through proxies: how each kind of program finds
// its proxy in the environment and in NO_PROXY, and how a tunnel is asked for
// by HTTP CONNECT, SOCKS 4 and SOCKS 5. What a refusal means is judged
// elsewhere.
//
//	p, err := proxy.NewUpstream(os.Environ(), nil).Proxy(proxy.Request{Scheme: "https", Host: "shop.example.com:443"})
//	conn, err := proxy.Way{Proxy: p}.Connect(ctx, "shop.example.com:443")
package proxy
