package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// client follows no redirects: an alert goes where the configuration says.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// post makes one request and sorts what came of it: accepted, worth another
// try, refused for good, or unknown because the request left and no answer came.
func post(ctx context.Context, to string, body []byte, header map[string]string) (retry bool, err error) {
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) { left.Store(i.Err == nil) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tlswhy")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may carry a token
		}
		return true, &monitor.DeliveryError{Err: fmt.Errorf("sending: %w", err), Ambiguous: left.Load()}
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 512)) // only for the message
	if resp.StatusCode/100 == 2 {
		return false, nil
	}
	err = fmt.Errorf("the receiver answered %s: %s", resp.Status, strings.Join(strings.Fields(string(said)), " "))
	if resp.StatusCode/100 == 5 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout {
		return true, &monitor.DeliveryError{Err: err, After: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	}
	return false, err
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
