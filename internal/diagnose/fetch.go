package diagnose

import (
	"context"
	"net/netip"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/fetch"
)

// The bounds of one fetch. A list may be large, so it may take as long as is
// left of the diagnosis; a server that says nothing at all is given up earlier
// by the Fetcher.
const (
	fetchTimeout = 2500 * time.Millisecond
	listTimeout  = 6 * time.Second
)

// fetch gets what a certificate points to. Private addresses are dialled only
// when the target is at one itself.
func (r *runner) fetch(ctx context.Context, e facts.Experiment) *facts.Fetched {
	if r.env.Answers != nil && (e.What == facts.FetchList || e.What == facts.FetchOCSP) {
		return r.env.Answers.get(ctx, e, r.private(), func() *facts.Fetched { return r.ask(ctx, e) })
	}
	return r.ask(ctx, e)
}

func (r *runner) ask(ctx context.Context, e facts.Experiment) *facts.Fetched {
	f := &facts.Fetched{URL: e.URL, What: e.What, Body: e.Body}
	req := fetch.Request{URL: e.URL, Body: e.Body, Timeout: fetchTimeout}
	var err error
	switch e.What {
	case facts.FetchList:
		req.Accept, req.MaxSize, req.Timeout = "application/pkix-crl, */*", chain.MaxListSize, listTimeout
		var data []byte
		if data, err = r.fetcher.Data(ctx, req); err == nil {
			f.List = chain.ParseList(data)
		}
	case facts.FetchOCSP:
		req.Type, req.Accept, req.MaxSize = "application/ocsp-request", "application/ocsp-response, */*", chain.MaxResponseSize
		var data []byte
		if data, err = r.fetcher.Data(ctx, req); err == nil {
			f.OCSP = chain.ParseOCSP(data)
		}
	default:
		f.Certificates, err = r.fetcher.Certificates(ctx, e.URL)
		if err != nil {
			f.Err = fetch.Reason(err)
		}
		f.At = time.Now()
		return f
	}
	f.Err, f.At = fetch.Reason(err), time.Now()
	return f
}

func (r *runner) newFetcher() *fetch.Fetcher {
	return fetch.New(fetch.Options{AllowPrivate: r.private(), Guard: r.env.Guard, Timeout: fetchTimeout, Proxy: r.proxyFor(), Roots: r.ways.roots})
}

func (r *runner) private() bool {
	if r.env.PrivateFetches {
		return true
	}
	for _, addr := range r.c.Lookup.Addresses {
		if a, err := netip.ParseAddrPort(addr); err == nil && (a.Addr().IsLoopback() || a.Addr().IsPrivate()) {
			return true
		}
	}
	return false
}
