package exporter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tlswhy/tlswhy/internal/starttls"
)

// sorted are the chains, the one that ends last first.
func sorted(chains [][]*x509.Certificate) [][]*x509.Certificate {
	out := slices.Clone(chains)
	slices.SortStableFunc(out, func(a, b []*x509.Certificate) int { return first(b).Compare(first(a)) })
	return out[:min(len(out), maxChains)]
}

// tcp connects, and speaks TLS where the module says so.
func (p *probe) tcp(ctx context.Context, target string) bool {
	target = strings.TrimPrefix(target, "tcp://")
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return false
	}
	addr, _, err := p.resolve(ctx, host)
	if err != nil {
		return false
	}
	conn, err := p.dialer(ctx).DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), port))
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if p.m.StartTLS != "" {
		protocol, ok := starttls.Lookup(p.m.StartTLS)
		if !ok {
			return false
		}
		if _, err := protocol.Dialogue(ctx, conn, host); err != nil {
			return false
		}
		if w, ok := protocol.(starttls.Wrapper); ok {
			conn = w.Wrap(conn)
		}
	}
	if !p.m.TLS && p.m.StartTLS == "" {
		return true
	}
	return tls.Client(conn, p.config(host)).HandshakeContext(ctx) == nil
}

// maxBody bounds what is read of an answer.
const maxBody = 16 << 20

// phases are the times of the requests of a probe, added up over redirects.
type phases struct {
	resolve, connect, tls, processing, transfer time.Duration
}

// http makes a request and follows redirects.
func (p *probe) http(ctx context.Context, target string) bool {
	scheme := p.m.Scheme
	if scheme == "" {
		scheme = "http"
	}
	if !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "https://") {
		target = scheme + "://" + target
	}
	var t phases
	var resp *http.Response
	var length int
	redirects := 0
	defer func() { p.httpMetrics(&t, resp, redirects, length) }()
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" {
		return false
	}
	addr, took, err := p.resolve(ctx, u.Hostname())
	t.resolve = took
	if err != nil {
		return false
	}
	dialer := p.dialer(ctx)
	tr := &http.Transport{Proxy: nil, DisableKeepAlives: true, DisableCompression: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 1 << 20,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err == nil && host == u.Hostname() {
				address = net.JoinHostPort(addr.String(), port) // the one whose hash is told
			}
			return dialer.DialContext(ctx, network, address)
		}}
	defer tr.CloseIdleConnections()
	for at := u; ; redirects++ {
		tr.TLSClientConfig = p.config(at.Hostname())
		tr.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
		if resp, err = t.get(ctx, tr, at); err != nil {
			return false
		}
		to, err := resp.Location()
		if p.m.NoRedirects || resp.StatusCode/100 != 3 || err != nil {
			break
		}
		_ = resp.Body.Close() // what it says is not asked for
		if redirects == 10 || to.Scheme != "http" && to.Scheme != "https" {
			return false
		}
		at = to
		tr = tr.Clone()
	}
	defer resp.Body.Close()
	began := time.Now()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	t.transfer += time.Since(began)
	length = int(n)
	return err == nil && (p.m.AnyStatus || resp.StatusCode/100 == 2)
}

// get makes one request, and notes its times.
func (t *phases) get(ctx context.Context, tr *http.Transport, u *url.URL) (*http.Response, error) {
	var connect, hello, ready time.Time
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectStart:      func(string, string) { connect = time.Now() },
		ConnectDone:       func(string, string, error) { t.connect += time.Since(connect) },
		TLSHandshakeStart: func() { hello = time.Now() },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { t.tls += time.Since(hello) },
		GotConn:           func(httptrace.GotConnInfo) { ready = time.Now() },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tlswhy")
	resp, err := tr.RoundTrip(req)
	if err == nil {
		t.processing += time.Since(ready)
	}
	return resp, err
}

// httpMetrics tells of the last answer; resp is nil where there was none.
func (p *probe) httpMetrics(t *phases, resp *http.Response, redirects, length int) {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "probe_http_duration_seconds", Help: "How long each phase took, redirects added up"}, []string{"phase"})
	for phase, d := range map[string]time.Duration{"resolve": t.resolve, "connect": t.connect, "tls": t.tls, "processing": t.processing, "transfer": t.transfer} {
		g.WithLabelValues(phase).Set(d.Seconds())
	}
	p.registry.MustRegister(g)
	var status, content, version, ssl float64
	if resp != nil {
		status, content, ssl = float64(resp.StatusCode), float64(resp.ContentLength), number(resp.TLS != nil)
		version = float64(resp.ProtoMajor) + float64(resp.ProtoMinor)/10
		if at, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
			p.gauge("probe_http_last_modified_timestamp_seconds", "Last-Modified of the answer, in seconds since 1970", float64(at.Unix()))
		}
	}
	p.gauge("probe_http_status_code", "Status of the answer; 0 where there was none", status)
	p.gauge("probe_http_content_length", "Length that the answer says; -1 where it does not", content)
	p.gauge("probe_http_uncompressed_body_length", "Length of the answer", float64(length))
	p.gauge("probe_http_redirects", "Redirects that were followed", float64(redirects))
	p.gauge("probe_http_version", "Version of HTTP", version)
	p.gauge("probe_http_ssl", "Whether the last answer came over TLS", ssl)
}
