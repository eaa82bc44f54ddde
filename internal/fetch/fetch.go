// Package fetch gets what certificates point to: issuers by the addresses of
// authorityInfoAccess, revocation lists, answers of OCSP responders.
//
// The addresses come from certificates, so a hostile server chooses them.
// Everything is bounded: size, time, redirects, number; and the address that is
// dialled is checked, not the name, so that no certificate makes us ask a machine
// of the inner network or a cloud's metadata service. Proxies of the environment
// are not used. The package refuses to judge what it gets.
//
//	f := fetch.New(fetch.Options{})
//	certs, err := f.Certificates(ctx, leaf.IssuerURLs[0])
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/guard"
	"github.com/tlswhy/tlswhy/internal/proxy"
)

// Options bound a Fetcher; the zero value is right for a single diagnosis.
type Options struct {
	Timeout      time.Duration // of one fetch with its redirects; 0 = 3 s
	MaxSize      int64         // of one answer; 0 = 1 MiB
	MaxFetches   int           // of the Fetcher's life, cached answers not counted; 0 = 16
	MaxRedirects int           // 0 = 3, negative = none

	// AllowPrivate also dials loopback and private addresses. Set it
	// when the diagnosed target is at such an address itself. Metadata services,
	// multicast and the unspecified address stay refused.
	AllowPrivate bool
	// Guard may refuse further addresses, as they are dialled; nil refuses none.
	Guard func(address string) error

	// Proxy is the proxy that leads to an address, nil for none. Which addresses
	// lie behind it, Guard does not see. nil goes directly.
	Proxy func(*url.URL) *url.URL
	// Roots are trusted to vouch for servers and proxies that are spoken to over
	// TLS; nil = the system's. What is fetched proves itself.
	Roots *x509.CertPool

	// UserAgent is sent with each request; "" = "tlswhy".
	UserAgent string
}

// The errors that callers branch on; others are of the network.
var (
	ErrForbiddenAddress = guard.ErrForbidden
	ErrScheme           = errors.New("scheme is not supported")
	ErrTooMany          = errors.New("too many fetches")
	ErrTooLarge         = errors.New("answer is too large")
	ErrNoCertificate    = errors.New("answer holds no certificate")
)

// Fetcher gets and remembers. It is safe for concurrent use; two callers that
// want the same address wait for one fetch.
type Fetcher struct {
	opt     Options
	client  *http.Client
	proxies sync.Map // host:port of HTTP proxies

	mu    sync.Mutex
	done  map[Request]*answer
	count int
}

type answer struct {
	ready chan struct{} // closed when the rest is set
	data  []byte
	err   error
}

// Request is one thing to fetch. It is comparable.
type Request struct {
	URL     string
	Body    string // posted; "" is a GET
	Type    string // Content-Type of the body
	Accept  string
	MaxSize int64         // of the answer; 0 = the Fetcher's
	Timeout time.Duration // with its redirects; 0 = the Fetcher's
}

// New makes a Fetcher.
func New(opt Options) *Fetcher {
	if opt.Timeout == 0 {
		opt.Timeout = 3 * time.Second
	}
	if opt.MaxSize == 0 {
		opt.MaxSize = 1 << 20
	}
	if opt.MaxFetches == 0 {
		opt.MaxFetches = 16
	}
	if opt.MaxRedirects == 0 {
		opt.MaxRedirects = 3
	}
	if opt.UserAgent == "" {
		opt.UserAgent = "tlswhy"
	}
	f := &Fetcher{opt: opt, done: map[Request]*answer{}}
	f.client = &http.Client{
		Transport: &http.Transport{
			Proxy:                  f.proxy,
			DialContext:            f.dial,
			TLSClientConfig:        &tls.Config{RootCAs: opt.Roots},
			TLSHandshakeTimeout:    opt.Timeout,
			ResponseHeaderTimeout:  opt.Timeout,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true,
			DisableCompression:     true,
		},
		CheckRedirect: f.redirect,
	}
	return f
}

// proxy is the HTTP proxy for a request, nil for none or for one of SOCKS.
func (f *Fetcher) proxy(r *http.Request) (*url.URL, error) {
	if f.opt.Proxy == nil {
		return nil, nil
	}
	u := f.opt.Proxy(r.URL)
	if u == nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil
	}
	f.proxies.Store(u.Host, true)
	return u, nil
}

// dial connects to a server under the guard, to a proxy, or through one of SOCKS.
func (f *Fetcher) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: f.opt.Timeout, Control: f.control}
	if _, ok := f.proxies.Load(address); ok {
		d.Control = nil
	} else if f.opt.Proxy != nil {
		scheme := "http"
		if strings.HasSuffix(address, ":443") {
			scheme = "https"
		}
		if u := f.opt.Proxy(&url.URL{Scheme: scheme, Host: address}); u != nil {
			return proxy.Way{Proxy: u, Timeout: f.opt.Timeout}.Connect(ctx, address)
		}
	}
	return d.DialContext(ctx, network, address)
}

// control sees the address that is about to be dialled, after the name was
// resolved: a name cannot resolve differently between check and use.
func (f *Fetcher) control(_, address string, _ syscall.RawConn) error {
	p := guard.Policy{Loopback: f.opt.AllowPrivate, Private: f.opt.AllowPrivate}
	err := p.Check(address)
	if err == nil && f.opt.Guard != nil {
		err = f.opt.Guard(address)
	}
	return err
}

func (f *Fetcher) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > max(f.opt.MaxRedirects, 0) {
		return fmt.Errorf("more than %d redirects", max(f.opt.MaxRedirects, 0))
	}
	_, err := checkURL(req.URL.String())
	return err
}

// checkURL reads an address out of a certificate.
func checkURL(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return nil, fmt.Errorf("reading the address %q: %w", chain.Printable(raw), errors.Unwrap(err))
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("fetching %q: %w: %q", chain.Printable(raw), ErrScheme, chain.Printable(u.Scheme))
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("reading the address %q: no host", chain.Printable(raw))
	}
	u.User = nil
	u.Fragment = ""
	return u, nil
}

// Certificates fetches one address: a certificate in DER or PEM, or a PKCS#7
// bundle.
func (f *Fetcher) Certificates(ctx context.Context, raw string) ([]*chain.Certificate, error) {
	data, err := f.Data(ctx, Request{URL: raw, Accept: "application/pkix-cert, application/pkcs7-mime, */*"})
	if err != nil {
		return nil, err
	}
	return parse(raw, data)
}

// Data fetches one address. The answer, good or bad, is remembered; a cancelled
// ctx is not.
func (f *Fetcher) Data(ctx context.Context, r Request) ([]byte, error) {
	u, err := checkURL(r.URL)
	if err != nil {
		return nil, err
	}
	r.URL = u.String()
	f.mu.Lock()
	a, known := f.done[r]
	if !known {
		if f.count >= f.opt.MaxFetches {
			f.mu.Unlock()
			return nil, fmt.Errorf("fetching %q: %w, the limit is %d", r.URL, ErrTooMany, f.opt.MaxFetches)
		}
		f.count++
		a = &answer{ready: make(chan struct{})}
		f.done[r] = a
	}
	f.mu.Unlock()
	if known {
		select {
		case <-a.ready:
			if errors.Is(a.err, context.Canceled) && ctx.Err() == nil {
				return f.Data(ctx, r) // the other caller gave up, and took its entry with it
			}
			return a.data, a.err
		case <-ctx.Done():
			return nil, fmt.Errorf("fetching %q: %w", r.URL, ctx.Err())
		}
	}
	a.data, a.err = f.get(ctx, r)
	if ctx.Err() != nil && a.err != nil {
		f.mu.Lock()
		delete(f.done, r)
		f.mu.Unlock()
	}
	close(a.ready)
	return a.data, a.err
}

func (f *Fetcher) get(ctx context.Context, r Request) ([]byte, error) {
	if r.Timeout == 0 {
		r.Timeout = f.opt.Timeout
	}
	if r.MaxSize == 0 {
		r.MaxSize = f.opt.MaxSize
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if r.Body != "" {
		method, body = http.MethodPost, strings.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL, body)
	if err != nil {
		return nil, fmt.Errorf("fetching %q: %w", r.URL, err)
	}
	req.Header.Set("User-Agent", f.opt.UserAgent)
	if r.Accept != "" {
		req.Header.Set("Accept", r.Accept)
	}
	if r.Body != "" {
		req.Header.Set("Content-Type", r.Type)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // its text repeats the address
		}
		return nil, fmt.Errorf("fetching %q: %w", r.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching %q: %w", r.URL, StatusError(resp.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, r.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("fetching %q: reading the answer after %d bytes: %w", r.URL, len(data), err)
	}
	if int64(len(data)) > r.MaxSize {
		return nil, fmt.Errorf("fetching %q: %w: more than %d bytes", r.URL, ErrTooLarge, r.MaxSize)
	}
	return data, nil
}

// StatusError is an answer with another status than 200.
type StatusError int

// Error implements error.
func (s StatusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the server answers %d %s", int(s), http.StatusText(int(s))))
}

// maxCerts bounds what one bundle adds to a path search.
const maxCerts = 100

func parse(address string, data []byte) ([]*chain.Certificate, error) {
	certs, rest := chain.ParsePEM(data)
	var good []*chain.Certificate
	for _, c := range certs {
		if c.Readable() && !c.Subject.Empty() && len(good) < maxCerts {
			good = append(good, c)
		}
	}
	if len(good) > 0 {
		return good, nil
	}
	what := "nothing readable"
	switch {
	case len(certs) > 0 && len(certs[0].ParseProblems) > 0:
		what = "a certificate that does not parse: " + certs[0].ParseProblems[0]
	case len(rest) > 0:
		what = rest[0]
	}
	return nil, fmt.Errorf("fetching %q: %w, but %s", address, ErrNoCertificate, what)
}
