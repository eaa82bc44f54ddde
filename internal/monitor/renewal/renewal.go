// Package renewal asks CAs when they want certificates to be renewed: ACME
// Renewal Information (RFC 9773). The answer is public, so nobody needs an
// account, and it is the first sign of a mass revocation. What a window means
// for an endpoint is judged by package monitor.
//
//	k := &renewal.Keeper{}
//	k.Set(client, renewal.Known)
//	k.Note(leaf)      // at each check
//	k.Run(ctx)        // asks, when it is time
//	k.Windows()       // by fingerprint
package renewal

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Directory is an ACME server and the certificates that it answers for.
type Directory struct {
	// Issuer are words that the certificate's issuer contains; "" is any.
	Issuer string
	URL    string
}

// Known are the public CAs that are known to answer, with their directories'
// own addresses.
var Known = []Directory{
	{Issuer: "(STAGING)", URL: "https://acme-staging-v02.api.letsencrypt.org/directory"}, // Let's Encrypt's
	{Issuer: "Let's Encrypt", URL: "https://acme-v02.api.letsencrypt.org/directory"},
	{Issuer: "Google Trust Services", URL: "https://dv.acme-v02.api.pki.goog/directory"},
}

// Keeper asks and remembers. Fill in the fields, then Set; it is safe for
// concurrent use.
type Keeper struct {
	// PerDay bounds the requests; 0 is 5,000. They are shared out evenly.
	PerDay int
	Log    *slog.Logger
	Now    func() time.Time // nil is time.Now

	mu          sync.Mutex
	client      *http.Client
	known       []Directory
	certs       map[string]*entry // by fingerprint
	directories map[string]*directory
	windows     atomic.Pointer[map[string]monitor.Window]
}

// entry is one leaf.
type entry struct {
	id, directory string
	noted, due    time.Time
	failures      int
}

// directory is one ACME server.
type directory struct {
	renewalInfo string // "" for a server that has none
	until       time.Time
}

// Bounds of the asking. The minute, six hours and the day are those that RFC
// 9773, Section 4.3 names for clients.
const (
	minWait     = time.Minute
	defaultWait = 6 * time.Hour
	maxWait     = 24 * time.Hour
	forget      = 48 * time.Hour // since a leaf was seen last
	maxLeaves   = 200_000
	maxAnswer   = 64 << 10
	maxPerDay   = 5000
	askTimeout  = 15 * time.Second
	maxID       = 200
)

// ID makes the certificate's identifier (RFC 9773, Section 4.1); "" for one
// that has none, for want of a key identifier.
func ID(c *chain.Certificate) string {
	if len(c.AuthorityKeyID) == 0 || len(c.SerialRaw) == 0 || len(c.AuthorityKeyID)+len(c.SerialRaw) > maxID {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(c.AuthorityKeyID) + "." + base64.RawURLEncoding.EncodeToString(c.SerialRaw)
}

// Set says whom to ask, the first directory whose words fit, and by what
// client. Leaves that nobody was known for are noted anew.
func (k *Keeper) Set(client *http.Client, directories []Directory) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.client, k.known, k.certs, k.directories = client, directories, map[string]*entry{}, map[string]*directory{}
}

func (k *Keeper) now() time.Time {
	if k.Now != nil {
		return k.Now()
	}
	return time.Now()
}

// Knows tells whether a leaf need not be noted again for a while.
func (k *Keeper) Knows(fingerprint string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.certs[fingerprint]
	if e == nil {
		return false
	}
	e.noted = k.now()
	return true
}

// Note takes in a leaf that is served. One of a CA that nobody knows is
// remembered as such.
func (k *Keeper) Note(c *chain.Certificate) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fingerprint := hex.EncodeToString(c.SHA256[:])
	if len(k.certs) >= maxLeaves || k.certs[fingerprint] != nil {
		return
	}
	e := &entry{id: ID(c), noted: k.now(), due: k.now()}
	for _, d := range k.known {
		if e.directory == "" && strings.Contains(c.Issuer.String(), d.Issuer) {
			e.directory = d.URL
		}
	}
	if e.id == "" || e.directory == "" || c.IsCA() {
		e.due = time.Time{}
	}
	k.certs[fingerprint] = e
}

// Windows are what the CAs said, by fingerprint. The map is never changed.
func (k *Keeper) Windows() map[string]monitor.Window {
	if w := k.windows.Load(); w != nil {
		return *w
	}
	return nil
}

// Run asks when it is time until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	perDay := k.PerDay
	if perDay <= 0 {
		perDay = maxPerDay
	}
	pause := 24 * time.Hour / time.Duration(perDay)
	for ctx.Err() == nil {
		wait := 5 * time.Second
		if k.Step(ctx) {
			wait = min(pause, time.Minute)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// Step asks for the leaf that is longest due, and tells whether there was one.
func (k *Keeper) Step(ctx context.Context) bool {
	now := k.now()
	k.mu.Lock()
	var next string
	before := len(k.certs)
	for f, e := range k.certs {
		switch {
		case now.Sub(e.noted) > forget:
			delete(k.certs, f)
		case e.due.IsZero() || e.due.After(now) && e.due.Sub(now) <= maxWait: // further ahead only after the clock went back
		case next == "" || e.due.Before(k.certs[next].due):
			next = f
		}
	}
	if len(k.certs) < before { // what nobody serves any more
		k.keep(func(f string) bool { return k.certs[f] != nil }, nil)
	}
	if next == "" {
		k.mu.Unlock()
		return false
	}
	e := *k.certs[next]
	k.mu.Unlock()
	w, after, err := k.ask(ctx, e.directory, e.id)
	if ctx.Err() != nil {
		return true
	}
	if err != nil {
		e.failures++
		// Doubling from a minute for what may pass, six hours for what may not.
		after = max(after, min(minWait<<min(e.failures, 10), defaultWait))
		var s statusError
		if errors.As(err, &s) && s/100 == 4 && s != http.StatusTooManyRequests {
			after = max(after, defaultWait)
		}
		k.log().Info("a CA did not say when to renew", "directory", e.directory, "err", err)
	} else {
		e.failures = 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.certs[next]; kept != nil {
		kept.failures, kept.due = e.failures, k.now().Add(min(max(after, minWait), maxWait))
	}
	if err == nil && k.Windows()[next] != w {
		k.keep(func(f string) bool { return f != next }, map[string]monitor.Window{next: w})
	}
	return true
}

// keep replaces the windows by those that are wanted and more, in a map of their
// own; k.mu is held.
func (k *Keeper) keep(wanted func(fingerprint string) bool, more map[string]monitor.Window) {
	all := map[string]monitor.Window{}
	maps.Copy(all, more)
	for f, w := range k.Windows() {
		if wanted(f) {
			all[f] = w
		}
	}
	k.windows.Store(&all)
}

// ask makes the requests for one leaf; after is when to ask again.
func (k *Keeper) ask(ctx context.Context, dir, id string) (w monitor.Window, after time.Duration, err error) {
	base, err := k.renewalInfo(ctx, dir)
	if err != nil {
		return w, 0, err
	}
	if base == "" {
		return w, maxWait, errors.New("the directory has no renewalInfo")
	}
	raw, after, err := k.get(ctx, strings.TrimSuffix(base, "/")+"/"+id)
	if err != nil {
		return w, after, err
	}
	var info struct {
		SuggestedWindow struct{ Start, End time.Time }
		ExplanationURL  string
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return w, after, fmt.Errorf("reading the renewal information: %w", err)
	}
	w = monitor.Window{From: info.SuggestedWindow.Start.UTC(), Until: info.SuggestedWindow.End.UTC()}
	// RFC 9773, Section 4.2: a window that ends before it begins is as none.
	if w.From.IsZero() || !w.Until.After(w.From) {
		return w, after, errors.New("the window of the renewal information ends before it begins")
	}
	if u, err := url.Parse(info.ExplanationURL); err == nil && (u.Scheme == "https" || u.Scheme == "http") && len(info.ExplanationURL) <= 500 {
		w.Explanation = u.String() // escaped, since people are shown it
	}
	if after == 0 {
		after = defaultWait
	}
	return w, after, nil
}

// renewalInfo is the directory's address for it, asked for once a day.
func (k *Keeper) renewalInfo(ctx context.Context, dir string) (string, error) {
	k.mu.Lock()
	d := k.directories[dir]
	k.mu.Unlock()
	now := k.now()
	if d != nil && now.Before(d.until) && d.until.Sub(now) <= maxWait {
		return d.renewalInfo, nil
	}
	raw, _, err := k.get(ctx, dir)
	if err != nil {
		return "", err
	}
	var found struct{ RenewalInfo string }
	if err := json.Unmarshal(raw, &found); err != nil {
		return "", fmt.Errorf("reading the ACME directory: %w", err)
	}
	if u, err := url.Parse(found.RenewalInfo); found.RenewalInfo != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return "", errors.New("the directory's renewalInfo is no address")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.directories[dir] = &directory{renewalInfo: found.RenewalInfo, until: now.Add(maxWait)}
	return found.RenewalInfo, nil
}

// statusError is an answer with another status than 200.
type statusError int

// Error implements error.
func (s statusError) Error() string { return fmt.Sprintf("the CA answered %d", int(s)) }

func (k *Keeper) get(ctx context.Context, address string) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("User-Agent", "tlswhy")
	k.mu.Lock()
	client := k.client
	k.mu.Unlock()
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	after := retryAfter(resp.Header.Get("Retry-After"), k.now())
	if resp.StatusCode != http.StatusOK {
		return nil, after, statusError(resp.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, after, fmt.Errorf("the CA answered with %q, not JSON", resp.Header.Get("Content-Type"))
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(raw) > maxAnswer {
		err = fmt.Errorf("the CA answered with more than %d bytes", maxAnswer)
	}
	return raw, after, err
}

// retryAfter reads the header (RFC 9110, Section 10.2.3); 0 where it says nothing.
func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n > 0 && n < 1e7 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func (k *Keeper) log() *slog.Logger {
	if k.Log != nil {
		return k.Log
	}
	return slog.New(slog.DiscardHandler)
}
