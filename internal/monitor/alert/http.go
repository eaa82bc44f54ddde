package alert

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// sender posts to one receiver. It follows no redirects: an alert goes where
// the configuration says.
type sender struct {
	url     string
	client  *http.Client
	header  map[string]string
	secrets []string // what no error may show
}

// newSender makes a sender of the options, with fallback for an address that
// they leave open.
func newSender(o *Options, fallback string) (*sender, error) {
	s := &sender{url: cmp.Or(string(o.URL), fallback), header: map[string]string{}, secrets: []string{string(o.Secret), string(o.Password)}}
	u, err := url.Parse(s.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("url must be a whole http or https address")
	}
	if u.User != nil {
		return nil, errors.New("url must hold no user and password: give username and password")
	}
	for name, v := range o.Header {
		s.header[name] = string(v)
		s.secrets = append(s.secrets, string(v))
	}
	if o.Username != "" && o.Type != "email" {
		s.header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(o.Username+":"+string(o.Password)))
	}
	if o.URL != "" { // a webhook's address is its secret
		s.secrets = append(s.secrets, strings.FieldsFunc(u.EscapedPath()+"&"+u.RawQuery, func(r rune) bool { return strings.ContainsRune("/&=", r) })...)
	}
	client := &http.Client{Transport: http.DefaultTransport}
	if o.Client != nil {
		*client = *o.Client
	}
	if o.CAFile != "" {
		if client.Transport, err = trusting(client.Transport, o.CAFile); err != nil {
			return nil, err
		}
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client = client
	return s, nil
}

// maxAnchors bounds a file of trust anchors; the system's have 250 KB.
const maxAnchors = 8 << 20

// anchors reads a file of trust anchors.
func anchors(file string) (*x509.CertPool, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading ca_file: %w", err)
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, maxAnchors))
	if err != nil {
		return nil, fmt.Errorf("reading ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %q holds no certificate (PEM)", file)
	}
	return pool, nil
}

func trusting(rt http.RoundTripper, file string) (http.RoundTripper, error) {
	t, ok := rt.(*http.Transport)
	if !ok {
		return nil, errors.New("ca_file cannot be used with this client")
	}
	pool, err := anchors(file)
	t = t.Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, err
}

// maxAnswer bounds what is read of an answer, maxSaid what an error shows of it.
const (
	maxAnswer = 64 << 10
	maxSaid   = 300
)

// post makes one request and sorts what came of it: accepted, worth another
// try, refused for good, or unknown because the request left and no answer came.
// said is the answer's body, for receivers that say more in it.
func (s *sender) post(ctx context.Context, path string, body []byte, header map[string]string) (said []byte, retry bool, err error) {
	// Once there is a connection the receiver may have had the message.
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { left.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, false, errors.New("the URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tlswhy")
	for _, set := range []map[string]string{s.header, header} {
		for k, v := range set {
			req.Header.Set(k, v)
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may carry a token
		}
		return nil, true, &monitor.DeliveryError{Err: fmt.Errorf("sending: %w", err), Ambiguous: left.Load()}
	}
	defer resp.Body.Close()
	said, _ = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // only for the message
	if resp.StatusCode/100 == 2 {
		return said, false, nil
	}
	err = fmt.Errorf("the receiver answered %s: %s", resp.Status, s.hide(said))
	if resp.StatusCode/100 == 5 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout {
		return said, true, &monitor.DeliveryError{Err: err, After: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	}
	return said, false, err
}

// hide is the beginning of an answer in one line, without what is secret:
// error pages like to repeat the address.
func (s *sender) hide(said []byte) string {
	text := strings.ToValidUTF8(string(said), "?")
	for _, x := range s.secrets {
		if len(x) > 3 {
			text = strings.ReplaceAll(text, x, "***")
		}
	}
	return strings.ReplaceAll(cut(strings.Join(strings.Fields(text), " "), maxSaid), "\n", " ")
}

// retryAfter reads the header, which is seconds or a date (RFC 9110, Section
// 10.2.3); 0 where it says nothing.
func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n > 0 && n < 1e6 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
